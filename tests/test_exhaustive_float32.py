"""float32: all 2**32 inputs are rounded correctly, in the ordinary run at a stride that is coprime to them.

The reference is the C library in float64 (``numbaexp.verify.references``); what it cannot decide MPFR does.
"""

import numpy as np
import pytest

import numbaexp
from numbaexp.verify.references import make_comparison

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify.oracle import correctly_rounded

STRIDE = 61
AT_ONCE = 1 << 24


def check(function, compare, patterns):
    """How many of the inputs with these bit patterns are wrong, and how many MPFR decided."""
    x = patterns.view(np.float32)
    with np.errstate(all="ignore"):
        y = getattr(numbaexp, function)(x)
    unequal, undecided = np.empty(x.size, bool), np.empty(x.size, bool)
    compare(x, y, unequal, undecided)
    near = x[undecided]
    wrong_near = correctly_rounded(function, near, "float32") != y[undecided]
    return np.count_nonzero(unequal & ~undecided) + np.count_nonzero(wrong_near), near.size


@pytest.mark.sampled(function=("exp", "expm1", "sigmoid", "log"))
def test_at_a_stride(function):
    compare = make_comparison(function)
    for start in range(0, 1 << 32, STRIDE * AT_ONCE):
        stop = min(start + STRIDE * AT_ONCE, 1 << 32)
        wrong, _ = check(function, compare, np.arange(start, stop, STRIDE, dtype=np.uint64).astype(np.uint32))
        assert wrong == 0


@pytest.mark.whole
def test_all(function):
    compare = make_comparison(function)
    near = 0
    for start in range(0, 1 << 32, AT_ONCE):
        patterns = np.arange(start, start + AT_ONCE, dtype=np.uint64).astype(np.uint32)
        wrong, decided = check(function, compare, patterns)
        assert wrong == 0
        near += decided
    print(f"{function}: all 2**32 float32 inputs right, {near} of them decided by MPFR")
    assert near > 0


HARDEST = {
    "exp2": ["-0x1.e7526ep-6", "0x1.853a6ep-9"],
    "sigmoid": ["-0x1.2082e0p-3", "0x1.8p-22", "0x1.cp-21", "-0x1.6p-20", "-0x1.ep-20", "0x1.3p-19"],
    "softplus": ["0x1.d483a0p-12"],
    "log1p": ["0x1.800006p-21", "-0x1.8449dp-8"],
    "log": ["0x1.b121a6p+76", "0x1.bacb4ap+25", "0x1.c09d7cp+27", "0x1.2f1fd6p+3"],
}


@pytest.mark.parametrize(("function", "texts"), HARDEST.items())
def test_hardest(function, texts):
    """Those so near a midpoint that the float64 inside cannot tell by itself, and their neighbours."""
    x = np.array([float.fromhex(text) for text in texts], np.float32)
    x = np.concatenate([x, np.nextafter(x, np.float32(-9)), np.nextafter(x, np.float32(9))])
    np.testing.assert_array_equal(getattr(numbaexp, function)(x), correctly_rounded(function, x, "float32"))


def test_the_check_can_fail(function):
    patterns = np.float32(np.linspace(-8, 8, 1000)).view(np.uint32)
    x = patterns.view(np.float32)
    unequal, undecided = np.empty(x.size, bool), np.empty(x.size, bool)
    with np.errstate(invalid="ignore"):
        y = getattr(numbaexp, function)(x)
    make_comparison(function)(x, np.nextafter(y, np.float32(9e9)), unequal, undecided)
    assert unequal[~np.isnan(y)].all()
