"""The accurate phase of float64: the few results that the fast phase leaves undecided, in integers of 128 bits.

For a base b, with z = |x| log2(b) = n + f and |f| <= 1/2, the power is 2**n (1 + f t(f)), t(f) = (2**f - 1) / f, and
the even and the odd part of the polynomial t are evaluated apart, in f**2 <= 1/4.

The error, in units of 2**-128: f is truncated (1), and the constant log2(b) of 192 bits adds nothing. A step of either
part errs by 3 in the product and 1/2 in the coefficient, and the next step quarters that: 5 in each part, 3 in joining
them, less than 1 by the polynomial (2**-129.6), together below 12 in t. f t(f) is then out by 6 + 1 + 3, and 1 + f t(f)
by the same: 2**-124 relatively. ``expm1`` loses at most a factor 1 / 0.29 of it by subtracting 1 where n is not 0, and
where n is 0 multiplies t by an f that keeps all its bits. So every result has

    ACCURATE_ERROR = 2**-121

relatively, where the hardest arguments lie 2**-113 from a rounding boundary. Results nearer than ``TIE`` units of
2**-117 are exact ties, of which there are two: 10**23 and 2**-1075.
"""

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.words import (
    add,
    leading_zeros,
    product,
    product_of_fractions,
    shift_left,
    shift_right,
    subtract,
)
from numbaexp.vector.operations import bits_of, float_of

ZERO = np.uint64(0)
ONE = np.uint64(1)
HALF = np.uint64(1 << 63)
SIGN = np.uint64(1 << 63)
IMPLICIT_BIT = np.uint64(1 << 52)
TIE = np.uint64(1)


@scalar
def decompose(x):
    """Return (m, e) with abs(x) = m 2**(e - 63) and 2**63 <= m, x finite and not 0."""
    magnitude = np.uint64(bits_of(x)) & ~SIGN
    exponent = np.int64(magnitude >> np.uint64(52))
    fraction = magnitude & (IMPLICIT_BIT - ONE)
    significand = fraction if exponent == 0 else fraction | IMPLICIT_BIT
    zeros = leading_zeros(significand)
    return significand << zeros, max(exponent, 1) - 1012 - np.int64(zeros)


@scalar
def scaled(m, log2_base):
    """Return the upper 192 of the 256 bits of a word times three."""
    first, second, third = product(m, log2_base[0]), product(m, log2_base[1]), product(m, log2_base[2])
    lower = add((ZERO, second[0], second[1]), (ZERO, ZERO, third[0]))
    return add((first[0], first[1], ZERO), lower)


@scalar
def step(sum_above, square, coefficient):
    """Compute one step of Horner's scheme. A loop would index a tuple by a jump, which is seldom predicted."""
    return add(product_of_fractions(sum_above, square), coefficient)


@scalar
def exp2_parts(f):
    """Return (even, odd) with (2**f - 1) / f = even + odd and (2**-f - 1) / -f = even - odd, 0 <= f <= 1/2.

    All are in units of 2**-128.
    """
    square = product_of_fractions(f, f)
    even = step(c.WIDE_EXP2_20, square, c.WIDE_EXP2_18)
    even = step(even, square, c.WIDE_EXP2_16)
    even = step(even, square, c.WIDE_EXP2_14)
    even = step(even, square, c.WIDE_EXP2_12)
    even = step(even, square, c.WIDE_EXP2_10)
    even = step(even, square, c.WIDE_EXP2_8)
    even = step(even, square, c.WIDE_EXP2_6)
    even = step(even, square, c.WIDE_EXP2_4)
    even = step(even, square, c.WIDE_EXP2_2)
    even = step(even, square, c.WIDE_EXP2_0)
    odd = step(c.WIDE_EXP2_21, square, c.WIDE_EXP2_19)
    odd = step(odd, square, c.WIDE_EXP2_17)
    odd = step(odd, square, c.WIDE_EXP2_15)
    odd = step(odd, square, c.WIDE_EXP2_13)
    odd = step(odd, square, c.WIDE_EXP2_11)
    odd = step(odd, square, c.WIDE_EXP2_9)
    odd = step(odd, square, c.WIDE_EXP2_7)
    odd = step(odd, square, c.WIDE_EXP2_5)
    odd = step(odd, square, c.WIDE_EXP2_3)
    odd = step(odd, square, c.WIDE_EXP2_1)
    return even, product_of_fractions(odd, f)


@scalar
def exp2_quotient(f, negative):
    """Compute (2**f - 1) / f in units of 2**-128, f = +-|f| with |f| <= 1/2 in the same units."""
    even, odd = exp2_parts(f)
    return subtract(even, odd) if negative else add(even, odd)


@scalar
def reduced(x, log2_base):
    """Return (n, f, negative) with x log2(b) = n +- f 2**-128, |f| 2**-128 <= 1/2."""
    m, e = decompose(x)
    places = np.uint64(min(61 - e, 191))
    whole, high, low = shift_right(scaled(m, log2_base), places)
    n, f, negative = np.int64(whole), (high, low), x < 0.0
    if high >= HALF:
        n, f, negative = n + 1, subtract((ZERO, ZERO), f), not negative
    return -n if x < 0.0 else n, f, negative


@scalar
def rounded(negative, value, exponent):
    """Round +-value 2**(exponent - 128), value an integer of two words that is not 0, to the nearest float64."""
    zeros = leading_zeros(value[0]) if value[0] else np.uint64(64) + leading_zeros(value[1])
    # The 53 bits of the significand in the upper word, the bits to round off in the lower one.
    split = shift_right(shift_left(value, zeros), np.uint64(11))
    field = exponent - np.int64(zeros) + 1021
    # A subnormal has fewer bits.
    split = shift_right(split, np.uint64(min(max(-field, 0), 127)))
    significand, rest = split
    tie = rest - (HALF - TIE) <= TIE + TIE
    up = significand & ONE if tie else rest >> np.uint64(63)
    bits = (np.uint64(max(field, 0)) << np.uint64(52)) + significand + up
    return float_of(np.int64(bits | SIGN if negative else bits))


@scalar
def nearest(negative, word, exponent):
    """Round +-word 2**(exponent - 64) to the nearest float64, by the bit after its last: for values without ties.

    The word is at least 2**53, and the result normal.
    """
    zeros = leading_zeros(word)
    significand = word << zeros
    field = np.uint64(exponent - np.int64(zeros) + 1021)
    up = significand >> np.uint64(10) & ONE
    bits = (field << np.uint64(52)) + (significand >> np.uint64(11)) + up
    return float_of(np.int64(bits | SIGN if negative else bits))


@scalar
def power_of_fraction(f, negative):
    """Compute 2**(+-f 2**-128) in units of 2**-127."""
    deviation = shift_right(product_of_fractions(f, exp2_quotient(f, negative)), ONE)
    one = (HALF, ZERO)
    return subtract(one, deviation) if negative else add(one, deviation)


@scalar
def power_in_words(x, log2_base):
    """Return (value, exponent) with b**x = value 2**(exponent - 128), from log2(b)."""
    n, f, negative = reduced(x, log2_base)
    return power_of_fraction(f, negative), n + 1


@scalar
def power(x, log2_base):
    """Compute b**x from log2(b)."""
    value, exponent = power_in_words(x, log2_base)
    return rounded(False, value, exponent)


@scalar
def power_less_one_in_words(x, log2_base):
    """Return (negative, value, exponent) with b**x - 1 = +-value 2**(exponent - 128)."""
    n, f, negative = reduced(x, log2_base)
    if n == 0:
        # f itself, with all its bits.
        m, e = decompose(x)
        product_of_all = scaled(m, log2_base)
        zeros = leading_zeros(product_of_all[0])
        high, low, _ = shift_left(product_of_all, zeros)
        value = product_of_fractions((high, low), exp2_quotient(f, negative))
        return x < 0.0, value, e + 3 - np.int64(zeros)
    one, power_of_f = (HALF, ZERO), power_of_fraction(f, negative)
    # In units of 2**(n - 127) if n > 0, of 2**-127 if n < 0.
    places = np.uint64(min(abs(n), 127))
    if n > 0:
        return False, subtract(power_of_f, shift_right(one, places)), n + 1
    return True, subtract(one, shift_right(power_of_f, places)), np.int64(1)


# The public functions: correctly rounded, for a finite x other than 0 whose result is finite.


@scalar
def exp(x):
    return power(x, c.WIDE_LOG2_E)


@scalar
def exp2(x):
    return power(x, c.WIDE_LOG2_2)


@scalar
def exp10(x):
    return power(x, c.WIDE_LOG2_10)


@scalar
def expm1(x):
    negative, value, exponent = power_less_one_in_words(x, c.WIDE_LOG2_E)
    return rounded(negative, value, exponent)
