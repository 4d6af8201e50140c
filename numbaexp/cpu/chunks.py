"""What is done with one chunk of a row, whose values are contiguous."""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import lanes
from numbaexp.cpu.row_memory import TILE, make_pointer, part
from numbaexp.scalar.row_arithmetic import NARROW

_float = make_pointer(np.float64)
LINE = 64  # bytes of a cache line


@part
def whole_tiles(count):
    return (count + TILE - 1) // TILE * TILE


class Chunks(NamedTuple):
    """``values`` is the address of a chunk's values, of which ``tile`` has what is over after whole tiles.

    greatest(values, tile, count) : the greatest value.
    exponentials(values, tile, count, greatest, high, low, out) : to ``high`` and ``low``, with 0 up to the end of the
        last tile. Meanwhile as much memory is fetched that is to be read next, behind the values, and that at ``out``,
        to be written.
    addends(values, tile, count, greatest, high, low) : the same for a logarithm, with 0 for the values that are the
        greatest themselves; returns how many those are.
    total(high, low, count) : their sum.
    """

    greatest: Any
    exponentials: Any
    addends: Any
    total: Any


def make_chunks(arithmetic):
    value = arithmetic.value
    size = np.dtype(value).itemsize
    number = make_pointer(value)
    greatest_rank = lanes.greatest_f32 if size == 4 else lanes.greatest_f64
    equal = lanes.equal_f32 if size == 4 else lanes.equal_f64
    of_rank, exponential = arithmetic.of_rank, arithmetic.exponential
    narrow = arithmetic is NARROW

    @part
    def tile_at(values, tile, start, count):
        return number(values + start * size if start + TILE <= count else tile)

    @part
    def greatest(values, tile, count):
        whole = count // TILE * TILE
        top = greatest_rank(values, whole) if whole else greatest_rank(tile, TILE)
        if whole and whole < count:
            top = max(top, greatest_rank(tile, TILE))
        return of_rank(top)

    @part
    def reference(greatest):
        """What is subtracted: of a chunk of -infinity alone, whose exponentials are 0, nothing."""
        return value(0.0) if greatest == -np.inf else greatest

    @part
    def exponentials(values, tile, count, greatest, high, low, out):
        highs, lows = _float(high), _float(low)
        greatest = reference(greatest)
        for start in range(0, count, TILE):
            for line in range(0, TILE * size, LINE):
                lanes.prefetch_to_read(values + (count + start) * size + line)
                lanes.prefetch_to_write(out + start * size + line)
            source = tile_at(values, tile, start, count)
            for i in range(TILE):
                e, e_low = exponential(source[i], greatest)
                highs[start + i] = e
                if not narrow:
                    lows[start + i] = e_low

    @part
    def addends(values, tile, count, greatest, high, low):
        highs, lows = _float(high), _float(low)
        whole = count // TILE * TILE
        ones = equal(values, whole, greatest) if whole else np.int64(0)
        ones += equal(tile, TILE, greatest) if whole < count else np.int64(0)
        subtracted = reference(greatest)
        for start in range(0, count, TILE):
            for line in range(0, TILE * size, LINE):
                lanes.prefetch_to_read(values + (count + start) * size + line)
            source = tile_at(values, tile, start, count)
            for i in range(TILE):
                e, e_low = exponential(source[i], subtracted)
                is_one = source[i] == greatest
                highs[start + i] = 0.0 if is_one else e
                if not narrow:
                    lows[start + i] = 0.0 if is_one else e_low
        return ones

    @part
    def total(high, low, count):
        if narrow:
            return lanes.total(high, whole_tiles(count)), 0.0
        return lanes.total_of_pairs(high, low, whole_tiles(count))

    return Chunks(greatest, exponentials, addends, total)
