"""sigmoid: 1 / (1 + exp(-x))."""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, single
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import (
    INFINITY_F64,
    MAGNITUDE_F64,
    clamp_f64,
    highest,
    lowest,
    rounded_product,
    scalar,
)
from numbaexp.scalar.narrow import narrow
from numbaexp.vector.operations import bits_of, float_of, fma, where

LEAST, SUBNORMAL_BELOW = lowest(np.float64(-746.0)), lowest(np.float64(c.DOUBLE_EXP_NORMAL))
GREATEST = highest(np.float64(746.0))
MINUS_INFINITY = np.float64(-np.inf).view(np.int64)
INNER = 708.0
# Below this exponent exp(-|x|) is negligible next to 1, and would underflow.
LEAST_EXPONENT = np.int64(-200)


# The one float32 that the error leaves on the wrong side of a midpoint, and its neighbour, which has the same result.
HARD, BESIDE = float.fromhex("-0x1.2082e0p-3"), float.fromhex("-0x1.2082e2p-3")
BIAS = ldexp(1.0, -52)
SIGN = np.int64(-0x8000000000000000)


@scalar
def sigmoid(x):
    """Compute the sigmoid as the functions of ``numbaexp.scalar.single``.

    For small x it is 1/2 + x/4 - x**3/48, where the first two terms may be midpoints of float32, and the third is too
    small for a float64: the bias towards 1/2, about the error, stands for it.
    """
    x = where(x == HARD, BESIDE, x)
    total = 1.0 + single.exp(-x)
    bias = float_of(bits_of(BIAS) | (bits_of(x) & SIGN))
    return 1.0 / fma(total, bias, total)


@scalar
def bounded_exponent_bits(n):
    """Return ``double.exponent_bits``, the exponent clamped to ``LEAST_EXPONENT``."""
    bits = double.exponent_bits(n)
    least = LEAST_EXPONENT << np.int64(52)
    return where(bits < least, least, bits)


@scalar
def sigmoid_pair(x):
    """Return (high, low, n) with the sigmoid = (high + low) 2**(n >> 2), high + low in [0.45, 1.9], for |x| <= 746.

    With e = exp(-|x|) as a pair, the sigmoid is 1 / (1 + e), or e / (1 + e) where x is negative. To the error of e,
    below 2**-63 relatively, the quotient in two doubles adds nothing significant: after rounding, 0.501 ulp.
    """
    r, r_low, n = double.exp_reduced(-abs(x))
    high, low = double.fast_two_sum(*double.exp_of_reduced(r, r_low, n))
    exponent = bounded_exponent_bits(n)
    e, e_low = float_of(bits_of(high) + exponent), rounded_product(low, float_of(exponent + bits_of(1.0)))
    negative = x < 0.0
    quotient, quotient_low = double.over_one_plus(where(negative, high, 1.0), where(negative, low, 0.0), e, e_low)
    return quotient, quotient_low, where(negative, n, np.int64(0))


@scalar
def sigmoid_f64_inner(x):
    high, low, n = sigmoid_pair(x)
    return float_of(bits_of(high + low) + double.exponent_bits(n))


@scalar
def sigmoid_f64(x):
    bits = bits_of(x)
    finite = (bits & MAGNITUDE_F64) < INFINITY_F64
    clamped = clamp_f64(bits, LEAST, GREATEST) if finite else np.int64(0)
    high, low, n = sigmoid_pair(float_of(clamped))
    subnormal = np.uint64(clamped) > SUBNORMAL_BELOW
    result = double.scaled_to_any(high, low, n, double.unit_of(n, subnormal))
    flag = double.UNDERFLOWS if subnormal else 0.0
    upper = 1.0 if bits == INFINITY_F64 else x
    limit = 0.0 if bits == MINUS_INFINITY else upper
    return fma(fma(flag, flag, result), 1.0 if finite else 0.0, -0.0 if finite else limit)


SIGMOID = {
    **narrow(sigmoid, -104.0, 104.0, 0.0, 1.0),
    "float64": Scalar(sigmoid_f64, sigmoid_f64_inner, int(highest(np.float64(INNER)))),
}
