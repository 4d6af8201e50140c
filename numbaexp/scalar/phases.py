"""The phases of each function in each type at a level, from which vector loops are made."""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, middle, powers
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.fast import fast_phase, powers_at
from numbaexp.scalar.forms import STORED_AS, Fast
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.whole import Range, range_of, whole_power
from numbaexp.vector.level import Level
from numbaexp.vector.operations import bits_of

# By type, of each power, as ``powers.BORDERS``.
_BORDERS = {
    "float32": {
        "exp": (c.SINGLE_EXP_MAX, c.SINGLE_EXP_NORMAL, -104.0),
        "exp2": (np.nextafter(np.float32(128.0), np.float32(0.0)), -126.0, -150.5),
        "exp10": (c.SINGLE_EXP10_MAX, c.SINGLE_EXP10_NORMAL, -46.0),
    },
    "float64": powers.BORDERS,
}
_REDUCED = {"exp": double.exp_reduced, "exp2": powers.exp2_reduced, "exp10": powers.exp10_reduced}


class Phases(NamedTuple):
    """Hold the phases of one function in one type.

    fast(x) : (result, undecided), of numbers or vectors whose magnitudes, as bit patterns, are at most ``limit``. Where
        ``fast_raises``, the raised flags are those of the results; else the results have none.
    whole(x) : of every argument. With a ``range``, (result, undecided) of numbers or vectors, to be completed by the
        range; without, the result of a number, with its flags.
    middle(x) : (result, undecided) of vectors within the limit, or None.
    last(x) : the result, of a number that another phase leaves undecided.
    """

    fast: Any
    limit: int
    fast_decides: bool
    fast_raises: bool
    whole: Any
    range: Range | None
    middle: Any
    last: Any


def phases(name: str, dtype: str, level: Level) -> Phases:
    """Return the phases of a function of the family."""
    row, fast = FAMILY[name][dtype], fast_phase(name, dtype, level)
    tabled = powers_at(dtype, level, True) if name in _REDUCED else None
    in_halves = STORED_AS[dtype] is np.uint16
    if tabled is not None:
        whole = whole_power(tabled, name, *_BORDERS[dtype][name])
    else:
        whole = row.whole if row.accurate is None else _compared(row.whole)
    if fast is None:
        fast = Fast((_decided if row.accurate is None else _rounding_test)(row.inner), row.limit)
        # exp in bfloat16 has a limit within which it does not.
        raises, is_scalar = in_halves and (name, dtype) != ("exp", "bfloat16"), True
    else:
        # Only the conversion to 16 bits raises flags.
        raises, is_scalar = dtype == "float16" or (dtype == "bfloat16" and name == "expm1"), False
    return Phases(
        fast=fast.compute,
        limit=fast.limit,
        fast_decides=row.accurate is None and (in_halves or is_scalar),
        fast_raises=raises,
        whole=whole,
        range=None if tabled is None and row.accurate is None else _range(name, dtype),
        middle=middle.middle_phase(_REDUCED[name]) if name in _REDUCED and dtype == "float64" else None,
        last=row.accurate or row.whole,
    )


def _range(name, dtype):
    if name == "expm1":
        return range_of(np.float64, c.DOUBLE_EXP_MAX, -np.inf)
    x_max, x_normal, _ = _BORDERS[dtype][name]
    info = np.finfo(dtype)
    exact_from = float(info.minexp - info.nmant) if name == "exp2" else np.inf
    return range_of(np.dtype(dtype).type, x_max, x_normal, exact_from)


def _decided(inner):
    @scalar
    def compute(x):
        return inner(x), False

    return compute


def _rounding_test(inner):
    @scalar
    def compute(x):
        result, other = inner(x)
        return result, result != other

    return compute


def _compared(whole):
    @scalar
    def compute(x):
        result, other, _, _ = whole(x)
        return result, bits_of(result) != bits_of(other)

    return compute
