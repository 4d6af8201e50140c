"""Gradients of the softmax family: the addends of a row's sum, and the results given the sum.

The sums are pairs, high + low, in every type, as differences from them cancel where a gradient is nearly constant along
a row.
"""

from typing import Any, NamedTuple

from numbaexp.scalar import double, single
from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.operations import fma, where


class Gradient(NamedTuple):
    """Hold ``addend(g, y)``, of the gradient and the result, a pair; and ``result(g, y, total, low)``, not rounded."""

    addend: Any
    result: Any


@scalar
def product(g, y):
    """Multiply exactly, to a pair."""
    high = rounded_product(g, y)
    return high, fma(g, y, -high)


@scalar
def less(a, b, b_low):
    """Compute a - b - b_low as a pair."""
    high, error = r.two_sum(a, -b)
    return double.fast_two_sum(high, error - b_low)


@scalar
def softmax_gradient(g, y, total, low):
    """Compute (g - sum of g y) y."""
    high, rest = less(g, total, low)
    return fma(high, y, rest * y)


@scalar
def narrow_product(g, y):
    """Multiply floats of 24 bits, exactly."""
    return rounded_product(g, y), 0.0


@scalar
def narrow_softmax_gradient(g, y, total, low):
    """Compute (g - sum of g y) y. Where g and the sum cancel, the difference is exact."""
    return ((g - total) - low) * y


@scalar
def alone(g, y):
    return g, 0.0


@scalar
def narrow_log_softmax_gradient(g, y, total, low):
    """Compute g - exp(y) sum of g, with the exponential of ``single``, to a relative error of 2**-51."""
    power = single.exp(where(y < LEAST, LEAST, y))
    # Where the sum cancels, most of it may be in its low part.
    return fma(-where(y < LEAST, 0.0, power), total + low, g)


# Exponentials of smaller arguments are negligible in narrow types.
LEAST = float.fromhex("-0x1.a2ccccccccccdp+6")  # -104.7


@scalar
def paired_log_softmax_gradient(g, y, total, low):
    """Compute the same, in pairs."""
    power, power_low = r.exponential_pair(y, 0.0)
    nothing = y < r.LEAST_DIFFERENCE
    power, power_low = where(nothing, 0.0, power), where(nothing, 0.0, power_low)
    high, rest = r.product_of_pairs(power, power_low, total, low)
    result, error = r.two_sum(g, -rounded_product(high, UNSCALE))
    return result + (error - rounded_product(rest, UNSCALE))


UNSCALE = 1.0 / r.PAIR_SCALE


def gradient_of(name: str, dtype: str) -> Gradient:
    """Return the gradient of a function, in a type."""
    wide = dtype == "float64"
    if name == "softmax_backward":
        return Gradient(product, softmax_gradient) if wide else Gradient(narrow_product, narrow_softmax_gradient)
    return Gradient(alone, paired_log_softmax_gradient if wide else narrow_log_softmax_gradient)
