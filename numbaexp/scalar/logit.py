"""logit: log(x / (1 - x)), the inverse of the sigmoid."""

from math import ldexp

import numpy as np

from numbaexp.scalar.domain import between_zero_and_one
from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import highest, scalar
from numbaexp.scalar.log_of_sum import log_of_sum
from numbaexp.scalar.narrow_logs import make_scalars
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


# The one float32 whose float64 result is rounded to a midpoint of float32, and its neighbour, which has the same
# result.
HARD, BESIDE = float.fromhex("0x1.13986cp-22"), float.fromhex("0x1.13986ep-22")


@scalar
def narrow_logit(x):
    """Compute the logit of what is a float32, for one rounding to that or to a narrower type."""
    return logit(where(x == HARD, BESIDE, x))


DOMAIN = between_zero_and_one("float64")
IS_INSIDE, SPECIAL = DOMAIN.inside, DOMAIN.special


@scalar
def logit_f64(x):
    return SPECIAL(x, logit(where(IS_INSIDE(x), x, 0.5)))


LOGIT = {
    **make_scalars(narrow_logit, between_zero_and_one),
    "float64": Scalar(logit_f64, logit, int(highest(np.float64(1.0))) - 1, domain=DOMAIN),
}
