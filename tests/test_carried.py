"""Machine code that a wheel carries: the same bits, and no Numba."""

import pathlib
import re
import shutil
import struct
import sys

import llvmlite.binding as llvm
import pytest
from helpers import PACKAGE

from numbaexp.cache import carried
from numbaexp.carry import carry
from numbaexp.cpu import machine_code

HAS = llvm.get_host_cpu_features()
LEVELS = [level for level, features in carried.LEVELS.items() if all(HAS.get(each) for each in features.split())]

pytestmark = [
    pytest.mark.skipif(not LEVELS, reason="this processor has none of the levels"),
    pytest.mark.thorough,
]

# What is carried in these tests.
CHOICE = ["exp", "sigmoid", "exp_backward", "softmax", "--dtype", "float32"]


# The best level; the others are a release's.
@pytest.fixture(
    scope="module", params=[*LEVELS[:1], *(pytest.param(each, marks=pytest.mark.whole) for each in LEVELS[1:])]
)
def install(request, tmp_path_factory):
    """A copy of the package that carries some kernels for a level."""
    folder = tmp_path_factory.mktemp("install")
    shutil.copytree(PACKAGE, folder / "numbaexp", ignore=shutil.ignore_patterns("__pycache__"))
    carry(folder / "numbaexp" / "machine_code", request.param, CHOICE)
    return folder


@pytest.fixture
def at_level(install, tmp_path):
    """Another copy, as the environment of a process, with an empty cache."""
    shutil.copytree(install, tmp_path / "install", ignore=shutil.ignore_patterns("__pycache__"))
    return {"PYTHONPATH": str(tmp_path / "install"), "NUMBAEXP_CACHE_DIR": str(tmp_path / "cache")}


def kept(environment):
    return {path.name.rpartition("-")[0] for path in pathlib.Path(environment["NUMBAEXP_CACHE_DIR"]).rglob("*.kernel")}


def files(environment):
    return list(pathlib.Path(environment["PYTHONPATH"], "numbaexp", "machine_code").rglob("*.kernel"))


BITS = """
    import hashlib, sys
    import numpy as np, numbaexp

    made = hashlib.sha256()
    singles = np.random.default_rng(1).integers(0, 1 << 32, 1 << 18, dtype=np.uint64).astype(np.uint32).view(np.float32)
    with np.errstate(all="ignore"), numbaexp.use_target("cpu"):
        for x in (singles, singles[::3], singles.reshape(512, 512)[:, ::-1]):
            for function in (numbaexp.exp, numbaexp.sigmoid):
                made.update(function(x).tobytes())
            made.update(numbaexp.exp_backward(x, x).tobytes())
            finite = np.nan_to_num(x.ravel()[: x.size // 64 * 64] % 80).reshape(-1, 64)
            made.update(numbaexp.softmax(finite).tobytes())
            made.update(numbaexp.softmax(finite, 0).tobytes())
    flags = []
    with np.errstate(all="call"):
        np.seterrcall(lambda error, _: flags.append(error))
        numbaexp.exp(np.float32([100, -200]))
    print(made.hexdigest(), flags)
"""


def test_bits(run_script, at_level):
    """Those of code that is compiled here; and nothing is compiled, nor Numba imported."""
    no_numba = "    assert not any(name.partition('.')[0] == 'numba' for name in sys.modules)\n"
    assert run_script(BITS + no_numba, **at_level) == run_script(BITS)
    assert kept(at_level) == set()


def undefined(code):
    """The names that an object in ELF's form looks for elsewhere."""
    (sections,) = struct.unpack_from("<Q", code, 0x28)
    size, number = struct.unpack_from("<HH", code, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", code, sections + size * i) for i in range(number)]
    names = set()
    for _, kind, _, _, start, length, link, *_ in headers:
        if kind == 2:  # the table of symbols
            strings = headers[link][4]
            for place in range(start, start + length, 24):
                name, _, _, section = struct.unpack_from("<IBBH", code, place)
                if section == 0 and name:
                    names.add(code[strings + name : code.index(b"\0", strings + name)].decode())
    return names


@pytest.mark.skipif(sys.platform != "linux", reason="objects of another form")
def test_all_that_the_code_calls_is_known(at_level):
    """LLVM would take an unknown name for the address 0."""
    known = {*machine_code.OF_C, *machine_code.OF_PYTHON}
    checked = 0
    for path in files(at_level):
        # These two are for Numba's threads, and Numba knows what they call.
        if path.name.partition("-")[0] not in ("parallel", "shared"):
            names = undefined(path.read_bytes().split(b"\n", 3)[3])
            assert names <= known, path.name
            checked += len(names)
    assert checked > 20


def test_it_is_told(run_script, at_level):
    printed = run_script("from numbaexp.information import report; print(report())", **at_level)
    (level,) = {path.parent.name for path in files(at_level)}
    assert re.search(f"^machine code +carried for {level}$", printed, re.M)


def test_what_is_not_carried_is_compiled(run_script, at_level):
    run_script(
        """
        import sys
        import numpy as np, numbaexp
        assert numbaexp.exp(np.float32([0])).tolist() == [1]
        assert "numba" not in sys.modules
        assert numbaexp.exp2(np.float32([3])).tolist() == [8]
        assert "numba" in sys.modules
        """,
        **at_level,
    )
    assert kept(at_level) == {"exp2_float32"}


def test_threads_and_users_code(run_script, at_level):
    """Numba comes when it is needed, and knows the functions then."""
    run_script(
        """
        import sys
        import numpy as np, numbaexp
        x = np.zeros(1_000_000, np.float32)
        assert numbaexp.exp(x[:10]).sum() == 10
        assert "numba" not in sys.modules
        assert numbaexp.exp(x).sum() == 1_000_000
        assert numbaexp.exp(x.reshape(1000, 1000)[:, ::2]).sum() == 500_000
        assert (numbaexp.softmax(x.reshape(1000, 1000)) == np.float32(1e-3)).all()
        import numba
        @numba.njit
        def users_own(x):
            return numbaexp.expm1(x) + numbaexp.exp(x)
        assert users_own(0.0) == 1
        """,
        **at_level,
    )
    assert kept(at_level) == set()


@pytest.mark.checked(imported_first="numbaexp")
@pytest.mark.parametrize("imported_first", ["numba", "numbaexp"])
def test_users_code_in_either_order(run_script, at_level, imported_first):
    run_script(
        f"""
        import {imported_first}
        import numba, numbaexp
        @numba.njit
        def users_own(x):
            return numbaexp.exp(x)
        assert users_own(0) == 1
        """,
        **at_level,
    )


@pytest.mark.checked(change=("source", "processor"))
@pytest.mark.parametrize("change", ["source", "damage", "processor", "settings"])
def test_code_that_does_not_fit_is_none(run_script, at_level, change):
    """Other sources, damaged files, and another processor asked for: the kernel is compiled."""
    environment = dict(at_level)
    package = pathlib.Path(at_level["PYTHONPATH"], "numbaexp")
    if change == "source":
        with (package / "scalar" / "sigmoid.py").open("a") as file:
            file.write("\n# changed\n")
    elif change == "damage":
        for path in files(at_level):
            if path.name.startswith("sigmoid"):
                path.write_bytes(path.read_bytes()[:-1])
    elif change == "processor":
        environment |= {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": carried.features_of("x86-64-v3")}
    else:
        environment["NUMBA_OPT"] = "2"
    run_script(
        "import numpy as np, numbaexp; assert numbaexp.sigmoid(np.float32([0])).tolist() == [0.5]", **environment
    )
    made = kept(at_level)
    assert "sigmoid_float32" in made
    assert ("first" in made) == (change in ("processor", "settings"))


def test_a_lesser_processor(monkeypatch):
    """The best level of which it has everything; none, where it has none."""
    best, least = list(carried.LEVELS)
    monkeypatch.setattr(carried, "CARRIED", pathlib.Path(__file__).parent)
    monkeypatch.setattr(carried, "IS_CARRIED", True)
    monkeypatch.setattr(pathlib.Path, "is_dir", lambda _: True)
    for variable in carried._VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    everything = dict.fromkeys(carried.LEVELS[best].split(), True)
    for left_out, expected in (("", best), ("avx512vl", least), ("fma", None)):
        monkeypatch.setattr(llvm, "get_host_cpu_features", lambda out=left_out: {**everything, out: False})
        assert carried.level_here.__wrapped__() == expected
