"""Elements in memory as numbers of ``numbaexp.dual``, and results as elements, on any target."""

from typing import Any

import numpy as np

from numbaexp.dual.conversions import make_float, make_number
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import bfloat_to_float, float_to_bfloat, float_to_half, half_to_float, scalar
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.vector.operations import as_number

_TO_FLOAT = {"float16": half_to_float, "bfloat16": bfloat_to_float}
_ROUNDED = {
    "wide": {"float16": to_half, "bfloat16": to_bfloat},
    "float32": {"float16": float_to_half, "bfloat16": float_to_bfloat},
}


def kind_of(dtype: str, wide: bool) -> str:
    """Return the kind of the numbers that elements of a type are computed as."""
    return "float64" if dtype == "float64" else "wide" if wide else "float32"


def make_from_element(dtype: str, kind: str) -> Any:
    """Return ``number(element)``, of a float as it is stored, or a vector of them."""
    number, to_float = make_number(kind), _TO_FLOAT.get(dtype, _same)
    like = (np.float32 if kind == "float32" else np.float64)(0)

    @jit
    def from_element(element):
        return number(as_number(to_float(element), like))

    return from_element


def make_to_element(dtype: str, kind: str, lanes: int = 1) -> Any:
    """Return ``element(result)``, rounded once; a result may be a constant."""
    value_of, nothing = make_float(kind, lanes), STORED_AS[dtype](0)

    @scalar
    def to_stored(x):
        return as_number(x, nothing)

    round_to = _ROUNDED.get(kind, {}).get(dtype, to_stored)

    @jit
    def to_element(result):
        return round_to(value_of(result))

    return to_element


@scalar
def _same(x):
    return x
