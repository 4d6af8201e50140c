"""The kernels in Numba's CUDA simulator, which is for a whole process."""

import importlib.util
import re

import pytest
from helpers import TESTS, printed, run_python

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")


# Kernels of rows take minutes there; their PTX is in the sample.
OF_SAMPLE = ("test_kernels.py", "test_in_kernels.py", "test_host_arrays.py")


@pytest.mark.parametrize("marks", ["not thorough", pytest.param("", marks=pytest.mark.thorough, id="all")])
def test_in_the_simulator(marks, pytestconfig):
    if marks and "not thorough" not in pytestconfig.option.markexpr:
        pytest.skip("all of them run")
    folder = TESTS / "simulator"
    files = [folder / name for name in OF_SAMPLE] if marks else [folder]
    # It is all Python, and slow; the sample is not, and compiles in one process what each would.
    alone = marks or not importlib.util.find_spec("xdist")
    on_all_cores = [] if alone else ["-n", "auto", "--dist", "load"]
    options = [
        "-o",
        "addopts=--strict-markers --strict-config",
        "-m",
        marks or "not whole",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    command = ("-m", "pytest", *files, *options, *on_all_cores)
    told = printed(run_python(*command, timeout=1500, NUMBA_ENABLE_CUDASIM="1"))
    passed, skipped = (re.search(rf"\b(\d+) {outcome}", told) for outcome in ("passed", "skipped"))
    assert passed, told
    assert int(passed[1]) > (20 if marks else 700), told
    assert skipped is None or int(skipped[1]) < int(passed[1]), told
