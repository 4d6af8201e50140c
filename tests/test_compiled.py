"""``numbaexp.exp`` inside code that users compile: the same bits, and SIMD code."""

import re

import numba
import numpy as np
import pytest
from numba import njit, prange

import numbaexp
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.fast import fast_phase
from numbaexp.vector.level import AVX2, AVX512, NEON, SSE2, current_level
from numbaexp.verify.hard_cases import hard_cases

pytestmark = [pytest.mark.by_form, pytest.mark.sampled(name=("exp", "sigmoid"), dtype="float32")]

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


def generalized(x, y):
    """Compile a generalized ufunc and call the ufunc, so that no other test waits for the compiler."""

    @numba.guvectorize(["(float32[:], float32[:])", "(float64[:], float64[:])"], "(n)->(n)")
    def fill(x, y):
        for i in range(x.size):
            y[i] = numbaexp.exp(x[i])

    fill(x, y)


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


@pytest.mark.sampled(lanes=("1", "9"))
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


@pytest.mark.thorough
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


@pytest.mark.whole
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


@pytest.mark.sampled(dtype=("float32", "float64"))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flags_of_poles_in_a_users_ufunc(dtype):
    """Of an argument alone, in a register and in the tail behind; none of what a condition leaves out."""

    @numba.vectorize
    def logarithm(x):
        return numbaexp.log(x)

    @numba.vectorize
    def where_real(x):
        return numbaexp.log(x) if x > 0 else x

    for n, place in ((1, 0), (40, 3), (37, 36)):
        x = np.linspace(0.5, 2.0, n, dtype=dtype)
        for value in (np.nan, np.inf, np.finfo(dtype).smallest_subnormal):
            x[place] = value
            with np.errstate(all="raise"):
                logarithm(x)
        for value, message in ((0.0, "divide"), (-0.0, "divide"), (-1.0, "invalid"), (-np.inf, "invalid")):
            x[place] = value
            with pytest.raises(FloatingPointError, match=message), np.errstate(all="raise"):
                logarithm(x)
            with np.errstate(all="raise"):
                where_real(x)


@pytest.mark.parametrize("value", [1, True, np.int8(1), np.uint64(1)])
def test_integers_become_float64(value):
    assert njit(lambda x: numbaexp.exp(x) + 0)(value) == numbaexp.exp(1.0)


@pytest.mark.parametrize(
    ("value", "got"),
    [(1j, "complex128"), (np.ones(3, complex), r"array\(complex128, 1d, C\)"), ("a", "unicode_type")],
)
def test_other_types_are_refused_at_compile_time(value, got):
    with pytest.raises(numba.TypingError, match=f"`x` must be a float32, float64, integer or bool, or .*; got {got}"):
        njit(lambda x: numbaexp.exp(x) + 0)(value)


def loops_over(function):
    """Loops that LLVM makes vectors of in different ways, each with what NumPy makes of its arguments and results."""

    @njit
    def plain(x, narrow, y, narrow_y):
        for i in range(x.size):
            y[i] = function(x[i])

    @njit(fastmath=True)
    def fast(x, narrow, y, narrow_y):
        for i in range(x.size):
            y[i] = function(x[i])

    @njit
    def under_a_condition(x, narrow, y, narrow_y):
        for i in range(x.size):
            if x[i] > 0:
                y[i] = function(x[i])

    @njit
    def mixed(x, narrow, y, narrow_y):
        for i in range(x.size):
            y[i] = function(x[i])
            narrow_y[i] = function(narrow[i])

    @njit
    def widened(x, narrow, y, narrow_y):
        for i in range(x.size):
            y[i] = function(narrow[i])

    @njit
    def one(x):
        return function(x)

    @njit
    def by_another_function(x, narrow, y, narrow_y):
        for i in range(x.size):
            y[i] = one(x[i])

    @njit
    def strided(x, narrow, y, narrow_y):
        for i in range(0, x.size, 3):
            y[i] = function(x[i])

    @njit
    def unrolled(x, narrow, y, narrow_y):
        for i in range(0, x.size - 3, 4):
            y[i], y[i + 1] = function(x[i]), function(x[i + 1])
            y[i + 2], y[i + 3] = function(x[i + 2]), function(x[i + 3])

    @njit(parallel=True)
    def parallel(x, narrow, y, narrow_y):
        for i in prange(x.size):
            y[i] = function(x[i])

    def third(x):
        return np.arange(x.size) % 3 == 0

    def in_fours(x):
        return np.arange(x.size) < x.size // 4 * 4

    everywhere = np.ones_like
    return {
        plain: lambda x: everywhere(x, bool),
        fast: lambda x: everywhere(x, bool),
        under_a_condition: lambda x: x > 0,
        mixed: lambda x: everywhere(x, bool),
        widened: lambda x: everywhere(x, bool),
        by_another_function: lambda x: everywhere(x, bool),
        strided: third,
        unrolled: in_fours,
        parallel: lambda x: everywhere(x, bool),
    }


def in_any_order(dtype, name):
    """Ordinary arguments, and among them such as are not, or are undecided; more float32 than one loop takes."""
    rng = np.random.default_rng(3)
    hard = hard_cases(name).astype(dtype) if name in ROUNDED else np.empty(0, dtype)
    x = np.concatenate([arguments(dtype)[:9], hard[::7], rng.uniform(-90, 90, 3000).astype(dtype)])
    return rng.permutation(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["exp", "exp2", "sigmoid", "log"])
def test_same_bits_in_vectors_and_their_tails(name, dtype):
    function = getattr(numbaexp, name)
    for loop, computed in loops_over(function).items():
        every = in_any_order(dtype, name)
        for n in [*range(71), every.size]:
            x = every[n * 30 :][:n] if n < 71 else every
            with np.errstate(all="ignore"):
                narrow = x.astype(np.float32)
                y, narrow_y = np.full_like(x, 7), np.full_like(narrow, 7)
                loop(x, narrow, y, narrow_y)
                expected = function(narrow).astype(dtype) if loop.__name__ == "widened" else function(x)
                expected = np.where(computed(x), expected, dtype(7))
                np.testing.assert_array_equal(y, expected, str((loop.__name__, n)))
                if loop.__name__ == "mixed":
                    np.testing.assert_array_equal(narrow_y, function(narrow), str(n))


@pytest.mark.parametrize("name", FAMILY)
def test_float32_at_a_stride(name):
    x = np.arange(0, 2**32, 9973, np.int64).astype(np.uint32).view(np.float32)
    y = np.empty_like(x)
    loop_over(name)(x, y)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(y, getattr(numbaexp, name)(x))


def test_nothing_is_computed_where_a_condition_is_false():
    """Arguments that are left out raise no flags."""

    @numba.guvectorize(["(float32[:], float32[:])", "(float64[:], float64[:])"], "(n)->(n)")
    def small(x, y):
        for i in range(x.size):
            y[i] = 0
            if abs(x[i]) < 5:
                y[i] = numbaexp.exp(x[i])

    for dtype in (np.float32, np.float64):
        x = np.array([1e30, 1.0, -1e30, 2.0, 800.0, -800.0, 1e-30, 3.0] * 9, dtype)
        with np.errstate(all="raise"):
            y = small(x)
            np.testing.assert_array_equal(y, np.where(abs(x) < 5, numbaexp.exp(np.clip(x, -5, 5)), 0))


def machine_code(loop, *args):
    """The machine code of a loop alone, without the functions that it calls."""
    loop.compile(args)
    return loop.inspect_asm(loop.signatures[0]).split(".size", 1)[0]


@pytest.mark.parametrize("dtype", [numba.float32, numba.float64])
@pytest.mark.parametrize("name", FAMILY)
def test_simd(name, dtype):
    """The loop multiplies vectors, and calls nothing, or for rare elements what takes a whole vector. Where there is a
    fast phase by vectors, the loop calls a variant of as many lanes as a register has."""
    level, loop = current_level(), loop_over(name)
    code = machine_code(loop, dtype[::1], dtype[::1])
    if fast_phase(name, str(dtype), level) is not None:
        assert re.search(rf"numbaexp_{name}_{dtype}_\w+_N{level.lanes(dtype.bitwidth // 8)}\b", code)
        return
    code = loop.inspect_llvm(loop.signatures[0])
    assert "fma.v" in code or level in (SSE2, NEON)
    body = code.split("vector.body")[1].split("middle.block")[0]
    assert "@llvm.fma.f64(" not in body
    assert not re.search(rf"@numbaexp_rarely_{name}_{dtype}_[\d_]+\(", body)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["exp", "sigmoid"])
def test_whole_registers_where_the_compiler_prefers_half(run_script, name):
    """A processor of which LLVM takes 256 bits by itself; the code is not run."""
    if current_level() is not AVX512:
        pytest.skip("this processor has no AVX-512")
    run_script(
        f"""
        import numba, numbaexp

        @numba.njit((numba.float64[::1], numba.float64[::1]))
        def loop(x, y):
            for i in range(x.size):
                y[i] = numbaexp.{name}(x[i])

        @numba.njit((numba.float64[::1], numba.float64[::1]))
        def other(x, y):
            for i in range(x.size):
                y[i] = x[i] * 3.0

        def code(loop):
            return loop.inspect_asm(loop.signatures[0]).split(".size", 1)[0]

        assert "zmm" in code(loop)
        assert "zmm" not in code(other)
        """,
        NUMBA_CPU_NAME="sapphirerapids",
    )


@pytest.mark.thorough
def test_both_types_in_one_loop_in_whole_registers():
    if current_level() not in (AVX512, AVX2):
        pytest.skip("this processor has no fast phase by vectors")

    @njit
    def mixed(x, y, z):
        for i in range(x.size):
            z[i] = numbaexp.exp(x[i])
            y[i] = numbaexp.exp2(x[i]) * 2.0

    code = machine_code(mixed, numba.float32[::1], numba.float64[::1], numba.float32[::1])
    lanes = current_level().lanes(4)
    for name in ("exp", "exp2"):
        assert re.search(rf"numbaexp_{name}_float32_\w+_N{lanes}\b", code)
