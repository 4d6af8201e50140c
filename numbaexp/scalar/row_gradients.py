"""Gradients of the softmax family: of what a row's elements add to a sum, and of what they are given that sum.

Their sums are pairs, high + low, in every type, for the differences from them cancel: of a gradient that is nearly the
same along a row nearly nothing is left.
"""

from typing import Any, NamedTuple

from numbaexp.scalar import double, single
from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.operations import fma, where


class Gradient(NamedTuple):
    """``addend(g, y)``, of the gradient and the result, a pair; ``result(g, y, total, low)``, yet to be rounded."""

    addend: Any
    result: Any


@scalar
def product(g, y):
    """Exactly, as a pair."""
    high = rounded_product(g, y)
    return high, fma(g, y, -high)


@scalar
def less(a, b, b_low):
    """a - b - b_low as a pair."""
    high, error = r.two_sum(a, -b)
    return double.fast_two_sum(high, error - b_low)


@scalar
def softmax_gradient(g, y, total, low):
    """(g - sum of g y) y."""
    high, rest = less(g, total, low)
    return fma(high, y, rest * y)


@scalar
def narrow_product(g, y):
    """Of floats that have 24 bits."""
    return rounded_product(g, y), 0.0


@scalar
def narrow_softmax_gradient(g, y, total, low):
    """Where g and the sum cancel, their difference is exact."""
    return ((g - total) - low) * y


@scalar
def alone(g, y):
    return g, 0.0


@scalar
def narrow_log_softmax_gradient(g, y, total, low):
    """g - exp(y) sum of g, whose exponential has the relative error of ``single``, 2**-51."""
    power = single.exp(where(y < LEAST, LEAST, y))
    # Where the sum cancels, most of it may be in its low part.
    return fma(-where(y < LEAST, 0.0, power), total + low, g)


# A narrow element of such an exponential is nothing.
LEAST = float.fromhex("-0x1.a2ccccccccccdp+6")  # -104.7


@scalar
def paired_log_softmax_gradient(g, y, total, low):
    """The same, in pairs."""
    power, power_low = r.exponential_pair(y, 0.0)
    nothing = y < r.LEAST_DIFFERENCE
    power, power_low = where(nothing, 0.0, power), where(nothing, 0.0, power_low)
    high, rest = r.product_of_pairs(power, power_low, total, low)
    result, error = r.two_sum(g, -rounded_product(high, UNSCALE))
    return result + (error - rounded_product(rest, UNSCALE))


UNSCALE = 1.0 / r.PAIR_SCALE


def gradient_of(name: str, dtype: str) -> Gradient:
    """That of a function, in a type."""
    wide = dtype == "float64"
    if name == "softmax_backward":
        return Gradient(product, softmax_gradient) if wide else Gradient(narrow_product, narrow_softmax_gradient)
    return Gradient(alone, paired_log_softmax_gradient if wide else narrow_log_softmax_gradient)
