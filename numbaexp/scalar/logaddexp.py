"""logaddexp and logaddexp2: log(exp(x1) + exp(x2)), and log2(2**x1 + 2**x2), of numbers and vectors alike.

With m the greater and d >= 0 the difference, as a pair, the result is m + log(1 + exp(-d)). Either both are positive,
or they cancel: the logarithm is between 0 and log(2). Where the sum is small next to the logarithm, it is computed from
exp(x1) - 1 + exp(x2), in integers of 128 bits.
"""

import functools
from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, powers
from numbaexp.scalar.accurate import ZERO, power_in_words, power_less_one_in_words, rounded
from numbaexp.scalar.expm1 import two_sum
from numbaexp.scalar.ieee import rounded_product, scalar, to_float32, to_float64
from numbaexp.scalar.log_of_sum import log_of_sum
from numbaexp.scalar.softplus import log1p_of_power
from numbaexp.scalar.words import leading_zeros, product_of_fractions, shift_left, shift_right, subtract
from numbaexp.vector.operations import float_of, fma, where

# The logarithm errs by less than 1.12 2**-63 by the power and ``LOG_OF_SUM_ERROR``, relatively: a sum with at least
# this much of its magnitude by less than 2**-59.8, or 0.009 ulp. Of results that are narrowed, by less than 2**-50.
CANCELLED, CANCELLED_OF_WIDE = ldexp(5.0, -4), ldexp(1.0, -11)
# A logarithm that is scaled is below 2**-198, and negligible next to arguments from here on.
ALONE = ldexp(1.0, -120)
LEAST_NORMAL = ldexp(1.0, -1022)
BITS_OF_ONE = np.int64(0x3FF << 52)
NONE = np.int64(0)
FRACTION_BITS = np.int64(52)
# The last 11 bits of a word, and the units of the bits above and of as many as a float has below these.
LAST_BITS, FIRST_BITS, NEXT_BITS = np.uint64(0x7FF), ldexp(1.0, -53), ldexp(1.0, -106)
# The exponent below which log(1 + s) is s.
LINEAR = np.int64(-70)
# The differences from which on the lesser number adds nothing, even to 0.
FURTHEST, FURTHEST_OF_2 = 746.0, 1077.0


@scalar
def rounded_to_unit(high, low, unit):
    """Round high + low, of a magnitude below the unit, to a multiple of the unit's ulp."""
    negative = high < 0.0
    magnitude, rest = where(negative, -high, high), where(negative, -low, low)
    rounded = ((unit + magnitude) + (double.lost_to(unit, magnitude) + rest)) - unit
    return where(negative, -rounded, rounded)


def make_attempt(reduced, furthest, in_base, least):
    """Return ``attempt(x1, x2)``: (result, cancelled). A result below ``least`` of the logarithm is cancelled.

    ``reduced(d, d_low)`` reduces the argument of the power of -(d + d_low), and ``in_base(high, low)`` is the pair
    over the logarithm of the base.
    """

    @scalar
    def attempt(x1, x2):
        first = x1 > x2
        m, lesser = where(first, x1, x2), where(first, x2, x1)
        d, d_low = two_sum(m, -lesser)
        near = d < furthest
        high, low, less = log1p_of_power(*reduced(where(near, d, furthest), where(near, d_low, 0.0)))
        high, low = in_base(high, low)
        # The logarithm is less than its pair by a power of two, unless it is above 2**-200.
        inverse_power, power = float_of(BITS_OF_ONE - less), float_of(BITS_OF_ONE + less)
        total, rest = two_sum(rounded_product(m, inverse_power), high)
        low = rest + low
        # Numbers below the unit are subnormal once they are scaled.
        unit = rounded_product(LEAST_NORMAL, inverse_power)
        result = total + low
        result = rounded_product(where(abs(result) < unit, rounded_to_unit(total, low, unit), result), power)
        is_alone = (less != NONE) & (abs(m) >= ALONE)
        result = where(is_alone, m, result)
        cancelled = near & (abs(total) < high * least)
        # Of infinities and NaN.
        special = where(x1 == x2, x1, x1 + x2)
        # As in NumPy, -0 is 0.
        return where(near, result, where(d >= furthest, m + 0.0, special)), cancelled

    return attempt


@scalar
def log1p_of_words(negative, value, exponent):
    """Return (high, low), log(1 +- value 2**(exponent - 128)), value normalized, of 2**-72 to 0.2, relatively within
    2**-62."""
    power = float_of(BITS_OF_ONE + (exponent << FRACTION_BITS))
    high = np.float64(np.int64(value[0] >> np.uint64(11))) * FIRST_BITS * power
    # 53 bits more.
    word = (value[0] & LAST_BITS) << np.uint64(42) | value[1] >> np.uint64(22)
    low = np.float64(np.int64(word)) * NEXT_BITS * power
    if negative:
        # log(1 - t) is -log(1 + t / (1 - t)).
        divisor, lack = double.fast_two_sum(1.0, -high)
        quotient = high / divisor
        low = fma(-quotient, lack - low, fma(-quotient, divisor, high) + low) / divisor
        high = quotient
    total, total_low = double.fast_two_sum(1.0, high)
    high, low = log_of_sum(total, total_low, low, 0.0)
    return -high if negative else high, -low if negative else low


def make_accurate(log2_base, in_base, words_in_base):
    """Return ``accurate(x1, x2)``, the result where that is near 0, and both arguments below.

    s = b**x1 - 1 + b**x2 errs by less than 2**-119.5 of b**x2, about the logarithm. So the result errs by 2**-59.5, and
    less than 0.51 ulp, where it is more than 2**-60 of that. An s of 0 is found to be, of logaddexp2(-1, -1).
    ``words_in_base(value)`` is a fraction over the logarithm of the base, over 4.
    """

    @scalar
    def accurate(x1, x2):
        m, lesser = max(x1, x2), min(x1, x2)
        _, below, below_exponent = power_less_one_in_words(m, log2_base)
        above, above_exponent = power_in_words(lesser, log2_base)
        exponent = max(below_exponent, above_exponent)
        below = shift_right(below, np.uint64(min(exponent - below_exponent, 127)))
        above = shift_right(above, np.uint64(min(exponent - above_exponent, 127)))
        negative = below[0] > above[0] or (below[0] == above[0] and below[1] > above[1])
        value = subtract(below, above) if negative else subtract(above, below)
        if value[0] == ZERO and value[1] == ZERO:
            return 0.0
        zeros = leading_zeros(value[0]) if value[0] else np.uint64(64) + leading_zeros(value[1])
        value, exponent = shift_left(value, zeros), exponent - np.int64(zeros)
        if exponent < LINEAR:
            return rounded(negative, words_in_base(value), exponent + 2)
        high, low = in_base(*log1p_of_words(negative, value, exponent))
        return high + low

    return accurate


@scalar
def reduced(d, d_low):
    """Reduce the argument of exp(-(d + d_low))."""
    r, r_low, n = double.exp_reduced(-d)
    return r, r_low - d_low, n


@scalar
def reduced_of_2(d, d_low):
    """Reduce the argument of 2**-(d + d_low)."""
    r, r_low, n = powers.exp2_reduced(-d)
    return r, fma(-d_low, c.DOUBLE_LN2_HI, r_low), n


@scalar
def in_base_e(high, low):
    return high, low


@scalar
def in_base_2(high, low):
    """Return a pair over log(2)."""
    product = rounded_product(high, c.LOG2_E_F64[0])
    rest = fma(high, c.LOG2_E_F64[0], -product)
    return product, fma(low, c.LOG2_E_F64[0], fma(high, c.LOG2_E_F64[1], rest))


@scalar
def words_in_base_e(value):
    return shift_right(value, np.uint64(2))


@scalar
def words_in_base_2(value):
    return product_of_fractions(value, (c.WIDE_LOG2_E[0], c.WIDE_LOG2_E[1]))


_PARTS = {"logaddexp": (reduced, FURTHEST, in_base_e), "logaddexp2": (reduced_of_2, FURTHEST_OF_2, in_base_2)}
ATTEMPTS = {
    name: {"float64": make_attempt(*parts, CANCELLED), "wide": make_attempt(*parts, CANCELLED_OF_WIDE)}
    for name, parts in _PARTS.items()
}
ACCURATE = {
    "logaddexp": make_accurate(c.WIDE_LOG2_E, in_base_e, words_in_base_e),
    "logaddexp2": make_accurate(c.WIDE_LOG2_2, in_base_2, words_in_base_2),
}


@functools.cache
def scalar_of(name, kind):
    """Return a function of two numbers, by its name, in "float64", or "wide", for results that are narrowed, or
    "float32"."""
    if kind == "float32":
        wide = scalar_of(name, "wide")

        @scalar
        def single(x1, x2):
            return to_float32(wide(to_float64(x1), to_float64(x2)))

        return single
    attempt, accurate = ATTEMPTS[name][kind], ACCURATE[name]

    @scalar
    def of_two(x1, x2):
        result, cancelled = attempt(x1, x2)
        return accurate(x1, x2) if cancelled else result

    return of_two
