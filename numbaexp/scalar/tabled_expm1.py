"""expm1 from the powers of a table: a pair of floats, of numbers and vectors alike."""

from math import ldexp
from typing import Any

import numpy as np

from numbaexp.scalar.expm1 import two_sum
from numbaexp.scalar.ieee import MAGNITUDE_F32, highest, rounded_product, scalar
from numbaexp.scalar.tabled import Powers
from numbaexp.vector.operations import bits_of, fma, where

# Results of smaller arguments are the arguments themselves.
TINY = np.float32(ldexp(1.0, -25))
TINY_BITS = highest(TINY)

ZERO, MINUS_ZERO, MINUS_ONE = np.float32(0.0), np.float32(-0.0), np.float32(-1.0)
# The bound of the error, relative to that of an exponential: for the exponential, and for the 1.
MORE, OF_1 = np.float32(1.5), np.float32(ldexp(1.0, -12))


def make_expm1(powers: Powers) -> Any:
    """Return ``expm1(x)``, (high, low, size) within ``powers.error`` times size, |x| <= 43.

    Where the power of the table is 1, high is x and low = x**2 q(r), r = x but for ``tabled.TINY``. Relatively to low,
    in 2**-24, the polynomial errs by 0.12 or less, and x**2, q, the product and the sum of the rounding test by 1 each.

    Of other arguments high is the exponential's less 1, exactly with its rounding error, which low takes in. In u =
    2**-38 of the power (2**-34 with 8 entries), the pair errs by 4.45 (4.4), which ``powers.error`` takes for 4.5 (5);
    two more sums, of low and of the rounding test, are at most 2**-14 (2**-10) of the power and 2**-25 of the 1: they
    add 2 u and 2**-48.
    """
    exp, pair, scaled, tail = powers.reduced, powers.pair, powers.scaled, powers.tail
    # Negative, so that -0 gives -0.
    of_low = np.float32(ldexp(-4.5, -24) / powers.error)

    @scalar
    def expm1(x):
        tiny = (bits_of(x) & MAGNITUDE_F32) < TINY_BITS
        root, r0, rest, steps, bits = exp(where(tiny, TINY, x))
        power = scaled(root, steps, bits)
        high, low = pair(power, r0, rest)
        high, less_low = two_sum(high, MINUS_ONE)
        near = where(tiny, MINUS_ZERO, rounded_product(r0 * r0, tail(r0 + rest)))
        is_near = steps == ZERO
        return (
            where(is_near, x, high),
            where(is_near, near, low + less_low),
            where(is_near, near * of_low, fma(power, MORE, OF_1)),
        )

    return expm1
