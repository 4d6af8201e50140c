"""The logarithms of the softmax at chosen classes, and their gradient: bits, accuracy, memory, libraries, errors."""

import tracemalloc
import warnings

import numpy as np
import pytest
from helpers import FLOATS, FORMATS, OF_NUMPY, assert_same_bits, assert_same_but_nan, dtype_of, to_numpy, to_torch, ulp

import numbaexp

pytestmark = pytest.mark.sampled(dtype=("float32", "float64"))

LAYOUTS = [
    ((3, 5), -1),
    ((5, 3), 0),
    ((2, 3, 4), 1),
    ((7,), 0),
    ((3, 1), 1),
    ((100, 12), 0),
    ((3, 9000), 1),
    ((9000, 9), 0),
    ((2, 70_000), 1),
    ((20, 70_000), 1),
]


def problem(shape, axis, several, dtype, seed=0):
    """(gradient, logits, index); of None one class a row."""
    generator = np.random.default_rng([seed, *shape])
    axis %= len(shape)
    chosen = [n for i, n in enumerate(shape) if i != axis]
    if several is not None:
        chosen.insert(axis, several)
    logits = (generator.standard_normal(shape) * 5).astype(dtype)
    return generator.standard_normal(chosen).astype(dtype), logits, generator.integers(0, shape[axis], chosen)


def taken(logits, index, axis):
    """Return the promised result."""
    of_all = numbaexp.log_softmax(logits, axis)
    if index.ndim == logits.ndim:
        return np.take_along_axis(of_all, index, axis)
    return np.take_along_axis(of_all, np.expand_dims(index, axis), axis).squeeze(axis)[()]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("shape", "axis"), LAYOUTS)
def test_bits_are_those_of_log_softmax(shape, axis, dtype):
    for several in (None, 0, 1, 40):
        _, logits, index = problem(shape, axis, several, dtype_of(dtype))
        for target in ("cpu", "parallel", "auto"):
            with numbaexp.use_target(target):
                assert_same_bits(numbaexp.log_prob(logits, index, axis), taken(logits, index, axis))


def test_strides_and_byte_order_make_no_difference():
    grad, logits, index = problem((6, 50), 1, 3, np.float32)
    expected, gradient = numbaexp.log_prob(logits, index), numbaexp.log_prob_backward(grad, logits, index)
    for other in (np.repeat(logits, 2, 1)[:, ::2], logits[::-1][::-1], logits.astype(">f4"), np.asfortranarray(logits)):
        assert_same_bits(numbaexp.log_prob(other, index[:, ::-1][:, ::-1]), expected)
        assert_same_bits(np.ascontiguousarray(numbaexp.log_prob_backward(grad, other, index)), gradient)


@pytest.mark.parametrize("kind", ["int8", "uint16", "int64", "uint64"])
def test_integers_of_any_type_choose(kind):
    _, logits, index = problem((3, 5), 1, None, np.float32)
    assert_same_bits(numbaexp.log_prob(logits, index.astype(kind)), taken(logits, index, 1))
    assert_same_bits(numbaexp.log_prob(logits, index.tolist()), taken(logits, index, 1))


def test_integers_are_logits():
    assert_same_bits(numbaexp.log_prob([1, 2, 3], 0), numbaexp.log_softmax([1, 2, 3])[0])
    assert numbaexp.log_prob_backward(1.0, [1, 2, 3], 0).dtype == np.float64


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_rows(dtype):
    nan, inf = np.nan, np.inf
    x = np.array([[nan, 1, 2], [inf, 1, 2], [-inf, -inf, -inf], [-inf, 1, 2], [7, -inf, -inf]], dtype_of(dtype))
    index = np.tile(np.arange(3), (5, 1))
    assert_same_but_nan(numbaexp.log_prob(x, index), numbaexp.log_softmax(x))
    made = numbaexp.log_prob_backward(np.ones(5, x.dtype), x, [0, 1, 2, 0, 0]).astype(np.float64)
    assert np.isnan(made[:2]).all()
    np.testing.assert_array_equal(made[2], [0, 0, nan])
    assert made[3, 0] == 1
    assert made[3, 1:].sum() == pytest.approx(-1, rel=0.01)
    np.testing.assert_array_equal(made[4], 0)


def test_nothing_is_made_of_the_size_of_the_logits():
    _, logits, index = problem((8, 151_936), 1, None, np.float32)
    numbaexp.log_prob(logits, index)
    tracemalloc.start()
    numbaexp.log_prob(logits, index)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.01 * logits.nbytes


def test_nothing_warns():
    _, logits, index = problem((3, 5), 1, None, np.float64)
    logits[0] = [-1e308, 1e308, -np.inf, 0, 1]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        numbaexp.log_prob(logits, index)
        numbaexp.log_prob_backward(np.ones(3), logits, index)


@pytest.mark.parametrize(
    ("logits", "index", "axis", "error", "message"),
    [
        (
            np.zeros((2, 5)),
            [[0, 1]],
            -1,
            ValueError,
            r"`index` must be of the shape of `logits`, \(2, 5\), without axis 1",
        ),
        (np.zeros((2, 5)), [0, 1, 2], -1, ValueError, r"got \(3,\)"),
        (np.zeros((2, 5)), [0.0, 1.0], -1, TypeError, "`index` must be integers; got float64"),
        (np.zeros((2, 5)), [True, False], -1, TypeError, "`index` must be integers; got bool"),
        (np.zeros((2, 5)), [0, 5], -1, ValueError, "`index` must be classes from 0 to 4; got 5"),
        (np.zeros((2, 5)), [-100, 0], -1, ValueError, "`index` must be classes from 0 to 4; got -100"),
        (np.zeros((2, 5)), [0, 1], (0, 1), ValueError, r"`axis` must be one axis; got \(0, 1\)"),
        (np.zeros((2, 5)), [0, 1], 2, np.exceptions.AxisError, "axis 2 is out of bounds"),
        (np.float64(1), 0, -1, ValueError, "`logits` must have an axis of classes; got a scalar"),
        (np.zeros((2, 5), complex), [0, 1], -1, TypeError, "`logits` must be of type"),
    ],
)
def test_errors(logits, index, axis, error, message):
    for function, before in ((numbaexp.log_prob, ()), (numbaexp.log_prob_backward, (np.ones(2),))):
        with pytest.raises(error, match=message):
            function(*before, logits, index, axis)


def test_the_gradient_has_the_shape_of_the_index():
    with pytest.raises(ValueError, match=r"`grad_output` must be of the shape of `index`, \(2,\); got \(\)"):
        numbaexp.log_prob_backward(1.0, np.zeros((2, 5)), [0, 1])


# The gradient, of numbers as they are given.


def exact_gradient(grad, row, index):
    """The gradient of a row, and the sum of the magnitudes of the gradients that go into it."""
    import gmpy2

    x, g = ([gmpy2.mpfr(float(v)) for v in each] for each in (row, grad))
    powers = [gmpy2.exp(v - max(x)) for v in x]
    total, of_row = gmpy2.fsum(powers), gmpy2.fsum(g)
    made = []
    for i, power in enumerate(powers):
        own = gmpy2.fsum([gmpy2.mpfr(0)] + [v for v, at in zip(g, index, strict=True) if at == i])
        others = gmpy2.fsum([gmpy2.mpfr(0), *powers[:i], *powers[i + 1 :]])
        made.append((own * others - power * (of_row - own)) / total)
    return made, gmpy2.fsum(map(abs, g))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", ["normal", "dominated", "spread"])
def test_gradients_against_mpfr(kind, dtype):
    gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
    bound, slack = (0.6, -52) if dtype == "float64" else (0.5001, -38)
    generator = np.random.default_rng(7)
    with gmpy2.context(precision=240):
        for n, several in ((2, 1), (5, 1), (5, 3), (40, 1), (40, 60)):
            x = generator.standard_normal(n) * (30 if kind == "spread" else 1)
            x[generator.integers(n)] += 9 if dtype == "float16" else 25
            if kind == "normal":
                x = x.clip(-3, 3)
            x, index = x.astype(dtype_of(dtype)), generator.integers(0, n, several)
            index[0] = x.astype(np.float64).argmax()
            grad = generator.standard_normal(several).astype(x.dtype)
            made = numbaexp.log_prob_backward(grad, x, index)
            truths, size = exact_gradient(grad, x, index)
            for result, truth in zip(made, truths, strict=True):
                allowed = size * gmpy2.exp2(slack) if several > 1 else 0
                least = 1.0 if abs(truth) < 2.0**-960 else bound
                error = abs(gmpy2.mpfr(float(result)) - truth) - allowed
                assert error <= least * ulp(truth, dtype), (n, several, result, truth)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("shape", "axis"), LAYOUTS)
def test_the_gradient_is_that_of_take_along_axis(shape, axis, dtype):
    """Of classes that are chosen several times too; on every target the same."""
    for several in (None, 0, 1, 40):
        grad, logits, index = problem(shape, axis, several, dtype_of(dtype))
        at = axis % len(shape)
        full, of_all = (np.expand_dims(each, at) if several is None else each for each in (index, grad.astype(float)))
        chosen = np.zeros(shape)
        places = list(np.indices(full.shape))
        places[at] = full
        np.add.at(chosen, tuple(places), of_all)
        shares = numbaexp.softmax(logits.astype(np.float64), axis)
        expected = chosen - shares * of_all.sum(at, keepdims=True)
        made = numbaexp.log_prob_backward(grad, logits, index, axis)
        scale = 2.0 ** -FORMATS[dtype].precision
        allowed = (
            1.01 * scale * abs(expected) + 2.0**-24 * (dtype == "float16") + 1e-14 * abs(of_all).sum(at, keepdims=True)
        )
        assert (abs(made.astype(np.float64) - expected) <= allowed).all()
        for target in ("cpu", "parallel"):
            with numbaexp.use_target(target):
                assert_same_bits(numbaexp.log_prob_backward(grad, logits, index, axis), made)


# Libraries.


@pytest.mark.parametrize("dtype", FLOATS)
def test_pytorch_has_the_same_bits(dtype):
    for several in (None, 3):
        grad, logits, index = problem((4, 50), 1, several, dtype_of(dtype))
        x = to_torch(logits).requires_grad_()
        made = numbaexp.log_prob(x, to_torch(index))
        assert_same_bits(to_numpy(made), numbaexp.log_prob(logits, index))
        made.backward(to_torch(grad))
        assert_same_bits(to_numpy(x.grad), numbaexp.log_prob_backward(grad, logits, index))
        assert_same_bits(to_numpy(numbaexp.log_prob(x.detach(), index)), numbaexp.log_prob(logits, index))


@pytest.mark.parametrize("several", [None, 3])
def test_pytorch_transforms_and_compiles(several):
    torch = pytest.importorskip("torch", reason="the library is PyTorch")
    _, x, index = (to_torch(each) for each in problem((3, 5), 1, several, np.float64))
    one_by_one = torch.stack([numbaexp.log_prob(*each) for each in zip(x, index, strict=True)])
    assert_same_bits(torch.vmap(numbaexp.log_prob)(x, index), one_by_one)
    compiled = torch.compile(numbaexp.log_prob, fullgraph=True, backend="aot_eager")
    assert_same_bits(compiled(x, index), numbaexp.log_prob(x, index))


def test_pytorch_takes_integers_as_such_whatever_its_default_type():
    torch = pytest.importorskip("torch", reason="the library is PyTorch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        made = numbaexp.log_prob(torch.zeros(2, 4, dtype=torch.float32), torch.tensor([0, 3]))
    finally:
        torch.set_default_dtype(before)
    assert_same_bits(to_numpy(made), np.full(2, -np.log(np.float32(4))))


@pytest.mark.parametrize("several", [None, 3])
@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_jax_has_the_same_bits(dtype, several):
    jax = pytest.importorskip("jax", reason="the library is JAX")
    grad, logits, index = problem((4, 50), 1, several, dtype)
    with jax.enable_x64(dtype == "float64"):
        x, at = jax.numpy.asarray(logits), jax.numpy.asarray(index)
        expected = numbaexp.log_prob(logits, index)
        for function in (numbaexp.log_prob, jax.jit(numbaexp.log_prob), jax.vmap(numbaexp.log_prob)):
            assert_same_bits(np.asarray(function(x, at)), expected)
        _, pull = jax.vjp(lambda x: numbaexp.log_prob(x, at), x)
        made = np.asarray(pull(jax.numpy.asarray(grad))[0])
        assert_same_bits(made, numbaexp.log_prob_backward(grad, logits, index))


@pytest.mark.parametrize("several", [None, 3])
def test_jax_differentiates_twice(several):
    jax = pytest.importorskip("jax", reason="the library is JAX")
    from jax.test_util import check_grads

    _, logits, index = problem((3, 5), 1, several, np.float64)
    with jax.enable_x64(True):
        at = jax.numpy.asarray(index)
        check_grads(lambda x: numbaexp.log_prob(x, at), (jax.numpy.asarray(logits),), 2, modes=("fwd", "rev"))


def test_arrays_of_dask_are_computed_in_memory():
    da = pytest.importorskip("dask.array", reason="the arrays are Dask's")
    _, logits, index = problem((4, 50), 1, None, np.float32)
    assert_same_bits(numbaexp.log_prob(da.from_array(logits, chunks=(2, 20)), index), numbaexp.log_prob(logits, index))
