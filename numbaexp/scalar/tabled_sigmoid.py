"""sigmoid from the powers of a table: a pair of floats, of numbers and vectors alike."""

from typing import Any

import numpy as np

from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.expm1 import two_sum
from numbaexp.scalar.ieee import reciprocal, rounded_product, scalar
from numbaexp.scalar.tabled import Powers
from numbaexp.vector.operations import bits_of, fma

ONE, ZERO = np.float32(1.0), np.float32(0.0)


@scalar
def is_negative(x):
    """Tell whether the sign of a float32 is set."""
    return bits_of(x) < np.int32(0)


@scalar
def quotient(a, a_low, b, b_low):
    """Return (high, low) with (a + a_low) / (b + b_low) within 2**-44 relatively, the low parts being below 2**-23.

    The first quotient errs by 2**-22.4. Its remainder is a float but for 2**-24 of that, and so is the rest.
    """
    inverse = reciprocal(b)
    high = rounded_product(a, inverse)
    return high, rounded_product(fma(-b, high, a) + fma(-high, b_low, a_low), inverse)


@scalar
def plus_one(e, e_low):
    """Return (high, low) with 1 + e + e_low within 2**-49, 0 <= e <= 1 and e_low its rounding error."""
    total, rest = fast_two_sum(ONE, e)
    return total, rest + e_low


def make_decay(powers: Powers) -> Any:
    """Return ``decay(x)``: exp(-|x|) as a normalised pair, within ``powers.error`` relatively."""
    exp, pair, scaled = powers.reduced, powers.pair, powers.scaled

    @scalar
    def decay(x):
        root, r0, rest, steps, bits = exp(-abs(x))
        return fast_two_sum(*pair(scaled(root, steps, bits), r0, rest))

    return decay


def make_sigmoid(powers: Powers) -> Any:
    """Return ``sigmoid(x)``, (high, low, size) within ``powers.error`` times size, |x| <= 43: there the square of
    exp(-x), which may be all that is left of a remainder, is above 2**-126.

    With e = exp(-x) the sigmoid is 1 / (1 + e): at most the relative error of e is passed on. The low part of 1 + e is
    rounded as that of a rounding test of e would be, which the bound takes in; the reciprocal, 2**-43, has room in it.
    """
    exp, pair, scaled = powers.reduced, powers.pair, powers.scaled

    @scalar
    def sigmoid(x):
        root, r0, rest, steps, bits = exp(-x)
        e, e_low = pair(scaled(root, steps, bits), r0, rest)
        total, total_low = two_sum(ONE, e)
        total, total_low = fast_two_sum(total, total_low + e_low)
        high = reciprocal(total)
        remainder = fma(-high, total_low, fma(-high, total, ONE))
        return high, rounded_product(high, remainder), high

    return sigmoid
