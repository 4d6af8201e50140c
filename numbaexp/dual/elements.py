"""Elements in memory as numbers of ``numbaexp.dual``, and results as elements, on any target."""

import functools
from typing import Any

from numbaexp.dual.conversions import make_float, make_number
from numbaexp.jit import jit
from numbaexp.scalar.ieee import (
    bfloat_to_float,
    float_to_bfloat,
    float_to_half,
    half_to_float,
    scalar,
    to_float32,
    to_float64,
)
from numbaexp.scalar.narrow import to_bfloat, to_half

_TO_FLOAT = {"float16": half_to_float, "bfloat16": bfloat_to_float}
_ROUNDED = {
    "wide": {"float16": to_half, "bfloat16": to_bfloat, "float32": to_float32},
    "float32": {"float16": float_to_half, "bfloat16": float_to_bfloat},
}


def kind_of(dtype: str, wide: bool) -> str:
    """Return the kind of the numbers that elements of a type are computed as."""
    return "float64" if dtype == "float64" else "wide" if wide else "float32"


@functools.cache
def make_from_element(dtype: str, kind: str) -> Any:
    """Return ``number(element)``, of a float as it is stored, or a vector of them."""
    number, to_float, widened = make_number(kind), _TO_FLOAT.get(dtype, _same), to_float64 if kind == "wide" else _same

    @jit
    def from_element(element):
        return number(widened(to_float(element)))

    return from_element


@functools.cache
def make_to_element(dtype: str, kind: str, lanes: int = 1) -> Any:
    """Return ``element(result)``, rounded once; a result may be a constant."""
    value_of, round_to = make_float(kind, lanes), _ROUNDED.get(kind, {}).get(dtype, _same)

    @jit
    def to_element(result):
        return round_to(value_of(result))

    return to_element


@scalar
def _same(x):
    return x
