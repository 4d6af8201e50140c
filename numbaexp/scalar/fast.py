"""The fast phases of the functions, by level: any algorithm will do that is right where it decides."""

import functools
from typing import Any

import numpy as np

from numbaexp.scalar import tabled, tabled_expm1, tabled_sigmoid
from numbaexp.scalar.forms import BITS, Fast, itemsize
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.tabled import Powers
from numbaexp.vector.level import AVX2, AVX512, CUDA, Level
from numbaexp.vector.operations import fma

# The magnitudes up to which powers are normal numbers.
_POWERS = {
    "float32": {"exp": 87.0, "exp2": 125.0, "exp10": 37.0},
    "float64": {"exp": 708.0, "exp2": 1021.0, "exp10": 307.0},
}
# Of float32: ``make(powers)`` returns ``pair(x)``, which gives (high, low, size) with the result within
# ``powers.error`` times size of high + low, for magnitudes up to a limit.
_PAIRS = {
    "expm1": (tabled_expm1.make_expm1, tabled_expm1.LIMIT),
    "sigmoid": (tabled_sigmoid.make_sigmoid, tabled_sigmoid.LIMIT),
}
_TABLES = {
    (AVX512, "float32"): tabled.F32_32,
    (AVX512, "float64"): tabled.F64_16,
    (AVX2, "float32"): tabled.F32_8,
    (CUDA, "float32"): tabled.F32_32,
}


@functools.cache
def powers_at(dtype: str, level: Level, lowered: bool) -> Powers | None:
    """Return the powers of a type, where a level has a table for it."""
    table = _TABLES.get((level, dtype))
    return None if table is None else tabled.make_powers(table, level.scales, lowered)


def _bits(value: float, dtype: str) -> int:
    """Return the bit pattern of a positive float."""
    return int(np.dtype(dtype).type(value).view(BITS[itemsize(dtype)]))


def _power(name: str) -> Any:
    def make(powers):
        reduced, pair, rounded, scaled = getattr(powers, name), powers.pair, powers.rounded, powers.scaled

        @scalar
        def compute(x):
            root, r0, rest, steps, bits = reduced(x)
            value, undecided = rounded(root, *pair(root, r0, rest))
            return scaled(value, steps, bits), undecided

        return compute

    return make


def _rounded(make_pair: Any) -> Any:
    def make(powers):
        pair, lower, higher = make_pair(powers), powers.number(-powers.error), powers.number(powers.error)

        @scalar
        def compute(x):
            high, low, size = pair(x)
            below = high + fma(size, lower, low)
            return below, below != high + fma(size, higher, low)

        return compute

    return make


def fast_phase(name: str, dtype: str, level: Level) -> Fast | None:
    """Return the fast phase of a function of the family, or None where the level has none for it."""
    if name in _POWERS.get(dtype, ()):
        powers, make, limit = powers_at(dtype, level, True), _power(name), _POWERS[dtype][name]
    elif dtype == "float32" and name in _PAIRS:
        pair, limit = _PAIRS[name]
        powers, make = powers_at(dtype, level, False), _rounded(pair)
    else:
        return None
    return None if powers is None else Fast(make(powers), _bits(limit, dtype))
