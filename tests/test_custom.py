"""Elementwise functions that users write: a ufunc's conventions, one rounding a step, the same bits however called."""

import pickle
import textwrap

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from custom_functions import elu, gaussian, waves
from helpers import FLOATS, OF_NUMPY, assert_same_bits, assert_same_but_nan, counting, dtype_of
from hypothesis import given, settings

import numbaexp
from numbaexp.engine.ufuncs import SLABS_FROM

TARGETS = ("cpu", "auto", "parallel")


@numbaexp.elementwise(wide=False)
def narrow(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


FUNCTIONS = {"gaussian": gaussian, "narrow": narrow, "elu": elu, "waves": waves}


def steps(x, mu, sigma):
    """Compute ``gaussian`` in the type of the arguments, step by step."""
    with np.errstate(all="ignore"):
        z = (x - mu) / sigma
        return numbaexp.exp(-z.dtype.type(0.5) * z * z) / sigma


def numbers(dtype, n=1000, seed=0):
    """Return arguments of three kinds: any sign, any sign, positive."""
    x, mu, sigma = np.random.default_rng(seed).normal(scale=3, size=(3, n))
    return tuple(each.astype(dtype) for each in (x, mu, abs(sigma) + 0.1))


def results_of(function, *arguments, **options):
    """Return a tuple of the results."""
    results = function(*arguments, **options)
    return results if isinstance(results, tuple) else (results,)


def arguments_of(function, x):
    """Return arguments made of an array."""
    others = (np.float64(0.5), x[::-1] * x[::-1] + 1) if function.nin == 3 else (x[::-1],)
    return (x, *(np.asarray(each, x.dtype) for each in others))


# Accuracy.


def test_float64_rounds_each_step():
    assert_same_bits(gaussian(*numbers(np.float64)), steps(*numbers(np.float64)))


def test_narrow_rounds_each_step():
    assert_same_bits(narrow(*numbers(np.float32)), steps(*numbers(np.float32)))


@pytest.mark.sampled(dtype="float16")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_wide_rounds_once(dtype):
    kind = dtype_of(dtype)
    arguments = numbers(kind, 100_000)
    exact = steps(*(x.astype(np.float64) for x in arguments))
    result = gaussian(*arguments)
    assert result.dtype == kind
    # Rounded to float32 first, halves would be rounded twice: only neighbours of a boundary may differ.
    low, high = ((exact * (1 + error)).astype(kind) for error in (-(2.0**-49), 2.0**-49))
    assert ((result == low) | (result == high)).all()
    assert (low != high).mean() < 1e-4


@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_special_values(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e4, -1e4]).astype(dtype)
    with np.errstate(all="raise"):
        assert_same_but_nan(elu(x, 1.0), np.array([np.nan, np.inf, -1, 0, -0.0, *x[5:6], -1]).astype(dtype))
        assert_same_but_nan(gaussian(x, 0.0, 1.0), np.array([np.nan, 0, 0, 1, 1, 0, 0]).astype(dtype))


# A ufunc.


def test_what_a_ufunc_has():
    assert (gaussian.nin, gaussian.nout, gaussian.nargs, gaussian.ntypes) == (3, 1, 4, 3)
    assert (waves.nin, waves.nout, waves.types) == (2, 2, ["ee->ee", "ff->ff", "dd->dd"])
    assert isinstance(gaussian, np.ufunc)
    assert gaussian.__name__ == gaussian.__qualname__ == "gaussian"
    assert gaussian.__doc__ == "Compute a bell curve."
    assert pickle.loads(pickle.dumps(gaussian)) is gaussian
    assert pickle.loads(pickle.dumps(gaussian.backward)) is gaussian.backward


def test_types():
    x = np.arange(3)
    for taken, result in [
        ((x.astype(np.int8), 1, 2), np.float16),
        ((x, 1, 2), np.float64),
        ((x.astype(np.float32), 1, 2.0), np.float32),
        ((x.astype(np.float16), np.float32(1), 2), np.float32),
        ((x.astype(np.float32), np.float64(1), 2), np.float64),
        (([True, False], 1.0, 2.0), np.float64),
    ]:
        assert gaussian(*taken).dtype == result, taken
    assert type(gaussian(1.0, 2.0, 3.0)) is np.float64
    assert gaussian(x, 1, 2, dtype=np.float32).dtype == np.float32
    bfloat16 = dtype_of("bfloat16")
    assert gaussian(x.astype(bfloat16), x.astype(bfloat16), x.astype(bfloat16) + bfloat16.type(1)).dtype == bfloat16
    for refused in (np.complex128, object, "U1"):
        with pytest.raises(TypeError, match="gaussian"):
            gaussian(x.astype(refused), 1, 2)


def test_broadcasting_and_options():
    x, mu, sigma = numbers(np.float64, 6)
    expected = steps(x[:, None], mu[None, :], 2.0)
    assert_same_bits(gaussian(x[:, None], mu, 2.0), expected)
    out = np.full((6, 6), 7.0)
    assert gaussian(x[:, None], mu, 2.0, out) is out
    assert_same_bits(out, expected)
    mask = expected > 0.1
    out = np.full((6, 6), 7.0)
    gaussian(x[:, None], mu, 2.0, out=(out,), where=mask)
    assert_same_bits(out, np.where(mask, expected, 7.0))
    first, second = np.empty(6), np.empty(6)
    assert waves(x, mu, first, out=None)[0] is first
    assert waves(x, mu, out=(None, second))[1] is second
    assert_same_bits(first, waves(x, mu)[0])
    assert gaussian(np.zeros((2, 3), order="F"), 0.0, 1.0).flags.f_contiguous
    with pytest.raises(ValueError, match="broadcast"):
        gaussian(x, mu[:3], sigma)
    for wrong in ((x,), (x, mu), (x, mu, sigma, out, out)):
        with pytest.raises(TypeError, match="gaussian"):
            gaussian(*wrong)
    with pytest.raises(TypeError, match="out"):
        gaussian(x, mu, sigma, np.empty(6), out=np.empty(6))


def test_others_take_the_call():
    class Other:
        def __array_ufunc__(self, ufunc, method, *inputs, **options):
            return ufunc, method, len(inputs)

    ufunc, method, count = gaussian(1.0, Other(), 2.0)
    assert (ufunc.__name__, method, count) == ("gaussian", "__call__", 3)
    kept = gaussian(np.ma.masked_array([0.0, 1.0], [False, True]), 0.0, 1.0)
    assert kept.mask.tolist() == [False, True]


def test_no_warning_is_given():
    with np.errstate(all="raise"):
        elu(np.float32([1000.0]), 1.0)
        gaussian(0.0, 0.0, 0.0)
        gaussian.backward(1e300, 1e300, 0.0, 1e-300)


# The same bits.


@st.composite
def views(draw):
    """An array cut, reversed, permuted, byte-swapped or broadcast out of another."""
    dtype = np.dtype(draw(st.sampled_from(OF_NUMPY)))
    shape = draw(hnp.array_shapes(max_dims=3, max_side=7))
    x = draw(hnp.arrays(dtype, shape, elements=st.floats(width=8 * dtype.itemsize)))
    x = x[tuple(slice(None, None, draw(st.sampled_from([1, 2, -1, -2]))) for _ in shape)]
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    return {
        "none": lambda: x,
        "swap": lambda: x.astype(dtype.newbyteorder()),
        "broadcast": lambda: np.broadcast_to(x, (2, *x.shape)),
    }[draw(st.sampled_from(["none", "swap", "broadcast"]))]()


@pytest.mark.thorough
@settings(deadline=None, max_examples=150)
@given(views(), st.sampled_from(sorted(FUNCTIONS)), st.sampled_from(TARGETS), st.booleans())
def test_any_view(x, name, target, is_number):
    function = FUNCTIONS[name]
    others = (x.flat[0],) * (function.nin - 1) if is_number else (x[::-1],) * (function.nin - 1)
    arrays = np.broadcast_arrays(x, *others)
    native = [np.ascontiguousarray(each, x.dtype.newbyteorder("=")).ravel() for each in arrays]
    one_by_one = [results_of(function, *each) for each in zip(*native, strict=True)]
    with numbaexp.use_target(target):
        for k, result in enumerate(results_of(function, x, *others)):
            expected = np.array([each[k] for each in one_by_one], native[0].dtype).reshape(x.shape)
            assert_same_but_nan(result, expected)


@pytest.mark.sampled(dtype="float32")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_large_arrays(name, dtype):
    function = FUNCTIONS[name]
    x = numbers(dtype_of(dtype), SLABS_FROM + 12345)[0]
    arguments = arguments_of(function, x)
    with numbaexp.use_target("cpu"):
        # Of a few blocks, none of which goes past the caches.
        pieces = [
            results_of(function, *(each[start : start + 1000] if each.ndim else each for each in arguments))
            for start in range(0, x.size, 1000)
        ]
    expected = [np.concatenate(each) for each in zip(*pieces, strict=True)]
    gaps = tuple(np.repeat(each, 2)[::2] if each.ndim else each for each in arguments)
    for taken in (arguments, gaps):
        for result, each in zip(results_of(function, *taken), expected, strict=True):
            assert_same_but_nan(result, each)
    if function.nout == 1:
        into = x.copy()
        function(into, *arguments[1:], out=into)
        assert_same_but_nan(into, expected[0])
        into = np.concatenate([x, x[:1]])
        function(into[:-1], *arguments[1:], out=into[1:])
        assert_same_but_nan(into[1:], expected[0])


def test_past_the_caches():
    x = np.random.default_rng(0).normal(size=(1 << 22) + 777)
    first, second = waves(x, 0.5)
    shifted = np.empty(x.size + 1)[1:]
    for parts in range(0, x.size, 100_000):
        few = slice(parts, parts + 100)
        for whole, part in zip((first, second), waves(x[few], 0.5), strict=True):
            assert_same_bits(whole[few], part)
    waves(x, 0.5, out=(shifted, None))
    assert_same_bits(shifted, first)


def test_large_and_broadcast():
    x, mu, _ = numbers(np.float64, 1200)
    expected = np.array([gaussian(each, mu, 2.0) for each in x])
    assert_same_bits(gaussian(x[:, None], mu, 2.0), expected)
    assert_same_bits(
        gaussian(x[:, None], mu[None], 2.0, where=np.ones(1200, bool), out=np.empty((1200, 1200))), expected
    )


@pytest.mark.thorough
def test_under_each_layer(run_script, layer):
    run_script(
        """
        import numpy as np, numbaexp

        @numbaexp.elementwise
        def waves(x, y, a):
            return numbaexp.exp(-x * x) * y, a * x

        x = np.random.default_rng(0).normal(size=(1000, 1000))
        with numbaexp.use_target("cpu"):
            expected = waves(x, x[::-1], 2.0)
        copy = np.ascontiguousarray(x[::-1])
        for given in ((x, x[::-1], 2.0), (x, copy, np.float64(2)), (x, x[::-1], np.full(1000, 2.0))):
            for result, each in zip(waves(*given), expected):
                assert np.array_equal(result, each)
        """,
        **layer,
    )


OF_A_PROCESS = """
    import hashlib, numpy as np, numbaexp

    @numbaexp.elementwise
    def all_functions(x, a):
        powers = numbaexp.exp(x) - numbaexp.exp2(a) * numbaexp.exp10(x)
        return powers + numbaexp.sigmoid(x) * numbaexp.softplus(a) - numbaexp.expm1(x * a)

    @numbaexp.elementwise
    def elu(x, a):
        return x if x > 0 else a * numbaexp.expm1(x)

    x, a = np.random.default_rng(0).normal(scale=4, size=(2, 4001))
    told = hashlib.sha256()
    for function in (all_functions, elu, elu.backward):
        for dtype in (np.float16, np.float32, np.float64):
            results = function(*(each.astype(dtype) for each in (x, a, a)[: function.nin]))
            for result in results if function.nout > 1 else (results,):
                told.update(np.where(np.isnan(result), 0, result).tobytes())
    print(told.hexdigest())
"""


@pytest.mark.thorough
@pytest.mark.checked(processor="AVX2")
def test_on_each_processor(run_script, processor):
    """Whatever the vectors are, and without any."""
    assert run_script(OF_A_PROCESS, **processor) == run_script(OF_A_PROCESS)


@pytest.mark.thorough
def test_many_threads_at_the_first_call(run_script):
    run_script("""
        import threading, numpy as np, numbaexp

        @numbaexp.elementwise
        def scaled(x, a):
            return a * numbaexp.exp(x)

        barrier, results = threading.Barrier(8), []
        def work():
            barrier.wait()
            results.append(scaled(np.zeros(10), 2.0).sum())
            results.append(scaled.backward(1.0, np.zeros(100_000), 2.0)[1].sum() / 5_000)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [20.0] * 16, results
    """)


# Gradients.


def test_backward():
    x, mu, sigma = numbers(np.float64, 200)
    grad = np.random.default_rng(1).normal(size=200)
    y, z = gaussian(x, mu, sigma), (x - mu) / sigma
    found = gaussian.backward(grad, x, mu, sigma)
    for result, expected in zip(
        found, (-grad * y * z / sigma, grad * y * z / sigma, grad * y * (z * z - 1) / sigma), strict=True
    ):
        np.testing.assert_allclose(result, expected, 1e-13, 1e-300)
    assert (gaussian.backward.nin, gaussian.backward.nout) == (4, 3)
    second = gaussian.backward.backward(*np.eye(3)[0], grad, x, mu, sigma)
    np.testing.assert_allclose(second[1], grad * y * (z * z - 1) / sigma**2, 1e-12, 1e-14)


def test_gradient_of_two_results():
    x, y, _ = numbers(np.float64, 50)
    of_x, of_y = waves.backward(1.0, 2.0, x, y)
    expected = -2 * x * y * np.exp(-x * x) + 2 * (3 * x * x + 2 * x * y + y)
    np.testing.assert_allclose(of_x, expected, 1e-12)
    np.testing.assert_allclose(of_y, np.exp(-x * x) + 2 * (x * x + x + 1), 1e-12)


def test_a_gradient_of_ones_own():
    @numbaexp.elementwise
    def cube(x):
        return x * x * x

    @cube.gradient
    def doubled(grad, result, x):
        return 2.0 * grad * result

    assert doubled(1.0, 2.0, 3.0) == 4.0
    x = np.array([1.0, 2.0])
    assert cube.backward(1.0, x).tolist() == [2.0, 16.0]
    by_grad, by_x = cube.backward.backward(1.0, 1.0, x)
    # The derivative of twice the cube, of which the gradient is that of the user again.
    assert by_grad.tolist() == [2.0, 16.0]
    assert by_x.tolist() == [6.0, 24.0]
    with pytest.raises(RuntimeError, match="before"):
        cube.gradient(doubled)
    with pytest.raises(numbaexp.UnsupportedError, match="must take 5 numbers"):
        gaussian.gradient(doubled)


# Where code is kept.


def test_kept_on_disk(run_script, tmp_path):
    source = """
        import numpy as np, numbaexp
        FACTOR = {factor}

        @numbaexp.elementwise
        def scaled(x, y):
            return numbaexp.exp(x) * FACTOR + y

        x = np.linspace(0, 1, 7, dtype=np.float32)
        print(scaled(x, 0).tolist())
        print(sum("loop" in name or "scaled" in name for name in compiled()))
    """
    told = {}
    for factor in ("2.0", "2.0", "3.0", "2.0"):
        result, count = run_script(
            counting(textwrap.dedent(source).format(factor=factor)), NUMBA_CACHE_DIR=str(tmp_path)
        ).splitlines()
        expected = told.setdefault(factor, (result, count))
        if expected != (result, count):
            assert result == expected[0]
            assert count == "0"
    assert told["2.0"][0] != told["3.0"][0]
    assert len(list(tmp_path.rglob("scaled*.kernel"))) == 2


def test_a_name_is_an_identifier():
    assert numbaexp.elementwise(lambda x: x + 1.0, name="more").__name__ == "more"
    assert numbaexp.elementwise(lambda x: x + 1.0)(np.float32(1)) == 2
    with pytest.raises(ValueError, match="identifier"):
        numbaexp.elementwise(name="no name")


def test_the_gradient_of_a_choice_is_that_of_what_is_chosen():
    @numbaexp.elementwise
    def clipped(x, limit):
        return min(max(x, -limit), limit)

    x = np.linspace(-1, 1, 41)
    of_x, of_limit = clipped.backward(1.0, x, 0.52)
    np.testing.assert_array_equal(of_x, np.where(abs(x) < 0.52, 1.0, 0.0))
    np.testing.assert_array_equal(of_limit, np.where(abs(x) < 0.52, 0.0, np.sign(x)))
