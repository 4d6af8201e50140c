"""float16 and bfloat16 from pairs of float32, of numbers and vectors alike.

The pair is rounded to odd: towards 0 to 15 bits, the last of which is set, as all results but 0 are inexact. From there
the conversion to 16 bits rounds as from the exact result, and raises its flags. Exhaustive tests show that the pair is
precise enough.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar.ieee import (
    INT32,
    MAGNITUDE_F32,
    UINT16,
    bfloat_to_float,
    float_to_half,
    half_to_float,
    highest,
    scalar,
)
from numbaexp.scalar.tabled import Powers
from numbaexp.vector.operations import as_number, bits_of, float_of, where

MAGNITUDE = np.uint16(0x7FFF)
# The bits of a float32 that 15 significant bits keep, and the last of these.
CUT, LAST = np.int32(-0x200), np.int32(0x200)
HALF_ULP = np.int32(0x8000)
# Powers of smaller magnitudes round to 1.
TINY = highest(np.float32(ldexp(1.0, -60)))


@scalar
def is_nan_half(half):
    return (half & MAGNITUDE) > np.uint16(0x7C00)


@scalar
def is_nan_bfloat(bfloat):
    return (bfloat & MAGNITUDE) > np.uint16(0x7F80)


@scalar
def odd_of(bits, unless_0):
    """Return the float of a bit pattern rounded to odd, or ``unless_0`` where that is 0."""
    odd = as_number((bits & CUT) | LAST, INT32)
    return where(as_number(bits_of(unless_0) & MAGNITUDE_F32, INT32) == INT32, unless_0, float_of(odd))


@scalar
def rounded_to_odd(high, low):
    """Round a pair to odd, as a float32 of 15 bits; 0 stays 0."""
    total = high + low
    bits = bits_of(total)
    # -1 where the rest has the other sign.
    towards_0 = (bits_of(low - (total - high)) ^ bits) >> np.int32(31)
    return odd_of(bits + towards_0, total)


@scalar
def odd_to_bfloat(odd):
    """Convert normal numbers to bfloat16; none rounded to odd is midway between two of these."""
    return as_number(as_number(bits_of(odd) + HALF_ULP, INT32) >> np.int32(16), UINT16)


class Conversion(NamedTuple):
    """Hold conversions from and to the bit patterns of a type."""

    to_float: Any
    from_odd: Any
    is_nan: Any


CONVERSIONS = {
    "float16": Conversion(half_to_float, float_to_half, is_nan_half),
    "bfloat16": Conversion(bfloat_to_float, odd_to_bfloat, is_nan_bfloat),
}


def make_half(odd: Any, dtype: str) -> Any:
    """Return ``compute(x)`` of a ``Fast`` from a function of a float32 whose result is rounded to odd."""
    to_float, from_odd, is_nan = CONVERSIONS[dtype]

    @scalar
    def compute(x):
        return from_odd(odd(to_float(x))), is_nan(x)

    return compute


def odd_of_pair(pair: Any) -> Any:
    """Return the function for ``make_half`` of a pair."""

    @scalar
    def odd(x):
        high, low, _ = pair(x)
        return rounded_to_odd(high, low)

    return odd


def odd_power(name: str, powers: Powers) -> Any:
    """Return the function for ``make_half`` of a power. The pair is of moderate magnitude: no step underflows."""
    power, scaled, zero = getattr(powers, name), powers.scaled, np.float32(0.0)

    @scalar
    def odd(x):
        # Powers of some bfloat16 would underflow.
        tiny = as_number(bits_of(x) & MAGNITUDE_F32, INT32) < TINY
        _, high, low, steps, bits = power(where(tiny, zero, x))
        return scaled(rounded_to_odd(high, low), steps, bits)

    return odd
