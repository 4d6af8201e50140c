"""The fast phases of the functions, by level: any algorithm will do that is right where it decides."""

import functools

import numpy as np

from numbaexp.scalar import tabled
from numbaexp.scalar.forms import BITS, Fast, itemsize
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.level import AVX2, AVX512, CUDA, Level

# The magnitudes up to which powers are normal numbers.
_POWERS = {
    "float32": {"exp": 87.0, "exp2": 125.0, "exp10": 37.0},
    "float64": {"exp": 708.0, "exp2": 1021.0, "exp10": 307.0},
}
_TABLES = {
    (AVX512, "float32"): tabled.F32_32,
    (AVX512, "float64"): tabled.F64_16,
    (AVX2, "float32"): tabled.F32_8,
    (CUDA, "float32"): tabled.F32_32,
}


@functools.cache
def powers_at(dtype: str, level: Level, lowered: bool) -> tabled.Powers | None:
    """Return the powers of a type, where a level has a table for it."""
    table = _TABLES.get((level, dtype))
    return None if table is None else tabled.make_powers(table, level.scales, lowered)


def _power(name, dtype, level):
    powers = powers_at(dtype, level, True)
    if powers is None:
        return None
    reduced, pair, rounded, scaled = getattr(powers, name), powers.pair, powers.rounded, powers.scaled

    @scalar
    def compute(x):
        root, r0, rest, steps, bits = reduced(x)
        value, undecided = rounded(root, *pair(root, r0, rest))
        return scaled(value, steps, bits), undecided

    limit = np.dtype(dtype).type(_POWERS[dtype][name])
    return Fast(compute, int(limit.view(BITS[itemsize(dtype)])))


def fast_phase(name: str, dtype: str, level: Level) -> Fast | None:
    """Return the fast phase of a function of the family, or None where the level has none for it."""
    if name in _POWERS.get(dtype, ()):
        return _power(name, dtype, level)
    return None
