"""What the softmax family makes of a row: ranks, exponentials, sums and a logarithm.

A row is computed in float64; where it is itself of float64, in pairs of them, high + low. Its exponentials are those of
the differences from the greatest element, so that nothing overflows; the difference is not rounded to the type of the
row, which is where most of the error of others comes from.

The order of every sum is fixed by the length of the row, on every target. The row is cut into chunks of ``CHUNK``
elements. In a chunk, element i is added to lane i mod ``LANES``, from the first on; then lane j + 16 is added to lane
j, for j below 16, lane j + 8 for j below 8, and so on down to one. The chunks' sums, each for its own greatest element
and weighted by how far that is below the row's, are added up in the same way, chunk c to lane c mod ``LANES``.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double
from numbaexp.scalar.ieee import MAGNITUDE_F32, MAGNITUDE_F64, rank_of_bits, rounded_product, scalar
from numbaexp.scalar.softplus import atanh_tail
from numbaexp.vector.operations import bits_of, float_of, fma

CHUNK = 4096
LANES = 32

# Where the exponential of a difference may be taken for 0. A quotient of float32 may be multiplied by up to 2**128. A
# logarithm is of 1 and the other exponentials, whose sum is itself the result where it is small: they matter down to
# the least float32, or float64, however many there are: 10**7 of exp(-770) are below 2**-1075 together.
LEAST_ADDEND = -600.0
LEAST_PAIR = -770.0

# Pairs of exponentials are held times 2**200, and their shares of the sum times 2**500, so that neither are subnormal;
# a product of the two, times 2**700, is brought back by one multiplication, which rounds it where it is subnormal. The
# sum of a row is of products of pairs with pairs, and so held times 2**400.
PAIR_SCALE = ldexp(1.0, 200)
SHARE_SCALE = ldexp(1.0, 700)
UNSCALE_SHARED = ldexp(1.0, -700)
UNSCALE_SUM = ldexp(1.0, -400)

# Below it the logarithm of 1 + z is z - z**2 / 2 to a relative error of 2**-91.
TINY_ADDEND = ldexp(1.0, -45)


@scalar
def rank(x):
    """The place of a float32 or float64 in their order; see ``rank_of_bits``."""
    return rank_of_bits(bits_of(x))


# As unsigned integers, what a rank lacks of a bit pattern with the magnitude of negative numbers turned round.
RANKED_F32 = np.uint32(0x7F800001)
RANKED_F64 = np.uint64(0x7FF0000000000001)


@scalar
def of_rank_f32(rank):
    """The float32 of that rank."""
    ordered = np.int32(np.uint32(rank - RANKED_F32))
    return float_of(np.int32(ordered ^ (np.int32(ordered >> np.int32(31)) & MAGNITUDE_F32)))


@scalar
def of_rank_f64(rank):
    """The float64 of that rank."""
    ordered = np.int64(rank - RANKED_F64)
    return float_of(ordered ^ ((ordered >> np.int64(63)) & MAGNITUDE_F64))


@scalar
def exponential(t):
    """exp(t) of a difference t in [-700, 0], to a relative error of ``ROW_ERROR``."""
    shifted = fma(t, c.SINGLE_LOG2E, double.ROUND_TO_INTEGER)
    r = fma(t, c.SINGLE_LOG2E, double.ROUND_TO_INTEGER - shifted)
    r2 = r * r
    even = fma(c.ROW_EXP2_8, r2, c.ROW_EXP2_6)
    odd = fma(c.ROW_EXP2_7, r2, c.ROW_EXP2_5)
    even = fma(even, r2, c.ROW_EXP2_4)
    odd = fma(odd, r2, c.ROW_EXP2_3)
    even = fma(even, r2, c.ROW_EXP2_2)
    odd = fma(odd, r2, c.ROW_EXP2_1)
    significand = fma(odd, r, fma(even, r2, c.ROW_EXP2_0))
    return float_of(bits_of(significand) + (bits_of(shifted) << np.int64(52)))


# The polynomial's 2**-40.17 of a power that is 2**-0.5 at the least, and a rounding error or two of float64, of t
# among them. A share of a sum has that of an exponential and of its chunk's weight, above and below the fraction line,
# and rounding errors of float64: less than 2**-37.6 together, a 13 000th of an ulp of float32, so that it is within
# 0.5001 ulp. A logarithm has half of that.
ROW_ERROR = 2.0**-39.66


@scalar
def exponential_from(t, least):
    """exp(t), or 0 where t is below ``least``."""
    return 0.0 if t < least else exponential(t)


@scalar
def two_sum(a, b):
    """(sum, error) of two floats, exactly."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


@scalar
def difference(x, greatest):
    """(t, t_low) with x - greatest = t + t_low exactly; t_low is nothing where the exponential is."""
    t, t_low = two_sum(x, -greatest)
    return t, 0.0 if t < LEAST_PAIR else t_low


@scalar
def exponential_pair(t, t_low):
    """(high, low) with exp(t + t_low) 2**200 = high + low to a relative error of 2**-62, t <= 0; 0 where t is below
    ``LEAST_PAIR``."""
    r, r_low, n = double.exp_reduced(LEAST_PAIR if t < LEAST_PAIR else t)
    high, low = double.fast_two_sum(*double.exp_of_reduced(*double.fast_two_sum(r, r_low + t_low), n))
    scale = float_of(bits_of(PAIR_SCALE) + double.exponent_bits(n))
    scale = 0.0 if t < LEAST_PAIR else scale
    return rounded_product(high, scale), rounded_product(low, scale)


@scalar
def add_pair(total, total_low, high, low):
    """The sum of two pairs, to a relative error of about 2**-105 where all are positive."""
    total, error = two_sum(total, high)
    return total, total_low + (error + low)


@scalar
def product_of_pairs(a, a_low, b, b_low):
    """The product of two pairs, the low part of one of which is a rounding error of the high one, as its own is."""
    high = rounded_product(a, b)
    return double.fast_two_sum(high, fma(a, b, -high) + fma(a, b_low, a_low * b))


@scalar
def quotient_of_pairs(a, a_low, b, b_low):
    """The quotient of two pairs whose low parts are rounding errors, as its own is."""
    quotient = a / b
    rest = fma(-quotient, b, a) + fma(-quotient, b_low, a_low)
    return double.fast_two_sum(quotient, rest / b)


# A power of two is taken out of the argument of the logarithm so that the rest is below it, as a bit pattern.
REST_BELOW = np.float64(1.40625).view(np.int64)


@scalar
def log1p(z):
    """log(1 + z) for z >= 0, to a relative error of 2**-51.

    1 + z = 2**k (1 + a), a in [-0.3, 0.41], and log(1 + a) = 2 atanh(s), s = a / (2 + a). What the rounding of 1 + z
    loses is kept in a, so that there is no loss where z is small.
    """
    k, a, a_low = reduced(z, 0.0)
    a += a_low
    s = a / (2.0 + a)
    u = s * s
    return fma(k, c.DOUBLE_LN2_HI, fma((s + s) * u, atanh_tail(u), s + s))


@scalar
def log1p_pair(z, z_low):
    """(high, low) with log(1 + z + z_low) = high + low, z >= -1 and z_low its rounding error. Of z >= 0 to a relative
    error of 2**-56: of u times the tail, at most 0.011."""
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
    """(k, a, a_low) with 1 + z + z_low = 2**k (1 + a + a_low), a in [-0.3, 0.41]."""
    total, total_low = two_sum(1.0, z)
    total, total_low = two_sum(total, total_low + z_low)
    above = bits_of(total) - REST_BELOW
    power = (above >> np.int64(52)) + np.int64(1)
    scale = float_of((np.int64(1023) - power) << np.int64(52))
    return np.float64(power), fma(total, scale, -1.0), rounded_product(total_low, scale)


@scalar
def cancel(log_sum, logarithm):
    """Whether a narrow row's greatest element and logarithm cancel so far that its sum has to be computed in pairs, to
    be within 0.5001 ulp."""
    return abs(log_sum) < 0.25 * logarithm
