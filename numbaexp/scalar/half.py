"""exp in float16 and bfloat16, in float32 arithmetic, with twice the lanes of float64; on vectors too, for arguments
within a limit.

Special values and flags are treated as in ``numbaexp.scalar.narrow``.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import (
    INFINITY_F32,
    INT32,
    MAGNITUDE_F32,
    MINUS_INFINITY_F32,
    UINT16,
    bfloat_to_float,
    clamp_f32,
    float_to_bfloat,
    float_to_half,
    half_to_float,
    highest,
    lowest,
    rounded_product,
    scalar,
)
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, where

# Adding 1.5 * 2**13 or 1.5 * 2**16 rounds a float32 in [1, 2) to the 11 bits of a half or the 8 of a bfloat16.
ROUND_TO_HALF, ROUND_TO_BFLOAT = np.float32(ldexp(1.5, 13)), np.float32(ldexp(1.5, 16))
# Adding 1.5 * 2**23 rounds a float32 to the nearest integer, in the low bits of the sum; arguments less one half are so
# rounded down.
ROUND_TO_INTEGER, ONE_HALF_LESS = np.float32(ldexp(1.5, 23)), np.float32(-0.5)
INTEGER_0 = highest(ROUND_TO_INTEGER)
# The exponent of the least normal half, in this form.
LEAST_NORMAL = np.int32(INTEGER_0 - 14)
# The exponential of a bfloat16 of smaller magnitude is 1, computed at 0, as powers of the argument would underflow.
TINY_BF16 = np.int32(0x35800000)  # 2**-20

# Clamps: beyond them and at them the result is infinity or zero.
HIGHEST_F16, LOWEST_F16 = highest(np.float32(12.0)), lowest(np.float32(-18.0))
HIGHEST_BF16, LOWEST_BF16 = highest(np.float32(89.0)), lowest(np.float32(-104.0))
# Exponentials up to this magnitude are normal.
INNER_BF16 = highest(np.float32(87.0))


@scalar
def exp_reduced_half(x):
    """Return (q, r, k) with exp(x) = (1 + q r) 2**k and r = x log2(e) - k in [0, 1], for |x| <= 104, in float32.

    k is represented as ``INTEGER_0`` + k. q r has a relative error of about 2**-24. Callers compute and round 1 + q r
    in one fused multiply-add.
    """
    shifted = fma(x, c.HALF_LOG2E_HI, ONE_HALF_LESS) + ROUND_TO_INTEGER
    r = fma(x, c.HALF_LOG2E_HI, ROUND_TO_INTEGER - shifted)
    r = fma(x, c.HALF_LOG2E_LO, r)
    q = fma(c.HALF_EXP2_6, r, c.HALF_EXP2_5)
    q = fma(q, r, c.HALF_EXP2_4)
    q = fma(q, r, c.HALF_EXP2_3)
    q = fma(q, r, c.HALF_EXP2_2)
    q = fma(q, r, c.HALF_EXP2_1)
    return q, r, bits_of(shifted)


@scalar
def power_of_two_f32(k):
    """Return 2**k as float32, for k in [-126, 127]."""
    return float_of(as_number((k + np.int32(127)) << np.int32(23), INT32))


@scalar
def scaled(significand, k):
    """Scale a float32 in [1, 2] by 2**k to a normal one, k as from ``exp_reduced_half``."""
    return float_of(as_number(bits_of(significand) + (k << np.int32(23)), INT32))


@scalar
def exp_f16_finite(x):
    """Compute exp(x) as a float32 whose conversion to float16 is correctly rounded, x a float32 in [-18, 12].

    1 + q r lies in [1, 2], and adding ``ROUND_TO_HALF`` in the same operation rounds the exact sum to the 11 bits of a
    normal half; double rounding, through float32, is wrong for two arguments. A subnormal half has fewer bits, and is
    rounded by the conversion.
    """
    q, r, k = exp_reduced_half(x)
    rounder = where(k < LEAST_NORMAL, np.float32(0.0), ROUND_TO_HALF)
    significand = fma(q, r, rounder + c.HALF_EXP2_0) - rounder
    return scaled(significand, k)


@scalar
def exp_f16_inner(half):
    return float_to_half(exp_f16_finite(half_to_float(half)))


@scalar
def exp_f16(half):
    """Compute the float16 bits of exp from float16 bits."""
    special = (half & np.uint16(0x7FFF)) >= np.uint16(0x7C00)
    finite = half_to_float(np.uint16(0) if special else half)
    clamped = clamp_f32(bits_of(finite), LOWEST_F16, HIGHEST_F16)
    # Infinity or NaN.
    unbounded = float_of(np.int32(INFINITY_F32 | np.int32(half & np.uint16(0x3FF)) << np.int32(13)))
    addend = np.float32(-1.0) if half == np.uint16(0xFC00) else unbounded
    return float_to_half(exp_f16_finite(float_of(clamped)) + (addend if special else np.float32(0.0)))


@scalar
def exp_bf16_finite(x):
    """Compute exp(x) as a float32 whose conversion to bfloat16 is correctly rounded, x a float32 in [-104, 89].

    Two factors reach the subnormal results and overflow.
    """
    q, r, shifted = exp_reduced_half(np.float32(0.0) if (bits_of(x) & MAGNITUDE_F32) < TINY_BF16 else x)
    k = np.int32(shifted - INTEGER_0)
    half_k = np.int32(k >> np.int32(1))
    # An odd significand makes every subnormal result inexact, like the exponential, and so raises "underflow".
    significand = float_of(np.int32(bits_of(fma(q, r, c.HALF_EXP2_0)) | np.int32(1)))
    scaled = rounded_product(significand, power_of_two_f32(half_k))
    return rounded_product(scaled, power_of_two_f32(np.int32(k - half_k)))


@scalar
def exp_bf16_inner(bfloat):
    """Compute normal exponentials, rounded as halves are, so that the conversion is exact.

    Where x is close to 0 its powers may underflow, and the caller has to clear the flag.
    """
    q, r, k = exp_reduced_half(bfloat_to_float(bfloat))
    significand = fma(q, r, ROUND_TO_BFLOAT + c.HALF_EXP2_0) - ROUND_TO_BFLOAT
    return as_number(bits_of(scaled(significand, k)) >> np.int32(16), UINT16)


@scalar
def exp_bf16(bfloat):
    """Compute the bfloat16 bits of exp from bfloat16 bits."""
    x = bfloat_to_float(bfloat)
    bits = bits_of(x)
    special = (bits & MAGNITUDE_F32) >= INFINITY_F32
    clamped = np.int32(0) if special else clamp_f32(bits, LOWEST_BF16, HIGHEST_BF16)
    factor = np.float32(0.0) if bits == MINUS_INFINITY_F32 else x
    finite = exp_bf16_finite(float_of(clamped))
    return float_to_bfloat(rounded_product(finite, factor if special else np.float32(1.0)))


EXP_F16 = Scalar(exp_f16, exp_f16_inner, int(np.float16(12.0).view(np.uint16)))
EXP_BF16 = Scalar(exp_bf16, exp_bf16_inner, int(INNER_BF16) >> 16)
