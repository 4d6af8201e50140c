"""Logarithms of float32, float16 and bfloat16, from the pairs of float64, rounded once.

A pair is rounded to odd: to the neighbour towards 0, with the last bit set where that is inexact. From there the
conversion to a narrower type rounds as from the pair. The closest of all logarithms of float32 to a midpoint is
2**-57.8 of it away, but for one of log1p, and the pairs err by less than 2**-60.
"""

import numpy as np

from numbaexp.scalar.forms import STORED_AS, Domain, Scalar, number_as_stored
from numbaexp.scalar.ieee import (
    MAGNITUDE_F64,
    bfloat_to_float,
    half_to_float,
    scalar,
    to_float32,
    to_float64,
)
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.vector.operations import bits_of, float_of, where


@scalar
def rounded_to_odd(high, low):
    """Round a pair to odd, as a float64; exact sums stay what they are."""
    total = high + low
    bits, rest = bits_of(total), bits_of(low - (total - high))
    # -1 where the rest has the other sign.
    towards_0 = (rest ^ bits) >> np.int64(63)
    return float_of(where((rest & MAGNITUDE_F64) == np.int64(0), bits, (bits + towards_0) | np.int64(1)))


@scalar
def _same(x):
    return x


# Conversions of each type to float32, and from float64.
_CONVERSIONS = {
    "float16": (half_to_float, to_half),
    "bfloat16": (bfloat_to_float, to_bfloat),
    "float32": (_same, to_float32),
}


def make_scalars(function, domain_of) -> dict[str, Scalar]:
    """Return the scalars of a function, of float64 to float64 rounded to odd, or with an error that no type sees, by
    type; ``domain_of(dtype)`` is its domain, with 1/2 inside."""
    return {dtype: _make_scalar(function, dtype, domain_of(dtype)) for dtype in _CONVERSIONS}


def _make_scalar(function, dtype: str, domain: Domain) -> Scalar:
    to_float, from_odd = _CONVERSIONS[dtype]
    inside, special = domain.inside, domain.special
    one_half, infinity = (np.asarray(number_as_stored(number, dtype)) for number in (0.5, np.inf))
    filling = one_half.view(STORED_AS[dtype])[()]

    @scalar
    def inner(x):
        return from_odd(function(to_float64(to_float(x))))

    @scalar
    def whole(x):
        return special(x, inner(where(inside(x), x, filling)))

    return Scalar(whole, inner, int(infinity.view(f"u{infinity.itemsize}")) - 1, domain=domain)


def odd_of_pair(pair):
    """Return the function for ``make_scalars`` of a pair."""

    @scalar
    def odd(x):
        return rounded_to_odd(*pair(x))

    return odd
