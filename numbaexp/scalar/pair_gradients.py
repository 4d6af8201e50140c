"""float64: gradients from the derivative, or its inverse, as a pair of float64 with a power of two."""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double
from numbaexp.scalar.ieee import (
    INFINITY_F64,
    MAGNITUDE_F64,
    clamp_f64,
    highest,
    lowest,
    rounded_product,
    scalar,
)
from numbaexp.vector.operations import bits_of, float_of, fma

# Error of ``exponential``: ``double.FAST_ERROR`` of a number of at least 0.9. Quotients are in pairs, and the error of
# a product of pairs is below 2**-100.
PAIR_ERROR = ldexp(1.0, -62)

# Beyond this the product with any gradient but 0 is too large or too small: 2**1074 2**1024 < e**1460.
# ``double.exp_reduced`` holds up to this: its product need not be exact, as the fused multiply-add is.
LOW_F64, HIGH_F64 = lowest(np.float64(-1460.0)), highest(np.float64(1460.0))
HALF_REACH_F64 = 730.0

# Numbers whose magnitude is beyond these are negligible next to 1, or 1 next to them.
LEAST_BESIDE_1, GREATEST_BESIDE_1 = highest(np.float64(ldexp(1.0, -120))), highest(np.float64(ldexp(1.0, 120)))
UP = ldexp(1.0, 54)
# Up to this sinh is summed up as a series.
SERIES = 0.5
# Bound of exponents in ``scaled``: beyond there are only 0 and infinity.
FURTHEST = np.int64(2000)
ONE = highest(np.float64(1.0))
SIGN = np.int64(-0x8000000000000000)
# Below this exponent exp(-|x|) is negligible next to 1.
LEAST_EXPONENT = np.int64(-200)
# The bits that ``double.exp_reduced`` returns for n = 0.
NO_STEPS = highest(np.float64(double.ROUND_TO_INTEGER))


@scalar
def power_of_two(k):
    """Return 2**k, -1022 <= k <= 1023."""
    return float_of(ONE + (k << np.int64(52)))


@scalar
def moderate(x):
    """Return (m, k) with x = m 2**k and |m| from 2**-52 to 4, unless 0, infinite or NaN."""
    exponent = (bits_of(x) & MAGNITUDE_F64) >> np.int64(52)
    k = min(max(exponent, np.int64(2)), np.int64(2046)) - np.int64(1024)
    return rounded_product(x, power_of_two(-k)), k


@scalar
def normalised(x):
    """Return the same with |m| from 1 to 4 of a subnormal number too."""
    is_subnormal = (bits_of(x) & MAGNITUDE_F64) < double.LEAST_NORMAL
    m, k = moderate(rounded_product(x, UP if is_subnormal else 1.0))
    return m, k - (np.int64(54) if is_subnormal else np.int64(0))


@scalar
def scaled(value, k):
    """Compute value 2**k, |value| from 2**-110 to 2**10: where the first product is inexact, the second underflows to
    0."""
    k = min(max(k, -FURTHEST), FURTHEST)
    half = k >> np.int64(1)
    return value * power_of_two(half) * power_of_two(k - half)


@scalar
def exponential(x):
    """Return (high, low, k) with exp(x) = (high + low) 2**k within ``PAIR_ERROR``, high in [0.9, 1.9], |x| <= 1460."""
    r, r_low, n = double.exp_reduced(x)
    high, low = double.fast_two_sum(*double.exp_of_reduced(r, r_low, n))
    return high, low, (n - NO_STEPS) >> np.int64(2)


@scalar
def sigmoid(x):
    """Return the same for the sigmoid, as in ``numbaexp.scalar.sigmoid``."""
    high, low, k = exponential(-abs(x))
    beside_1 = power_of_two(max(k, LEAST_EXPONENT))
    e, e_low = rounded_product(high, beside_1), rounded_product(low, beside_1)
    negative = x < 0.0
    quotient, rest = double.over_one_plus(high if negative else 1.0, low if negative else 0.0, e, e_low)
    return quotient, rest, k if negative else np.int64(0)


@scalar
def product_of_pairs(a, a_low, b, b_low):
    high = rounded_product(a, b)
    return high, fma(a_low, b, fma(a, b_low, fma(a, b, -high)))


@scalar
def sigmoid_derivative(x):
    """Return the same for sigmoid(x) sigmoid(-x), between which errors of the exponential are divided."""
    a, a_low, k = sigmoid(-abs(x))
    b, b_low, _ = sigmoid(abs(x))
    high, low = product_of_pairs(a, a_low, b, b_low)
    return high, low, k


@scalar
def tanh_derivative(x):
    """Return the same for 4 sigmoid(2 x) sigmoid(-2 x), the inverse of cosh(x)**2, of any finite x."""
    high, low, k = sigmoid_derivative(2.0 * max(-HALF_REACH_F64, min(x, HALF_REACH_F64)))
    return high, low, k + np.int64(2)


@scalar
def exponentials(x):
    """Return exp(|x|) and exp(-|x|) as pairs, times the inverse of the power of two of the first, and its exponent."""
    high, low, k = exponential(abs(x))
    other, other_low, n = exponential(-abs(x))
    beside = power_of_two(max(n - k, LEAST_EXPONENT))
    return high, low, rounded_product(other, beside), rounded_product(other_low, beside), k


@scalar
def cosh(x):
    """Return the same for cosh(x): no error grows in a sum of positive numbers."""
    high, low, other, other_low, k = exponentials(x)
    total, rest = double.fast_two_sum(high, other)
    return total, rest + (low + other_low), k - np.int64(1)


@scalar
def sinh_series(x):
    """Return sinh(x) / x as a pair, |x| <= ``SERIES``: 1 + u/6 + u**2/120 + u**3 t(u), u = x**2, by Horner's scheme, of
    which all but t, below 2**-17 of the sum, is in pairs: the error is below 2**-68."""
    magnitude = bits_of(x) & MAGNITUDE_F64
    x = float_of(bits_of(x) if magnitude >= LEAST_BESIDE_1 else np.int64(0))
    u = rounded_product(x, x)
    u_low = fma(x, x, -u)
    tail = fma(fma(fma(fma(c.SINH_TAIL_4, u, c.SINH_TAIL_3), u, c.SINH_TAIL_2), u, c.SINH_TAIL_1), u, c.SINH_TAIL_0)
    total, rest = double.fast_two_sum(c.SINH_120TH_HI, rounded_product(u, tail))
    total, rest = product_of_pairs(total, rest + c.SINH_120TH_LO, u, u_low)
    total, more = double.fast_two_sum(c.SIXTH_HI, total)
    total, rest = product_of_pairs(total, more + (rest + c.SIXTH_LO), u, u_low)
    total, more = double.fast_two_sum(1.0, total)
    return total, more + rest


@scalar
def sinh(x):
    """Return the same for sinh(x). From ``SERIES`` on the difference of exponentials errs by less than ``PAIR_ERROR``:
    by 2**-64 (2**k + 2**n) of their exponents k and n, which is greatest next to sinh(x), 1.95 2**-63 of it, where k
    becomes 1, at 0.6065."""
    m, of_m = moderate(x)
    is_near = abs(x) <= SERIES
    series, series_low = sinh_series(x if is_near else 0.0)
    near, near_low = product_of_pairs(m, 0.0, series, series_low)
    high, low, other, other_low, k = exponentials(x)
    total, rest = double.fast_two_sum(high, -other)
    rest = rest + (low - other_low)
    far, far_low = (-total, -rest) if x < 0.0 else (total, rest)
    return near if is_near else far, near_low if is_near else far_low, of_m if is_near else k - np.int64(1)


def within_reach(pair):
    """Extend ``pair`` to any finite float64."""

    @scalar
    def of_any(x):
        return pair(float_of(clamp_f64(bits_of(x), LOW_F64, HIGH_F64)))

    return of_any


def times_pair(factor, factor_low):
    """Return a function for the argument times a pair, as a pair and a power of two."""

    @scalar
    def pair(y):
        m, k = moderate(y)
        high, low = product_of_pairs(m, 0.0, factor, factor_low)
        return high, low, k

    return pair


@scalar
def zero_unless(finite, x):
    return float_of(bits_of(x) if finite else np.int64(0))


def wide(pair, limit, at_infinity=False):
    """Make the float64 row. ``pair`` takes finite numbers, and infinity too if ``at_infinity``; ``limit`` is the
    derivative at other infinities and NaN, and finite and not 0 at all other numbers."""

    @scalar
    def of_double(g, saved):
        g_finite = (bits_of(g) & MAGNITUDE_F64) < INFINITY_F64
        is_taken = (bits_of(saved) & MAGNITUDE_F64) < INFINITY_F64 or (at_infinity and bits_of(saved) == INFINITY_F64)
        m, k = moderate(g)
        high, low, n = pair(zero_unless(is_taken, saved))
        product, rest = product_of_pairs(zero_unless(g_finite, m), 0.0, high, low)
        # The sum of zeros is positive.
        total = float_of(bits_of(product + rest) | (bits_of(product) & SIGN))
        value = scaled(total, k + n)
        finite = g_finite & is_taken
        # The compiler may compute this for all arguments, none of which are too large or too small for a product.
        special = m * limit(saved, is_taken)
        return fma(value, 1.0 if finite else 0.0, -0.0 if finite else special)

    return of_double


@scalar
def is_regular(x):
    """Tell whether a number is finite and not 0."""
    magnitude = bits_of(x) & MAGNITUDE_F64
    return np.int64(0) < magnitude < INFINITY_F64


@scalar
def one_plus(x):
    """Return 1 + x as a pair and a power of two, the pair without a rest where that is negligible; 0, infinity and NaN
    as such."""
    magnitude = bits_of(x) & MAGNITUDE_F64
    is_comparable = LEAST_BESIDE_1 <= magnitude <= GREATEST_BESIDE_1
    comparable = zero_unless(is_comparable, x)
    is_greater = abs(comparable) > 1.0
    total, rest = double.fast_two_sum(comparable if is_greater else 1.0, 1.0 if is_greater else comparable)
    m, k = moderate(x if magnitude > GREATEST_BESIDE_1 else total)
    return m, rounded_product(rest, power_of_two(-min(k, np.int64(200)))), k


@scalar
def times_one_less(x):
    """Return x (1 - x) likewise."""
    m, k = normalised(x)
    other, other_low, n = one_plus(-x)
    is_taken = is_regular(m) and is_regular(other)
    high, low = product_of_pairs(m if is_taken else 0.0, 0.0, other if is_taken else 0.0, other_low)
    return high if is_taken else m * other, low, k + n


def times_constant(factor, factor_low):
    """Return a function for the argument times a pair, likewise."""

    @scalar
    def product(x):
        m, k = normalised(x)
        high, low = product_of_pairs(m if is_regular(m) else 0.0, 0.0, factor, factor_low)
        return high if is_regular(m) else m, low, k

    return product


def wide_quotient(divisor):
    """Make the float64 row of a gradient that is divided by a function of the argument: a pair of magnitude 1/2 to 16
    and a power of two, or 0, infinity or NaN."""

    @scalar
    def of_double(g, x):
        g_finite = (bits_of(g) & MAGNITUDE_F64) < INFINITY_F64
        m, k = moderate(g)
        high, low, n = divisor(x)
        regular = is_regular(high)
        finite = g_finite and regular
        # Else the signs alone.
        by, by_low = float_of(bits_of(high) if finite else (bits_of(high) & SIGN) | ONE), low if finite else 0.0
        given = float_of(bits_of(m) if finite else bits_of(m) & SIGN)
        quotient = given / by
        rest = fma(-quotient, by_low, fma(-quotient, by, given)) / by
        # The sum of zeros is positive.
        total = float_of(bits_of(quotient + rest) | (bits_of(quotient) & SIGN))
        value = scaled(total, k - n)
        # As in ``wide``.
        special = m / (1.0 if finite else high)
        return fma(value, 1.0 if finite else 0.0, -0.0 if finite else special)

    return of_double


@scalar
def limit_of_growth(x, is_taken):
    """Return 0 at -infinity, x itself at infinity and NaN."""
    # Of a comparison of all bits compilers make one of numbers, which raises "invalid" of NaN.
    is_kept = bits_of(x) >= np.int64(0) or (bits_of(x) & MAGNITUDE_F64) > INFINITY_F64
    return 1.0 if is_taken else zero_unless(is_kept, x)


@scalar
def limit_of_cosh(x, is_taken):
    """Return infinity at both infinities."""
    return 1.0 if is_taken else abs(x)


@scalar
def limit_of_decay(x, is_taken):
    """Return 0 at both infinities."""
    value = x if (bits_of(x) & MAGNITUDE_F64) > INFINITY_F64 else 0.0
    return 1.0 if is_taken else value


@scalar
def limit_of_product(y, is_taken):
    m, _ = moderate(y)
    return m
