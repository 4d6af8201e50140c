"""The definition of the softmax family: exponentials of a row, the order of their sum, a logarithm.

A row is computed in float64, or, if of float64, in pairs of float64, high + low. The exponentials are of differences
from a reference, which are not rounded to the type of the row, as that is most of the error of other implementations.

The reference of a softmax is 0. Overflow and underflow are rare: where the sum is not between ``LEAST_SUM`` and
``GREATEST_SUM``, the row is computed again with the greatest element as the reference. The reference of a logarithm is
the greatest element of each chunk.

The order of every sum is fixed by the length of the row, on every target. The row is cut into chunks of ``CHUNK``
elements. In a chunk, element i is added to lane i mod ``LANES``, from the first on; then lane j + 16 is added to lane
j, for j below 16, lane j + 8 for j below 8, and so on down to one. The chunks' sums, of a logarithm each weighted by
how far its greatest element is below the row's, are added up in the same way, chunk c to lane c mod ``LANES``.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double
from numbaexp.scalar.ieee import MAGNITUDE_F32, MAGNITUDE_F64, floor, rank_of_bits, rounded_product, scalar
from numbaexp.scalar.softplus import atanh_tail
from numbaexp.scalar.tabled import F64_16, horner, make_powers
from numbaexp.vector.operations import bits_of, float_of, fma, ldexp_significand, where

# Sums of exponentials between these need no reference but 0. A quotient of 2**-1000 and the least is 0 in every narrow
# type.
LEAST_SUM = ldexp(1.0, -500)
GREATEST_SUM = ldexp(1.0, 1000)

# Pairs of exponentials are scaled by 2**300, and sums of products of them by 2**600. Quotients are scaled by 2**700, so
# that none is subnormal, and scaled back by one multiplication, which rounds subnormal ones once.
PAIR_SCALE = ldexp(1.0, 300)
UNSCALE_SUM = ldexp(1.0, -600)
SHARE_SCALE = ldexp(1.0, 700)
UNSCALE_SHARED = ldexp(1.0, -700)
# Below this, scaled by 2**700, quotients round to 0.
LEAST_SHARED = ldexp(1.0, -376)
# Numbers that represent 0 are below this: 2**``LEAST_EXPONENT``, and exp(``LEAST_DIFFERENCE``) times 2**300.
NOTHING = ldexp(1.0, -997)

# Smaller differences are clamped to this: exponentials of 2**-1298 are negligible in a sum or in a quotient. A
# logarithm is of 1 plus the other exponentials, whose sum is the result where small: they matter down to the least
# float64, however many there are: 10**7 of exp(-770) are below 2**-1075 together.
LEAST_DIFFERENCE = -900.0
# As for the narrow types, for sums times 2**300. A quotient of exp(-900) and the least is below 2**-1075.
LEAST_SUM_OF_PAIRS = ldexp(1.0, 80)

# Below this the logarithm of 1 + z is z - z**2 / 2 to a relative error of 2**-91.
TINY_ADDEND = ldexp(1.0, -45)


@scalar
def rank(x):
    """Return the rank of a float32 or float64 in their order; see ``rank_of_bits``."""
    return rank_of_bits(bits_of(x))


# As unsigned integers, the difference of a rank and a bit pattern with the magnitude of negative numbers inverted.
RANKED_F32 = np.uint32(0x7F800001)
RANKED_F64 = np.uint64(0x7FF0000000000001)


@scalar
def of_rank_f32(rank):
    """Return the float32 of a rank."""
    ordered = np.int32(np.uint32(rank - RANKED_F32))
    return float_of(np.int32(ordered ^ (np.int32(ordered >> np.int32(31)) & MAGNITUDE_F32)))


@scalar
def of_rank_f64(rank):
    """Return the float64 of a rank."""
    ordered = np.int64(rank - RANKED_F64)
    return float_of(ordered ^ ((ordered >> np.int64(63)) & MAGNITUDE_F64))


# Exponents are clamped to this: such powers are negligible in a sum, or divided by one.
LEAST_EXPONENT = -1000.0
# The power of 0 is 1.
_polynomial = horner((1.0, *c.ROW_EXP2_QUOTIENT))


@scalar
def exponential(t):
    """Compute exp(t) to a relative error of ``ROW_ERROR``: at least 2**``LEAST_EXPONENT``, infinity from 2**1024 on."""
    z = rounded_product(t, c.SINGLE_LOG2E)
    z = where(z < LEAST_EXPONENT, LEAST_EXPONENT, z)
    k = floor(z)
    return ldexp_significand(_polynomial(z - k), k)


# The polynomial's 2**-40.12, and a rounding error or two of float64. The argument of the power errs by 2**-44 or less
# below 2**9: others are negligible unless the sum is far from 1, and then the reference is the greatest element. A
# quotient has the errors of numerator and denominator, and rounding errors of float64: less than 2**-38.9 together, a
# 30 000th of an ulp of float32, so that quotients are within 0.50004 ulp. A logarithm has half of that.
ROW_ERROR = 2.0**-40.0


@scalar
def two_sum(a, b):
    """Return (sum, error) of two floats, exactly."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


@scalar
def subtrahend(reference):
    """Return the number to subtract for a reference: 0 for -infinity, as differences from that would be NaN."""
    return 0.0 if reference == -np.inf else reference


@scalar
def difference(x, reference):
    """Return (t, t_low) with x - reference = t + t_low exactly; t_low is 0 where the exponential is negligible."""
    t, t_low = two_sum(x, -reference)
    return t, where(t < LEAST_DIFFERENCE, 0.0, t_low)


_POWERS = make_powers(F64_16, False)
_reduced, _pair = _POWERS.reduced, _POWERS.pair
_SCALED_BY = 300.0


@scalar
def loose_exponential_pair(t, t_low):
    """Return (high, low) with exp(t + t_low) 2**300 = high + low to a relative error of 2**-62, low being up to 2**-12
    of high; t is clamped to ``LEAST_DIFFERENCE``. From 2**1024 on both are infinite or NaN."""
    root, r0, rest, steps, _ = _reduced(where(t < LEAST_DIFFERENCE, LEAST_DIFFERENCE, t))
    return _pair(ldexp_significand(root, floor(steps + _SCALED_BY)), r0, rest + t_low)


@scalar
def exponential_pair(t, t_low):
    """Return the same, normalized: low is a rounding error."""
    return double.fast_two_sum(*loose_exponential_pair(t, t_low))


@scalar
def add_pair(total, total_low, high, low):
    """Add two pairs, to a relative error of about 2**-105 where all are positive."""
    total, error = two_sum(total, high)
    # Commutative.
    return total, (total_low + low) + error


@scalar
def product_of_pairs(a, a_low, b, b_low):
    """Multiply two pairs, one of them normalized; the product is normalized."""
    high = rounded_product(a, b)
    return double.fast_two_sum(high, fma(a, b, -high) + fma(a, b_low, a_low * b))


@scalar
def quotient_of_pairs(a, a_low, b, b_low):
    """Divide two normalized pairs; the quotient is normalized."""
    quotient = a / b
    rest = fma(-quotient, b, a) + fma(-quotient, b_low, a_low)
    return double.fast_two_sum(quotient, rest / b)


# The argument of the logarithm is scaled by a power of two below this, a bit pattern.
REST_BELOW = np.float64(1.40625).view(np.int64)


@scalar
def log1p(z):
    """Compute log(1 + z) for z >= 0, to a relative error of 2**-51.

    1 + z = 2**k (1 + a), a in [-0.3, 0.41], and log(1 + a) = 2 atanh(s), s = a / (2 + a). The rounding error of 1 + z
    is added to a, so that there is no loss where z is small.
    """
    k, a, a_low = reduced(z, 0.0)
    a += a_low
    s = a / (2.0 + a)
    u = s * s
    return fma(k, c.DOUBLE_LN2_HI, fma((s + s) * u, atanh_tail(u), s + s))


@scalar
def log1p_pair(z, z_low):
    """Return (high, low) with log(1 + z + z_low) = high + low, z >= -1 and z_low its rounding error. For z >= 0 to a
    relative error of 2**-56: of u times the tail, at most 0.011."""
    k, a, a_low = reduced(z, z_low)
    divisor, divisor_low = two_sum(2.0, a)
    s, s_low = quotient_of_pairs(a, a_low, divisor, divisor_low + a_low)
    u = s * s
    doubled, rest = double.fast_two_sum(s + s, fma((s + s) * u, atanh_tail(u), s_low + s_low))
    whole, whole_low = product_of_pairs(k, 0.0, c.DOUBLE_LN2_HI, c.DOUBLE_LN2_LO)
    high, error = two_sum(whole, doubled)
    high, low = double.fast_two_sum(high, error + (whole_low + rest))
    tiny = abs(z) < TINY_ADDEND
    return z if tiny else high, fma(-0.5 * z, z, z_low) if tiny else low


@scalar
def reduced(z, z_low):
    """Return (k, a, a_low) with 1 + z + z_low = 2**k (1 + a + a_low), a in [-0.3, 0.41]."""
    total, total_low = two_sum(1.0, z)
    total, total_low = two_sum(total, total_low + z_low)
    above = bits_of(total) - REST_BELOW
    power = (above >> np.int64(52)) + np.int64(1)
    scale = float_of((np.int64(1023) - power) << np.int64(52))
    return np.float64(power), fma(total, scale, -1.0), rounded_product(total_low, scale)


@scalar
def cancel(log_sum, logarithm):
    """Tell whether a narrow row's greatest element and logarithm cancel so far that the sum must be computed in pairs,
    to be within 0.5001 ulp."""
    return abs(log_sum) < 0.25 * logarithm
