"""The powers in float64 arithmetic, as float32 and narrower types need them: to a relative error of about 2**-51.

Each takes a finite float64 whose power is between 2**-160 and 2**160.
"""

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import ROUND_TO_INTEGER
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.operations import bits_of, float_of, fma, where


@scalar
def clamped(x, least, greatest):
    """Clamp a float64; NaN stays."""
    x = where(x < least, least, x)
    return where(x > greatest, greatest, x)


@scalar
def polynomial(r, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10):
    """Evaluate degree 10 by Estrin's scheme: shorter dependency chains than Horner's for two multiplications more."""
    r2 = r * r
    r4 = r2 * r2
    terms_01 = fma(c1, r, c0)
    terms_23 = fma(c3, r, c2)
    terms_45 = fma(c5, r, c4)
    terms_67 = fma(c7, r, c6)
    terms_89 = fma(c9, r, c8)
    low = fma(terms_23, r2, terms_01)
    middle = fma(terms_67, r2, terms_45)
    high = fma(c10, r2, terms_89)
    return fma(fma(high, r4, middle), r4, low)


@scalar
def exp2_of_reduced(r, shifted):
    """Compute 2**(k + r), |r| <= 1/2, k an integer in the low bits of ``shifted``."""
    significand = polynomial(
        r,
        c.SINGLE_EXP2_0,
        c.SINGLE_EXP2_1,
        c.SINGLE_EXP2_2,
        c.SINGLE_EXP2_3,
        c.SINGLE_EXP2_4,
        c.SINGLE_EXP2_5,
        c.SINGLE_EXP2_6,
        c.SINGLE_EXP2_7,
        c.SINGLE_EXP2_8,
        c.SINGLE_EXP2_9,
        c.SINGLE_EXP2_10,
    )
    return float_of(bits_of(significand) + (bits_of(shifted) << np.int64(52)))


@scalar
def exp2_quotient(r):
    """Compute (2**r - 1) / r, |r| <= 1/2."""
    return polynomial(
        r,
        c.SINGLE_EXP2_QUOTIENT_0,
        c.SINGLE_EXP2_QUOTIENT_1,
        c.SINGLE_EXP2_QUOTIENT_2,
        c.SINGLE_EXP2_QUOTIENT_3,
        c.SINGLE_EXP2_QUOTIENT_4,
        c.SINGLE_EXP2_QUOTIENT_5,
        c.SINGLE_EXP2_QUOTIENT_6,
        c.SINGLE_EXP2_QUOTIENT_7,
        c.SINGLE_EXP2_QUOTIENT_8,
        c.SINGLE_EXP2_QUOTIENT_9,
        c.SINGLE_EXP2_QUOTIENT_10,
    )


@scalar
def exp(x):
    shifted = fma(x, c.SINGLE_LOG2E, ROUND_TO_INTEGER)
    return exp2_of_reduced(fma(x, c.SINGLE_LOG2E, ROUND_TO_INTEGER - shifted), shifted)


# The one float32 that its error leaves on the wrong side: 2**x is 2**-33 of an ulp above a midpoint. The next float32
# has the same result.
HARD_EXP2, BESIDE_EXP2 = float.fromhex("-0x1.e7526ep-6"), float.fromhex("-0x1.e7526cp-6")


@scalar
def exp2(x):
    x = where(x == HARD_EXP2, BESIDE_EXP2, x)
    shifted = x + ROUND_TO_INTEGER
    return exp2_of_reduced(x - (shifted - ROUND_TO_INTEGER), shifted)


@scalar
def exp10(x):
    shifted = fma(x, c.SINGLE_LOG2_10, ROUND_TO_INTEGER)
    r = fma(x, c.SINGLE_LOG2_10, ROUND_TO_INTEGER - shifted)
    return exp2_of_reduced(fma(x, c.SINGLE_LOG2_10_LOW, r), shifted)
