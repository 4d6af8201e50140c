"""NumPy's own tests of its exponentials, logarithms and hyperbolic functions, with ours in their place."""

import importlib.util

import pytest
from helpers import printed, run_python

pytestmark = pytest.mark.thorough  # compiles every function in every type

NAMES = ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
OF_VALUES = ("Log", "Log2", "Log1p", "Exp", "Exp2", "Expm1", "AVXUfuncs", "AVXFloat32Transcendental")
OF_SPECIAL_VALUES = (
    *(f"{name}_values" for name in ("exp", "log")),
    *("exp_exceptions", "exp2", "expm1", "sinh", "cosh", "tanh", "unary_spurious_fpexception"),
)
SCRIPT = """
import sys
import numpy as np, numpy._core.umath as umath
import pytest
import numbaexp
for name in {names}:
    # Numba looks NumPy's functions up when it compiles.
    for dtype in "efd":
        getattr(numbaexp, name)(np.ones(2, dtype))
for name in {names}:
    for module in (np, umath):
        setattr(module, name, getattr(numbaexp, name))
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--pyargs", *{tests}]))
"""


def run(tests, folder):
    """Run tests of NumPy's in a process in which its functions are ours; return the last line that is printed."""
    if importlib.util.find_spec("numpy._core.tests") is None:
        pytest.skip("NumPy came without its tests")
    done = run_python("-c", SCRIPT.format(names=NAMES, tests=tests), cwd=folder)
    return printed(done).splitlines()[-1]


def test_values(tmp_path):
    classes = [f"numpy._core.tests.test_umath::Test{name}" for name in OF_VALUES]
    classes += [f"numpy._core.tests.test_umath::TestSpecialFloats::test_{name}" for name in OF_SPECIAL_VALUES]
    assert " passed" in run(classes, tmp_path)


def test_accuracy(tmp_path):
    """Of each function NumPy has a table of arguments and results."""
    assert " passed" in run(["numpy._core.tests.test_umath_accuracy"], tmp_path)
