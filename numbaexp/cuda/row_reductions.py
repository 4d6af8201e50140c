"""What a row is reduced to: its greatest element with the sum of its exponentials, or the sum that its gradient needs.

A team of threads, see ``numbaexp.cuda.team``, is the ``LANES`` of ``numbaexp.scalar.rows`` and takes a chunk at a time,
so that the order of every sum is that of the CPU. A chunk is reduced to (greatest, ones, high, low, second,
second_low), a row to (greatest or reference, high, low, second, second_low): the second sum is one that gradients need
besides the first. What is not needed is 0.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from numbaexp.cuda.jit import device_function
from numbaexp.cuda.memory import make_memory
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import bfloat_to_float, half_to_float, scalar
from numbaexp.scalar.row_arithmetic import PAIRED
from numbaexp.scalar.row_order import CHUNK, LANES

# What is kept of each chunk of a row of several.
FIELDS = 6

part = device_function
kept_memory = make_memory(np.float64)


class Reduction(NamedTuple):
    """Of a row of operands that are given as views, (address, index of the first element, step).

    of_warp(views, length) : by a team, of one chunk.
    of_block(views, length, kept, base) : by the teams of a block that have one row, of several. What is kept of them is
        at an address, from an index on; it is not to be overwritten before the next barrier of the block.
    keep(views, length, kept, base, c) : by a team, what is kept of a chunk.
    of_kept(views, length, kept, base) : by the teams of a block, when that is kept of all chunks.
    """

    of_warp: Any
    of_block: Any
    keep: Any
    of_kept: Any


@functools.cache
def make_value_of(dtype):
    """Return the conversion of an element as it is stored to a float64."""
    convert = {"float16": half_to_float, "bfloat16": bfloat_to_float}.get(dtype, np.float64)

    @scalar
    def value_of(element):
        return np.float64(convert(element))

    return value_of


@functools.cache
def make_value_at(dtype, operand):
    """Return ``value_at(views, i)``, the i-th element of an operand as a float64."""
    get, value_of = make_memory(STORED_AS[dtype]).get, make_value_of(dtype)

    @part
    def value_at(views, i):
        x, first, step = views[operand]
        return value_of(get(x, first + i * step))

    return value_at


@functools.cache
def make_total(arithmetic, team):
    """Return the sum of the lanes' pairs, broadcast to all of them, as a function."""
    add, paired, above, of_first = arithmetic.add, arithmetic is PAIRED, team.above, team.of_first

    @part
    def total(high, low):
        distance = LANES // 2
        while distance > 0:
            other_low = above(low, distance) if paired else 0.0
            high, low = add(high, low, above(high, distance), other_low)
            distance >>= 1
        return of_first(high), of_first(low) if paired else 0.0

    return total


@functools.cache
def make_count(team):
    """Return the sum of the lanes' counts, in float64, broadcast to all of them, as a function."""
    above, of_first = team.above, team.of_first

    @part
    def count_of_lanes(count):
        distance = LANES // 2
        while distance > 0:
            count += above(count, distance)
            distance >>= 1
        return of_first(count)

    return count_of_lanes


def make_reduction(summarize, alone, combine, team):
    """Return a reduction. ``summarize(views, start, count)`` reduces a chunk. Of what it gives ``alone`` makes a row of
    one chunk, and ``combine(kept, base, chunks)`` a row of several."""
    put, lane = kept_memory.put, team.lane

    @part
    def of_warp(views, length):
        greatest, ones, high, low, second, second_low = summarize(views, 0, length)
        return alone(greatest, ones, high, low, second, second_low)

    @part
    def keep(views, length, kept, base, c):
        count = min(CHUNK, length - c * CHUNK)
        greatest, ones, high, low, second, second_low = summarize(views, c * CHUNK, count)
        if lane() == 0:
            index = base + FIELDS * c
            put(kept, index, greatest)
            put(kept, index + 1, ones)
            put(kept, index + 2, high)
            put(kept, index + 3, low)
            put(kept, index + 4, second)
            put(kept, index + 5, second_low)

    @part
    def of_kept(views, length, kept, base):
        return combine(kept, base, (length + CHUNK - 1) // CHUNK)

    return Reduction(of_warp, make_of_block(keep, of_kept, team), keep, of_kept)


def make_of_block(keep, of_kept, team):
    """Return ``of_block`` of a reduction, made of its last two functions."""
    unit, units = team.unit, team.units

    @part
    def of_block(views, length, kept, base):
        chunks = (length + CHUNK - 1) // CHUNK
        c = unit()
        while c < chunks:
            keep(views, length, kept, base, c)
            c += units()
        cuda.syncthreads()
        return of_kept(views, length, kept, base)

    return of_block


def make_sum(addend, team):
    """Return the reduction to the sum of pairs ``addend(views, i)``."""
    get_kept, add, total, lane = kept_memory.get, PAIRED.add, make_total(PAIRED, team), team.lane

    @part
    def summarize(views, start, count):
        high, low = 0.0, 0.0
        i = start + lane()
        while i < start + count:
            e, e_low = addend(views, i)
            high, low = add(high, low, e, e_low)
            i += LANES
        high, low = total(high, low)
        return 0.0, 0.0, high, low, 0.0, 0.0

    @part
    def alone(greatest, ones, high, low, second, second_low):
        return greatest, high, low, second, second_low

    @part
    def combine(kept, base, chunks):
        high, low = 0.0, 0.0
        c = lane()
        while c < chunks:
            index = base + FIELDS * c
            high, low = add(high, low, get_kept(kept, index + 2), get_kept(kept, index + 3))
            c += LANES
        high, low = total(high, low)
        return 0.0, high, low, 0.0, 0.0

    return make_reduction(summarize, alone, combine, team)
