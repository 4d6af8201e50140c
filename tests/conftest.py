"""Fixtures: running a script in a process of its own, and threading layers and processors to run it under."""

import functools
import os
import re
import sys
import textwrap

import llvmlite.binding as llvm
import pytest

pytest.register_assert_rewrite("helpers")

from helpers import ELEMENTWISE, PACKAGE, printed, run_python
from sampling import is_left_out, repeats_a_form, values_of

from numbaexp.vector.level import AVX2, SSE2
from numbaexp.verify.fingerprint_command import STAND_INS

MODULES = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}

# Where the wheel of tbb puts its library, which the loader does not look into by itself.
LIBRARIES = {"LD_LIBRARY_PATH": os.pathsep.join([f"{sys.prefix}/lib", os.environ.get("LD_LIBRARY_PATH", "")])}

# Scripts of the tests import the package that the tests import, and so find its kernels: a checkout is not what is
# installed beside.
os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

# Files of one test that takes minutes, and cores of its own; one of them compiles the kernels of all other tests.
LONGEST = ("test_simulator.py", "test_gpu_report.py", "test_warm.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """No workers where a test has the cores, the memory or the GPU to itself."""
    return 0 if re.search(r"(?<!not )\b(whole|large|gpu)\b", config.option.markexpr) else None


def pytest_itemcollected(item):
    """Mark what ``by_form`` and ``checked`` leave to a release as whole, what ``sampled`` leaves out as thorough."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    by_form = item.get_closest_marker("by_form")
    repeats = by_form and any(map(repeats_a_form, parameters.values()))
    if repeats and (not by_form.kwargs or is_left_out(parameters, by_form.kwargs)):
        item.add_marker(pytest.mark.whole)
    if is_left_out(parameters, values_of(item, "checked")):
        item.add_marker(pytest.mark.whole)
    if is_left_out(parameters, values_of(item, "sampled")):
        item.add_marker(pytest.mark.thorough)


def pytest_collection_modifyitems(items):
    """Run the longest tests first, or a core would wait for them at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@functools.cache
def missing(layer):
    """Why Numba cannot load a threading layer here, or nothing."""
    return run_python("-c", f"import numba.np.ufunc.{MODULES[layer]}", **LIBRARIES).stderr.strip().rpartition("\n")[2]


@pytest.fixture(params=MODULES)
def layer(request):
    """The environment of a process under each threading layer."""
    if missing(request.param):
        pytest.skip(f"threading layer {request.param}: {missing(request.param)}")
    return {"NUMBA_THREADING_LAYER": request.param, "NUMBA_NUM_THREADS": "2", **LIBRARIES}


# Processors that an x86 can stand in for, as Numba's names and features.
PROCESSORS = {"AVX2": STAND_INS[AVX2], "neither FMA nor F16C": STAND_INS[SSE2]}


@pytest.fixture(params=PROCESSORS)
def processor(request):
    """The environment that makes Numba compile for a processor; what is kept on disk is kept for each apart."""
    name, features = PROCESSORS[request.param]
    has = llvm.get_host_cpu_features()
    missing = [feature for feature in features.replace("+", "").split(",") if not has.get(feature)]
    if missing:
        pytest.skip(f"this processor has no {', '.join(missing)}")
    return {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}


@pytest.fixture
def run_script(tmp_path_factory):
    """Run Python source in a new process; returns what it printed, and fails with its errors where it fails."""

    def run(source, timeout=120, **environment):
        script = ("-W", "error", "-c", textwrap.dedent(source))
        return printed(run_python(*script, timeout=timeout, cwd=tmp_path_factory.getbasetemp(), **environment))

    return run


@pytest.fixture(params=ELEMENTWISE)
def function(request):
    """Name each elementwise function."""
    return request.param


@pytest.fixture(autouse=True)
def fresh_compiler():
    """Have PyTorch's compiler forget what a test compiled: it counts what one code was compiled for, in all tests."""
    yield
    if dynamo := sys.modules.get("torch._dynamo"):
        dynamo.reset()


@pytest.fixture
def torch():
    """Import PyTorch, or skip the test."""
    return pytest.importorskip("torch", reason="PyTorch is the peer")
