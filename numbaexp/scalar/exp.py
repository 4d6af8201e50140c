"""The exponential of one number, in each float type.

Every type has two forms. ``exp_T`` takes any argument. ``exp_T_inner`` takes those whose magnitude is at most
``INNER_T`` (the bit pattern of a positive float): there no clamp and no selection of special values is needed, nor, in
float64, the care for subnormal results. Both give the same bits, and neither raises a floating-point flag that the
exact result would not: order is compared on bit patterns, because to compare a NaN as a float raises "invalid".

All arithmetic is branch-free, so that a loop over any of these turns into SIMD code. An infinity or NaN is computed as
0 and then brought in by arithmetic, 1 + inf or 1 - 1: were it selected instead, the compiler would see that what is
computed beside it is not used, and would leave out that it is computed as 0, which keeps the flags down.
"""

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import (
    bfloat_to_float,
    bits_of,
    float_of,
    float_to_bfloat,
    float_to_half,
    fma,
    half_to_float,
    scalar,
)

# Adding 1.5 * 2**52 rounds a float64 to an integer, which then stands in the low bits of the sum.
ROUND_TO_INTEGER = 1.5 * 2.0**52
# Adding 1.5 * 2**13 rounds a float32 in [1, 2) to the 11 bits of a half.
ROUND_TO_HALF = np.float32(1.5 * 2.0**13)

# Added to a reduced argument, this keeps its powers from underflowing, and the flag down, where x is close to 0; the
# result there is 1 by a wide margin.
TINY_F64 = 2.0**-200
# A bfloat16 of a smaller magnitude has the exponential 1, and is taken as 0 for the same reason.
TINY_BF16 = np.int32(0x35800000)  # 2**-20

MAGNITUDE_F32 = np.int32(0x7FFFFFFF)
INFINITY_F32 = np.int32(0x7F800000)
MINUS_INFINITY_F32 = np.int32(-0x800000)
MINUS_INFINITY_F64 = np.uint64(0xFFF0000000000000)


def _bits_f32(value):
    return np.float32(value).view(np.int32)


def _bits_f64(value):
    return np.float64(value).view(np.int64)


# Clamps: beyond them the result is infinity or zero, and stays so at the clamp.
HIGHEST_F32, LOWEST_F32 = _bits_f32(89.0), np.uint32(_bits_f32(-104.0).view(np.uint32))
HIGHEST_F16, LOWEST_F16 = _bits_f32(12.0), np.uint32(_bits_f32(-18.0).view(np.uint32))
LOWEST_F64 = np.uint64(_bits_f64(-746.0).view(np.uint64))
# The greatest float64 whose exponential is finite, and the least magnitude of one whose exponential is below 2**-1022.
X_MAX_F64 = _bits_f64(709.782712893384)
SUBNORMAL_BELOW_F64 = np.uint64(_bits_f64(-708.3964185322641).view(np.uint64))
LEAST_NORMAL_F64 = _bits_f64(2.0**-1022)
HUGE_F64 = _bits_f64(2.0**513)  # its exponent bits make any number above X_MAX one whose square overflows

INNER_F16 = np.float16(12.0).view(np.int16)
INNER_BF16 = HIGHEST_F32 >> 16
INNER_F32 = HIGHEST_F32
INNER_F64 = _bits_f64(708.0)


@scalar
def clamp_f32(bits, lowest, highest):
    """The bit pattern of a float32 clamped to [lowest, highest], the former negative and the latter positive."""
    as_unsigned = np.uint32(bits)
    above_lowest = np.int32(lowest if as_unsigned > lowest else as_unsigned)
    return highest if above_lowest > highest else above_lowest


@scalar
def clamp_f64(bits, lowest, highest):
    """As ``clamp_f32``, for float64."""
    as_unsigned = np.uint64(bits)
    above_lowest = np.int64(lowest if as_unsigned > lowest else as_unsigned)
    return highest if above_lowest > highest else above_lowest


# ---- float16 and bfloat16: float32 arithmetic


@scalar
def exp_reduced_half(x):
    """(q r, k) with exp(x) = (1 + q r) 2**k and r = x log2(e) - k in [0, 1], for |x| <= 104, in float32.

    q r has a relative error of about 2**-24. It is left unadded: whoever rounds 1 + q r to the bits of the result
    does so once, in one fused multiply-add.
    """
    k = np.floor(x * c.HALF_LOG2E_HI)
    r = fma(x, c.HALF_LOG2E_HI, -k)
    r = fma(x, c.HALF_LOG2E_LO, r)
    q = fma(c.HALF_EXP2_6, r, c.HALF_EXP2_5)
    q = fma(q, r, c.HALF_EXP2_4)
    q = fma(q, r, c.HALF_EXP2_3)
    q = fma(q, r, c.HALF_EXP2_2)
    q = fma(q, r, c.HALF_EXP2_1)
    return q, r, np.int32(k)


@scalar
def power_of_two_f32(k):
    """2**k as float32, for k in [-126, 127]."""
    return float_of(np.int32((k + np.int32(127)) << np.int32(23)))


@scalar
def exp_f16_finite(x):
    """exp(x) as a float32 that a conversion to float16 finishes, x a float32 in [-18, 12].

    1 + q r lies in [1, 2], and adding ``ROUND_TO_HALF`` with it rounds the exact sum straight to the 11 bits of a
    normal half; rounding to float32 first and to half then is wrong for two arguments. A subnormal half has fewer
    bits, and takes the conversion's rounding.
    """
    q, r, k = exp_reduced_half(x)
    rounder = np.float32(0.0) if k < np.int32(-14) else ROUND_TO_HALF
    significand = fma(q, r, rounder + c.HALF_EXP2_0) - rounder
    return significand * power_of_two_f32(k)


@scalar
def exp_f16_inner(half):
    return float_to_half(exp_f16_finite(half_to_float(half)))


@scalar
def exp_f16(half):
    """float16 bits of exp, from float16 bits."""
    special = (half & np.uint16(0x7FFF)) >= np.uint16(0x7C00)
    finite = half_to_float(np.uint16(0) if special else half)
    clamped = clamp_f32(bits_of(finite), LOWEST_F16, HIGHEST_F16)
    # Infinity or NaN, from the bits that say which.
    unbounded = float_of(np.int32(INFINITY_F32 | np.int32(half & np.uint16(0x3FF)) << np.int32(13)))
    addend = np.float32(-1.0) if half == np.uint16(0xFC00) else unbounded
    return float_to_half(exp_f16_finite(float_of(clamped)) + (addend if special else np.float32(0.0)))


@scalar
def exp_bf16_finite(x):
    """exp(x) as a float32 that a conversion to bfloat16 finishes, x a float32 in [-104, 89].

    Two factors reach the subnormal results and overflow.
    """
    q, r, k = exp_reduced_half(np.float32(0.0) if (bits_of(x) & MAGNITUDE_F32) < TINY_BF16 else x)
    half_k = np.int32(k >> np.int32(1))
    # An odd significand makes every subnormal result inexact, as the exponential is, and so raises "underflow".
    significand = float_of(np.int32(bits_of(fma(q, r, c.HALF_EXP2_0)) | np.int32(1)))
    return significand * power_of_two_f32(half_k) * power_of_two_f32(np.int32(k - half_k))


@scalar
def exp_bf16_inner(bfloat):
    return float_to_bfloat(exp_bf16_finite(bfloat_to_float(bfloat)))


@scalar
def exp_bf16(bfloat):
    """bfloat16 bits of exp, from bfloat16 bits."""
    x = bfloat_to_float(bfloat)
    bits = bits_of(x)
    special = (bits & MAGNITUDE_F32) >= INFINITY_F32
    clamped = np.int32(0) if special else clamp_f32(bits, LOWEST_F32, HIGHEST_F32)
    factor = np.float32(0.0) if bits == MINUS_INFINITY_F32 else x
    return float_to_bfloat(exp_bf16_finite(float_of(clamped)) * (factor if special else np.float32(1.0)))


# ---- float32: float64 arithmetic, rounded once


@scalar
def exp_f32_inner(x):
    """exp(x) as float32, x a float32 in [-104, 89]. Overflow and subnormal results come out of the last conversion.

    Before it the relative error is below 2**-51; that this is enough for every float32 argument is established by
    trying them all (tests/test_exhaustive_float32.py).
    """
    x = np.float64(x)
    shifted = fma(x, c.SINGLE_LOG2E, ROUND_TO_INTEGER)
    k = shifted - ROUND_TO_INTEGER
    r = fma(x, c.SINGLE_LOG2E, -k)
    r2 = r * r
    r4 = r2 * r2
    terms_01 = fma(c.SINGLE_EXP2_1, r, c.SINGLE_EXP2_0)
    terms_23 = fma(c.SINGLE_EXP2_3, r, c.SINGLE_EXP2_2)
    terms_45 = fma(c.SINGLE_EXP2_5, r, c.SINGLE_EXP2_4)
    terms_67 = fma(c.SINGLE_EXP2_7, r, c.SINGLE_EXP2_6)
    terms_89 = fma(c.SINGLE_EXP2_9, r, c.SINGLE_EXP2_8)
    low = fma(terms_23, r2, terms_01)
    middle = fma(terms_67, r2, terms_45)
    high = fma(c.SINGLE_EXP2_10, r2, terms_89)
    significand = fma(fma(high, r4, middle), r4, low)
    return np.float32(float_of(bits_of(significand) + (bits_of(shifted) << np.int64(52))))


@scalar
def exp_f32(x):
    """exp of a float32."""
    bits = bits_of(x)
    special = (bits & MAGNITUDE_F32) >= INFINITY_F32
    clamped = np.int32(0) if special else clamp_f32(bits, LOWEST_F32, HIGHEST_F32)
    addend = np.float32(-1.0) if bits == MINUS_INFINITY_F32 else x
    return exp_f32_inner(float_of(clamped)) + (addend if special else np.float32(0.0))


# ---- float64: two doubles


@scalar
def exp_f64_fast_phase(x):
    """(high, low, n) with exp(x) = (high + low) 2**(n >> 2), high + low in [0.9, 1.9], for x in [-746, 709.8].

    n = rint(4 x / ln 2) and r + r_low = x - n ln(2)/4, |r| < 0.0867. Of exp(r) - 1 = r + r**2/2 + r**3 t(r) the first
    two terms are carried in two doubles and the rest, below 2**-13, in one. 1 + that is multiplied by
    root = 2**((n & 3)/4), a double-double, by selection. n is an integer in the low bits of an int64, the bits above
    it are arbitrary.

    The error comes from the last term, r**3 t(r) < 2**-13: five roundings (of r**2, r**3, t, the sum ``rest``, ``low``)
    of 2**-66 each. The others (``DOUBLE_TAIL``, r**3 2**-60 = 2**-71; the parts of ln 2 and of the roots, below 2**-95)
    vanish beside it. So high + low is within 2**-63 of the exact value, relatively, and its float64 within
    0.5 + 2**-10 ulp.

    Each of the differences below is exact (Sterbenz), so that the fused multiply-add after it is the rounding error of
    the one before.
    """
    shifted = fma(x, c.DOUBLE_STEPS, ROUND_TO_INTEGER)
    steps = shifted - ROUND_TO_INTEGER
    n = bits_of(shifted)
    exact = fma(-steps, c.DOUBLE_STEP_HI, x) + TINY_F64
    r = fma(-steps, c.DOUBLE_STEP_LO, exact)
    r_low = fma(-steps, c.DOUBLE_STEP_LO, exact - r)

    half_r = 0.5 * r
    two_terms = fma(half_r, r, r)
    two_terms_low = fma(half_r, r, r - two_terms)
    r2 = r * r
    tail = fma(c.DOUBLE_TAIL_7, r, c.DOUBLE_TAIL_6)
    tail = fma(tail, r2, fma(c.DOUBLE_TAIL_5, r, c.DOUBLE_TAIL_4))
    tail = fma(tail, r2, fma(c.DOUBLE_TAIL_3, r, c.DOUBLE_TAIL_2))
    tail = fma(tail, r2, fma(c.DOUBLE_TAIL_1, r, c.DOUBLE_TAIL_0))
    rest = fma(r_low, two_terms, two_terms_low) + r_low
    rest = fma(r2 * r, tail, rest)

    odd = (n & np.int64(1)) != np.int64(0)
    upper = (n & np.int64(2)) != np.int64(0)
    root_below = c.DOUBLE_ROOT_1_HI if odd else c.DOUBLE_ROOT_0_HI
    root_above = c.DOUBLE_ROOT_3_HI if odd else c.DOUBLE_ROOT_2_HI
    root = root_above if upper else root_below
    root_low_below = c.DOUBLE_ROOT_1_LO if odd else c.DOUBLE_ROOT_0_LO
    root_low_above = c.DOUBLE_ROOT_3_LO if odd else c.DOUBLE_ROOT_2_LO
    root_low = root_low_above if upper else root_low_below

    high = fma(root, two_terms, root)
    high_low = fma(root, two_terms, root - high)
    low = fma(root, rest, fma(root_low, two_terms, root_low + high_low))
    return high, low, n


@scalar
def exp_f64_inner(x):
    high, low, n = exp_f64_fast_phase(x)
    return float_of(bits_of(high + low) + ((n & np.int64(-4)) << np.int64(50)))


@scalar
def exp_f64(x):
    """exp of a float64, subnormal results rounded once.

    Below 2**-1022 the spacing of the results is fixed. ``unit`` is the float64 whose ulp, after scaling by 2**k, is
    that spacing: high + low is added to it, so that it is rounded there, and the difference of the bit patterns
    before and after counts the spacings, which is the bit pattern of the result. Elsewhere ``unit`` is 0, and the
    same lines are high + low, scaled.
    """
    bits = bits_of(x)
    clamped = clamp_f64(bits, LOWEST_F64, X_MAX_F64)
    high, low, n = exp_f64_fast_phase(float_of(clamped))
    scale = (n & np.int64(-4)) << np.int64(50)

    subnormal = np.uint64(clamped) > SUBNORMAL_BELOW_F64
    unit = LEAST_NORMAL_F64 - scale if subnormal else np.int64(0)
    to_result = scale - LEAST_NORMAL_F64 if subnormal else scale
    rounded = float_of(unit) + high
    rounded = rounded + ((high - (rounded - float_of(unit))) + low)
    result = float_of(bits_of(rounded) + to_result)

    # The square of ``beyond``, added last, makes overflows, and raises the flags that integer arithmetic does not: it
    # is 2**-1200 for a subnormal result, 0 within bounds, and above them infinity with its flag, or without if x is
    # that.
    below = 2.0**-600 if subnormal and np.uint64(bits) < MINUS_INFINITY_F64 else 0.0
    beyond = float_of(bits | HUGE_F64) if bits > X_MAX_F64 else below
    result = fma(beyond, beyond, result)
    return x if np.isnan(x) else result
