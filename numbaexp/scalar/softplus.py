"""softplus: log(1 + exp(x))."""

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, single
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import (
    INFINITY_F64,
    MAGNITUDE_F64,
    clamp_f64,
    highest,
    rounded_product,
    scalar,
)
from numbaexp.scalar.narrow import narrow
from numbaexp.scalar.sigmoid import GREATEST, LEAST, SUBNORMAL_BELOW, bounded_exponent_bits
from numbaexp.vector.operations import bits_of, float_of, fma, where

X_MAX = highest(np.finfo(np.float64).max)
MINUS_INFINITY = np.float64(-np.inf).view(np.int64)
INNER = 708.0
# float32 and narrower: further from 0 the exponential is negligible next to x, or too small for a float32.
GREATEST_MAGNITUDE = 104.0


@scalar
def atanh_tail(u):
    """Compute (atanh(s) / s - 1) / s**2 for u = s**2 <= 1/9."""
    return single.polynomial(
        u,
        c.DOUBLE_ATANH_0,
        c.DOUBLE_ATANH_1,
        c.DOUBLE_ATANH_2,
        c.DOUBLE_ATANH_3,
        c.DOUBLE_ATANH_4,
        c.DOUBLE_ATANH_5,
        c.DOUBLE_ATANH_6,
        c.DOUBLE_ATANH_7,
        c.DOUBLE_ATANH_8,
        c.DOUBLE_ATANH_9,
        c.DOUBLE_ATANH_10,
    )


# The one float32 that the error leaves on the wrong side of a midpoint, and its neighbour, which has the same result.
HARD, BESIDE = float.fromhex("0x1.d483a0p-12"), float.fromhex("0x1.d483a2p-12")


@scalar
def softplus(x):
    """Compute max(x, 0) + 2 atanh(e / (2 + e)), e = exp(-|x|), as the functions of ``numbaexp.scalar.single``."""
    x = where(x == HARD, BESIDE, x)
    magnitude = abs(x)
    e = single.exp(-where(magnitude > GREATEST_MAGNITUDE, GREATEST_MAGNITUDE, magnitude))
    s = e / (2.0 + e)
    u = fma(s, s, double.TINY)
    doubled = s + s
    return where(x > 0.0, x, 0.0) + fma(doubled * u, atanh_tail(u), doubled)


@scalar
def log1p_of_exp(x):
    """Return (high, low, n), log(1 + exp(x)) = (high + low) 2**(n >> 2), high + low in [0.6, 1.9], for -746 <= x <= 0.

    With e = exp(x) as a pair the result is 2 s (1 + u t(u)), s = e / (2 + e), u = s**2 <= 1/9, where 2 s is carried in
    two doubles, and u t(u) < 0.04 in one: with the last sum, 0.6 ulp.
    """
    r, r_low, n = double.exp_reduced(x)
    high, low = double.fast_two_sum(*double.exp_of_reduced(r, r_low, n))
    exponent = bounded_exponent_bits(n)
    half = float_of(exponent + bits_of(0.5))
    e, e_low = rounded_product(half, high), rounded_product(half, low)
    doubled, doubled_low = double.over_one_plus(high, low, e, e_low)
    s = half * doubled
    u = fma(s, s, double.TINY)
    return doubled, fma(doubled * u, atanh_tail(u), doubled_low), n


@scalar
def added(x, high, low, n):
    """Compute x + (high + low) 2**(n >> 2), for x > 0."""
    exponent = bounded_exponent_bits(n)
    scale = float_of(bits_of(1.0) + exponent)
    logarithm = rounded_product(high, scale)
    x_is_greater = x > logarithm
    greater, smaller = where(x_is_greater, x, logarithm), where(x_is_greater, logarithm, x)
    total, total_low = double.fast_two_sum(greater, smaller)
    return total + fma(low, scale, total_low)


@scalar
def softplus_f64_inner(x):
    high, low, n = log1p_of_exp(-abs(x))
    alone = float_of(bits_of(high + low) + double.exponent_bits(n))
    return where(x > 0.0, added(x, high, low, n), alone)


@scalar
def softplus_f64(x):
    bits = bits_of(x)
    finite = (bits & MAGNITUDE_F64) < INFINITY_F64
    clamped = clamp_f64(bits, LEAST, X_MAX) if finite else np.int64(0)
    magnitude = float_of(clamp_f64(clamped & MAGNITUDE_F64, LEAST, GREATEST))
    high, low, n = log1p_of_exp(-magnitude)
    subnormal = np.uint64(clamped) > SUBNORMAL_BELOW
    flag = double.UNDERFLOWS if subnormal else 0.0
    alone = fma(flag, flag, double.scaled_to_any(high, low, n, double.unit_of(n, subnormal)))
    result = added(float_of(clamped), high, low, n) if clamped > np.int64(0) else alone
    limit = 0.0 if bits == MINUS_INFINITY else x
    return fma(result, 1.0 if finite else 0.0, -0.0 if finite else limit)


SOFTPLUS = {
    **narrow(softplus, -104.0, np.finfo(np.float32).max, 0.0, np.inf),
    "float64": Scalar(softplus_f64, softplus_f64_inner, int(highest(np.float64(INNER)))),
}
