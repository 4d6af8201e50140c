"""Kernels of the entropy of each row's softmax and its gradient, row by row and batched; see ``numbaexp.cpu.rows``."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, make_fetch, whole_tiles
from numbaexp.cpu.lanes import make_sums
from numbaexp.cpu.room import allocated_zeros, release
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.row_entropy import entropy_of
from numbaexp.scalar.row_order import CHUNK
from numbaexp.scalar.rows import rank
from numbaexp.vector.memory import prefetch_to_read, prefetch_to_write, store
from numbaexp.vector.operations import count_lanes

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)

# What is known of each chunk, in lists of float64, one after another.
GREATEST, ONES, HIGH, LOW, MOMENT, MOMENT_LOW = range(6)
LISTS = 6


@part
def bytes_of_lists(length):
    return 8 * LISTS * whole_tiles((length + CHUNK - 1) // CHUNK)


def _make_moments(arithmetic, memory):
    """Return ``moments(elements, tile, count, greatest)`` of a chunk: how many values are the greatest, the sum of the
    exponentials of the others, and that of their moments."""
    sums, add, addend, moment = make_sums(arithmetic), arithmetic.add, arithmetic.addend, entropy_of(arithmetic).moment
    values, size = memory.values, memory.size
    fetch = make_fetch(size, prefetch_to_read)

    @part
    def moments(elements, tile, count, greatest):
        total, total_low = sums.nothing(tile)
        second, second_low = sums.nothing(tile)
        ones = 0
        for start in range(0, count, TILE):
            fetch(elements + (count + start) * size)
            x = values(elements + start * size if start + TILE <= count else tile)
            is_one, e, e_low = addend(x, greatest)
            ones += count_lanes(is_one)
            total, total_low = add(total, total_low, e, e_low)
            second, second_low = add(second, second_low, *moment(x, greatest, e, e_low))
        high, low = sums.of_lanes(total, total_low)
        second_high, second_low = sums.of_lanes(second, second_low)
        # Of -infinity alone those are counted that fill up the last tile.
        return min(ones, count), high, low, second_high, second_low

    return moments


def _make_combine(arithmetic):
    """Return a function that merges what is known of a row's chunks, in lists at an address that are filled up with 0,
    into (greatest, ones, others, low, moment, low) of the row; the lists are overwritten."""
    value, of_rank, of_chunk = arithmetic.value, arithmetic.of_rank, entropy_of(arithmetic).of_chunk
    total = make_sums(arithmetic).total

    @part
    def combine(known, chunks):
        width = whole_tiles(chunks)
        greatest, ones = _float(known), _float(known + 8 * width * ONES)
        high, low = _float(known + 8 * width * HIGH), _float(known + 8 * width * LOW)
        moment, moment_low = _float(known + 8 * width * MOMENT), _float(known + 8 * width * MOMENT_LOW)
        top = rank(value(greatest[0]))
        for c in range(1, chunks):
            top = max(top, rank(value(greatest[c])))
        of_row, count = np.float64(of_rank(top)), 0.0
        for c in range(chunks):
            own, high[c], low[c], moment[c], moment_low[c] = of_chunk(
                greatest[c], ones[c], high[c], low[c], moment[c], moment_low[c], of_row
            )
            count += own
        others, others_low = total(known + 8 * width * HIGH, known + 8 * width * LOW, chunks)
        second, second_low = total(known + 8 * width * MOMENT, known + 8 * width * MOMENT_LOW, chunks)
        return of_row, count, others, others_low, second, second_low

    return combine


def _make_sums_of_row(arithmetic, memory):
    """Return ``sums_of_row(x, length, step, scratch, tile, known)``, which gives what ``combine`` does. ``known`` is
    the address of lists that were filled with 0."""
    greatest, of_rank = make_chunks(arithmetic, memory).greatest, arithmetic.of_rank
    moments, combine = _make_moments(arithmetic, memory), _make_combine(arithmetic)

    @part
    def sums_of_row(x, length, step, scratch, tile, known):
        chunks = (length + CHUNK - 1) // CHUNK
        width, lists = whole_tiles(chunks), _float(known)
        for c in range(chunks):
            start = c * CHUNK
            count = min(CHUNK, length - start)
            elements = memory.load(x + start * step, step, count, scratch, tile)
            top = of_rank(greatest(elements, tile, count))
            lists[c] = top
            (
                lists[width * ONES + c],
                lists[width * HIGH + c],
                lists[width * LOW + c],
                lists[width * MOMENT + c],
                lists[width * MOMENT_LOW + c],
            ) = moments(elements, tile, count, top)
        return combine(known, chunks)

    return sums_of_row


def make_entropies(dtype):
    """Make the kernel of the entropy of each row."""
    arithmetic = arithmetic_of(dtype)
    memory, entropy = make_row_memory(dtype, arithmetic), entropy_of(arithmetic).entropy
    sums_of_row, element = _make_sums_of_row(arithmetic, memory), make_pointer(memory.stored_as)

    def entropies(job, first, last):
        j = _int(job)
        length, x_step = j[at.LENGTH], j[at.X_STEP]
        scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
        room = allocated_zeros(j, bytes_of_lists(length))
        if room == 0:
            return
        for row in range(first, last):
            top, ones, others, others_low, moment, moment_low = sums_of_row(
                row_at(j, row, at.X), length, x_step, scratch, tile, room
            )
            result = entropy(ones, others, others_low, moment, moment_low)
            element(row_at(j, row, at.Y))[0] = memory.rounded(result if abs(top) < np.inf else np.nan)
        release(room)

    return entropies


def make_gradients(dtype):
    """Make the kernel of the gradient, times the number of each row at ``EXTRA``."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    exponential, value = arithmetic.exponential, arithmetic.value
    shares, gradient = entropy_of(arithmetic).shares, entropy_of(arithmetic).gradient
    sums_of_row = _make_sums_of_row(arithmetic, memory)
    values, size, rounded = memory.values, memory.size, memory.rounded
    fetch_to_read, fetch_to_write = make_fetch(size, prefetch_to_read), make_fetch(size, prefetch_to_write)

    def gradients(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        scratch, made, tile = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(TILE_BYTES)
        room = allocated_zeros(j, bytes_of_lists(length))
        if room == 0:
            return
        for row in range(first, last):
            x, y = row_at(j, row, at.X), row_at(j, row, at.Y)
            top, ones, others, others_low, moment, moment_low = sums_of_row(x, length, x_step, scratch, tile, room)
            scale = _float(row_at(j, row, at.EXTRA))[0]
            share, share_low, spread, spread_low = shares(ones, others, others_low, moment, moment_low, scale)
            spread = spread if abs(top) < np.inf else np.nan
            greatest = value(top)
            for start in range(0, length, CHUNK):
                count, out = min(CHUNK, length - start), y + start * y_step
                elements = memory.load(x + start * x_step, x_step, count, scratch, tile)
                target = out if y_step == size else made
                for i in range(0, count, TILE):
                    is_whole = i + TILE <= count
                    fetch_to_read(elements + (count + i) * size)
                    fetch_to_write(out + i * size)
                    of_tile = values(elements + i * size if is_whole else tile)
                    e, e_low = exponential(of_tile, greatest)
                    result = gradient(of_tile, greatest, e, e_low, share, share_low, spread, spread_low)
                    store(target + i * size if is_whole else tile, rounded(result))
                memory.settle(out, y_step, count, target, tile)
        release(room)

    return gradients
