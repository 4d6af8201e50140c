"""Sums of pairs in the order of ``numbaexp.scalar.rows``: a vector has all of its lanes, which are added by halves."""

import functools
from typing import Any, NamedTuple

from numba import types

from numbaexp.cpu.row_job import TILE
from numbaexp.cpu.row_memory import part
from numbaexp.scalar.row_arithmetic import NARROW, Arithmetic
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.operations import halves, spread_to, sum_of_lanes
from numbaexp.vector.type import Vector

load_numbers = make_load(Vector(types.float64, TILE))


class Sums(NamedTuple):
    """A pair is two vectors of float64; of an arithmetic in which low is 0, a vector and 0.

    nothing(address) : a pair of zeros; the address is any that can be read.
    load(high, low) : a pair from addresses.
    store(high, low, pair) : a pair to addresses.
    of_lanes(pair) : the sum of its lanes.
    total(high, low, count) : the sum of so many numbers and low parts at addresses, filled up with 0 to a multiple of
        ``TILE``.
    add_to(sums, sums_low, high, low) : to a pair at addresses is added another.
    """

    nothing: Any
    load: Any
    store: Any
    of_lanes: Any
    total: Any
    add_to: Any


@functools.cache
def make_sums(arithmetic: Arithmetic) -> Sums:
    """Return the functions of an arithmetic."""
    add, narrow = arithmetic.add, arithmetic is NARROW

    @part
    def nothing(address):
        zeros = spread_to(0.0, load_numbers(address))
        return zeros, 0.0 if narrow else zeros

    @part
    def load(high, low):
        return load_numbers(high), 0.0 if narrow else load_numbers(low)

    @part
    def store_pair(high, low, e, e_low):
        store(high, e)
        if not narrow:
            store(low, e_low)

    @part
    def halved(high, low):
        lower, upper = halves(high)
        lower_low, upper_low = halves(low)
        return add(lower, lower_low, upper, upper_low)

    @part
    def of_lanes(high, low):
        if narrow:
            return sum_of_lanes(high), 0.0
        return halved(*halved(*halved(*halved(*halved(high, low)))))

    @part
    def total(high, low, count):
        sums, sums_low = nothing(high)
        for start in range(0, count, TILE):
            sums, sums_low = add(sums, sums_low, *load(high + 8 * start, low + 8 * start))
        return of_lanes(sums, sums_low)

    @part
    def add_to(sums, sums_low, high, low):
        store_pair(sums, sums_low, *add(*load(sums, sums_low), *load(high, low)))

    return Sums(nothing, load, store_pair, of_lanes, total, add_to)
