"""Exponentials, sums and the greatest of one chunk of a row, whose elements are contiguous, by vectors of all lanes of
the definition in ``numbaexp.scalar.rows``."""

from typing import Any, NamedTuple

from numbaexp.cpu.lanes import make_sums
from numbaexp.cpu.row_job import TILE
from numbaexp.cpu.row_memory import part
from numbaexp.scalar.rows import rank
from numbaexp.vector.memory import prefetch_to_read, prefetch_to_write
from numbaexp.vector.operations import count_lanes, halves, where

LINE = 64  # bytes of a cache line


@part
def whole_tiles(count):
    return (count + TILE - 1) // TILE * TILE


def make_fetch(size, prefetch):
    """Return ``fetch(address)``, which prefetches a tile of elements of so many bytes; the memory may be anyone's."""
    lines = TILE * size // LINE

    @part
    def fetch(address):
        for line in range(lines):
            prefetch(address + line * LINE)

    return fetch


class Chunks(NamedTuple):
    """``elements`` is the address of a chunk's elements, of which ``tile`` has what is over after whole tiles.

    greatest(elements, tile, count) : the rank of the greatest value.
    exponentials(elements, tile, count, reference, high, low, out) : to ``high`` and ``low``, up to the end of the last
        tile; returns their sum. Meanwhile as much memory is fetched that is to be read next, behind the elements, and
        that at ``out``, to be written.
    addends(elements, tile, count, greatest) : for a logarithm, how many values are the greatest, and the sum of the
        exponentials of the others.
    """

    greatest: Any
    exponentials: Any
    addends: Any


@part
def greater(a, b):
    return where(a > b, a, b)


@part
def greater_half(vector):
    return greater(*halves(vector))


def make_chunks(arithmetic, memory):
    sums, add = make_sums(arithmetic), arithmetic.add
    exponential_of, from_zero, addend_of = arithmetic.exponential, arithmetic.from_zero, arithmetic.addend
    values, size, size_of_results = memory.values, memory.size, memory.size_of_results
    fetch_to_read, fetch_to_write = make_fetch(size, prefetch_to_read), make_fetch(size_of_results, prefetch_to_write)

    @part
    def tile_at(elements, tile, start, count):
        return elements + start * size if start + TILE <= count else tile

    @part
    def greatest(elements, tile, count):
        top = rank(values(tile_at(elements, tile, 0, count)))
        for start in range(TILE, count, TILE):
            top = greater(top, rank(values(tile_at(elements, tile, start, count))))
        return greater_half(greater_half(greater_half(greater_half(greater_half(top)))))

    def make_exponentials(exponential):
        @part
        def exponentials(elements, tile, count, reference, high, low, out):
            total, total_low = sums.nothing(high)
            for start in range(0, count, TILE):
                fetch_to_read(elements + (count + start) * size)
                fetch_to_write(out + start * size_of_results)
                e, e_low = exponential(values(tile_at(elements, tile, start, count)), reference)
                sums.store(high + 8 * start, low + 8 * start, e, e_low)
                total, total_low = add(total, total_low, e, e_low)
            return sums.of_lanes(total, total_low)

        return exponentials

    @part
    def exponential_from_zero(x, reference):
        return from_zero(x)

    of_differences, of_values = make_exponentials(exponential_of), make_exponentials(exponential_from_zero)

    @part
    def exponentials(elements, tile, count, reference, high, low, out):
        # A difference from 0 is no operation.
        if reference == 0.0:
            return of_values(elements, tile, count, reference, high, low, out)
        return of_differences(elements, tile, count, reference, high, low, out)

    @part
    def addends(elements, tile, count, greatest):
        total, total_low = sums.nothing(tile)
        ones = 0
        for start in range(0, count, TILE):
            fetch_to_read(elements + (count + start) * size)
            is_one, e, e_low = addend_of(values(tile_at(elements, tile, start, count)), greatest)
            ones += count_lanes(is_one)
            total, total_low = add(total, total_low, e, e_low)
        high, low = sums.of_lanes(total, total_low)
        # Of -infinity alone those are counted that fill up the last tile.
        return min(ones, count), high, low

    return Chunks(greatest, exponentials, addends)
