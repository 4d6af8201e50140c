"""float32 and narrower: gradients in float64 arithmetic, rounded once."""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import single
from numbaexp.scalar.ieee import (
    INFINITY_F32,
    MAGNITUDE_F32,
    MINUS_INFINITY_F32,
    bfloat_to_float,
    clamp_f32,
    half_to_float,
    highest,
    lowest,
    rounded_product,
    scalar,
    to_float32,
    to_float64,
)
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.vector.operations import bits_of, float_of

# Of the exponential of ``single`` at +-200: there n = 288, and the product of x with log2(e), whose float64 is off by
# 2**-55.4, puts 200 2**-55.4 ln(2) < 2**-48.2 on top of the 2**-51 it has near 0. The quotients round it three times.
NARROW_ERROR = ldexp(1.0, -47)

# Beyond this the product with any gradient but 0 is too large or too small: 2**149 2**128 < e**200.
NARROW_REACH = 200.0
LOW_F32, HIGH_F32 = lowest(np.float32(-NARROW_REACH)), highest(np.float32(NARROW_REACH))


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
