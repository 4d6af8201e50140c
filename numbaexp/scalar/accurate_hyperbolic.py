"""The accurate phase of sinh, cosh and tanh of float64, in integers of 128 bits, by the exponential of ``accurate.py``.

With abs(x) log2(e) = n + f, |f| <= 1/2, the even and the odd part of (2**f - 1) / f give 2**f and 2**-f at once, and so
both exponentials. Where n is 0, sinh(x) is f times the even part, with an f that keeps all its bits.

The errors, in units of 2**-128 (see ``accurate.py``): 2**f and 2**-f err by 11, in units of 2**-127 by 5.5, with what
the shift drops. 2**-f 2**-2n errs by 1.4 of these and is truncated (1). So both sums err by 8, where the lesser one is
at least 0.35 2**127 and the greater one 0.7 2**127: by 2**-122.4 and 2**-123.4 relatively. Where n is 0, f is truncated
(1 unit of at least 1.44 2**126), the even part errs by 6 units of at least 0.69 2**128, and their product by 3 units of
at least 0.99 2**126: by 2**-123.3. sinh and cosh have

    SINH_ERROR = COSH_ERROR = 2**-122

relatively. For a quotient s / c, y is the inverse of c, within 2**-51, and 1/c = y (1 + r + r**2) with r = 1 - c y, but
for 2**-153 of it. c y is truncated (1 unit of 2**126), and so are s y and the product with r (1 unit each, of at least
1.3 2**124): together 2**-123.2. Those of s and c added, tanh has

    TANH_ERROR = 2**-121

relatively. The hardest arguments known lie 2**-110.1 (sinh), 2**-110.7 (cosh) and 2**-113.2 (tanh) from a midpoint.

For |x| < 2**-18, sinh(x) and tanh(x) are nearly the sums of the first terms of their series, which may be midpoints: so
the series are evaluated in three words. The terms left out, x**8/362880 and 62 x**8/2835 of x, are below 2**-149. The
hardest argument known, 0x1.e0000000000e1p-22 of tanh, lies 2**-132.4 from a midpoint.

Results are no midpoints, as they are transcendental (Lindemann, Weierstrass), so they are rounded by the next bit.
"""

from math import copysign, ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.accurate import HALF, ONE, ZERO, decompose, exp2_parts, nearest, reduced, scaled
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.words import add, product, product_of_fractions, shift_left, shift_right, subtract

# Relative errors.
SINH_ERROR = COSH_ERROR = ldexp(1.0, -122)
TANH_ERROR = ldexp(1.0, -121)
# Below the first magnitude sinh and tanh are computed by their series. Below the second they round to x, and cosh to 1.
SERIES, TINY = ldexp(1.0, -18), ldexp(1.0, -27)
# tanh of this rounds to 1.
SATURATED = 20.0
# 1 in units of 2**-127 and 2**-126; in floating point in units of 2**-125.
UNIT, HALF_UNIT = (HALF, ZERO), (HALF >> ONE, ZERO)
QUARTER_UNIT = ldexp(1.0, 125)
# A number in units of 2**-126 is shifted by the first to units of 2**-172, and its product by the second.
PLACES, PLACES_OF_PRODUCT = np.uint64(46), np.uint64(44)


@scalar
def sinh_and_cosh(x):
    """Return (s, e, c, d) with sinh(abs(x)) = s 2**(e - 128) and cosh(x) = c 2**(d - 128), 2**-27 <= abs(x)."""
    n, f, negative = reduced(abs(x), c.WIDE_LOG2_E)
    even, odd = exp2_parts(f)
    if n == 0:
        # f with all its bits.
        m, e = decompose(x)
        first, second, _ = shift_left(scaled(m, c.WIDE_LOG2_E), ONE)
        square = product_of_fractions(f, odd)
        return product_of_fractions((first, second), even), e + 2, add(UNIT, shift_right(square, ONE)), np.int64(1)
    above = add(UNIT, shift_right(product_of_fractions(f, add(even, odd)), ONE))
    below = subtract(UNIT, shift_right(product_of_fractions(f, subtract(even, odd)), ONE))
    growing, falling = (below, above) if negative else (above, below)
    falling = shift_right(falling, np.uint64(min(n + n, 127)))
    return subtract(growing, falling), n, add(growing, falling), n


@scalar
def product_with_word(a, word):
    """Compute a word / 2**64, a of two words, less at most 1."""
    return add(product(a[0], word), (ZERO, product(a[1], word)[0]))


@scalar
def quotient(s, divisor):
    """Compute s 2**126 / divisor, where 0.7 2**127 <= divisor <= 1.6 2**127 and the result is below 2**128."""
    # The inverse in units of 2**-63.
    inverse = np.uint64(np.int64(QUARTER_UNIT / np.float64(divisor[0]))) << ONE
    rest = subtract(HALF_UNIT, product_with_word(divisor, inverse))
    above = rest[0] >= HALF
    # Below 2**76, and below 2**122 when shifted.
    rest = shift_left(subtract((ZERO, ZERO), rest) if above else rest, PLACES)
    square = shift_right(product(rest[0], rest[0]), PLACES_OF_PRODUCT)
    rest = subtract(rest, square) if above else add(rest, square)
    value = product_with_word(s, inverse)
    correction = shift_right(product_of_fractions(value, rest), PLACES_OF_PRODUCT)
    return subtract(value, correction) if above else add(value, correction)


@scalar
def times_square(value, m, places):
    """Compute x**2 value, abs(x) = m 2**-(places + 64), in three words."""
    return shift_right(scaled(m, shift_right(scaled(m, value), places)), places)


@scalar
def step(value, m, places, alternating, coefficient):
    summand = times_square(value, m, places)
    return subtract(coefficient, summand) if alternating else add(coefficient, summand)


@scalar
def series(x, alternating, third, fifth, seventh):
    """Compute x (1 + third x**2 + fifth x**4 + seventh x**6), or with alternating signs, of coefficients below 1."""
    m, e = decompose(x)
    places = np.uint64(-1 - e)
    factor = step(seventh, m, places, alternating, fifth)
    factor = step(factor, m, places, alternating, third)
    # Halved, to add 1.
    factor = step(shift_right(factor, ONE), m, places, alternating, (HALF, ZERO, ZERO))
    return nearest(x < 0.0, scaled(m, factor)[0], e + 2)


# The public functions: correctly rounded, for a finite x whose result is finite.


@scalar
def sinh(x):
    if abs(x) < TINY:
        return x
    if abs(x) < SERIES:
        return series(x, False, c.WIDE_SINH_3, c.WIDE_SINH_5, c.WIDE_SINH_7)
    value, exponent, _, _ = sinh_and_cosh(x)
    return nearest(x < 0.0, value[0], exponent)


@scalar
def cosh(x):
    if abs(x) < TINY:
        return 1.0
    _, _, value, exponent = sinh_and_cosh(x)
    return nearest(False, value[0], exponent)


@scalar
def tanh(x):
    if abs(x) < TINY:
        return x
    if abs(x) < SERIES:
        return series(x, True, c.WIDE_TANH_3, c.WIDE_TANH_5, c.WIDE_TANH_7)
    if abs(x) > SATURATED:
        return copysign(1.0, x)
    s, exponent, divisor, exponent_of_divisor = sinh_and_cosh(x)
    return nearest(x < 0.0, quotient(s, divisor)[0], exponent - exponent_of_divisor + 2)
