"""Gradients from the powers of a table, in float32 arithmetic, of numbers and vectors alike.

A product of g and the derivative is a pair (high, low) and ``steps`` and ``bits`` of a power of two, as in
``tabled.Powers``. Only moderate arguments are computed, which do not overflow or underflow. Others, infinities and NaN
among them, are replaced by 1 and undecided.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import fast_two_sum
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
from numbaexp.scalar.tabled import Powers
from numbaexp.scalar.tabled_half import CONVERSIONS, odd_of
from numbaexp.scalar.tabled_sigmoid import ONE, ZERO, is_negative, plus_one, quotient
from numbaexp.vector.operations import as_number, bits_of, fma, spread_to, where

# Bounds of arguments that are factors: 2**-46 of a product of three is above 2**-126.
LEAST, GREATEST = highest(np.float32(ldexp(1.0, -38))), highest(np.float32(ldexp(1.0, 60)))
FACTORS = np.uint32(int(GREATEST) - int(LEAST))
# A bound of exponents: exponentials are then above 2**-63.
REACH = highest(np.float32(43.0))
SIGN = np.int32(-0x80000000)

# Relative errors: of a product with a constant, whose parts below 2**-23 are rounded four times; and of the sum of a
# pair, which is precise enough for 16 bits.
PRODUCT_ERROR, SUM_ERROR = ldexp(1.0, -44), ldexp(1.0, -23)
# Factor of a table's error bound: the product with an unnormalised pair is rounded by 1 u, and the pair errs by 4.5 u.
MORE = 1.25

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


class _Product(NamedTuple):
    """Describe a gradient: ``make(powers)`` returns ``product(g, saved)``, with an error of ``error`` times the table's
    bound; or, where ``error`` is None, of ``PRODUCT_ERROR``, without a separate power of two. ``is_taken(saved)`` tells
    which arguments are computed."""

    make: Any
    error: float | None
    is_taken: Any


PRODUCTS = {
    "exp2_backward": _Product(_times_constant(*c.LN2_F32), None, is_factor),
    "exp10_backward": _Product(_times_constant(*c.LN10_F32), None, is_factor),
    "expm1_backward": _Product(_times_exp, MORE, is_exponent),
    "sigmoid_backward": _Product(_times_sigmoid_derivative, 1.0, is_exponent),
    "softplus_backward": _Product(_times_sigmoid, 1.0, is_exponent),
}


def _two_sided(name: str, powers: Powers, least_error: float) -> Any:
    """Return ``ends(g, saved)``: the product less and plus the bound of its error, and whether both were computed."""
    make, error, is_taken = PRODUCTS[name]
    product, scaled = make(powers), powers.scaled
    bound = max(PRODUCT_ERROR if error is None else error * powers.error, least_error)
    lower, higher = np.float32(-bound), np.float32(bound)
    has_power = error is not None

    @scalar
    def ends(g, saved):
        taken = is_factor(g) & is_taken(saved)
        high, low, steps, bits = product(where(taken, g, ONE), where(taken, saved, ONE))
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

    Numbers rounded to odd are treated as inexact. A product with a saved 0 may be exact: where that is a subnormal
    half, the conversion would raise "underflow", and the product is undecided.
    """
    to_float, from_odd, _ = CONVERSIONS[dtype]
    ends = _two_sided(name, powers, SUM_ERROR)
    subnormal = np.uint32(int(LEAST_NORMAL_HALF) - 1 if dtype == "float16" else 0)

    @scalar
    def compute(g, saved):
        factor = to_float(saved)
        below, above, taken = ends(to_float(g), factor)
        is_subnormal = as_number(magnitude_of(below) - np.int32(1), UINT32) < subnormal
        may_be_exact = (magnitude_of(factor) == INT32) & is_subnormal
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
