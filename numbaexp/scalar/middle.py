"""float64: the middle phase, in pairs of float64 throughout, of arguments that the fast phase leaves undecided.

Some four in a million of these remain undecided. As the fast phase, the middle one takes vectors, which makes it much
faster than the accurate phase.
"""

from math import ldexp

from numbaexp.scalar import constants as c
from numbaexp.scalar import double
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.operations import bits_of, float_of, fma

# Absolute error of ``exp_of_reduced`` and of the rounding test; derived there.
MIDDLE_ERROR = ldexp(1.0, -69)


@scalar
def tail(r):
    """Return (exp(r) - 1 - r - r**2/2 - r**3/6) / r**4, |r| < 0.0867."""
    q = fma(c.MIDDLE_TAIL_8, r, c.MIDDLE_TAIL_7)
    q = fma(q, r, c.MIDDLE_TAIL_6)
    q = fma(q, r, c.MIDDLE_TAIL_5)
    q = fma(q, r, c.MIDDLE_TAIL_4)
    q = fma(q, r, c.MIDDLE_TAIL_3)
    q = fma(q, r, c.MIDDLE_TAIL_2)
    q = fma(q, r, c.MIDDLE_TAIL_1)
    return fma(q, r, c.MIDDLE_TAIL_0)


@scalar
def exponential_less_one(r, r_low):
    """Return (high, low) with exp(r + r_low) - 1 = high + low, |r| < 0.0867 and |r_low| < 2**-55.

    The first three terms of the series are carried in pairs, with the contributions of r_low. The error, in units of
    2**-72: the tail rounded and its first coefficient, 2**-58 each times r**4, 0.93 each; the coefficients and
    roundings after it, a seventh of that; the sums of low parts, each below 2**-60, nothing. Less than 2.2 of these.
    """
    square = rounded_product(r, r)
    square_low = fma(2.0 * r, r_low, fma(r, r, -square))
    q = tail(r)
    weight = fma(q, r, c.SIXTH_HI)
    weight_low = fma(q, r, c.SIXTH_HI - weight) + c.SIXTH_LO
    cube = rounded_product(square, r)
    cube_low = fma(square, r, -cube) + fma(square_low, r, rounded_product(square, r_low))
    third = rounded_product(cube, weight)
    third_low = fma(cube, weight, -third) + fma(cube_low, weight, rounded_product(cube, weight_low))
    second, error = double.fast_two_sum(0.5 * square, third)
    second_low = error + fma(0.5, square_low, third_low)
    high, error = double.fast_two_sum(r, second)
    return high, error + (second_low + r_low)


@scalar
def exp_of_reduced(r, r_low, n):
    """Return (high, low) with exp(r + r_low) 2**((n & 3)/4) = high + low in [0.9, 1.9], under the same bounds.

    To the error of the exponential, times a root of at most 1.682, the product in pairs adds nothing; the part of the
    reduced argument beyond two float64 adds 2**-83. Less than 2**-70; ``MIDDLE_ERROR`` is twice that.
    """
    less_one, less_one_low = exponential_less_one(r, r_low)
    root, root_low = double.fourth_root_power(n)
    product = rounded_product(root, less_one)
    product_low = fma(root, less_one, -product) + fma(root, less_one_low, fma(root_low, less_one, root_low))
    high, error = double.fast_two_sum(root, product)
    return high, error + product_low


def middle_phase(reduced):
    """Return the middle phase of a power: (result, undecided) of an argument whose power is normal. ``reduced`` reduces
    the argument, as ``double.exp_reduced``."""

    @scalar
    def compute(x):
        r, r_low, n = reduced(x)
        high, low = exp_of_reduced(r, r_low, n)
        below, above = high + (low - MIDDLE_ERROR), high + (low + MIDDLE_ERROR)
        return float_of(bits_of(below) + double.exponent_bits(n)), below != above

    return compute
