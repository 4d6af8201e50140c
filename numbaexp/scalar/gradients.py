"""Gradients of the elementwise functions: the gradient of the result times the derivative, which depends on the saved
array.

float32 and narrower: in float64 arithmetic, rounded once. There the derivative errs by less than ``NARROW_ERROR``
relatively, and the product by a rounding of float64, 2**-53, more: together 2**-22 ulp of a float32.

float64: the derivative is a pair of float64 with a separate power of two, so that neither large nor small derivatives
overflow or underflow before the product with the gradient. The product, within ``PAIR_ERROR`` relatively, is rounded to
53 bits, by 0.5 ulp, and once more if subnormal, by at most 0.25 ulp of the result beyond the first rounding: within
0.502 ulp, and 0.752 ulp below 2**-1022. Of the logarithms the inverse of the derivative is such a pair, and the
gradient is divided by that; of the natural one the quotient of two numbers is rounded once.

Flags are those of a product, or of a quotient: "invalid" for infinity times 0, "divide" at a pole, as NumPy's, else
those of the result.
Special values are treated as in ``numbaexp.scalar.narrow``.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, single
from numbaexp.scalar.ieee import (
    INFINITY_F32,
    INFINITY_F64,
    MAGNITUDE_F32,
    MAGNITUDE_F64,
    MINUS_INFINITY_F32,
    bfloat_to_float,
    clamp_f32,
    clamp_f64,
    float_to_half,
    half_to_float,
    highest,
    lowest,
    rounded_product,
    scalar,
    to_float32,
    to_float64,
)
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.vector.operations import bits_of, float_of, fma

# Of the exponential of ``single`` at +-200: there n = 288, and the product of x with log2(e), whose float64 is off by
# 2**-55.4, puts 200 2**-55.4 ln(2) < 2**-48.2 on top of the 2**-51 it has near 0. The quotients round it three times.
NARROW_ERROR = ldexp(1.0, -47)
# Error of ``exponential``: ``double.FAST_ERROR`` of a number of at least 0.9. Quotients are in pairs, and the error of
# a product of pairs is below 2**-100.
PAIR_ERROR = ldexp(1.0, -62)

# Beyond this the product with any gradient but 0 is too large or too small: 2**149 2**128 < e**200, and in float64
# 2**1074 2**1024 < e**1460.
NARROW_REACH = 200.0
LOW_F32, HIGH_F32 = lowest(np.float32(-NARROW_REACH)), highest(np.float32(NARROW_REACH))
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


# As far as twice the argument is within ``NARROW_REACH``, and as exp(x) - 1 needs no power of two.
HALF_REACH, NEAR_0 = highest(np.float32(NARROW_REACH / 2)), highest(np.float32(0.34375))


@scalar
def narrow_exp(x):
    """Compute exp(x) of a float32, as a float64."""
    bits = bits_of(x)
    power = single.exp(np.float64(float_of(clamp_f32(bits, LOW_F32, HIGH_F32))))
    limit = 0.0 if bits == MINUS_INFINITY_F32 else np.float64(x)
    return limit if (bits & MAGNITUDE_F32) >= INFINITY_F32 else power


@scalar
def exp_of_minus(magnitude):
    """Compute exp(-|x|) from the bit pattern of |x|."""
    return single.exp(-np.float64(float_of(min(magnitude, HIGH_F32))))


@scalar
def narrow_sigmoid(x):
    bits = bits_of(x)
    magnitude = np.int32(bits & MAGNITUDE_F32)
    e = exp_of_minus(magnitude)
    quotient = (e if bits < np.int32(0) else 1.0) / (1.0 + e)
    value = 0.0 if bits == MINUS_INFINITY_F32 else quotient
    return np.float64(x) if magnitude > INFINITY_F32 else value


@scalar
def narrow_sigmoid_derivative(x):
    magnitude = np.int32(bits_of(x) & MAGNITUDE_F32)
    e = exp_of_minus(magnitude)
    total = 1.0 + e
    value = e / (total * total) if magnitude < INFINITY_F32 else 0.0
    return np.float64(x) if magnitude > INFINITY_F32 else value


@scalar
def narrow_cosh(x):
    power = narrow_exp(abs(x))
    return 0.5 * (power + 1.0 / power)


@scalar
def narrow_sinh(x):
    """Compute sinh(x) of a float32, as a float64: up to ``NEAR_0`` from exp(x) - 1, whose error is relative; beyond, a
    difference of exponentials makes three times their error."""
    power = narrow_exp(abs(x))
    is_near = np.int32(bits_of(x) & MAGNITUDE_F32) <= NEAR_0
    r = rounded_product(to_float64(x) if is_near else 0.0, c.SINGLE_LOG2E)
    less_one = rounded_product(r, single.exp2_quotient(r))
    near = 0.5 * (less_one + less_one / (1.0 + less_one))
    far = 0.5 * (power - 1.0 / power)
    return near if is_near else (-far if bits_of(x) < np.int32(0) else far)


@scalar
def narrow_tanh_derivative(x):
    """Compute 4 exp(-2 |x|) / (1 + exp(-2 |x|))**2."""
    magnitude = np.int32(bits_of(x) & MAGNITUDE_F32)
    e = single.exp(-2.0 * np.float64(float_of(min(magnitude, HALF_REACH))))
    total = 1.0 + e
    value = 4.0 * e / (total * total) if magnitude < INFINITY_F32 else 0.0
    return np.float64(x) if magnitude > INFINITY_F32 else value


@scalar
def narrow_sigmoid_of_minus(x):
    return narrow_sigmoid(-x)


@scalar
def itself(y):
    return to_float64(y)


@scalar
def times_ln2(y):
    return to_float64(y) * c.DOUBLE_LN2_HI


@scalar
def times_ln10(y):
    return to_float64(y) * c.DOUBLE_LN10_HI


@scalar
def from_half(half):
    """Convert a half by ``half_to_float`` of its magnitude: straight from memory it would be converted with the rest of
    a register, whose contents may raise "invalid"."""
    sign = np.int32(np.uint32(half & np.uint16(0x8000)) << np.uint32(16))
    return float_of(np.int32(bits_of(half_to_float(np.uint16(half & np.uint16(0x7FFF)))) | sign))


def narrow(derivative):
    """Make the rows of the table below float64, from a derivative that takes a float32 and returns a float64."""

    @scalar
    def of_half(g, saved):
        return to_half(to_float64(from_half(g)) * derivative(from_half(saved)))

    @scalar
    def of_bfloat(g, saved):
        return to_bfloat(to_float64(bfloat_to_float(g)) * derivative(bfloat_to_float(saved)))

    @scalar
    def of_single(g, saved):
        return to_float32(to_float64(g) * derivative(saved))

    return {"float16": of_half, "bfloat16": of_bfloat, "float32": of_single}


@scalar
def one_more(x):
    return 1.0 + to_float64(x)


@scalar
def slope_of_sigmoid_at(y):
    """Compute y (1 - y), the derivative of the sigmoid where that is y."""
    number = to_float64(y)
    return number * (1.0 - number)


def narrow_quotient(divisor):
    """Make the same rows for gradients divided by a function of the argument, which takes a float32 and returns a
    float64."""

    @scalar
    def of_half(g, x):
        return to_half(to_float64(from_half(g)) / divisor(from_half(x)))

    @scalar
    def of_bfloat(g, x):
        return to_bfloat(to_float64(bfloat_to_float(g)) / divisor(bfloat_to_float(x)))

    @scalar
    def of_single(g, x):
        return to_float32(to_float64(g) / divisor(x))

    return {"float16": of_half, "bfloat16": of_bfloat, "float32": of_single}


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


@scalar
def product(g, y):
    return rounded_product(g, y)


@scalar
def product_of_halves(g, y):
    """Multiply exactly in float32, then round."""
    return float_to_half(from_half(g) * from_half(y))


@scalar
def quotient(g, x):
    return g / x


softplus_backward = wide(within_reach(sigmoid), limit_of_growth, True)


@scalar
def log_sigmoid_backward(g, x):
    return softplus_backward(g, -x)


# For each gradient its scalar in each type.
GRADIENTS = {
    "exp_backward": {**narrow(itself), "float16": product_of_halves, "float32": product, "float64": product},
    "exp2_backward": {
        **narrow(times_ln2),
        "float64": wide(times_pair(c.DOUBLE_LN2_HI, c.DOUBLE_LN2_LO), limit_of_product),
    },
    "exp10_backward": {
        **narrow(times_ln10),
        "float64": wide(times_pair(c.DOUBLE_LN10_HI, c.DOUBLE_LN10_LO), limit_of_product),
    },
    "expm1_backward": {**narrow(narrow_exp), "float64": wide(within_reach(exponential), limit_of_growth)},
    "sigmoid_backward": {
        **narrow(narrow_sigmoid_derivative),
        "float64": wide(within_reach(sigmoid_derivative), limit_of_decay),
    },
    "softplus_backward": {**narrow(narrow_sigmoid), "float64": softplus_backward},
    "log_backward": {**narrow_quotient(itself), "float64": quotient},
    "log2_backward": {
        **narrow_quotient(times_ln2),
        "float64": wide_quotient(times_constant(c.DOUBLE_LN2_HI, c.DOUBLE_LN2_LO)),
    },
    "log10_backward": {
        **narrow_quotient(times_ln10),
        "float64": wide_quotient(times_constant(c.DOUBLE_LN10_HI, c.DOUBLE_LN10_LO)),
    },
    "log1p_backward": {**narrow_quotient(one_more), "float64": wide_quotient(one_plus)},
    "sinh_backward": {**narrow(narrow_cosh), "float64": wide(within_reach(cosh), limit_of_cosh)},
    "cosh_backward": {**narrow(narrow_sinh), "float64": wide(within_reach(sinh), limit_of_product)},
    "tanh_backward": {**narrow(narrow_tanh_derivative), "float64": wide(tanh_derivative, limit_of_decay)},
    "log_sigmoid_backward": {**narrow(narrow_sigmoid_of_minus), "float64": log_sigmoid_backward},
    "logit_backward": {**narrow_quotient(slope_of_sigmoid_at), "float64": wide_quotient(times_one_less)},
}
