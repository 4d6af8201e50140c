"""The kernels in Numba's CUDA simulator, which is for a whole process."""

import importlib.util
import re

import pytest
from helpers import TESTS, printed, run_python

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")


# Kernels of rows take minutes there; tests execute their PTX.
KERNELS = ("test_kernels.py", "test_in_kernels.py", "test_host_arrays.py")
LIBRARIES = ("test_custom_on_devices.py", "test_owners_on_devices.py", "test_torch_graphs.py")


@pytest.mark.parametrize(
    ("files", "marks", "fewest"),
    [
        pytest.param(KERNELS, "not thorough and not whole", 15, id="kernels", marks=pytest.mark.thorough),
        pytest.param(LIBRARIES, "not thorough and not whole", 60, id="libraries", marks=pytest.mark.thorough),
        pytest.param((".",), "", 900, id="all", marks=pytest.mark.whole),
    ],
)
def test_in_the_simulator(files, marks, fewest):
    paths = [TESTS / "simulator" / name for name in files]
    # It is all Python, and slow; a few files are not, and compile in one process what each would.
    alone = files != (".",) or not importlib.util.find_spec("xdist")
    on_all_cores = [] if alone else ["-n", "auto", "--dist", "load"]
    options = ["-o", "addopts=--strict-markers --strict-config", "-m", marks, "-q", "-p", "no:cacheprovider"]
    command = ("-m", "pytest", *paths, *options, *on_all_cores)
    told = printed(run_python(*command, timeout=3600 if not marks else 1500, NUMBA_ENABLE_CUDASIM="1"))
    passed, skipped = (re.search(rf"\b(\d+) {outcome}", told) for outcome in ("passed", "skipped"))
    assert passed, told
    assert int(passed[1]) > fewest, told
    assert skipped is None or int(skipped[1]) < int(passed[1]), told
