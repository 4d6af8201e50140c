"""``numbaexp.accelerate_numba``: ``math.exp``, ``np.exp`` and their kin in code that users compile are ours."""

import cmath
import functools
import math
import re
import shutil
import threading
import time

import numba
import numpy as np
import pytest
from numba import njit, prange
from numba.core.registry import cpu_target
from numba.np import ufunc_db

import numbaexp
from numbaexp.cache import folders
from numbaexp.scalar.fast import fast_phase
from numbaexp.vector.level import AVX512, current_level

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
NAMES = {
    name: (getattr(math, name, None), getattr(np, name))
    for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
}


@pytest.fixture
def accelerated():
    numbaexp.accelerate_numba()
    yield
    numbaexp.accelerate_numba(False)


def arguments(dtype):
    """More arguments than a loop by vectors takes at once, of which Numba's functions round some wrongly."""
    special = [np.nan, np.inf, -np.inf, 0, -0.0, 1, -1, 1000, -1000, 1e-30, np.finfo(dtype).smallest_subnormal]
    return np.concatenate([np.random.default_rng(0).uniform(-10, 10, 20_003), special]).astype(dtype)


def same(result, expected):
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def calling(function):
    def call(x):
        return function(x)

    return call


def by_loop(function, **options):
    @njit(**options)
    def loop(x):
        y = np.empty_like(x)
        for i in prange(x.size):
            y[i] = function(x[i])
        return y

    return loop


def by_array(function, **options):
    return njit(calling(function), **options)


def by_expression(function, **options):
    return njit(lambda x: function(np.negative(-x)), **options)


def into_strided(function):
    @njit
    def fill(x, y):
        function(x, y)

    def call(x):
        y = np.zeros((2, x.size, 3), x.dtype)
        fill(np.broadcast_to(x[::-1], (2, x.size)), y[:, ::-1, 1])
        assert not y[:, :, ::2].any()
        return y[1, :, 1]

    return call


def generalized(function):
    @numba.guvectorize(["(float32[:], float32[:])", "(float64[:], float64[:])"], "(n)->(n)")
    def fill(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return fill


def shared_out(function):
    return numba.vectorize(["float32(float32)", "float64(float64)"], target="parallel")(calling(function))


# Of a function, what computes arrays of it; whether by Python's function too, which takes numbers alone.
FORMS = {
    "a loop": (by_loop, True),
    "an array": (by_array, False),
    "an array expression": (by_expression, False),
    "a strided target": (into_strided, False),
    "fastmath": (functools.partial(by_loop, fastmath=True), True),
    "an expression under fastmath": (functools.partial(by_expression, fastmath=True), False),
    "prange": (functools.partial(by_loop, parallel=True, fastmath=True), True),
    "an array on threads": (functools.partial(by_array, parallel=True), False),
    "checked bounds, as Python divides": (functools.partial(by_array, boundscheck=True, error_model="python"), False),
    "vectorize": (lambda function: numba.vectorize(calling(function)), True),
    "vectorize on threads": (shared_out, True),
    "guvectorize": (generalized, True),
}
FEW = ("a loop", "an array expression")


CASES = [(name, form) for name in NAMES for form in FORMS if name == "exp" or form in FEW]


@pytest.mark.checked(name="exp")
@pytest.mark.sampled(name="exp", form=("a loop", "an array expression"))
@pytest.mark.by_form
@pytest.mark.parametrize(("name", "form"), CASES)
def test_same_bits(accelerated, name, form):
    make, takes_numbers = FORMS[form]
    of_python, of_numpy = NAMES[name]
    for function in filter(None, [of_python if takes_numbers else None, of_numpy]):
        compute = make(function)
        for dtype in (np.float32, np.float64):
            x = arguments(dtype)
            with np.errstate(all="ignore"):
                same(compute(x), getattr(numbaexp, name)(x))


@pytest.mark.thorough
@pytest.mark.checked(name="logaddexp", dtype="float64")
@DTYPES
@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
def test_two_arguments(accelerated, name, dtype):
    of_numpy, ours = getattr(np, name), getattr(numbaexp, name)
    array, expression = njit(lambda a, b: +of_numpy(a, b)), njit(lambda a, b: -of_numpy(-a, b))

    @njit
    def loop(a, b):
        y = np.empty_like(a)
        for i in range(a.size):
            y[i] = of_numpy(a[i], b[i])
        return y

    a = arguments(dtype)
    b = np.random.default_rng(1).permutation(a)
    with np.errstate(all="ignore"):
        for compute in (array, loop):
            same(compute(a, b), ours(a, b))
        same(expression(a, b), -ours(-a, b))


@pytest.mark.checked(value=("2", "0.3"))
@pytest.mark.thorough
@pytest.mark.by_form
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [2, True, np.int8(2), np.float32(0.3)])
def test_numbers(accelerated, value, name):
    """Numba computes integers in float64, NumPy's function those of few bits in float32."""
    of_python, of_numpy = NAMES[name]
    ours = getattr(numbaexp, name)
    if of_python is not None:
        kind = np.float32 if isinstance(value, np.float32) else np.float64
        assert by_array(of_python)(value) == ours(kind(value))
    x = np.array([value] * 3)
    y = by_array(of_numpy)(x)
    same(y, ours(x.astype(y.dtype)))


def test_constants(accelerated):
    @njit
    def constants():
        return math.exp(1), np.exp(1), math.exp(True), np.expm1(1.0)

    e = numbaexp.exp(1.0)
    assert constants() == (e, e, e, numbaexp.expm1(1.0))


def test_a_callback(accelerated):
    made = numba.cfunc("float64(float64)")(calling(math.exp))
    assert all(made.ctypes(x) == numbaexp.exp(x) for x in arguments(float)[:3000])


def variants(compiled, name, dtype):
    """Return whether the code of a function, without what it calls, calls ours for a whole register."""
    lanes = current_level().lanes(np.dtype(dtype).itemsize)
    code = compiled.inspect_asm(compiled.signatures[0]).split(".size", 1)[0]
    return re.search(rf"numbaexp_{name}_{np.dtype(dtype)}_\w+_N{lanes}\b", code) is not None


OF_VECTORS = ("a loop", "an array", "an array expression", "an expression under fastmath")


@pytest.mark.sampled(name="exp", dtype="float32")
@pytest.mark.by_form
@DTYPES
@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name in NAMES for form in OF_VECTORS if name == "exp" or form == FEW[1]]
)
def test_simd(accelerated, form, name, dtype):
    if fast_phase(name, np.dtype(dtype).name, current_level()) is None:
        pytest.skip("this processor has no fast phase by vectors")
    compiled = FORMS[form][0](NAMES[name][1])
    compiled(np.ones(5, dtype))
    assert variants(compiled, name, dtype)


@pytest.mark.thorough
def test_whole_registers_where_the_compiler_prefers_half(run_script):
    """A processor of which LLVM takes 256 bits by itself; the code is not run."""
    if current_level() is not AVX512:
        pytest.skip("this processor has no AVX-512")
    run_script(
        """
        import math
        import numba, numpy as np
        import numbaexp

        def loop(x):
            for i in range(x.size):
                x[i] = math.exp(x[i])

        numbaexp.accelerate_numba()
        for function in (loop, lambda x: np.exp(x), lambda x: -np.exp(-x)):
            compiled = numba.njit((numba.float64[::1],))(function)
            assert "zmm" in compiled.inspect_asm(compiled.signatures[0]).split(".size", 1)[0]
        """,
        NUMBA_CPU_NAME="sapphirerapids",
    )


def tables():
    """Return the functions by which Numba lowers the exponentials."""
    context = cpu_target.target_context
    context.refresh()
    python = [list(context._defns[each].versions) for each, _ in NAMES.values() if each is not None]
    return python, [dict(ufunc_db.get_ufunc_info(each)) for _, each in NAMES.values()]


def wrong(compiled):
    """Count results that are not correctly rounded: Numba's functions, of the C library, have some."""
    x = np.random.default_rng(0).uniform(-10, 10, 50_000)
    return int((compiled(x) != numbaexp.exp(x)).sum())


@pytest.mark.thorough
def test_undone():
    before = tables()
    for enable in (False, True, True, False, False):
        numbaexp.accelerate_numba(enable)
        assert (tables() == before) is not enable
        assert (wrong(by_array(np.exp)) == 0) is enable
        assert (wrong(by_loop(math.exp)) == 0) is enable


def test_compiled_functions_stay_as_they_are():
    before = by_array(np.exp)
    of_theirs = wrong(before)
    numbaexp.accelerate_numba()
    try:
        after = by_array(np.exp)
        assert (wrong(before), wrong(after)) == (of_theirs, 0)
    finally:
        numbaexp.accelerate_numba(False)
    assert (wrong(before), wrong(after)) == (of_theirs, 0)


@pytest.mark.thorough
def test_what_another_package_puts_there_meanwhile_stays():
    loops, selector = ufunc_db.get_ufunc_info(np.exp), cpu_target.target_context._defns[math.exp]
    before = tables()
    numbaexp.accelerate_numba()
    ours, places = loops["d->d"], list(selector.versions)
    theirs = functools.partial(ours)
    of_python = [(kinds, lambda *args, it=each: it(*args)) for kinds, each in places]
    try:
        loops["d->d"], selector.versions[:] = theirs, of_python
        for enable in (False, True, False):
            numbaexp.accelerate_numba(enable)
            assert (wrong(by_array(np.exp)) == 0) is enable
            assert (wrong(by_loop(math.exp)) == 0) is enable
        assert loops["d->d"] is theirs
        assert selector.versions == of_python
    finally:
        loops["d->d"], selector.versions[:] = before[1][0]["d->d"], before[0][0]
        selector._cache.clear()
    assert tables() == before


@pytest.mark.thorough
def test_complex_exponentials_follow_and_are_undone():
    """Numba computes them by functions of its own, which it compiles once."""
    x = np.random.default_rng(0).uniform(-10, 10, 20_000)

    def differing():
        compiled = by_array(cmath.exp)
        return sum(compiled(complex(each)).real != numbaexp.exp(each) for each in x)

    of_theirs = differing()
    numbaexp.accelerate_numba()
    try:
        assert differing() == 0
    finally:
        numbaexp.accelerate_numba(False)
    assert differing() == of_theirs


@pytest.mark.thorough
def test_threads_that_compile():
    """A function is compiled in one state: a switch waits for its end."""
    x = np.random.default_rng(0).uniform(-10, 10, 20_000)
    states = []

    def compile_some():
        for _ in range(3):
            both = njit(lambda x: (np.exp(x), np.exp(-x)))(x)
            states.append([np.array_equal(each, numbaexp.exp(of)) for each, of in zip(both, (x, -x), strict=True)])

    threads = [threading.Thread(target=compile_some) for _ in range(3)]
    for thread in threads:
        thread.start()
    enable = False
    while any(thread.is_alive() for thread in threads):
        enable = not enable
        numbaexp.accelerate_numba(enable)
        time.sleep(0.01)
    numbaexp.accelerate_numba(False)
    assert len(states) == 9
    assert all(first == second for first, second in states)


def test_the_key_of_the_caches_changes_while_accelerated_alone():
    codegen = cpu_target.target_context.codegen()
    cache = njit(lambda x: x)
    cache.enable_caching()
    plain, signature = codegen.magic_tuple(), (numba.float64,)
    numbaexp.accelerate_numba()
    try:
        key = cache._cache._index_key(signature, codegen)
        assert numbaexp.__version__ in key[-1]
        assert codegen.magic_tuple() == plain
    finally:
        numbaexp.accelerate_numba(False)
    assert cache._cache._index_key(signature, codegen) == key[:-1]


def test_importing_changes_nothing_of_numba(run_script):
    run_script(
        """
        import sys
        import numbaexp
        assert "numba" not in sys.modules
        import numba
        from numba.core.caching import Cache
        from numba.core.dispatcher import Dispatcher
        from numba.core.registry import cpu_target
        numbaexp.exp(1.0)
        assert "create_library" not in vars(cpu_target.target_context.codegen())
        for each in (Cache._index_key, Cache.save_overload, Dispatcher.enable_caching):
            assert each.__module__.startswith("numba.")
        """
    )


@pytest.mark.thorough
def test_before_numba_is_imported(run_script):
    run_script(
        """
        import math, os, sys
        import numpy as np
        import numbaexp
        numbaexp.accelerate_numba()
        import numba

        def right():
            x = np.random.default_rng(0).uniform(-10, 10, 50_000)
            return (numba.njit(lambda x: np.exp(x))(x) == numbaexp.exp(x)).all()

        if hasattr(os, "fork"):
            child = os.fork()
            if not child:
                os._exit(0 if right() else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert right()
        """
    )


# Of which an ordinary run tries those that change the code together.
SETTINGS = ("NUMBA_OPT=0", "NUMBA_BOUNDSCHECK=1", "NUMBA_DEBUGINFO=1", "NUMBA_DISABLE_JIT=1")


@pytest.mark.thorough
@pytest.mark.checked(settings=(" ".join(SETTINGS[:3]), SETTINGS[3]))
@pytest.mark.parametrize("settings", [" ".join(SETTINGS[:3]), *SETTINGS])
def test_settings(run_script, settings):
    run_script(
        """
        import math, warnings
        import numba, numpy as np
        import numbaexp
        warnings.simplefilter("ignore")
        numbaexp.accelerate_numba()
        x = np.random.default_rng(0).uniform(-10, 10, 3000)
        y = numba.njit(lambda x: np.exp(-x * x))(x)
        z = [numba.njit(lambda x: math.exp(x))(each) for each in x[:1]]
        if not numba.config.DISABLE_JIT:
            assert (y == numbaexp.exp(-x * x)).all() and z == numbaexp.exp(x[:1]).tolist()
        """,
        **dict(setting.split("=") for setting in settings.split()),
    )


# A module of functions that are cached, and a script that calls some and tells how many it found on disk.
MODULE = """
import cmath, math
import numba, numpy as np

def plain(x):
    y = np.empty_like(x)
    for i in range(x.size):
        y[i] = math.exp(x[i])
    return y

cached = numba.njit(plain, cache=True)
inner = numba.njit(lambda x: np.exp(x))

@numba.njit(cache=True)
def outer(x):
    return inner(x)

@numba.vectorize(cache=True)
def vectorized(x):
    return np.exp(x)
"""
SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import numba, numpy as np
import numbaexp
import user

X = np.random.default_rng(0).uniform(-10, 10, 50_000)

def call(function):
    assert bool((function(X) == numbaexp.exp(X)).all()) is OURS
    return sum(function.stats.cache_hits.values()) if hasattr(function, "stats") else None

OURS = False
{lines}
"""


@pytest.fixture
def call_cached(run_script, tmp_path):
    """Run lines that end in a call of a cached function in a process; return how often it was found on disk."""
    (tmp_path / "user.py").write_text(MODULE)
    kernels = str(folders.writable().parent)

    def run(*lines):
        script = SCRIPT.format(folder=str(tmp_path), lines="\n".join([*lines[:-1], f"print({lines[-1]})"]))
        return int(run_script(script, NUMBA_CACHE_DIR=str(tmp_path / "cache"), NUMBAEXP_CACHE_DIR=kernels))

    return run


ON = ("numbaexp.accelerate_numba()", "OURS = True")
OFF = ("numbaexp.accelerate_numba(False)", "OURS = False")


@pytest.mark.thorough
def test_caches_keep_both_apart(call_cached):
    assert [call_cached("call(user.cached)"), call_cached(*ON, "call(user.cached)")] == [0, 0]
    assert [call_cached("call(user.cached)"), call_cached(*ON, "call(user.cached)")] == [1, 1]
    assert call_cached(*ON, *OFF, "call(user.cached)") == 1


@pytest.mark.whole
def test_caches_keep_versions_apart(call_cached):
    other = "import numbaexp.version; numbaexp.version.__version__ = 'another'"
    assert [call_cached(*ON, "call(user.cached)"), call_cached(other, *ON, "call(user.cached)")] == [0, 0]
    assert [call_cached(*ON, "call(user.cached)"), call_cached(other, *ON, "call(user.cached)")] == [1, 1]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "states", [((), ON), pytest.param((ON, OFF), marks=pytest.mark.whole)], ids=["switched on", "off"]
)
def test_callers_of_what_was_compiled_before_are_not_kept(call_cached, states):
    first, second = states
    call_cached(*first, "call(user.inner)", *second, "OURS = not OURS", "call(user.outer)")
    assert call_cached(*second, "call(user.outer)") == 0
    assert call_cached(*second, "call(user.outer)") == 1


@pytest.mark.thorough
def test_caches_of_ufuncs(call_cached, tmp_path):
    kept = []
    for state in ((), ON, (), ON):
        call_cached(*state, "call(user.vectorized) or 0")
        kept.append(len(list((tmp_path / "cache").rglob("*vectorized*.nbc"))))
    assert kept == [1, 2, 2, 2]


def of_one(function, **options):
    """Compile a function by the pipeline for single ones."""
    return njit(function, pipeline_class=numbaexp.AcceleratedCompiler, **options)


@pytest.mark.sampled(options="{}")
@pytest.mark.parametrize("options", [{}, {"parallel": True}, {"fastmath": True}], ids=str)
def test_a_single_function(options):
    x, before = arguments(float), tables()
    with np.errstate(all="ignore"):
        for each in (np.exp, np.expm1):
            same(of_one(calling(each), **options)(x), getattr(numbaexp, each.__name__)(x))
    assert wrong(of_one(by_loop(math.exp).py_func, **options)) == 0
    assert tables() == before


def test_a_single_function_and_no_other():
    called = by_array(np.exp)
    assert wrong(of_one(calling(called))) > 0
    assert of_one(calling(cmath.exp))(complex(-9.5)).real == numbaexp.exp(-9.5)
    assert wrong(njit(lambda x: np.array([cmath.exp(complex(each)).real for each in x]))) > 0


@pytest.mark.thorough
def test_caches_keep_single_functions_apart(call_cached):
    one = "user.one = numba.njit(user.plain, cache=True, pipeline_class=numbaexp.AcceleratedCompiler); OURS = True"
    assert [call_cached("call(user.cached)"), call_cached(one, "call(user.one)")] == [0, 0]
    assert [call_cached("call(user.cached)"), call_cached(one, "call(user.one)")] == [1, 1]


# Of Numba's own tests those of the functions, but for one that wants the C library's results, which are not rounded
# correctly: ``test_mathlib.TestMathLib.test_expm1``.
QUICK = (
    "test_fastmath",
    "test_mathlib.TestMathLib.test_exp",
    "npyufunc.test_ufunc",
)
LONG = ("test_array_exprs", "test_complex", "npyufunc.test_gufunc")


@pytest.mark.thorough
@pytest.mark.parametrize("names", [QUICK, pytest.param(LONG, marks=pytest.mark.whole)], ids=["quick", "long"])
def test_numbas_own_tests(run_script, names):
    pytest.importorskip("numba.tests", reason="Numba came without its tests")
    run_script(
        f"""
        import unittest, warnings
        import numbaexp
        numbaexp.accelerate_numba()
        warnings.simplefilter("ignore")
        tests = unittest.defaultTestLoader.loadTestsFromNames([f"numba.tests.{{name}}" for name in {names}])
        done = unittest.TextTestRunner().run(tests)
        assert done.testsRun > 5 and done.wasSuccessful()
        """,
        timeout=600,
    )


@pytest.mark.thorough
def test_code_for_other_processors_stays_as_it_is(run_script, tmp_path):
    """Ahead of time Numba compiles for any processor of a kind, which could not run ours."""
    pytest.importorskip("setuptools", reason="Numba compiles ahead of time by setuptools")
    if shutil.which("cc") is None:
        pytest.skip("Numba compiles ahead of time by a C compiler")
    run_script(
        f"""
        import math, sys, warnings
        import numpy as np
        import numbaexp
        numbaexp.accelerate_numba()
        warnings.simplefilter("ignore")
        from numba.pycc import CC
        made = CC("made_ahead")
        made.output_dir = {str(tmp_path)!r}
        made.export("one", "f8(f8)")(lambda x: math.exp(x))
        made.export("several", "f8[:](f8[:])")(lambda x: np.exp(-x))
        made.compile()
        sys.path.insert(0, {str(tmp_path)!r})
        import made_ahead
        assert abs(made_ahead.one(1.0) / math.e - 1) < 1e-15
        assert abs(made_ahead.several(-np.ones(2)) / math.e - 1).max() < 1e-15
        """
    )
