"""The functions of float64, of every argument, for results that are rounded to narrower types: without the phases that
would round them correctly, and without a branch, so that loops over them become SIMD code.

Relatively, in units of 2**-53, exp, exp2 and exp10 err by less than 3, the others by less than 7, and a subnormal
result by half its last place more: within ``WIDE_ERROR``.

Of a power 2**(n + r) the reduced argument r errs by two roundings of 1/4, of which ln(2) passes on 0.35. (2**r - 1) / r
is rounded thrice at the end of its polynomial, by 1/2 each; its coefficients and what came before err by 1/2 together.
Half of that 2 counts, as |r| <= 1/2: it is 1, relative to 0.707 at least 1.42. The last sum errs by 1. That is 2.8.
"""

from math import ldexp
from typing import Any

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import single
from numbaexp.scalar.double import ROUND_TO_INTEGER, TINY
from numbaexp.scalar.ieee import MAGNITUDE_F64, highest, rounded_product, scalar
from numbaexp.scalar.softplus import atanh_tail
from numbaexp.vector.operations import bits_of, float_of, fma, where

# Relative to normal results.
WIDE_ERROR = ldexp(1.0, -50)

EXPONENT = np.int64(52)
# Smaller arguments are their own result of expm1.
TINY_EXPM1 = highest(np.float64(ldexp(1.0, -54)))


@scalar
def clamped(x, least, greatest):
    """Clamp a float64; NaN stays."""
    x = where(x < least, least, x)
    return where(x > greatest, greatest, x)


@scalar
def power_of_two(integer):
    """Return 2**n of an integer in the low bits of an int64, -1023 < n < 1024."""
    return float_of(bits_of(1.0) + (integer << EXPONENT))


@scalar
def scaled(r, shifted, half_shifted):
    """Compute 2**(n + r), |r| <= 1/2, from n and about n/2, integers in the low bits of two float64.

    A product by either half cannot overflow or underflow before the result does. A NaN for r gives NaN, whatever the
    integers are: they are in factors alone.
    """
    whole, half = bits_of(shifted), bits_of(half_shifted)
    power = fma(r, single.exp2_quotient(r), 1.0)
    return rounded_product(rounded_product(power, power_of_two(half)), power_of_two(whole - half))


@scalar
def reduced(x, log2_base, log2_base_low):
    """Return (r, shifted), n + r being x log2(b), and n an integer in the low bits of the latter."""
    shifted = fma(x, log2_base, ROUND_TO_INTEGER)
    return fma(x, log2_base_low, fma(x, log2_base, ROUND_TO_INTEGER - shifted)), shifted


@scalar
def power(x, log2_base, log2_base_low):
    """Compute b**x from log2(b) as the sum of two, up to 2**1100 and down to 2**-1100."""
    r, shifted = reduced(x, log2_base, log2_base_low)
    return scaled(r, shifted, fma(x, 0.5 * log2_base, ROUND_TO_INTEGER))


@scalar
def exp(x):
    return power(clamped(x, -746.0, 710.0), c.SINGLE_LOG2E, c.SINGLE_LOG2E_LOW)


@scalar
def exp2(x):
    x = clamped(x, -1076.0, 1025.0)
    shifted = x + ROUND_TO_INTEGER
    return scaled(x - (shifted - ROUND_TO_INTEGER), shifted, fma(x, 0.5, ROUND_TO_INTEGER))


@scalar
def exp10(x):
    return power(clamped(x, -324.0, 309.0), c.SINGLE_LOG2_10, c.SINGLE_LOG2_10_LOW)


@scalar
def decay(x):
    """Compute exp(-|x|)."""
    return power(clamped(-abs(x), -746.0, 0.0), c.SINGLE_LOG2E, c.SINGLE_LOG2E_LOW)


@scalar
def expm1(x):
    """Compute 2**n r q(r) + (2**n - 1), halved in between, as 2**1024 is no float64.

    Relatively, where n is 0, r errs by 2, q, at least 0.58, by 2 / 0.58, and the product by 1: less than 7. Where n is
    1, 2**n r q errs by 2 + 0.5, with a result of at least 0.41, and the sum by 1; elsewhere less.
    """
    r, shifted = reduced(clamped(x, -40.0, 710.0), c.SINGLE_LOG2E, c.SINGLE_LOG2E_LOW)
    half_power = float_of(bits_of(0.5) + (bits_of(shifted) << EXPONENT))
    half = fma(half_power * r, single.exp2_quotient(r), half_power - 0.5)
    return where((bits_of(x) & MAGNITUDE_F64) < TINY_EXPM1, x, half + half)


@scalar
def sigmoid(x):
    """Compute 1 / (1 + e) or e / (1 + e), e = exp(-|x|), where the sum and the quotient err by 1 each."""
    e = decay(x)
    return where(x < 0.0, e, 1.0) / (1.0 + e)


@scalar
def softplus(x):
    """Compute max(x, 0) + 2 atanh(s), s = e / (2 + e), e = exp(-|x|), where the sum, the quotient and the last two sums
    err by 1 each. If x is positive, 0.72 of the error of e is passed on; if not, the last sum is exact."""
    e = decay(x)
    doubled = (e + e) / (2.0 + e)
    u = fma(0.25 * doubled, doubled, TINY)
    return where(x > 0.0, x, 0.0) + fma(doubled * u, atanh_tail(u), doubled)


WIDE: dict[str, Any] = {
    "exp": exp,
    "exp2": exp2,
    "exp10": exp10,
    "expm1": expm1,
    "sigmoid": sigmoid,
    "softplus": softplus,
}
