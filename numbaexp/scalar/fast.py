"""The fast phases of the functions, by level. Decided results must be correctly rounded, by whatever algorithm."""

import functools
from typing import Any

import numpy as np

from numbaexp.scalar import half, tabled
from numbaexp.scalar.family import has_fast, has_pair, make_fast, make_pair
from numbaexp.scalar.forms import BITS, Fast, itemsize
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.tabled import Powers
from numbaexp.scalar.tabled_half import CONVERSIONS, make_half, odd_of_pair, odd_power
from numbaexp.vector.level import AVX2, AVX512, CUDA, Level
from numbaexp.vector.operations import fma

# The magnitudes up to which results are normal numbers (of float32, for halves too), and no step underflows.
_FLOAT32 = {
    "exp": 87.0,
    "exp2": 125.0,
    "exp10": 37.0,
    "expm1": 43.0,
    "sigmoid": 43.0,
    "softplus": 43.0,
    "sinh": 88.5,
    "cosh": 88.5,
    "tanh": np.inf,
    "log_sigmoid": 43.0,
}
_LIMITS = {
    # Powers that are subnormal halves may be exact, and would be treated as inexact.
    "float16": {**_FLOAT32, "exp2": 14.0},
    "bfloat16": _FLOAT32,
    "float32": _FLOAT32,
    "float64": {"exp": 708.0, "exp2": 1021.0, "exp10": 307.0, "sinh": 710.0, "cosh": 710.0, "tanh": np.inf},
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


def _power(name: str, powers: Powers) -> Any:
    """Return ``compute(x)`` of a power, by a table with lowered pairs."""
    power, rounded, scaled = getattr(powers, name), powers.rounded, powers.scaled

    @scalar
    def compute(x):
        root, high, low, steps, bits = power(x)
        value, undecided = rounded(root, high, low)
        return scaled(value, steps, bits), undecided

    return compute


def _rounded(pair: Any, powers: Powers) -> Any:
    """Return ``compute(x)`` of a pair."""
    lower, higher = powers.number(-powers.error), powers.number(powers.error)

    @scalar
    def compute(x):
        high, low, size = pair(x)
        below = high + fma(size, lower, low)
        return below, below != high + fma(size, higher, low)

    return compute


def _exp_of_halves(dtype: str) -> Fast:
    """Return the fast phase of exp: ``inner`` of its scalar, which needs no pair."""
    scalars = {"float16": half.EXP_F16, "bfloat16": half.EXP_BF16}[dtype]
    inner, is_nan = scalars.inner, CONVERSIONS[dtype].is_nan

    @scalar
    def compute(x):
        return inner(x), is_nan(x)

    return Fast(compute, scalars.limit)


def _limit(name: str, dtype: str) -> int:
    value = _LIMITS[dtype][name]
    if dtype == "bfloat16":
        return int(np.float32(value).view(np.int32)) >> 16
    return int(np.dtype(dtype).type(value).view(BITS[itemsize(dtype)]))


def _of_halves(name: str, dtype: str, level: Level) -> Fast | None:
    powers = powers_at("float32", level, False)
    if powers is None:
        return None
    if name == "exp":
        return _exp_of_halves(dtype)
    odd = odd_of_pair(make_pair(name, powers)) if has_pair(name) else odd_power(name, powers)
    return Fast(make_half(odd, dtype), _limit(name, dtype))


def fast_phase(name: str, dtype: str, level: Level) -> Fast | None:
    """Return the fast phase of a function of the family, or None where the level has none for it."""
    if has_fast(name):
        table = _TABLES.get((level, "float32"))
        if table is None or dtype == "float64":
            return None
        return make_fast(name, dtype, len(table.roots.rounded), level.scales)
    if name not in _LIMITS[dtype]:
        return None
    if dtype in CONVERSIONS:
        return _of_halves(name, dtype, level)
    of_pair = has_pair(name)
    powers = powers_at(dtype, level, not of_pair)
    if powers is None:
        return None
    compute = _rounded(make_pair(name, powers), powers) if of_pair else _power(name, powers)
    return Fast(compute, _limit(name, dtype))
