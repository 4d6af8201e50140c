"""logit: log(x / (1 - x)), the inverse of the sigmoid."""

from math import ldexp

import numpy as np

from numbaexp.scalar.domain import between_zero_and_one
from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.forms import BITS, STORED_AS, Scalar, itemsize, number_as_stored
from numbaexp.scalar.ieee import bfloat_to_float, half_to_float, scalar, to_float32, to_float64
from numbaexp.scalar.log_of_sum import log_of_sum
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.vector.operations import fma, split, where

# Lesser numbers are negligible next to 1, and their squares might underflow.
NEGLIGIBLE = ldexp(1.0, -100)


@scalar
def logit(x):
    """Compute the logit of 0 < x < 1, within 0.502 ulp.

    With b, the lesser of x and 1 - x, and a = 1 - b as a pair, both exact, it is +-log(a / b). The quotient is rounded,
    and so is what it lacks: that is as precise next to 1/2, where the quotient less 1 is exact but for a square.
    ``LOG_OF_SUM_ERROR`` and as much as 2**-104 for what it lacks make up 0.002 ulp.
    """
    negative = x < 0.5
    lesser = where(negative, x, 1.0 - x)
    a, a_low = fast_two_sum(1.0, -lesser)
    a_low = where(lesser < NEGLIGIBLE, 0.0, a_low)
    b, exponent = split(lesser)
    quotient = a / b
    small = quotient < 0.5
    to_s = where(small, 4.0, 2.0)
    lack = (fma(-quotient, b, a) + a_low) * to_s / b
    high, low = log_of_sum(quotient * to_s, lack, 0.0, where(small, -2.0, -1.0) - exponent)
    result = high + low
    return where(negative, -result, result)


def _of_type(dtype, to_number, from_number):
    """Return the scalar of a type, of the function in float64, rounded once."""
    domain = between_zero_and_one(dtype)
    inside, special = domain.inside, domain.special
    half = number_as_stored(0.5, dtype).view(STORED_AS[dtype])

    @scalar
    def inner(x):
        return from_number(logit(to_number(x)))

    @scalar
    def whole(x):
        return special(x, inner(where(inside(x), x, half)))

    limit = int(number_as_stored(1.0, dtype).view(BITS[itemsize(dtype)])) - 1
    return Scalar(whole, inner, limit, domain=domain)


@scalar
def same(x):
    return x


# The one float32 whose float64 result is rounded to a midpoint of float32, and its neighbour, which has the same
# result.
HARD, BESIDE = np.float32(float.fromhex("0x1.13986cp-22")), np.float32(float.fromhex("0x1.13986ep-22"))


@scalar
def from_single(x):
    return to_float64(where(x == HARD, BESIDE, x))


@scalar
def from_half(x):
    return to_float64(half_to_float(x))


@scalar
def from_bfloat(x):
    return to_float64(bfloat_to_float(x))


LOGIT = {
    "float16": _of_type("float16", from_half, to_half),
    "bfloat16": _of_type("bfloat16", from_bfloat, to_bfloat),
    "float32": _of_type("float32", from_single, to_float32),
    "float64": _of_type("float64", same, same),
}
