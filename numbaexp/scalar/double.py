"""float64: the fast phase that all functions of the family share, and how its results are rounded and scaled.

The fast phase works in pairs of float64, high + low, and is followed by a rounding test (Ziv): the pair is rounded less
and plus the bound of its error. Where both agree that is the correctly rounded result; else the accurate phase
(``numbaexp.scalar.accurate``) decides.

Flags and special values are treated as in ``numbaexp.scalar.narrow``.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import highest, rounded_product, scalar
from numbaexp.vector.operations import bits_of, float_of, fma, where

# Adding 1.5 * 2**52 rounds a float64 to an integer, in the low bits of the sum.
ROUND_TO_INTEGER = ldexp(1.5, 52)
# Powers of two are made by ``ldexp``, which is exact in every rounding mode that a process may import this in.
#
# Added to a reduced argument, this keeps its powers from underflowing and raising the flag where x is close to 0; the
# result there is 1 by a wide margin.
TINY = ldexp(1.0, -200)

# Absolute error of the pair that ``exp_of_reduced`` returns, and of the rounding test; derived there.
FAST_ERROR = ldexp(1.0, -63)
# Half an ulp of half an ulp of a number, relative to the number.
LOST_LOW = ldexp(1.0, -105)

# The square underflows, and is negligible next to any result.
UNDERFLOWS = ldexp(1.0, -600)

# A bit pattern.
LEAST_NORMAL = highest(np.float64(ldexp(1.0, -1022)))


@scalar
def exponential_less_one(r, r_low):
    """Return (high, low) with exp(r + r_low) - 1 = high + low, |r| < 0.0867 and |r_low| < 2**-55.

    Of r + r**2/2 + r**3 t(r) the first two terms are carried in two doubles and the rest, below 2**-13, in one. The
    differences below are exact (Sterbenz), so that the fused multiply-add after each is the rounding error of the one
    before.
    """
    half_r = 0.5 * r
    high = fma(half_r, r, r)
    high_low = fma(half_r, r, r - high)
    r2 = r * r
    tail = fma(c.DOUBLE_TAIL_7, r, c.DOUBLE_TAIL_6)
    tail = fma(tail, r2, fma(c.DOUBLE_TAIL_5, r, c.DOUBLE_TAIL_4))
    tail = fma(tail, r2, fma(c.DOUBLE_TAIL_3, r, c.DOUBLE_TAIL_2))
    tail = fma(tail, r2, fma(c.DOUBLE_TAIL_1, r, c.DOUBLE_TAIL_0))
    return high, fma(r2 * r, tail, fma(r_low, high, high_low) + r_low)


@scalar
def fourth_root_power(n):
    """Return 2**((n & 3) / 4) as the sum of two doubles, by selection: a table in memory would be slower."""
    odd = (n & np.int64(1)) != np.int64(0)
    upper = (n & np.int64(2)) != np.int64(0)
    root = where(
        upper,
        where(odd, c.DOUBLE_ROOT_3_HI, c.DOUBLE_ROOT_2_HI),
        where(odd, c.DOUBLE_ROOT_1_HI, c.DOUBLE_ROOT_0_HI),
    )
    root_low = where(
        upper,
        where(odd, c.DOUBLE_ROOT_3_LO, c.DOUBLE_ROOT_2_LO),
        where(odd, c.DOUBLE_ROOT_1_LO, c.DOUBLE_ROOT_0_LO),
    )
    return root, root_low


@scalar
def exp_of_reduced(r, r_low, n):
    """Return (high, low) with exp(r + r_low) 2**((n & 3)/4) = high + low in [0.9, 1.9], under the same bounds.

    The error, in units of 2**-63, is made up of: r**2 rounded, 0.06; r**3, 0.09; t with its first coefficient, 0.15;
    the rest, below 2**-13, 0.07. The root, at most 1.682, makes 0.62 of these. Then low, below 2**-12, 0.13; the
    root's low part times the rest, which is left out, 0.10; the polynomial's own r**3 2**-60.47, the sums in low's
    parentheses and the errors of root and argument as two doubles, 0.02. The rounding test adds 0.13, by
    rounding low -+ the bound. Together less than 1, which is ``FAST_ERROR``.
    """
    less_one, rest = exponential_less_one(r, r_low)
    root, root_low = fourth_root_power(n)
    high = fma(root, less_one, root)
    high_low = fma(root, less_one, root - high)
    return high, fma(root, rest, fma(root_low, less_one, root_low + high_low))


@scalar
def fast_two_sum(a, b):
    """Return (sum, error) of two floats, exactly, |a| >= |b|."""
    total = a + b
    return total, b - (total - a)


@scalar
def over_one_plus(a, a_low, e, e_low):
    """Compute (a + a_low) / (1 + e + e_low) as the sum of two floats, 0 <= e <= 1."""
    total, total_low = fast_two_sum(1.0, e)
    total_low = total_low + e_low
    inverse = 1.0 / total
    inverse_low = inverse * fma(-inverse, total_low, fma(-inverse, total, 1.0))
    quotient = rounded_product(a, inverse)
    return quotient, fma(a, inverse_low, fma(a_low, inverse, fma(a, inverse, -quotient)))


@scalar
def exp_reduced(x):
    """Return (r, r_low, n) with x = n ln(2)/4 + r + r_low and n = rint(4 x / ln 2), for |x| < 1400.

    n is an integer in the low bits of an int64; the bits above it are arbitrary.
    """
    shifted = fma(x, c.DOUBLE_STEPS, ROUND_TO_INTEGER)
    steps = shifted - ROUND_TO_INTEGER
    exact = fma(-steps, c.DOUBLE_STEP_HI, x + TINY)
    r = fma(-steps, c.DOUBLE_STEP_LO, exact)
    return r, fma(-steps, c.DOUBLE_STEP_LO, exact - r), bits_of(shifted)


@scalar
def exponent_bits(n):
    """Return the bits of 2**(n >> 2), to be added to those of a float64."""
    return (n & np.int64(-4)) << np.int64(50)


@scalar
def scaled(high, low, n):
    """Round the pair times 2**(n >> 2) to a normal float64 under both signs of the error."""
    scale = exponent_bits(n)
    below, above = high + (low - FAST_ERROR), high + (low + FAST_ERROR)
    return float_of(bits_of(below) + scale), float_of(bits_of(above) + scale)


@scalar
def unit_of(n, subnormal):
    """Return the float64 whose ulp, times 2**(n >> 2), is the spacing of subnormal numbers; 0 for a normal result."""
    return float_of(where(subnormal, LEAST_NORMAL - exponent_bits(n), np.int64(0)))


@scalar
def lost_to(unit, high):
    """Return the part that ``high`` loses by adding the unit."""
    return high - ((unit + high) - unit)


@scalar
def error_at(unit):
    """Return the bound of the error of the pair and of ``scaled_to_any`` before it rounds: the lost part, at most half
    an ulp of the unit, is added to low with an error of half an ulp of it."""
    return fma(unit, LOST_LOW, FAST_ERROR)


@scalar
def scaled_by(high, low, scale, unit):
    """Round the pair times a power of two once, to a float64 that may be subnormal. ``scale`` has the power's bits.

    The spacing of the subnormal numbers is fixed. The pair is added to the unit, so that it is rounded there, and the
    difference of the bit patterns before and after counts the spacings, which is the bit pattern of the result.
    """
    counted_from = where(unit == 0.0, np.int64(0), LEAST_NORMAL)
    return float_of(bits_of((unit + high) + (lost_to(unit, high) + low)) + (scale - counted_from))


@scalar
def scaled_to_any(high, low, n, unit):
    """Round the pair times 2**(n >> 2) likewise."""
    return scaled_by(high, low, exponent_bits(n), unit)
