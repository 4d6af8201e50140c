"""Functions of users, by ``numbaexp.elementwise``, inside their compiled code: the bits of calls from Python."""

import numba
import numpy as np
import pytest
from numba import njit, prange

import numbaexp
from numbaexp.cache import folders


@numbaexp.elementwise
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@numbaexp.elementwise(wide=False)
def both(x, y):
    """Two results, one by another function, with a branch."""
    e = numbaexp.sigmoid(x) if x < y else y * 0.1
    return e, gaussian(x, y, 2.0)


def arguments(dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([[np.nan, np.inf, -np.inf, 0.0, 1e-42], rng.uniform(-9, 9, 2000)]).astype(dtype)
    return x, rng.permutation(x), rng.uniform(0.5, 2, x.size).astype(dtype)


@pytest.fixture(scope="module")
def loop():
    @njit(parallel=True, fastmath=True, error_model="numpy")
    def loop(x, y, z, results):
        for i in prange(x.size):
            results[0, i] = gaussian(x[i], y[i], z[i])
            results[1, i], results[2, i] = both(x[i], y[i])
            results[3, i], results[4, i], results[5, i] = gaussian.backward(z[i], x[i], y[i], z[i])

    return loop


@pytest.mark.sampled(dtype="float32")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits(loop, dtype):
    """Whatever flags the loop has."""
    x, y, z = arguments(dtype)
    results = np.empty((6, x.size), dtype)
    loop(x, y, z, results)
    expected = [gaussian(x, y, z), *both(x, y), *gaussian.backward(z, x, y, z)]
    for result, each in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, each)


def test_a_gradient_of_ones_own():
    @numbaexp.elementwise
    def cube(x):
        return x * x * x

    @cube.gradient
    def _(grad, result, x):
        return grad * x * 3

    @numba.vectorize
    def slope(x):
        return cube.backward(1.0, x)

    assert slope(5.0) == 15.0


@pytest.mark.thorough
def test_numbers_of_different_types():
    calls = njit(lambda x, y: both(x, y))  # noqa: PLW0108
    assert calls(np.float32(0.1), 2) == both(np.float64(np.float32(0.1)), 2.0)
    assert calls(True, 2) == both(1.0, 2.0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1.0,), "`both` must be given 2 numbers; got 1"),
        ((1.0, 1j), "`y` of `both` must be a number of a real type; got complex128"),
        (("a", 1.0), "`x` of `both` must be a number of a real type; got unicode_type"),
        ((np.zeros(3), 1.0), r"`x` of `both` must be a number of a real type; got array\(float64, 1d, C\)"),
    ],
)
def test_what_is_no_number(arguments, text):
    with pytest.raises(numba.TypingError, match=text):
        njit(lambda given: both(*given))(arguments)


FUNCTION = """
import numbaexp

FACTOR = {factor}

@numbaexp.elementwise
def scaled(x):
    return x * FACTOR
"""
CALLER = """
import numba
from function import scaled

@numba.njit(cache=True)
def call(x):
    return scaled(x)

@numba.njit(cache=True)
def slope(x):
    return scaled.backward(1.0, x)
"""
SCRIPT = """
import sys; sys.path.insert(0, {folder!r})
import caller

assert caller.call(1.5) == 1.5 * {factor}
assert caller.slope(1.5) == {factor}
print(*(sum(each.stats.cache_hits.values()) for each in (caller.call, caller.slope)))
"""


@pytest.mark.thorough
def test_cached_code_of_a_function_that_has_changed(run_script, tmp_path):
    """The file of the caller, by whose time Numba tells, stays as it is."""
    (tmp_path / "caller.py").write_text(CALLER)
    caches = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBAEXP_CACHE_DIR": str(folders.candidates()[0].parent)}
    found = []
    for factor in (2.0, 2.0, 3.0, 3.0):
        (tmp_path / "function.py").write_text(FUNCTION.format(factor=factor))
        script = SCRIPT.format(folder=str(tmp_path), factor=factor)
        found.append(run_script(script, PYTHONDONTWRITEBYTECODE="1", **caches).split())
    assert found == [["0", "0"], ["1", "1"], ["0", "0"], ["1", "1"]]
