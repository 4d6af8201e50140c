"""sinh, cosh and tanh."""

from math import ldexp

import numpy as np

from numbaexp.scalar import accurate_hyperbolic, single
from numbaexp.scalar import constants as c
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import INFINITY_F64, MAGNITUDE_F64, highest, scalar
from numbaexp.scalar.narrow import narrow
from numbaexp.scalar.tabled import F64_16, horner, make_powers
from numbaexp.scalar.tabled_hyperbolic import (
    FORMS,
    make_cosh,
    make_cosh_of_magnitude,
    make_sinh,
    make_sinh_of_magnitude,
    make_split,
    make_tanh,
    with_sign,
)
from numbaexp.vector.operations import bits_of, float_of, fma, where

# The greatest magnitude of which sinh and cosh are finite; up to ``INNER`` no step overflows.
X_MAX, INNER = highest(np.float64(c.DOUBLE_SINH_MAX)), highest(np.float64(710.0))
POWERS = make_powers(F64_16, scales=False)
# Smaller arguments are their own result of sinh and tanh, in float64 arithmetic.
TINY = ldexp(1.0, -27)
# From here on tanh rounds to 1, in float64 arithmetic.
ONE_FROM = 20.0
# float32 and narrower: beyond this sinh and cosh overflow.
OVERFLOWS = 90.0

SINH_TAIL = horner(c.WIDE_SINH)


@scalar
def clamp(x, least, greatest):
    """Clamp a float64; NaN stays."""
    x = where(x < least, least, x)
    return where(x > greatest, greatest, x)


@scalar
def sign_of(x):
    return bits_of(x) & ~MAGNITUDE_F64


@scalar
def sinh_below_1(magnitude):
    """Compute sinh of a magnitude below 1: with a relative error of 1.5 in units of 2**-53."""
    near = clamp(magnitude, TINY, 1.0)
    square = near * near
    return fma(near * square, SINH_TAIL(square), near)


@scalar
def sinh_from(x, half_exp):
    """Compute sinh(x) from exp(|x|) / 2."""
    magnitude = abs(x)
    result = where(magnitude < 1.0, sinh_below_1(magnitude), half_exp - 0.25 / half_exp)
    return where(magnitude < TINY, x, with_sign(result, sign_of(x)))


@scalar
def cosh_from(half_exp):
    """Compute cosh(x) from exp(|x|) / 2."""
    return half_exp + 0.25 / half_exp


@scalar
def tanh_from(x, exp):
    """Compute tanh(x) from exp(|x|), |x| being clamped to ``ONE_FROM``.

    With e = exp(|x|) that is 1 - 2 / (e**2 + 1), or from sinh(|x|), of which the quotient keeps the relative error.
    """
    magnitude = abs(x)
    is_small = magnitude < 1.0
    quotient = where(is_small, 2.0 * sinh_below_1(magnitude) * exp, 2.0) / fma(exp, exp, 1.0)
    result = where(is_small, quotient, 1.0 - quotient)
    return where(magnitude < TINY, x, with_sign(result, sign_of(x)))


@scalar
def sinh(x):
    """Compute sinh as the functions of ``numbaexp.scalar.single``."""
    return sinh_from(x, 0.5 * single.exp(abs(x)))


@scalar
def cosh(x):
    """Compute cosh as the functions of ``numbaexp.scalar.single``."""
    return cosh_from(0.5 * single.exp(abs(x)))


@scalar
def tanh(x):
    """Compute tanh as the functions of ``numbaexp.scalar.single``."""
    return tanh_from(x, single.exp(clamp(abs(x), 0.0, ONE_FROM)))


@scalar
def both_sides(high, low, size):
    """Return the two results of the rounding test of a pair."""
    return high + fma(size, -POWERS.error, low), high + fma(size, POWERS.error, low)


def tested(pair):
    """Return the two results of the rounding test of a function of pairs."""

    @scalar
    def inner(x):
        return both_sides(*pair(x))

    return inner


def any_magnitude(of_magnitude, least):
    """Return ``sides(x)``: (ordinary, below, above, overflow, sign bit), with the two results of the rounding test of a
    magnitude from ``least`` to ``X_MAX``, others not being ordinary. ``of_magnitude`` computes half of the result."""
    split = make_split(FORMS[np.float64], least, X_MAX)

    @scalar
    def sides(x):
        ordinary, magnitude, sign = split(x)
        below, above = both_sides(*of_magnitude(magnitude))
        bits = bits_of(x) & MAGNITUDE_F64
        return ordinary, 2.0 * below, 2.0 * above, (bits > X_MAX) & (bits < INFINITY_F64), sign

    return sides


sinh_sides = any_magnitude(make_sinh_of_magnitude(POWERS, 0.25), FORMS[np.float64].least)
cosh_sides = any_magnitude(make_cosh_of_magnitude(POWERS, 0.25), FORMS[np.float64].least_cosh)
sinh_f64_inner, cosh_f64_inner = tested(make_sinh(POWERS)), tested(make_cosh(POWERS))


# In these nothing underflows.


@scalar
def sinh_f64(x):
    ordinary, below, above, overflow, sign = sinh_sides(x)
    other = where(overflow, float_of(INFINITY_F64 | sign), x)
    below, above = where(ordinary, with_sign(below, sign), other), where(ordinary, with_sign(above, sign), other)
    return below, above, overflow, overflow & ~overflow


@scalar
def cosh_f64(x):
    ordinary, below, above, overflow, _ = cosh_sides(x)
    other = where(overflow, np.inf, 1.0 + abs(x))
    return where(ordinary, below, other), where(ordinary, above, other), overflow, overflow & ~overflow


tanh_f64_inner = tested(make_tanh(POWERS))


@scalar
def tanh_f64(x):
    below, above = tanh_f64_inner(x)
    never = bits_of(x) != bits_of(x)
    return below, above, never, never


SINH = {
    **narrow(sinh, -OVERFLOWS, OVERFLOWS, -np.inf, np.inf),
    "float64": Scalar(sinh_f64, sinh_f64_inner, int(INNER), accurate_hyperbolic.sinh),
}
COSH = {
    **narrow(cosh, -OVERFLOWS, OVERFLOWS, np.inf, np.inf),
    "float64": Scalar(cosh_f64, cosh_f64_inner, int(INNER), accurate_hyperbolic.cosh),
}
TANH = {
    **narrow(tanh, -np.finfo(np.float32).max, np.finfo(np.float32).max, -1.0, 1.0),
    "float64": Scalar(tanh_f64, tanh_f64_inner, int(INFINITY_F64), accurate_hyperbolic.tanh),
}
