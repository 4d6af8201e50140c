"""The accurate phase of the logarithms of float64, in integers of 128 bits, by the exponential of ``accurate.py``.

An argument is 2**k m with 2**-1/2 <= m <= 2**1/2, and m = 1 + g is an integer of two words. A float64 y near log(m) is
corrected by one step of Newton's method: with d = m exp(-y) - 1,

    log(m) = y + log(1 + d) = y + d - d**2/2,   d = g - w - g w,   w = 1 - exp(-y).

g, w and y have one sign, which is kept apart from the integers of their magnitudes; d is an integer modulo 2**128.

The error of log(m), in units u = 2**(e - 126) where 2**e <= |y| < 2**(e + 1), so that |y| = 2**126 Y u, 1 <= Y < 2: the
exponent |y| log2(e) of w is truncated (1). The quotient that makes w of the exponent errs by 12 2**-128 (see
``accurate.py``), and by that times 1.443 2**126 Y. So w errs by 0.84 + 4.4 Y, and by 3 in its product. w + g w errs by
1 + g times that, and the product g w by 3. Relatively that is most where |y| is 1/4 and g 0.285: 13.6 2**-126. The
square is truncated (1), and d**3/3 is below 2**-135 of y, as y is out by ``SEED_ERROR``. Together below 16 2**-126:

    LOGARITHM_ERROR = 2**-122

relatively. The product with log2(e) or log10(e) errs by 3 units where the result is at least 0.72 2**126: by 2**-123.9.
Multiples of ln(2) and log10(2) are truncated (2 units of 2**-128 of a sum that is at least 0.15), those of log2(2) are
not; then log(m) is, before it is added (1): together 2**-123.6, and a sum is not less than log(m). So every result has

    ACCURATE_ERROR = 2**-121

relatively. The hardest arguments known lie 2**-108.7 (log2), 2**-115 (log, log1p) and 2**-115.9 (log10) from a
midpoint, but for 0x1.e12d66744ff81p+429 of log10, which lies 2**-121.8 from one. There k is 430, so that the error of
log(m) is 2**-131 of the result, and the truncations are 3 units of a sum that is at least 0.5 2**128: 2**-125.4.

log(1 + x) for |x| < 2**-31 is nearly x - x**2/2 or x - x**2/2 + x**3/3, which may be midpoints: so the series is
evaluated in three words. The terms left out are below 2**-188 of x, and each step truncates 1 unit of 2**-192. The
hardest argument known, 0x1.8000000000003p-50, lies 2**-153.4 from a midpoint.

Results are no midpoints, so they are rounded by the next bit: they are irrational, but for those of log2 of powers of
two and of log10 of powers of ten, which are integers.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.accurate import HALF, ONE, ZERO, decompose, exp2_quotient, nearest, scaled
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.words import add, leading_zeros, product, product_of_fractions, shift_left, shift_right, subtract
from numbaexp.vector.operations import fma

# Relative errors: of the logarithm of m, of all results, and of the float64 near the former, of which the polynomial
# makes 2**-45.06 and rounding 2**-51.
LOGARITHM_ERROR, ACCURATE_ERROR, SEED_ERROR = ldexp(1.0, -122), ldexp(1.0, -121), ldexp(1.0, -45)
# Below the first magnitude log(1 + x) is computed by its series, and below the second it rounds to x.
SERIES, TINY = ldexp(1.0, -31), ldexp(1.0, -54)
# The first word of 2**-1/2.
ROOT = np.uint64(0xB504F333F9DE6484)
# Units of the two words of a fraction.
FIRST_WORD, SECOND_WORD = ldexp(1.0, -64), ldexp(1.0, -128)
# log2(2) / 2 in units of 2**-192.
HALF_LOG2_2 = (HALF, ZERO, ZERO)
# The powers of two that constants are to be multiplied by.
WHOLE, HALVED, TWICE = np.int64(0), np.int64(1), np.int64(-1)


@scalar
def one_plus(x):
    """Return (m, e) with 1 + x = m 2**(e - 127) and 2**127 <= m, where 2**-31 <= abs(x) and -1 < x."""
    m, e = decompose(x)
    # In units of 2**(above - 126). From 2**74 on bits of 1 are lost, which are 2**-127 of the sum.
    above = max(e, 0)
    one = shift_right((HALF >> ONE, ZERO), np.uint64(min(above, 127)))
    magnitude = shift_right((m, ZERO), np.uint64(above - e + 1))
    total = subtract(one, magnitude) if x < 0.0 else add(one, magnitude)
    zeros = leading_zeros(total[0])
    return shift_left(total, zeros), above + 1 - np.int64(zeros)


@scalar
def reduced(m, e):
    """Return (k, negative, g) with m 2**(e - 127) = 2**k (1 +- g 2**-128), 2**127 <= m.

    The second factor lies between the roots of 1/2 and 2.
    """
    if m[0] >= ROOT:
        return e + 1, True, subtract((ZERO, ZERO), m)
    return e, False, shift_left(m, ONE)


@scalar
def seed(negative, g):
    """Compute a float64 near abs(log(1 +- g 2**-128)), within ``SEED_ERROR``, as 2 atanh(s) with s = g / (2 +- g)."""
    magnitude = fma(np.float64(g[1]), SECOND_WORD, np.float64(g[0]) * FIRST_WORD)
    s = magnitude / (2.0 - magnitude if negative else 2.0 + magnitude)
    square = s * s
    fourth = square * square
    upper = fma(fma(c.WIDE_SEED_5, square, c.WIDE_SEED_4), fourth, fma(c.WIDE_SEED_3, square, c.WIDE_SEED_2))
    return 2.0 * s * fma(upper, fourth, fma(c.WIDE_SEED_1, square, c.WIDE_SEED_0))


@scalar
def log_of_reduced(negative, g):
    """Return (value, exponent) with abs(log(1 +- g 2**-128)) = value 2**(exponent - 128)."""
    if not g[0] | g[1]:
        return g, np.int64(0)
    y, e = decompose(seed(negative, g))
    # All in units of 2**(e - 126) but the argument of the quotient, and g as a factor.
    places = np.uint64(-2 - e)
    first, second, _ = shift_left(scaled(y, c.WIDE_LOG2_E), ONE)
    f = first, second
    w = product_of_fractions(f, exp2_quotient(shift_right(f, places), not negative))
    crossed = product_of_fractions(w, g)
    times_m = subtract(w, crossed) if negative else add(w, crossed)
    d = subtract(shift_left(g, places), times_m)
    value = add(shift_right((y, ZERO), ONE), d)
    # The magnitude of d is below 2**83.
    short = shift_right(subtract((ZERO, ZERO), d) if d[0] >= HALF else d, np.uint64(20))[1]
    half_square = (ZERO, product(short, short)[0] >> np.uint64(min(23 - e, 63)))
    return add(value, half_square) if negative else subtract(value, half_square), e + 2


@scalar
def joined(k, log_2, places, negative, value, exponent):
    """Round k log_b(2) +- value 2**(exponent - 128), log_b(2) in units of 2**(places - 192), to the nearest float64."""
    if k == 0:
        return nearest(negative, value[0], exponent) if value[0] else 0.0
    magnitude = np.uint64(abs(k))
    zeros = leading_zeros(magnitude)
    first, second, _ = scaled(magnitude << zeros, log_2)
    # The logarithm of 2 is the greater one, so its exponent is that of the sum.
    exponent_of_sum = 64 + places - np.int64(zeros)
    summand = shift_right(value, np.uint64(exponent_of_sum - exponent))
    multiple = first, second
    total = add(multiple, summand) if negative == (k < 0) else subtract(multiple, summand)
    return nearest(k < 0, total[0], exponent_of_sum)


@scalar
def series_step(value, m, places, negative, coefficient):
    """Compute coefficient - x value, where x = +-m 2**-(places + 64), in three words."""
    summand = shift_right(scaled(m, value), places)
    return add(coefficient, summand) if negative else subtract(coefficient, summand)


@scalar
def log1p_of_small(x):
    """Compute log(1 + x), abs(x) < 2**-31, as x (1 - x/2 + x**2/3 - ...)."""
    if abs(x) < TINY:
        return x
    m, e = decompose(x)
    places, negative = np.uint64(-1 - e), x < 0.0
    value = series_step(c.WIDE_LOG1P_6, m, places, negative, c.WIDE_LOG1P_5)
    value = series_step(value, m, places, negative, c.WIDE_LOG1P_4)
    value = series_step(value, m, places, negative, c.WIDE_LOG1P_3)
    value = series_step(value, m, places, negative, c.WIDE_LOG1P_2)
    # Halved, to add 1.
    value = series_step(shift_right(value, ONE), m, places, negative, (HALF, ZERO, ZERO))
    return nearest(negative, scaled(m, value)[0], e + 2)


# The public functions: correctly rounded, for a finite x inside the domain.


@scalar
def log(x):
    if abs(x - 1.0) < SERIES:
        return log1p_of_small(x - 1.0)
    m, e = decompose(x)
    k, negative, g = reduced((m, ZERO), e)
    value, exponent = log_of_reduced(negative, g)
    return joined(k, c.WIDE_LN2, WHOLE, negative, value, exponent)


@scalar
def log2(x):
    m, e = decompose(x)
    k, negative, g = reduced((m, ZERO), e)
    value, exponent = log_of_reduced(negative, g)
    value = product_of_fractions(value, c.WIDE_HALF_LOG2_E)
    return joined(k, HALF_LOG2_2, HALVED, negative, value, exponent + HALVED)


@scalar
def log10(x):
    m, e = decompose(x)
    k, negative, g = reduced((m, ZERO), e)
    value, exponent = log_of_reduced(negative, g)
    value = product_of_fractions(value, c.WIDE_TWICE_LOG10_E)
    return joined(k, c.WIDE_TWICE_LOG10_2, TWICE, negative, value, exponent + TWICE)


@scalar
def log1p(x):
    if abs(x) < SERIES:
        return log1p_of_small(x)
    m, e = one_plus(x)
    k, negative, g = reduced(m, e)
    value, exponent = log_of_reduced(negative, g)
    return joined(k, c.WIDE_LN2, WHOLE, negative, value, exponent)
