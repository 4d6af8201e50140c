"""sinh, cosh and tanh."""

import numpy as np

from numbaexp.scalar import accurate_hyperbolic, single
from numbaexp.scalar import constants as c
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.hyperbolic_of_exp import ONE_FROM, cosh_from, sinh_from, tanh_from
from numbaexp.scalar.ieee import INFINITY_F64, MAGNITUDE_F64, highest, rounded_product, scalar
from numbaexp.scalar.narrow import narrow
from numbaexp.scalar.single import clamped
from numbaexp.scalar.tabled import F64_16, make_powers
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
# float32 and narrower: beyond this sinh and cosh overflow.
OVERFLOWS = 90.0


# The one magnitude of float32 whose result is rounded to a midpoint in float64, and a lesser float64, whose result is
# below that.
HARD, BELOW_HARD = float.fromhex("0x1.250bfep-11"), float.fromhex("0x1.250bfdfffp-11")


@scalar
def sinh(x):
    """Compute sinh as the functions of ``numbaexp.scalar.single``."""
    x = where(x == HARD, BELOW_HARD, where(x == -HARD, -BELOW_HARD, x))
    return sinh_from(x, rounded_product(0.5, single.exp(abs(x))))


@scalar
def cosh(x):
    """Compute cosh as the functions of ``numbaexp.scalar.single``."""
    return cosh_from(rounded_product(0.5, single.exp(abs(x))))


@scalar
def tanh(x):
    """Compute tanh as the functions of ``numbaexp.scalar.single``."""
    return tanh_from(x, single.exp(clamped(abs(x), 0.0, ONE_FROM)))


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
