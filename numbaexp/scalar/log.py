"""log, log2 and log10."""

from math import ldexp

from numbaexp.scalar import accurate_logs, middle_logs
from numbaexp.scalar import constants as c
from numbaexp.scalar.domain import positive
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import INFINITY_F64, rounded_product, scalar
from numbaexp.scalar.log_pair import make_log_pair
from numbaexp.scalar.narrow_logs import make_scalars, odd_of_pair
from numbaexp.vector.operations import bits_of, fma, split, where

# The bounds of ``numbaexp.scalar.log_pair``, of the logarithm and of its product with a number.
BIAS, WIDTH = ldexp(1.375, -63), ldexp(3.0625, -63)
BIAS_OF_BASE, WIDTH_OF_BASE = ldexp(1.75, -63), ldexp(3.875, -63)

# The greatest float64.
LIMIT = int(INFINITY_F64) - 1


def make_inner(pair, width):
    """Return the two results of the rounding test, of a pair that is lower by its bias."""

    @scalar
    def inner(x):
        high, low = pair(x)
        return high + low, high + fma(high, width, low)

    return inner


def make_scalar(inner, domain, middle, accurate) -> Scalar:
    """Return the scalar of a function with a domain, which has 1 inside, of its three phases."""
    inside, special = domain.inside, domain.special

    @scalar
    def whole(x):
        below, above = inner(where(inside(x), x, 1.0))
        # Nothing overflows or underflows.
        no = bits_of(x) != bits_of(x)
        return special(x, below), special(x, above), no, no

    return Scalar(whole, inner, LIMIT, accurate, domain, middle)


pair_of_split, biased_pair_of_split = make_log_pair(BIAS), make_log_pair(BIAS_OF_BASE)


@scalar
def log_pair(x):
    return pair_of_split(*split(x))


def make_pair_of_base(factor, factor_low):
    """Return ``pair(x)`` of the logarithm to a base b, with 1 / log(b) as the sum of two floats.

    The product that is ``high`` is completed exactly. To the error of the logarithm come, in units of 2**-63, that of
    the sum of small parts, 0.13, and that of low, 0.22.
    """

    @scalar
    def pair(x):
        log, log_low = biased_pair_of_split(*split(x))
        high = rounded_product(log, factor)
        return high, fma(log_low, factor, fma(log, factor_low, fma(log, factor, -high)))

    return pair


log2_pair, log10_pair = make_pair_of_base(*c.LOG2_E_F64), make_pair_of_base(*c.LOG10_E_F64)

DOMAIN = positive("float64")
LOG = {
    **make_scalars(odd_of_pair(log_pair), positive),
    "float64": make_scalar(make_inner(log_pair, WIDTH), DOMAIN, middle_logs.log, accurate_logs.log),
}
LOG2 = {
    **make_scalars(odd_of_pair(log2_pair), positive),
    "float64": make_scalar(make_inner(log2_pair, WIDTH_OF_BASE), DOMAIN, middle_logs.log2, accurate_logs.log2),
}
LOG10 = {
    **make_scalars(odd_of_pair(log10_pair), positive),
    "float64": make_scalar(make_inner(log10_pair, WIDTH_OF_BASE), DOMAIN, middle_logs.log10, accurate_logs.log10),
}
