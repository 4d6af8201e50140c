"""The entropy of the softmax, and its gradient: accuracy against MPFR, bits, special values, libraries."""

import warnings

import numpy as np
import pytest

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")

from helpers import FLOATS, OF_NUMPY, assert_same_bits, dtype_of, to_numpy, to_torch, ulp, ulps
from test_softmax_accuracy import LEAST, LOGITS, SHAPES, looked_at, rows

import numbaexp
from numbaexp.scalar.row_order import CHUNK

pytestmark = pytest.mark.sampled(dtype=("float32", "float64"))

NARROW, OF_FLOAT64, GRADIENT, SMALL = 0.5001, 0.6, 0.51, 1.0
BATCHES = [
    ((3, 5), -1),
    ((5, 3), 0),
    ((2, 3, 4), (0, 2)),
    ((100, 12), 0),
    ((9000, 9), 0),
    ((2, 70_000), 1),
    ((7,), None),
]


@pytest.fixture(autouse=True)
def measuring():
    with gmpy2.context(precision=160):
        yield


class Row:
    """Hold the exact entropy and gradient of a row."""

    def __init__(self, x):
        self.x = [gmpy2.mpfr(v) for v in x.astype(np.float64).tolist()]
        self.greatest = max(self.x)
        self.powers = [gmpy2.exp(v - self.greatest) for v in self.x]
        self.total = gmpy2.fsum(self.powers)
        below = [(self.greatest - v) * e for v, e in zip(self.x, self.powers, strict=True) if e]
        # How far the mean is below the greatest.
        self.spread = gmpy2.fsum(below) / self.total
        others = gmpy2.fsum(e for v, e in zip(self.x, self.powers, strict=True) if v != self.greatest)
        self.entropy = gmpy2.log1p(others + (self.x.count(self.greatest) - 1)) + self.spread

    def gradient(self, i):
        return self.share(i) * ((self.greatest - self.x[i]) - self.spread) if self.powers[i] else gmpy2.mpfr(0)

    def share(self, i):
        return self.powers[i] / self.total


def bound(truth, dtype, of_float64):
    return NARROW if dtype != "float64" else SMALL if abs(truth) < LEAST else of_float64


def check(x, dtype):
    row, result = Row(x), numbaexp.entropy(x)
    assert ulps(result, row.entropy, dtype) <= bound(row.entropy, dtype, OF_FLOAT64), (result, row.entropy)
    assert not np.signbit(result)
    made, slack = numbaexp.entropy_backward(x.dtype.type(1), x), gmpy2.exp2(-58 if dtype == "float64" else -38)
    for i in looked_at(x.astype(np.float64)):
        truth = row.gradient(i)
        error = abs(gmpy2.mpfr(float(made[i])) - truth) - row.share(i) * row.spread * slack
        assert error <= bound(truth, dtype, GRADIENT) * ulp(truth, dtype), (made[i], truth)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", LOGITS)
def test_against_mpfr(kind, dtype):
    for x in rows(kind, dtype, SHAPES):
        check(x, dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("lead", [1, 9, 40, 90, 700, 740])
def test_rows_that_one_element_dominates(lead, dtype):
    for n in (2, 7, 33, CHUNK + 1):
        x = np.zeros(n)
        x[n // 2] = lead
        check(x.astype(dtype_of(dtype)), dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rows_of_equal_elements(dtype):
    for n in (1, 2, 3, 100, CHUNK, 151_936):
        for value in (0, -3, 1000):
            x = np.full(n, value, dtype_of(dtype))
            exact = gmpy2.log(gmpy2.mpfr(n))
            assert ulps(numbaexp.entropy(x), exact, dtype) <= bound(exact, dtype, OF_FLOAT64)
            np.testing.assert_array_equal(numbaexp.entropy_backward(x.dtype.type(1), x), np.zeros(n, x.dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1, 12])
def test_a_vocabulary(scale, dtype):
    check((np.random.default_rng(scale).standard_normal(151_936) * scale).astype(dtype), dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_short_batched_rows(dtype):
    for kind in ("normal", "dominated", "with -inf", "extreme"):
        x = np.stack(list(rows(kind, dtype, [(40, 5)])))
        grad = np.random.default_rng(0).standard_normal(40).astype(x.dtype)
        made, gradient = numbaexp.entropy(x), numbaexp.entropy_backward(grad, x)
        across, of_across = numbaexp.entropy(x.T.copy(), 0), numbaexp.entropy_backward(grad, x.T.copy(), 0)
        for i, row in enumerate(x):
            assert_same_bits(made[i], numbaexp.entropy(row))
            assert_same_bits(across[i], numbaexp.entropy(row))
            alone = numbaexp.entropy_backward(grad[i], row)
            assert_same_bits(gradient[i], alone)
            assert_same_bits(of_across[:, i].copy(), alone)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("shape", "axis"), BATCHES)
def test_targets_and_layouts_give_the_same_bits(shape, axis, dtype):
    generator = np.random.default_rng(shape)
    x = (generator.standard_normal(shape) * 5).astype(dtype_of(dtype))
    with numbaexp.use_target("cpu"):
        made = numbaexp.entropy(x, axis)
        grad = generator.standard_normal(made.shape).astype(x.dtype)
        gradient = numbaexp.entropy_backward(grad, x, axis)
    assert_same_bits(numbaexp.entropy(x, axis, keepdims=True).reshape(made.shape), np.asarray(made))
    for target in ("parallel", "auto"):
        with numbaexp.use_target(target):
            for other in (x, np.repeat(x, 2, -1)[..., ::2], np.asfortranarray(x)):
                assert_same_bits(numbaexp.entropy(other, axis), made)
                assert_same_bits(np.ascontiguousarray(numbaexp.entropy_backward(grad, other, axis)), gradient)


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_rows(dtype):
    nan, inf = np.nan, np.inf
    x = np.array([[nan, 1, 2], [inf, 1, 2], [-inf] * 3, [-inf, 1, 1], [7, -inf, -inf], [inf, -inf, 0]], dtype_of(dtype))
    made = numbaexp.entropy(x).astype(np.float64)
    np.testing.assert_array_equal(np.isnan(made), [True, True, True, False, False, True])
    assert made[3] == np.log(2).astype(x.dtype)
    assert made[4] == 0
    gradient = numbaexp.entropy_backward(np.full(6, 3, x.dtype), x).astype(np.float64)
    np.testing.assert_array_equal(gradient, np.where(np.isnan(made), nan, 0)[:, None] * np.ones(3))


def test_rows_without_elements_and_scalars():
    assert_same_bits(numbaexp.entropy(np.zeros((2, 0), np.float32)), np.zeros(2, np.float32))
    assert numbaexp.entropy(3.0) == 0
    assert numbaexp.entropy(np.zeros((0, 3))).shape == (0,)
    assert numbaexp.entropy_backward(np.zeros(2), np.zeros((2, 0))).shape == (2, 0)


def test_nothing_warns():
    x = np.array([[-1e308, 1e308, -np.inf, 0], [-1e308, -1e308, -1e308, 1e308]])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        np.testing.assert_array_equal(numbaexp.entropy(x), 0)
        np.testing.assert_array_equal(numbaexp.entropy_backward(np.ones(2), x), 0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_pytorch_has_the_same_bits(dtype):
    x = (np.random.default_rng(0).standard_normal((4, 50)) * 3).astype(dtype_of(dtype))
    of_x = to_torch(x).requires_grad_()
    made = numbaexp.entropy(of_x)
    assert_same_bits(to_numpy(made), numbaexp.entropy(x))
    made.backward(to_torch(np.ones(4, x.dtype)))
    assert_same_bits(to_numpy(of_x.grad), numbaexp.entropy_backward(np.ones(4, x.dtype), x))


def test_pytorch_transforms_and_compiles():
    torch = pytest.importorskip("torch", reason="the library is PyTorch")
    x = to_torch(np.random.default_rng(0).standard_normal((3, 5)))
    assert_same_bits(torch.vmap(numbaexp.entropy)(x), numbaexp.entropy(x))
    compiled = torch.compile(numbaexp.entropy, fullgraph=True, backend="aot_eager")
    assert_same_bits(compiled(x), numbaexp.entropy(x))


@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_jax_has_the_same_bits(dtype):
    jax = pytest.importorskip("jax", reason="the library is JAX")
    x = (np.random.default_rng(0).standard_normal((4, 50)) * 3).astype(dtype)
    with jax.enable_x64(dtype == "float64"):
        of_x, expected = jax.numpy.asarray(x), numbaexp.entropy(x)
        for function in (numbaexp.entropy, jax.jit(numbaexp.entropy), jax.vmap(numbaexp.entropy)):
            assert_same_bits(np.asarray(function(of_x)), expected)
        made = np.asarray(jax.grad(lambda x: numbaexp.entropy(x).sum())(of_x))
        assert_same_bits(made, numbaexp.entropy_backward(np.ones(4, dtype), x))


def test_jax_differentiates_twice():
    jax = pytest.importorskip("jax", reason="the library is JAX")
    from jax.test_util import check_grads

    with jax.enable_x64(True):
        x = jax.numpy.asarray(np.random.default_rng(0).standard_normal((3, 5)))
        check_grads(numbaexp.entropy, (x,), 2, modes=("fwd", "rev"))


def test_arrays_of_dask_are_computed_in_memory():
    da = pytest.importorskip("dask.array", reason="the arrays are Dask's")
    x = np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32)
    assert_same_bits(numbaexp.entropy(da.from_array(x, chunks=(2, 20))), numbaexp.entropy(x))


@pytest.mark.parametrize("kind", ["longdouble", "complex128"])
def test_types_without_a_formula_are_refused(kind):
    x = np.zeros((2, 3), kind)
    for call in (lambda: numbaexp.entropy(x), lambda: numbaexp.entropy_backward(np.ones(2), x)):
        with pytest.raises(TypeError, match=r"^`logits` must be of type float16, "):
            call()
