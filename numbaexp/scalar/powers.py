"""exp, exp2 and exp10: they differ in how the argument is reduced, and in their bounds."""

import numpy as np

from numbaexp.scalar import accurate, double, single
from numbaexp.scalar import constants as c
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.half import EXP_BF16, EXP_F16
from numbaexp.scalar.ieee import INFINITY_F64, MAGNITUDE_F64, clamp_f64, highest, lowest, rounded_product, scalar
from numbaexp.scalar.narrow import narrow
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, where

MINUS_INFINITY = lowest(np.float64(-np.inf))


@scalar
def exp2_reduced(x):
    """Reduce the argument of 2**x as ``double.exp_reduced``."""
    x = x + double.TINY
    shifted = fma(x, 4.0, double.ROUND_TO_INTEGER)
    y = fma(shifted - double.ROUND_TO_INTEGER, -0.25, x)
    r = rounded_product(y, c.DOUBLE_LN2_HI)
    return r, fma(y, c.DOUBLE_LN2_LO, fma(y, c.DOUBLE_LN2_HI, -r)), bits_of(shifted)


@scalar
def exp10_reduced(x):
    """Reduce the argument of 10**x as ``double.exp_reduced``."""
    x = x + double.TINY
    product = rounded_product(x, c.DOUBLE_LOG2_10_HI)
    product_low = fma(x, c.DOUBLE_LOG2_10_LO, fma(x, c.DOUBLE_LOG2_10_HI, -product))
    shifted = product + double.ROUND_TO_INTEGER
    y = product - (shifted - double.ROUND_TO_INTEGER)
    r = rounded_product(y, c.DOUBLE_STEP_WHOLE_HI)
    r_low = fma(product_low, c.DOUBLE_STEP_WHOLE_HI, fma(y, c.DOUBLE_STEP_WHOLE_LO, fma(y, c.DOUBLE_STEP_WHOLE_HI, -r)))
    # r_low may be as large as 2**-43, but must be a rounding error of r.
    r, r_low = double.fast_two_sum(r, r_low)
    return r, r_low, bits_of(shifted)


def power(reduced, accurately, inner_limit, x_max, x_normal, x_zero):
    """Make the float64 row of a power.

    ``inner_limit``: up to it, and down to its negative, results are normal. ``x_max``: the greatest argument whose
    power is finite; ``x_normal``: the least whose power is at least 2**-1022; ``x_zero``: one whose power rounds to 0.
    """
    greatest, least, subnormal_below = (
        highest(np.float64(x_max)),
        lowest(np.float64(x_zero)),
        lowest(np.float64(x_normal)),
    )

    @scalar
    def inner(x):
        r, r_low, n = reduced(x)
        high, low = double.exp_of_reduced(r, r_low, n)
        return double.scaled(high, low, n)

    @scalar
    def whole(x):
        bits = bits_of(x)
        clamped = clamp_f64(bits, least, greatest)
        r, r_low, n = reduced(float_of(clamped))
        high, low = double.exp_of_reduced(r, r_low, n)
        subnormal = as_number(clamped, np.uint64(0)) > subnormal_below
        unit = double.unit_of(n, subnormal)
        error = double.error_at(unit)
        below = double.scaled_to_any(high, low - error, n, unit)
        above = double.scaled_to_any(high, low + error, n, unit)

        # Infinity and NaN are their own results, but for -inf, whose clamp has the result 0. An exact power of two
        # raises no flag.
        inexact = (low != 0.0) | (double.lost_to(unit, high) != 0.0)
        underflow = subnormal & inexact & (as_number(bits, np.uint64(0)) < MINUS_INFINITY)
        too_great = bits > greatest
        unbounded = ((bits & MAGNITUDE_F64) > INFINITY_F64) | too_great
        overflow = (bits < INFINITY_F64) & too_great
        number = where(overflow, np.inf, x)
        return where(unbounded, number, below), where(unbounded, number, above), overflow, underflow

    return Scalar(whole, inner, int(highest(np.float64(inner_limit))), accurately)


# By name: the greatest argument whose power is finite, the least whose power is normal, one whose power rounds to 0.
BORDERS = {
    "exp": (c.DOUBLE_EXP_MAX, c.DOUBLE_EXP_NORMAL, -746.0),
    "exp2": (np.nextafter(1024.0, 0.0), -1022.0, -1075.5),
    "exp10": (c.DOUBLE_EXP10_MAX, c.DOUBLE_EXP10_NORMAL, -324.0),
}

EXP = {
    **narrow(single.exp, -104.0, 89.0, 0.0, np.inf),
    # In float32 arithmetic, which is twice as fast.
    "float16": EXP_F16,
    "bfloat16": EXP_BF16,
    "float64": power(double.exp_reduced, accurate.exp, 708.0, *BORDERS["exp"]),
}
EXP2 = {
    **narrow(single.exp2, -150.5, 128.0, 0.0, np.inf),
    "float64": power(exp2_reduced, accurate.exp2, 1022.0, *BORDERS["exp2"]),
}
EXP10 = {
    **narrow(single.exp10, -46.0, 39.0, 0.0, np.inf),
    "float64": power(exp10_reduced, accurate.exp10, 307.0, *BORDERS["exp10"]),
}
