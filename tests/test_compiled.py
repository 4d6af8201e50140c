"""``numbaexp.exp`` inside code that users compile: the same bits, and SIMD code."""

import numba
import numpy as np
import pytest
from numba import njit, prange

import numbaexp


@njit
def loop(x, y):
    for i in range(x.size):
        y[i] = numbaexp.exp(x[i])


@njit(parallel=True)
def parallel_loop(x, y):
    for i in prange(x.size):
        y[i] = numbaexp.exp(x[i])


@numba.vectorize
def vectorized(x):
    return numbaexp.exp(x)


@numba.guvectorize(["(float32[:], float32[:])", "(float64[:], float64[:])"], "(n)->(n)")
def generalized(x, y):
    for i in range(x.size):
        y[i] = numbaexp.exp(x[i])


def arguments(dtype):
    info = np.finfo(dtype)
    special = np.array(
        [np.nan, np.inf, -np.inf, 0, -0.0, info.max, -info.max, info.tiny, info.smallest_subnormal], dtype
    )
    near = np.random.default_rng(0).uniform(-20, 20, 10_007)
    wide = np.random.default_rng(1).uniform(-800, 800, 10_007)
    return np.concatenate([special, near.astype(dtype), wide.astype(dtype)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [loop, parallel_loop, generalized, vectorized])
def test_same_bits(form, dtype):
    x = arguments(dtype)
    with np.errstate(all="ignore"):
        expected = numbaexp.exp(x)
        if form is vectorized:
            y = form(x)
        else:
            y = np.empty_like(x)
            form(x, y)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)


def test_flags_in_a_users_ufunc():
    with np.errstate(all="raise"):
        vectorized(np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, 5e-324]))
    with pytest.raises(FloatingPointError, match="overflow"), np.errstate(over="raise"):
        vectorized(np.array([1000.0]))


@pytest.mark.parametrize("value", [1, True, np.int8(1), np.uint64(1)])
def test_integers_become_float64(value):
    assert njit(lambda x: numbaexp.exp(x) + 0)(value) == numbaexp.exp(1.0)


@pytest.mark.parametrize("value", [1j, np.ones(3), "a"])
def test_other_types_are_refused_at_compile_time(value):
    with pytest.raises(numba.TypingError, match="No implementation of function"):
        njit(lambda x: numbaexp.exp(x) + 0)(value)


@pytest.mark.parametrize("dtype", [numba.float32, numba.float64])
def test_simd(dtype):
    """The loop's machine code multiplies vectors and calls nothing."""
    compiled = njit((dtype[::1], dtype[::1]))(loop.py_func)
    code = compiled.inspect_llvm(compiled.signatures[0])
    assert "fma.v" in code
    assert "@llvm.fma.f64(" not in code.split("vector.body")[1].split("middle.block")[0]
