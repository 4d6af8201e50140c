"""softplus: log(1 + exp(x))."""

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, single
from numbaexp.scalar.double import FAST_ERROR, LEAST_NORMAL
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import (
    INFINITY_F64,
    MAGNITUDE_F64,
    clamp_f64,
    highest,
    rounded_product,
    scalar,
)
from numbaexp.scalar.log_of_sum import LOG_OF_SUM_ERROR, log_of_sum
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


# Relative error of ``log1p_of_exp`` as a pair: that of the exponential, and that of the logarithm. The results below
# are the pair rounded, but for sums of low parts that err by 2**-104: within 0.506 ulp.
LOG1P_OF_EXP_ERROR = 2.0 * FAST_ERROR + LOG_OF_SUM_ERROR


@scalar
def log1p_of_exp(x):
    """Return (high, low, less), log(1 + exp(x)) = (high + low) 2**less, for -746 <= x <= 0, ``less`` in the bits of an
    exponent: 0 but where the logarithm might underflow."""
    return log1p_of_power(*double.exp_reduced(x))


@scalar
def log1p_of_power(r, r_low, n):
    """Return the same of a reduced exponent."""
    high, low = double.fast_two_sum(*double.exp_of_reduced(r, r_low, n))
    exponent = bounded_exponent_bits(n)
    e, e_low = float_of(bits_of(high) + exponent), rounded_product(low, float_of(exponent + bits_of(1.0)))
    total, total_low = double.fast_two_sum(1.0, e)
    log, log_low = log_of_sum(total, total_low, e_low, 0.0)
    return log, log_low, double.exponent_bits(n) - exponent


@scalar
def added(x, high, low):
    """Compute x + high + low, for x > 0."""
    x_is_greater = x > high
    greater, smaller = where(x_is_greater, x, high), where(x_is_greater, high, x)
    total, total_low = double.fast_two_sum(greater, smaller)
    return total + (total_low + low)


@scalar
def softplus_f64_inner(x):
    high, low, less = log1p_of_exp(-abs(x))
    return where(x > 0.0, added(x, high, low), float_of(bits_of(high + low) + less))


@scalar
def softplus_f64(x):
    bits = bits_of(x)
    finite = (bits & MAGNITUDE_F64) < INFINITY_F64
    clamped = clamp_f64(bits, LEAST, X_MAX) if finite else np.int64(0)
    magnitude = float_of(clamp_f64(clamped & MAGNITUDE_F64, LEAST, GREATEST))
    high, low, less = log1p_of_exp(-magnitude)
    subnormal = np.uint64(clamped) > SUBNORMAL_BELOW
    # In units of 2**less, in which subnormal numbers have the spacing of a number that is not small.
    unit = float_of(LEAST_NORMAL - less) if subnormal else 0.0
    alone = double.scaled_by(high, low, less, unit)
    # Where ``alone`` is not chosen, that may be a NaN, of which arithmetic raises "invalid".
    result = added(float_of(clamped), high, low) if clamped > np.int64(0) else alone
    flag = double.UNDERFLOWS if subnormal else 0.0
    limit = 0.0 if bits == MINUS_INFINITY else x
    return fma(fma(flag, flag, result), 1.0 if finite else 0.0, -0.0 if finite else limit)


SOFTPLUS = {
    **narrow(softplus, -104.0, np.finfo(np.float32).max, 0.0, np.inf),
    "float64": Scalar(softplus_f64, softplus_f64_inner, int(highest(np.float64(INNER)))),
}
