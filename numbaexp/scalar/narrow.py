"""float32, float16 and bfloat16, all from the same function in float64 arithmetic, rounded once.

Exhaustive tests show that the function is precise enough for every argument of these types (``numbaexp verify``).

No floating-point flag is raised that the exact result would not raise. Order is compared on bit patterns, as comparing
a NaN as a float raises "invalid". For an infinity or NaN the function is computed at 0, and replaced by the special
value arithmetically: were that a selection, the compiler would see that the other result is unused, and drop the
replacement of the argument by 0.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import (
    INFINITY_F32,
    MAGNITUDE_F32,
    MAGNITUDE_F64,
    MINUS_INFINITY_F32,
    UINT16,
    bfloat_to_float,
    clamp_f32,
    float_to_bfloat,
    float_to_half,
    half_to_float,
    highest,
    lowest,
    scalar,
    to_float32,
    to_float64,
)
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, where

# The 38 bits of a float64 below 15 significant bits.
CUT_OFF = np.int64((1 << 38) - 1)
ODD = np.int64(1 << 38)
# The factor that moves the bits of a subnormal bfloat16 to the low end of a float32.
TO_UNITS_BF16 = ldexp(1.0, -16)
LEAST_NORMAL_BF16 = np.float64(ldexp(1.0, -126)).view(np.int64)


@scalar
def rounded_to_odd(value):
    """Round a float64 to odd: to 15 significant bits, the last of which is set if inexact.

    Rounding that to the 11 bits of a half or the 8 of a bfloat16 gives the same as rounding the float64.
    """
    bits = bits_of(value)
    inexact = where((bits & CUT_OFF) != np.int64(0), ODD, np.int64(0))
    return float_of((bits & ~CUT_OFF) | inexact)


@scalar
def to_half(value):
    return float_to_half(to_float32(rounded_to_odd(value)))


@scalar
def to_bfloat(value):
    """Convert to bfloat16; a subnormal one by converting value 2**-16 to float32, which raises the flag."""
    subnormal = (bits_of(value) & MAGNITUDE_F64) < LEAST_NORMAL_BF16
    as_float = to_float32(where(subnormal, value * TO_UNITS_BF16, rounded_to_odd(value)))
    bits = bits_of(as_float)
    units = as_number((bits >> np.int32(16)) & np.int32(0x8000) | bits, UINT16)
    return where(subnormal, units, float_to_bfloat(as_float))


def narrow(function, least, greatest, at_minus_infinity, at_infinity):
    """Make the rows of the table for the types below float64.

    ``function`` takes and returns a float64, for arguments from ``least`` to ``greatest``; beyond these the rounded
    result is the same as there.
    """
    low, high = lowest(np.float32(least)), highest(np.float32(greatest))
    inner_limit = np.float32(min(-least, greatest))

    @scalar
    def of_any(x):
        bits = bits_of(x)
        special = (bits & MAGNITUDE_F32) >= INFINITY_F32
        clamped = np.int32(0) if special else clamp_f32(bits, low, high)
        upper = at_infinity if bits == INFINITY_F32 else to_float64(x)
        limit = at_minus_infinity if bits == MINUS_INFINITY_F32 else upper
        value = function(to_float64(float_of(clamped)))
        return fma(value, 0.0 if special else 1.0, limit if special else -0.0)

    @scalar
    def single(x):
        return to_float32(of_any(x))

    @scalar
    def single_inner(x):
        return to_float32(function(to_float64(x)))

    @scalar
    def half(x):
        return to_half(of_any(half_to_float(x)))

    @scalar
    def half_inner(x):
        return to_half(function(to_float64(half_to_float(x))))

    @scalar
    def bfloat(x):
        return to_bfloat(of_any(bfloat_to_float(x)))

    @scalar
    def bfloat_inner(x):
        return to_bfloat(function(to_float64(bfloat_to_float(x))))

    limit_f16 = min(inner_limit, np.finfo(np.float16).max).astype(np.float16)
    return {
        "float16": Scalar(half, half_inner, int(limit_f16.view(np.uint16))),
        "bfloat16": Scalar(bfloat, bfloat_inner, int(inner_limit.view(np.uint32)) >> 16),
        "float32": Scalar(single, single_inner, int(inner_limit.view(np.uint32))),
    }
