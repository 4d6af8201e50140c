"""Gradients from the powers of a table, in float32 arithmetic, of numbers and vectors alike.

A product of g and the derivative is a pair (high, low) and ``steps`` and ``bits`` of a power of two, as in
``tabled.Powers``. Only moderate arguments are computed, which do not overflow or underflow. Others, infinities and NaN
among them, are replaced by 1 and 1/2, and undecided.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.expm1 import two_sum
from numbaexp.scalar.ieee import (
    INT32,
    MAGNITUDE_F32,
    UINT32,
    bfloat_to_float,
    float_to_bfloat,
    highest,
    rounded_product,
    scalar,
)
from numbaexp.scalar.tabled import Powers, horner
from numbaexp.scalar.tabled_half import CONVERSIONS, odd_of
from numbaexp.scalar.tabled_sigmoid import ONE, ZERO, is_negative, plus_one, quotient
from numbaexp.vector.operations import as_number, bits_of, fma, spread_to, where

# Bounds of arguments that are factors: 2**-46 of a product of three is above 2**-126.
LEAST, GREATEST = highest(np.float32(ldexp(1.0, -38))), highest(np.float32(ldexp(1.0, 60)))
FACTORS = np.uint32(int(GREATEST) - int(LEAST))
# A bound of exponents: exponentials are then above 2**-63.
REACH, HALF_REACH = highest(np.float32(43.0)), highest(np.float32(21.5))
# Bounds of divisors, and of numbers whose square is one: a remainder, at least 2**-46 of what is divided, is above
# 2**-126 after the division.
GREATEST_DIVISOR, GREATEST_SQUARED = highest(np.float32(ldexp(1.0, 40))), highest(np.float32(ldexp(1.0, 20)))
DIVISORS, SINES = np.uint32(int(GREATEST_DIVISOR) - int(LEAST)), np.uint32(int(LEAST) - 1)
# Below this a number is negligible next to 1.
LEAST_MORE = highest(np.float32(ldexp(1.0, -48)))
# The neighbours of 1 and -1, and how many numbers they are with the poles between them.
BELOW_ONE, BEYOND_MINUS_ONE = (np.int32(np.float32(one).view(np.int32) - 1) for one in (1.0, -1.0))
NEAR_POLE = np.uint32(3)
FOUR, HALF = np.float32(4.0), np.float32(0.5)
# Up to this sinh is summed up as a series.
SERIES = highest(np.float32(0.5))
# Below this x**2 / 2 is below 2**-41 and negligible next to 1; times a gradient it could be subnormal.
TINY = highest(np.float32(ldexp(1.0, -20)))
SIXTH, SIXTH_LOW = map(np.float32, c.SIXTH_F32)
SIGN = np.int32(-0x80000000)

# Of a quotient by a pair that errs by 2**-44 itself; the quotient errs by as much.
QUOTIENT_ERROR = ldexp(1.0, -42)
# Relative errors: of a product with a constant, whose parts below 2**-23 are rounded four times; and of the sum of a
# pair, which is precise enough for 16 bits.
PRODUCT_ERROR, SUM_ERROR = ldexp(1.0, -44), ldexp(1.0, -23)
# Factor of a table's error bound: the product with an unnormalised pair is rounded by 1 u, and the pair errs by 4.5 u.
# Of sinh the difference of exponentials is at least 0.46 of their sum, from ``SERIES`` on; below, the series errs by
# less than 2**-34.2: its terms from the third on, below 2**-10.9, are rounded once, and their coefficient is.
MORE, OF_DIFFERENCE = 1.25, 3.25

# Bounds of products that are normal in bfloat16.
LEAST_NORMAL, GREATEST_BF16 = highest(np.finfo(np.float32).smallest_normal), np.int32(0x7F7F0000)
NORMAL_BF16 = np.uint32(int(GREATEST_BF16) - int(LEAST_NORMAL))

LEAST_NORMAL_HALF = highest(np.float32(ldexp(1.0, -14)))


@scalar
def magnitude_of(x):
    return as_number(bits_of(x) & MAGNITUDE_F32, INT32)


@scalar
def is_factor(x):
    """Tell whether a number is 0 or moderate."""
    magnitude = magnitude_of(x)
    return (as_number(magnitude - LEAST, UINT32) <= FACTORS) | (magnitude == INT32)


@scalar
def is_exponent(x):
    return magnitude_of(x) <= REACH


@scalar
def is_half_exponent(x):
    return magnitude_of(x) <= HALF_REACH


@scalar
def is_sine(x):
    # A comparison with 0 would become one of numbers, which raises "invalid" of a signalling NaN.
    return is_exponent(x) & (as_number(magnitude_of(x) - np.int32(1), UINT32) >= SINES)


@scalar
def _unless_tiny(x):
    return where(magnitude_of(x) < TINY, ZERO, x)


@scalar
def is_divisor(x):
    return as_number(magnitude_of(x) - LEAST, UINT32) <= DIVISORS


@scalar
def is_one_less(x):
    is_near_pole = as_number(bits_of(x) - BEYOND_MINUS_ONE, UINT32) < NEAR_POLE
    return (magnitude_of(x) <= GREATEST_DIVISOR) & ~is_near_pole


@scalar
def is_share(x):
    is_near_pole = as_number(bits_of(x) - BELOW_ONE, UINT32) < NEAR_POLE
    return is_divisor(x) & (magnitude_of(x) <= GREATEST_SQUARED) & ~is_near_pole


def _times_constant(high_factor: float, low_factor: float) -> Any:
    factor, factor_low = np.float32(high_factor), np.float32(low_factor)

    def make(powers):
        @scalar
        def product(g, y):
            gy = rounded_product(g, y)
            gy_low = fma(g, y, -gy)
            high = rounded_product(gy, factor)
            return high, fma(gy, factor, -high) + fma(gy, factor_low, gy_low * factor), None, None

        return product

    return make


def _times_exp(powers: Powers) -> Any:
    exp, pair = powers.reduced, powers.pair

    @scalar
    def product(g, x):
        root, r0, rest, steps, bits = exp(x)
        power, power_low = pair(root, r0, rest)
        high = rounded_product(g, power)
        return high, fma(g, power_low, fma(g, power, -high)), steps, bits

    return product


def _decay(powers: Powers) -> Any:
    """Return ``decay(x)``: exp(-|x|) as a normalised pair with its power of two apart, and 1 + exp(-|x|) as a pair."""
    exp, pair, scaled = powers.reduced, powers.pair, powers.scaled

    @scalar
    def decay(x):
        root, r0, rest, steps, bits = exp(-abs(x))
        high, low = fast_two_sum(*pair(root, r0, rest))
        # Multiplied, as the low part may be 0.
        unit = scaled(spread_to(ONE, x), steps, bits)
        total, total_low = plus_one(rounded_product(high, unit), rounded_product(low, unit))
        return high, low, steps, bits, total, total_low

    return decay


def _times_sigmoid(powers: Powers) -> Any:
    decay = _decay(powers)

    @scalar
    def product(g, x):
        power, power_low, steps, bits, total, total_low = decay(x)
        negative = is_negative(x)
        above, above_low = where(negative, power, ONE), where(negative, power_low, ZERO)
        high = rounded_product(g, above)
        low = fma(g, above_low, fma(g, above, -high))
        high, low = quotient(high, low, total, total_low)
        return high, low, where(negative, steps, ZERO), where(negative, bits, INT32)

    return product


def _times_sigmoid_derivative(powers: Powers) -> Any:
    """Return ``product(g, x)``: g exp(-|x|) / (1 + exp(-|x|))**2."""
    decay = _decay(powers)

    @scalar
    def product(g, x):
        power, power_low, steps, bits, total, total_low = decay(x)
        high = rounded_product(g, power)
        low = fma(g, power_low, fma(g, power, -high))
        square = rounded_product(total, total)
        square_low = fma(total + total, total_low, fma(total, total, -square))
        high, low = quotient(high, low, square, square_low)
        return high, low, steps, bits

    return product


def _times_tanh_derivative(powers: Powers) -> Any:
    """Return ``product(g, x)``: 4 g exp(-2 |x|) / (1 + exp(-2 |x|))**2."""
    of_sigmoid = _times_sigmoid_derivative(powers)

    @scalar
    def product(g, x):
        high, low, steps, bits = of_sigmoid(g, x + x)
        return rounded_product(FOUR, high), rounded_product(FOUR, low), steps, bits

    return product


def _times_sigmoid_of_minus(powers: Powers) -> Any:
    of_sigmoid = _times_sigmoid(powers)

    @scalar
    def product(g, x):
        return of_sigmoid(g, -x)

    return product


def _exponentials(powers: Powers) -> Any:
    """Return ``exponentials(x)``: exp(|x|) and exp(-|x|), halved, as pairs."""
    exp, pair, scaled = powers.reduced, powers.pair, powers.scaled

    @scalar
    def half_exp(x):
        root, r0, rest, steps, bits = exp(x)
        return fast_two_sum(*pair(rounded_product(HALF, scaled(root, steps, bits)), r0, rest))

    @scalar
    def exponentials(x):
        return *half_exp(abs(x)), *half_exp(-abs(x))

    return exponentials


@scalar
def _times_pair(g, factor, factor_low):
    high = rounded_product(g, factor)
    return high, fma(g, factor_low, fma(g, factor, -high)), None, None


def _times_cosh(powers: Powers) -> Any:
    exponentials = _exponentials(powers)

    @scalar
    def product(g, x):
        power, power_low, other, other_low = exponentials(_unless_tiny(x))
        total, rest = fast_two_sum(power, other)
        return _times_pair(g, total, rest + (power_low + other_low))

    return product


_terms = horner([np.float32(value) for value in c.SINH_F32])


@scalar
def _times_float(a, a_low, b):
    high = rounded_product(a, b)
    return high, fma(a_low, b, fma(a, b, -high))


@scalar
def sinh_series(x):
    """Return sinh(x) as a pair, |x| <= 1/2: x (1 + u (1/6 + u t(u))), u = x**2, where t alone is one float."""
    root = _unless_tiny(x)
    u = rounded_product(root, root)
    u_low = fma(root, root, -u)
    third, third_low = _times_float(u, u_low, _terms(u))
    inner, inner_low = fast_two_sum(SIXTH, third)
    second = rounded_product(u, inner)
    second_low = fma(u, inner_low + (SIXTH_LOW + third_low), fma(u_low, inner, fma(u, inner, -second)))
    total, rest = fast_two_sum(ONE, second)
    rest = rest + second_low
    high = rounded_product(x, total)
    return high, fma(x, rest, fma(x, total, -high))


def _times_sinh(powers: Powers) -> Any:
    exponentials = _exponentials(powers)

    @scalar
    def product(g, x):
        is_near = magnitude_of(x) <= SERIES
        near, near_low = sinh_series(where(is_near, x, ZERO))
        power, power_low, other, other_low = exponentials(x)
        total, rest = fast_two_sum(power, -other)
        rest = rest + (power_low - other_low)
        negative = is_negative(x)
        far, far_low = where(negative, -total, total), where(negative, -rest, rest)
        return _times_pair(g, where(is_near, near, far), where(is_near, near_low, far_low))

    return product


def _over(divisor: Any) -> Any:
    """Return what makes ``product(g, x)``: g over a pair."""

    def make(powers):
        @scalar
        def product(g, x):
            high, low = quotient(g, ZERO, *divisor(x))
            return high, low, None, None

        return product

    return make


@scalar
def _itself(x):
    return x, ZERO


def _multiple(high_factor: float, low_factor: float) -> Any:
    factor, factor_low = np.float32(high_factor), np.float32(low_factor)

    @scalar
    def multiple(x):
        high = rounded_product(x, factor)
        return high, fma(x, factor_low, fma(x, factor, -high))

    return multiple


@scalar
def _one_more(x):
    return two_sum(ONE, where(magnitude_of(x) < LEAST_MORE, ZERO, x))


@scalar
def _times_one_less(x):
    other, other_low = two_sum(ONE, -x)
    high = rounded_product(x, other)
    return high, fma(x, other_low, fma(x, other, -high))


class _Product(NamedTuple):
    """Describe a gradient: ``make(powers)`` returns ``product(g, saved)``, with an error of ``error`` times the table's
    bound; or, where ``error`` is None, of ``PRODUCT_ERROR``. ``is_taken(saved)`` tells which arguments are computed,
    ``has_power`` whether there is a separate power of two. Of a quotient, which errs by ``QUOTIENT_ERROR``, any result
    may be exact."""

    make: Any
    error: float | None
    is_taken: Any
    has_power: bool = True
    is_quotient: bool = False


PRODUCTS = {
    "exp2_backward": _Product(_times_constant(*c.LN2_F32), None, is_factor, False),
    "exp10_backward": _Product(_times_constant(*c.LN10_F32), None, is_factor, False),
    "expm1_backward": _Product(_times_exp, MORE, is_exponent),
    "sigmoid_backward": _Product(_times_sigmoid_derivative, 1.0, is_exponent),
    "softplus_backward": _Product(_times_sigmoid, 1.0, is_exponent),
    "log_backward": _Product(_over(_itself), None, is_divisor, False, True),
    "log2_backward": _Product(_over(_multiple(*c.LN2_F32)), None, is_divisor, False, True),
    "log10_backward": _Product(_over(_multiple(*c.LN10_F32)), None, is_divisor, False, True),
    "log1p_backward": _Product(_over(_one_more), None, is_one_less, False, True),
    "sinh_backward": _Product(_times_cosh, MORE, is_exponent, False),
    "cosh_backward": _Product(_times_sinh, OF_DIFFERENCE, is_sine, False),
    "tanh_backward": _Product(_times_tanh_derivative, 1.0, is_half_exponent),
    "log_sigmoid_backward": _Product(_times_sigmoid_of_minus, 1.0, is_exponent),
    "logit_backward": _Product(_over(_times_one_less), None, is_share, False, True),
}


def _two_sided(name: str, powers: Powers, least_error: float) -> Any:
    """Return ``ends(g, saved)``: the product less and plus the bound of its error, and whether both were computed."""
    make, error, is_taken, has_power, is_quotient = PRODUCTS[name]
    product, scaled = make(powers), powers.scaled
    without_table = QUOTIENT_ERROR if is_quotient else PRODUCT_ERROR
    bound = max(without_table if error is None else error * powers.error, least_error)
    lower, higher = np.float32(-bound), np.float32(bound)

    @scalar
    def ends(g, saved):
        taken = is_factor(g) & is_taken(saved)
        high, low, steps, bits = product(where(taken, g, ONE), where(taken, saved, HALF))
        below, above = high + fma(high, lower, low), high + fma(high, higher, low)
        if has_power:
            below, above = scaled(below, steps, bits), scaled(above, steps, bits)
        is_0 = magnitude_of(high) == INT32
        return where(is_0, high, below), where(is_0, high, above), taken

    return ends


def make_gradient(name: str, powers: Powers) -> Any:
    """Return ``compute(g, saved)`` of a ``Fast`` in float32."""
    ends = _two_sided(name, powers, 0.0)

    @scalar
    def compute(g, saved):
        below, above, taken = ends(g, saved)
        return below, (below != above) | ~taken

    return compute


def make_half_gradient(name: str, dtype: str, powers: Powers) -> Any:
    """Return ``compute(g, saved)`` of a ``Fast`` in float16 or bfloat16.

    Numbers rounded to odd are treated as inexact. A product with a saved 0 may be exact, and so may any quotient: where
    that is a subnormal half, the conversion would raise "underflow", and the result is undecided.
    """
    to_float, from_odd, _ = CONVERSIONS[dtype]
    ends, is_quotient = _two_sided(name, powers, SUM_ERROR), PRODUCTS[name].is_quotient
    subnormal = np.uint32(int(LEAST_NORMAL_HALF) - 1 if dtype == "float16" else 0)

    @scalar
    def compute(g, saved):
        factor = to_float(saved)
        below, above, taken = ends(to_float(g), factor)
        is_subnormal = as_number(magnitude_of(below) - np.int32(1), UINT32) < subnormal
        may_be_exact = is_subnormal if is_quotient else (magnitude_of(factor) == INT32) & is_subnormal
        below, above = where(may_be_exact, ZERO, below), where(may_be_exact, ZERO, above)
        result = from_odd(odd_of(bits_of(below), below))
        return result, (result != from_odd(odd_of(bits_of(above), above))) | may_be_exact | ~taken

    return compute


@scalar
def product_of_bfloats(g, y):
    """Compute the gradient of exp in bfloat16, as of a ``Fast``: a normal product is exact in float32."""
    g, y = bfloat_to_float(g), bfloat_to_float(y)
    product = rounded_product(g, y)
    magnitude = magnitude_of(product)
    of_0 = (magnitude == INT32) & ((magnitude_of(g) == INT32) | (magnitude_of(y) == INT32))
    return float_to_bfloat(product), ~(of_0 | (as_number(magnitude - LEAST_NORMAL, UINT32) <= NORMAL_BF16))
