"""float32: all 2**32 inputs are rounded correctly, in the ordinary run at a stride that is coprime to them.

The reference is the C library's float64 exp, whose error is below an ulp, rounded to float32; where it lies within
2**-48 of a rounding boundary MPFR decides.
"""

import math

import numpy as np
import pytest
from numba import njit, prange

import numbaexp

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from oracle import correctly_rounded

STRIDE = 61
AT_ONCE = 1 << 24


@njit(parallel=True)
def compare(x, y, unequal, undecided):
    """Mark where ``y`` is not exp(x) by the reference, and where the reference cannot tell."""
    for i in prange(x.size):
        exact = math.exp(np.float64(x[i]))
        low, high = np.float32(exact * (1 - 2.0**-48)), np.float32(exact * (1 + 2.0**-48))
        undecided[i] = low != high and not np.isnan(low)
        unequal[i] = low != y[i] and not (np.isnan(low) and np.isnan(y[i]))


def check(patterns):
    """How many of the inputs with these bit patterns are wrong, and how many MPFR decided."""
    x = patterns.view(np.float32)
    with np.errstate(all="ignore"):
        y = numbaexp.exp(x)
    unequal, undecided = np.empty(x.size, bool), np.empty(x.size, bool)
    compare(x, y, unequal, undecided)
    near = x[undecided]
    wrong_near = correctly_rounded("exp", near, "float32") != y[undecided]
    return np.count_nonzero(unequal & ~undecided) + np.count_nonzero(wrong_near), near.size


def test_at_a_stride():
    for start in range(0, 1 << 32, STRIDE * AT_ONCE):
        stop = min(start + STRIDE * AT_ONCE, 1 << 32)
        wrong, _ = check(np.arange(start, stop, STRIDE, dtype=np.uint64).astype(np.uint32))
        assert wrong == 0


@pytest.mark.whole
def test_all():
    near = 0
    for start in range(0, 1 << 32, AT_ONCE):
        wrong, decided = check(np.arange(start, start + AT_ONCE, dtype=np.uint64).astype(np.uint32))
        assert wrong == 0
        near += decided
    print(f"all 2**32 float32 inputs right, {near} of them decided by MPFR")
    assert near > 0


def test_the_check_can_fail():
    patterns = np.float32(np.linspace(-80, 80, 1000)).view(np.uint32)
    x = patterns.view(np.float32)
    unequal, undecided = np.empty(x.size, bool), np.empty(x.size, bool)
    compare(x, np.nextafter(numbaexp.exp(x), np.float32(0)), unequal, undecided)
    assert unequal.all()
