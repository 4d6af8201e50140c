"""``numbaexp.exp`` inside code that users compile: the same bits, and SIMD code."""

import numba
import numpy as np
import pytest
from numba import njit, prange

import numbaexp
from numbaexp.scalar.family import FAMILY
from numbaexp.verify.hard_cases import hard_cases

ROUNDED = ("exp", "exp2", "exp10", "expm1")


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


def loop_over(name):
    function = getattr(numbaexp, name)

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FAMILY)
def test_same_bits_of_each_function(name, dtype):
    x = arguments(dtype)
    if name in ROUNDED and dtype is np.float64:
        x = np.concatenate([x, hard_cases(name)])
    y = np.empty_like(x)
    loop_over(name)(x, y)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(y, getattr(numbaexp, name)(x))


@pytest.mark.parametrize("lanes", [1, 2, 3, 5, 8, 9, 64])
def test_rare_elements_at_any_place(lanes):
    """One that the fast phase cannot decide, or that is not ordinary, in each lane, among ordinary ones and alone."""
    for rare in (hard_cases("exp")[::100].tolist(), [np.nan, np.inf, -np.inf, 1e4, -1e4, -740.0]):
        for value in rare:
            x = np.linspace(-1, 1, lanes)
            y = np.empty_like(x)
            for i in range(lanes):
                x[:], x[i] = np.linspace(-1, 1, lanes), value
                loop(x, y)
                with np.errstate(all="ignore"):
                    np.testing.assert_array_equal(y, numbaexp.exp(x))


def test_two_functions_in_one_loop():
    @njit
    def both(x, y):
        for i in range(x.size):
            y[i] = numbaexp.exp(x[i]) * numbaexp.exp2(-x[i]) + numbaexp.exp10(x[i])

    x = np.concatenate([hard_cases("exp10"), hard_cases("exp")])
    x = x[abs(x) < 300]
    y = np.empty_like(x)
    both(x, y)
    np.testing.assert_array_equal(y, numbaexp.exp(x) * numbaexp.exp2(-x) + numbaexp.exp10(x))


def test_functions_cached_apart_are_loaded_together(run_script, tmp_path):
    """Compiled in processes of their own, and then both in one: their parts must not be taken for one another."""
    (tmp_path / "user.py").write_text("""
import numba, numbaexp

@numba.njit(cache=True)
def exp2(x):
    return numbaexp.exp2(x)

@numba.njit(cache=True)
def exp10(x):
    return numbaexp.exp10(x)
""")
    for names in (["exp2"], ["exp10"], ["exp2", "exp10"]):
        run_script(
            f"""
            import sys; sys.path.insert(0, {str(tmp_path)!r})
            import numbaexp, user
            from numbaexp.verify.hard_cases import hard_cases
            for name in {names}:
                for x in [*hard_cases(name)[::20], 300.5, -310.25]:
                    assert getattr(user, name)(x) == getattr(numbaexp, name)(x)
            """,
            NUMBA_CACHE_DIR=str(tmp_path / "cache"),
        )


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
    """The loop multiplies vectors, and calls nothing, or for rare elements what takes a whole vector."""
    compiled = njit((dtype[::1], dtype[::1]))(loop.py_func)
    code = compiled.inspect_llvm(compiled.signatures[0])
    assert "fma.v" in code
    body = code.split("vector.body")[1].split("middle.block")[0]
    assert "@llvm.fma.f64(" not in body
    assert "@numbaexp_exp_f64_" not in body
