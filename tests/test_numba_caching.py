"""Users' compiled code that calls ours and is kept by Numba: run in other processes, and under another version."""

import pytest

from numbaexp.cache import folders

pytestmark = pytest.mark.sampled(name=("outermost", "gufunc"))

# Functions of the module, and what they return.
CALLS = {
    "number": "numbaexp.exp(x[3])",
    "gradient": "numbaexp.sigmoid_backward(x[3], x[4])",
    "array": "numbaexp.exp(x)",
    "outer": "numbaexp.softmax(x)",
    "outermost": "numbaexp.softmax(x)",
    "of_each": "numbaexp.log_softmax(x.reshape(10, 5))",
    "ufunc": "numbaexp.sigmoid(x)",
    "gufunc": "numbaexp.softmax(x)",
}
MODULE = """
import numba, numpy as np, numbaexp

@numba.njit(cache=True)
def number(x):
    return numbaexp.exp(x[3])

@numba.njit(cache=True)
def gradient(x):
    return numbaexp.sigmoid_backward(x[3], x[4])

@numba.njit(cache=True)
def array(x):
    return numbaexp.exp(x)

@numba.njit
def inner(x):
    return numbaexp.softmax(x)

@numba.njit(cache=True)
def outer(x):
    return inner(x)

@numba.njit(cache=True)
def outermost(x):
    return outer(x)

@numba.njit(cache=True, parallel=True)
def of_each(x):
    y = np.empty((10, 5))
    for i in numba.prange(10):
        y[i] = numbaexp.log_softmax(x[5 * i : 5 * i + 5])
    return y

@numba.vectorize(["f8(f8)"], cache=True)
def ufunc(x):
    return numbaexp.sigmoid(x)

@numba.guvectorize(["(f8[:], f8[:])"], "(n)->(n)", cache=True)
def gufunc(x, y):
    y[:] = numbaexp.softmax(x)
"""
SCRIPT = """
import sys; sys.path.insert(0, {folder!r})
import numpy as np, numbaexp
from numbaexp.cpu import cached_code, variants

cached_code.__version__ = variants.__version__ = {version!r}
import user

x = np.linspace(-3, 3, 50)
np.testing.assert_array_equal(user.{name}(x), {expected})
print(sum(user.{name}.stats.cache_hits.values()) if hasattr(user.{name}, "stats") else "unknown")
"""


@pytest.fixture
def hits(run_script, tmp_path):
    """Call a function of the module in a process of its own; return how often its code came from the disk."""
    (tmp_path / "user.py").write_text(MODULE)

    def hits(name, version="1.0"):
        script = SCRIPT.format(folder=str(tmp_path), name=name, version=version, expected=CALLS[name])
        # Kernels are those of the other tests.
        kernels = str(folders.candidates()[0].parent)
        return run_script(script, NUMBA_CACHE_DIR=str(tmp_path / "cache"), NUMBAEXP_CACHE_DIR=kernels).strip()

    return hits


@pytest.mark.checked(name="number")
@pytest.mark.parametrize("name", CALLS)
def test_in_other_processes(hits, name):
    """The first one compiles, each time the version changes; another version's kernels have other names."""
    if name == "outermost":
        # Its code is linked with what was read from the disk.
        assert hits("outer") == "0"
    found = [hits(name, version) for version in ("1.0", "1.0", "2.0", "2.0")]
    assert found in (["0", "1", "0", "1"], ["unknown"] * 4)
