"""float64: the middle phase of the logarithms, in pairs of float64 throughout, of arguments that the fast phase leaves
undecided, as ``numbaexp.scalar.middle`` is that of powers.

With the reduction of ``numbaexp.scalar.log_pair``, and H, l, r as there,

    log(x) = H + r - r**2/2 + u + l,   u = r**3 (1/3 - r/4 + r**2 q(r)).

All but l and r**2 q, which are floats, are pairs. The error of u, relatively: r**2 q, below 2**-12 next to 1/3, is
rounded and errs by its last product and sum, 2**-62.1; the product with that, 2**-63.4; where r has a low part, of
r**2 q all of its effect is left out but 3/5, 2**-62.4. Together below ``TERM_ERROR``. l is below 2**-44 where H is at
least 2**-4.3, and 0 where H is: relatively to H, also where both are k times as much, l errs by less than
``REST_ERROR``. Four sums of low parts, below 2**-51.5 of the result, and that of the rounding test err by less than
``SUM_ERROR`` relatively to the result.
"""

from math import ldexp

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.log_pair import LN2, LN2_REST, LOG_OF, REST_OF, reduced, reduced_sum, sum_with_one
from numbaexp.scalar.tabled import horner
from numbaexp.vector.operations import fma, split

TERM_ERROR, REST_ERROR, SUM_ERROR = ldexp(1.0, -60), ldexp(1.0, -90), ldexp(1.0, -102)

THIRD, THIRD_LOW = c.THIRD
TAIL = horner(c.MIDDLE_LOG_TAIL)


@scalar
def logarithm(r, r_low, k, index):
    """Return (high, low, error) with log((1 + r + r_low) / R 2**k) within ``error`` of high + low."""
    square = rounded_product(r, r)
    square_low = fma(2.0 * r, r_low, fma(r, r, -square))
    weight = fma(r, -0.25, THIRD)
    weight_low = fma(square, TAIL(r), fma(r, -0.25, THIRD - weight) + fma(r_low, -0.25, THIRD_LOW))
    cube = rounded_product(square, r)
    cube_low = fma(square, r, -cube) + fma(square_low, r, rounded_product(square, r_low))
    term = rounded_product(cube, weight)
    term_low = fma(cube, weight, -term) + fma(cube_low, weight, rounded_product(cube, weight_low))
    of_table = fma(k, LN2, LOG_OF(index))
    # Each sum is of a greater and a lesser, or of 0.
    total, first_low = fast_two_sum(of_table, r)
    less = fma(square, -0.5, total)
    less_low = fma(square, -0.5, total - less)
    high, rest = fast_two_sum(less, term)
    low = rest + (((first_low + less_low) + fma(square_low, -0.5, term_low)) + fma(k, LN2_REST, REST_OF(index)) + r_low)
    return high, low, fma(abs(term), TERM_ERROR, fma(abs(of_table), REST_ERROR, SUM_ERROR * abs(high)))


@scalar
def log_parts(x):
    """Return (high, low, error) of log(x)."""
    m, k = split(x)
    r, _, index = reduced(m)
    return logarithm(r, 0.0 * r, k, index)


@scalar
def decided(high, low, error):
    """Return (result, undecided) of a pair."""
    below = high + (low - error)
    return below, below != high + (low + error)


@scalar
def log(x):
    return decided(*log_parts(x))


@scalar
def log1p(x):
    return decided(*logarithm(*reduced_sum(*sum_with_one(x))))


def make_log_of_base(factor, factor_low):
    """Return the middle phase of log(x) / log(b), 1 / log(b) as the sum of two floats, at least 2**-1.3 and 2**0.6."""

    @scalar
    def log_of_base(x):
        high, low, error = log_parts(x)
        product = rounded_product(high, factor)
        product_low = fma(high, factor, -product) + fma(low, factor, rounded_product(high, factor_low))
        return decided(product, product_low, error * (factor + factor))

    return log_of_base


log2, log10 = make_log_of_base(*c.LOG2_E_F64), make_log_of_base(*c.LOG10_E_F64)
