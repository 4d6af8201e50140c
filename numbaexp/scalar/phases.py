"""The phases of each function in each type at a level, from which vector loops are made."""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar import double, middle, powers
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.fast import fast_phase, powers_at
from numbaexp.scalar.forms import BITS, STORED_AS, Domain, Fast, itemsize
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.whole import Range, range_of, range_of_symmetric, whole_power
from numbaexp.vector.level import Level
from numbaexp.vector.operations import bits_of, where

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

    fast(x) : (result, undecided), of numbers or vectors whose magnitudes, as bit patterns, are at most ``limit``; of a
        function with a domain, of any, where those that are not inside are undecided. Where ``fast_raises``, the
        raised flags are those of the results; else the results have none.
    beyond(x) : whether numbers or vectors are not among those that the fast phase is for.
    whole(x) : of every argument. With a ``range``, (result, undecided) of numbers or vectors, to be completed by the
        range; with a ``domain``, the same, special values included, to be completed by the flags of the domain;
        without either, the result of a number, with its flags.
    middle(x) : (result, undecided) of vectors that are not beyond, or None.
    last(x) : the result, of a number that another phase leaves undecided.
    """

    fast: Any
    limit: int
    beyond: Any
    fast_decides: bool
    fast_raises: bool
    whole: Any
    range: Range | None
    domain: Domain | None
    middle: Any
    last: Any


def phases(name: str, dtype: str, level: Level) -> Phases:
    """Return the phases of a function of the family."""
    row, fast = FAMILY[name][dtype], fast_phase(name, dtype, level)
    if row.domain is not None:
        return _with_domain(name, dtype, row, fast)
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
        raises, is_scalar = dtype == "float16" or (dtype == "bfloat16" and name in ("expm1", "sinh", "tanh")), False
    return Phases(
        fast=fast.compute,
        limit=fast.limit,
        beyond=_beyond(dtype, fast.limit),
        fast_decides=row.accurate is None and (in_halves or is_scalar),
        fast_raises=raises,
        whole=whole,
        range=None if tabled is None and row.accurate is None else _range(name, dtype),
        domain=None,
        middle=middle.middle_phase(_REDUCED[name]) if name in _REDUCED and dtype == "float64" else None,
        last=row.accurate or row.whole,
    )


def _with_domain(name, dtype, row, fast):
    """Return the phases of a function with a domain, whose fast phase takes all that is inside."""
    domain = row.domain
    if fast is None:
        # NaN is undecided by the rounding test.
        compute = _marked(row.inner, domain.inside) if row.accurate is None else _rounding_test(row.inner)
        fast = Fast(compute, row.limit)
    inside = domain.inside

    @scalar
    def beyond(x):
        return ~inside(x)

    return Phases(
        fast=fast.compute,
        limit=2 ** (8 * itemsize(dtype) - 1) - 1,
        beyond=beyond,
        fast_decides=False,
        # By the conversion to 16 bits alone: others have no subnormal results, and bfloat16 only exact ones.
        fast_raises=(name, dtype) == ("log1p", "float16"),
        whole=_special_too(fast.compute, domain, dtype),
        range=None,
        domain=domain,
        middle=row.middle,
        last=row.accurate or row.whole,
    )


def _marked(inner, inside):
    """Return a fast phase that decides all but what is not inside a domain."""

    @scalar
    def marked(x):
        return inner(x), ~inside(x)

    return marked


def _special_too(compute, domain, dtype):
    """Return a fast phase of every argument, with the results of what is not inside a domain."""
    inside, special, within = domain.inside, domain.special, INSIDE[dtype]

    @scalar
    def whole(x):
        ordinary = inside(x)
        result, undecided = compute(where(ordinary, x, within))
        return special(x, result), undecided & ordinary

    return whole


# An argument of each type that is inside every domain: 1/2.
INSIDE = {"float16": np.uint16(0x3800), "bfloat16": np.uint16(0x3F00), "float32": np.float32(0.5), "float64": 0.5}


def _beyond(dtype, limit):
    """Return ``beyond(x)``: whether magnitudes, as bit patterns, are above a limit."""
    bits = BITS[itemsize(dtype)]
    all_but_sign, limit = bits(2 ** (8 * itemsize(dtype) - 1) - 1), bits(limit)
    if itemsize(dtype) == 2:

        @scalar
        def beyond(x):
            return (x & all_but_sign) > limit

    else:

        @scalar
        def beyond(x):
            return (bits_of(x) & all_but_sign) > limit

    return beyond


def _range(name, dtype):
    if name == "expm1":
        return range_of(np.float64, c.DOUBLE_EXP_MAX, -np.inf)
    if name in ("sinh", "cosh", "tanh"):
        return range_of_symmetric(np.float64, np.inf if name == "tanh" else c.DOUBLE_SINH_MAX)
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
