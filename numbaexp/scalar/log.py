"""log, log2 and log10."""

from math import ldexp

from numbaexp.scalar import accurate_logs
from numbaexp.scalar import constants as c
from numbaexp.scalar.domain import positive
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import INFINITY_F64, scalar
from numbaexp.scalar.log_pair import make_log_pair
from numbaexp.vector.operations import bits_of, fma, split, where

# The bounds of errors, relative to ``high``: ``BIAS`` of the pair, and ``WIDTH`` of both sides of the rounding test.
LOG_BIAS, LOG_WIDTH = ldexp(1.25, -63), ldexp(1.4375, -62)
LOG_OF_BASE_BIAS, LOG_OF_BASE_WIDTH = ldexp(1.75, -63), ldexp(1.875, -62)

# The greatest float64.
LIMIT = int(INFINITY_F64) - 1


def make_scalar(inner, domain, accurate) -> Scalar:
    """Return the scalar of a function with a domain, of its fast phase and its accurate one. 1 is inside."""
    inside, special = domain.inside, domain.special

    @scalar
    def whole(x):
        below, above = inner(where(inside(x), x, 1.0))
        # Nothing overflows or underflows.
        no = bits_of(x) != bits_of(x)
        return special(x, below), special(x, above), no, no

    return Scalar(whole, inner, LIMIT, accurate, domain)


log_pair = make_log_pair(LOG_BIAS)


@scalar
def log_f64_inner(x):
    high, low = log_pair(*split(x))
    return high + low, high + fma(high, LOG_WIDTH, low)


biased_pair = make_log_pair(LOG_OF_BASE_BIAS)


def make_log_of_base(factor, factor_low):
    """Return the fast phase of log(x) / log(b), 1 / log(b) as the sum of two floats."""

    @scalar
    def inner(x):
        log, log_low = biased_pair(*split(x))
        high = log * factor
        low = fma(log_low, factor, fma(log, factor_low, fma(log, factor, -high)))
        return high + low, high + fma(high, LOG_OF_BASE_WIDTH, low)

    return inner


DOMAIN = positive("float64")
LOG = {"float64": make_scalar(log_f64_inner, DOMAIN, accurate_logs.log)}
LOG2 = {"float64": make_scalar(make_log_of_base(*c.LOG2_E_F64), DOMAIN, accurate_logs.log2)}
LOG10 = {"float64": make_scalar(make_log_of_base(*c.LOG10_E_F64), DOMAIN, accurate_logs.log10)}
