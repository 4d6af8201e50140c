"""Flags of the calling code: none reaches ours, whatever is compiled first, in this process or by way of the disk."""

import ast
import textwrap

import numpy as np
import pytest
from helpers import FORMS, OF_ROWS, PACKAGE

import numbaexp
from numbaexp.scalar.family import FAMILY

# The fast flags that LLVM has, all of them, and what else Numba hands down.
FAST = [f"fastmath={{'{flag}'}}" for flag in ("nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc")]
OTHERS = ["error_model='python'", "error_model='numpy'", "boundscheck=True", "nogil=True", "debug=True"]
FLAGS = ["fastmath=True", *FAST, *OTHERS]


SCRIPT = """
    import warnings
    warnings.simplefilter("ignore")  # of boundscheck and debug together, and of slow parallel code
    import numba, numpy as np, numbaexp

    known = np.load({known!r})
    x, x32 = known["x"], known["x"].astype(np.float32)

    def same(result, expected):
        assert result.dtype == known[expected].dtype and result.tobytes() == known[expected].tobytes(), expected

    def arrays(name):
        for given, kind in ((x, ""), (x32, "32")):
            if name in {rows}:
                same(getattr(numbaexp, name)(given.reshape(-1, 4), 1), name + kind)
            else:
                arguments = [given] * getattr(numbaexp, name).nin
                same(getattr(numbaexp, name)(*arguments), name + kind)
"""

USERS = """
    function = numbaexp.{name}

    def elementwise(x):
        return function(x)

    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    def parallel(x, y):
        for i in numba.prange(x.size):
            y[i] = function(x[i])

    for flags in {flags}:
        of_ufuncs = dict((key, flags[key]) for key in flags if key in ("fastmath", "boundscheck"))  # no others there
        made = [numba.njit(**flags)(loop), numba.njit(parallel=True, **flags)(parallel)]
        made += [numba.guvectorize(["(f4[:], f4[:])", "(f8[:], f8[:])"], "(n)->(n)", **of_ufuncs)(loop)]
        for compute in made:
            for given, expected in ((x, "{name}"), (x32, "{name}32")):
                y = np.empty_like(given)
                compute(given, y)
                same(y, expected)
        compute = numba.vectorize(["f4(f4)", "f8(f8)"], **of_ufuncs)(elementwise)
        same(compute(x), "{name}")
        same(compute(x32), "{name}32")
        assert float(numba.njit(**flags)(elementwise)(1.0)) == float(numbaexp.{name}(1.0))
"""


def arguments():
    """Ordinary ones, large and small ones, and special values, as many as rows of four have."""
    rng = np.random.default_rng(5)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-320, -1e-310, 709.8, -745.2, -708.5, 88.7, -103.5, 1.0, 0.5]
    return np.concatenate([special, rng.uniform(-750, 710, 1000), rng.uniform(-20, 20, 1010)])


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """The file of the results of this process, in which nobody has asked for any flags."""
    x = arguments()
    results = {"x": x}
    with np.errstate(all="ignore"):
        for kind, given in (("", x), ("32", x.astype(np.float32))):
            for name in FAMILY:
                results[name + kind] = getattr(numbaexp, name)(given)
                results[f"{name}_backward{kind}"] = getattr(numbaexp, f"{name}_backward")(given, given)
            for name in OF_ROWS:
                results[name + kind] = getattr(numbaexp, name)(given.reshape(-1, 4), 1)
    path = tmp_path_factory.mktemp("known") / "known.npz"
    np.savez(path, **results)
    return str(path)


def script(known, *parts):
    source = textwrap.dedent(SCRIPT.format(known=known, rows=OF_ROWS))
    return "\n".join([source, "np.seterr(all='ignore')", *map(textwrap.dedent, parts)])


def users(name, flags):
    return USERS.format(name=name, flags=f"[{', '.join(f'dict({each})' for each in flags)}]")


# Of each function another flag is the first, which is what decided; all are tried of each before a release.
@pytest.mark.checked(name=("exp", "sigmoid"))
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "flags"),
    [
        *(pytest.param(name, [FLAGS[i], FLAGS[i + len(FORMS)]], id=name) for i, name in enumerate(FORMS)),
        *(
            pytest.param(name, np.roll(FLAGS, -i).tolist(), id=f"{name}-all", marks=pytest.mark.whole)
            for i, name in enumerate(FAMILY)
        ),
    ],
)
def test_flags_of_callers(run_script, tmp_path, known, name, flags):
    """In a process that compiles for a caller first, in the same one after that, and in another by what was kept."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path), "timeout": 900}
    run_script(script(known, users(name, flags), f"arrays({name!r})"), **cache)
    run_script(script(known, f"arrays({name!r})"), **cache)


@pytest.mark.whole
def test_every_function_after_a_fast_caller(run_script, tmp_path, known):
    """In a process whose first compilation of everything is for callers with fast flags."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path), "timeout": 1800}
    names = [*FAMILY, *(f"{name}_backward" for name in FAMILY), *OF_ROWS]
    first = [users(name, ["fastmath=True"]) for name in FAMILY]
    run_script(script(known, *first, *(f"arrays({name!r})" for name in names)), **cache)
    run_script(script(known, *(f"arrays({name!r})" for name in names)), **cache)


@pytest.mark.thorough
def test_flags_of_ones_own_caller(run_script, tmp_path):
    """The smallest case: the values themselves."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    run_script(
        """
        import numba, numbaexp, numpy as np
        assert numba.njit(fastmath=True)(lambda v: numbaexp.exp10(v))(1.0) == 10.0
        assert numba.njit(fastmath=True)(lambda v: numbaexp.exp2(v))(np.float32(0.5)) == np.float32(2**0.5)
        assert numba.njit(lambda v: numbaexp.exp10(v))(1.0) == 10.0
        assert numbaexp.exp10(np.array([1.0, 2.0])).tolist() == [10.0, 100.0]
        """,
        **cache,
    )
    run_script("import numbaexp; assert numbaexp.exp10(1.0) == 10.0", **cache)


# Where Numba is told what to compile, and with which flags.
COMPILERS = {"jit.py", "cuda/jit.py"}
# Names of Numba's that compile, or that have others compile.
COMPILING = {
    "njit", "jit", "generated_jit", "cfunc", "vectorize", "guvectorize", "stencil", "jitclass", "overload",
    "overload_method", "overload_attribute", "register_jitable", "compile_subroutine", "compile_internal",
    "compile_ptx", "compile_ptx_for_current_device", "compile_isolated", "compile_extra", "declare_device", "CFunc",
    "CPUDispatcher", "CUDADispatcher",
}  # fmt: skip


def test_one_way_to_compile():
    found = set()
    for path in PACKAGE.rglob("*.py"):
        where = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "numba":
                found |= {(where, name.name) for name in node.names if name.name in COMPILING}
            elif isinstance(node, ast.Attribute) and node.attr in COMPILING and ast.unparse(node.value) != "jax":
                found.add((where, node.attr))
    assert {where for where, _ in found} == COMPILERS, found


def test_every_flag_that_numba_hands_down_is_given():
    """Those that the target's options take from the caller where a function leaves them open."""
    import inspect
    import re

    from numba.core import cpu

    from numbaexp.jit import jit

    handed_down = re.findall(r'inherit_if_not_set\("(\w+)"', inspect.getsource(cpu.CPUTargetOptions))
    assert {"fastmath", "error_model"} <= set(handed_down)
    given = jit(lambda x: x).targetoptions
    assert {name if name != "nrt" else "_nrt" for name in handed_down} <= set(given)
    assert {"boundscheck", "debug", "nogil", "parallel"} <= set(given)
