"""expm1: exp(x) - 1, with small relative error where x is small."""

from math import ldexp

import numpy as np

from numbaexp.scalar import accurate, double, single
from numbaexp.scalar import constants as c
from numbaexp.scalar.double import ROUND_TO_INTEGER
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import (
    INFINITY_F64,
    MAGNITUDE_F64,
    clamp_f64,
    highest,
    lowest,
    rounded_product,
    scalar,
)
from numbaexp.scalar.narrow import narrow
from numbaexp.vector.operations import bits_of, float_of, fma, where

# Smaller arguments are their own result, in float32 and in float64, without flags, as NumPy's are.
TINY_F32, TINY_F64 = highest(np.float64(ldexp(1.0, -25))), highest(np.float64(ldexp(1.0, -54)))

# float64: below -40 the result is -1, above X_MAX infinite. Within 40 nothing of a result is subnormal.
LEAST, X_MAX = lowest(np.float64(-40.0)), highest(np.float64(c.DOUBLE_EXP_MAX))
INNER = 40.0

# Bounds of the error of ``expm1_pair``, derived there.
ERROR_AT_0 = ldexp(1.0, -60)
ERROR = ldexp(1.0, -62)
ERROR_OF_SUMS = ldexp(1.0, -100)


@scalar
def expm1(x):
    """Compute exp(x) - 1 as the functions of ``numbaexp.scalar.single``."""
    shifted = fma(x, c.SINGLE_LOG2E, ROUND_TO_INTEGER)
    r = fma(x, c.SINGLE_LOG2E, ROUND_TO_INTEGER - shifted)
    power = float_of(bits_of(1.0) + (bits_of(shifted) << np.int64(52)))
    result = fma(power * r, single.exp2_quotient(r), power - 1.0)
    return where((bits_of(x) & MAGNITUDE_F64) < TINY_F32, x, result)


@scalar
def two_sum(a, b):
    """Return (sum, error) of two floats, exactly, whichever is the greater."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


@scalar
def expm1_pair(x):
    """Return (high, low, error) with half of expm1(x) within ``error`` of high + low, 2**-54 <= |x| <= 709.8 or x = 0.

    Half, for 2**1024 is no float64. With p = exp(r) - 1 as a pair and exp(x) = root (1 + p) 2**k, the result is
    (root 2**k - 1) + root 2**k p, halved, where both the product and the sums are carried in pairs.

    Where n is 0 the result is p, whose rest, below 2**-9.6 of it, has an error of 2**-51.3 relatively: 2**-60.9, with
    the last sum of rest and that of the rounding test, 2**-62.6 each, below ``ERROR_AT_0``. Else the error is that of
    ``double.exp_of_reduced``, times 2**k; with two more sums below 2**-12, less than ``ERROR``. Those of the small
    parts of 1 and root 2**k, 2**-53, add ``ERROR_OF_SUMS``.
    """
    r, r_low, n = double.exp_reduced(x)
    less_one, rest = double.exponential_less_one(r, r_low)
    root, root_low = double.fourth_root_power(n)
    half_power = float_of(bits_of(0.5) + double.exponent_bits(n))
    root, root_low = rounded_product(half_power, root), rounded_product(half_power, root_low)
    product = rounded_product(root, less_one)
    product_low = fma(root, less_one, -product)
    less_half, less_half_low = two_sum(root, -0.5)
    high, high_low = two_sum(less_half, product)
    low = fma(root, rest, fma(root_low, less_one, root_low + product_low))
    # The low 13 bits are those of n.
    at_0 = (n << np.int64(51)) == np.int64(0)
    error = where(at_0, rounded_product(ERROR_AT_0, abs(high)), fma(half_power, ERROR, ERROR_OF_SUMS))
    return high, low + (high_low + less_half_low), error


@scalar
def expm1_of(x, clamped):
    """Return the two results of the rounding test, 2 (high + low -+ error), or x itself where tiny."""
    high, low, error = expm1_pair(clamped)
    below, above = 2.0 * (high + (low - error)), 2.0 * (high + (low + error))
    tiny = (bits_of(x) & MAGNITUDE_F64) < TINY_F64
    return where(tiny, x, below), where(tiny, x, above)


@scalar
def expm1_f64_inner(x):
    return expm1_of(x, x)


@scalar
def expm1_f64(x):
    bits = bits_of(x)
    clamped = float_of(clamp_f64(bits, LEAST, X_MAX))
    below, above = expm1_of(x, clamped)
    too_great = bits > X_MAX
    unbounded = ((bits & MAGNITUDE_F64) > INFINITY_F64) | too_great
    overflow = (bits < INFINITY_F64) & too_great
    number = where(overflow, np.inf, x)
    # Nothing underflows.
    return where(unbounded, number, below), where(unbounded, number, above), overflow, overflow & ~overflow


EXPM1 = {
    **narrow(expm1, -40.0, 89.0, -1.0, np.inf),
    "float64": Scalar(expm1_f64, expm1_f64_inner, int(highest(np.float64(INNER))), accurate.expm1),
}
