"""The logarithms of ``numbaexp.scalar.wide``, from the table of ``numbaexp.scalar.log_pair`` without its pairs.

Of log(x) = H + v, v = r + (r**2 (r q - 1/2) + l), the sum v and the last one err by 1 each, in units of 2**-53 of what
they are. Where H is not 0, v is at most 1.1 times the result, and else the last sum is exact; the rest errs by less
than 0.1. So log errs by less than 2.2. log2 and log10 err by 1.5 more: the product, and the constant. log1p errs by as
much as r is rounded there: 1.1 more.
"""

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import MAGNITUDE_F64, rounded_product, scalar
from numbaexp.scalar.log_pair import (
    LEAST_SQUARE,
    LN2,
    LN2_REST,
    LOG_OF,
    REST_OF,
    TAIL,
    TINY,
    reduced,
    reduced_sum,
    sum_with_one,
)
from numbaexp.vector.operations import bits_of, fma, split, where

LOG2_E, LOG10_E = c.LOG2_E_F64[0], c.LOG10_E_F64[0]


@scalar
def logarithm(r, square, k, index):
    """Compute log((1 + r) / R 2**k); ``square`` is r**2."""
    rest = fma(k, LN2_REST, REST_OF(index))
    below = r + fma(square, fma(r, TAIL(r), -0.5), rest)
    return fma(k, LN2, LOG_OF(index)) + below


@scalar
def with_infinities(x, result):
    """Return the result, but -infinity for 0 and infinity for infinity. NaN is in the result already."""
    return where(x == 0.0, -np.inf, where(x == np.inf, np.inf, result))


@scalar
def natural(x):
    """Compute log(x) where x is inside the domain; NaN where x is negative or NaN."""
    m, k = split(x)
    r, _, index = reduced(m)
    return logarithm(r, r * r, k, index)


@scalar
def log(x):
    return with_infinities(x, natural(x))


@scalar
def log2(x):
    return with_infinities(x, rounded_product(natural(x), LOG2_E))


@scalar
def log10(x):
    return with_infinities(x, rounded_product(natural(x), LOG10_E))


@scalar
def log1p(x):
    total, error = sum_with_one(x)
    r, _, k, index = reduced_sum(total, error)
    result = with_infinities(total, logarithm(r, fma(r, r, LEAST_SQUARE), k, index))
    return where((bits_of(x) & MAGNITUDE_F64) < TINY, x, result)
