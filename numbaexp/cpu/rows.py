"""Kernels that go through an array row by row; see ``numbaexp.cpu.row_job``. A unit is a row; of rows of more than
``KEPT`` chunks it is a chunk, in the kernels that say so."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, whole_tiles
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
from numbaexp.cpu.row_memory import TILE, keep, make_pointer, make_row_memory, part, stack
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.rows import CHUNK, rank

# Chunks of which the exponentials of a whole row are kept, in memory that the second-level cache holds.
KEPT = 16
# What is known of a chunk, and then of its row: lists of float64 beside each other, of a multiple of TILE.
GREATEST, ONES, HIGH, LOW = range(4)

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_combine(arithmetic):
    """A function of what is known of a row's chunks, at an address, each list filled up with 0. Returns (greatest,
    ones, high, low) of the row, and leaves the chunks' weights, high and low, in the first two lists."""
    value, one, of_rank = arithmetic.value, arithmetic.one, arithmetic.of_rank
    exponential, weighted, add = arithmetic.exponential, arithmetic.weighted, arithmetic.add
    total = make_chunks(arithmetic).total

    @part
    def combine(known, chunks):
        width = whole_tiles(chunks)
        greatest, ones = _float(known), _float(known + 8 * width * ONES)
        high, low = _float(known + 8 * width * HIGH), _float(known + 8 * width * LOW)
        top = rank(value(greatest[0]))
        for i in range(1, chunks):
            top = max(top, rank(value(greatest[i])))
        of_row = of_rank(top)
        if chunks == 1:
            ones_of_row = ones[0]
            sum_high, sum_low = weighted(high[0], low[0], one, 0.0)
            greatest[0], ones[0] = one, 0.0
        else:
            ones_of_row = 0.0
            for i in range(chunks):
                is_greatest = value(greatest[i]) == of_row
                ones_of_row += ones[i] if is_greatest else 0.0
                others, others_low = add(0.0 if is_greatest else ones[i] * one, 0.0, high[i], low[i])
                weight, weight_low = exponential(value(greatest[i]), of_row)
                high[i], low[i] = weighted(others, others_low, weight, weight_low)
                greatest[i], ones[i] = weight, weight_low
            sum_high, sum_low = total(known + 8 * width * HIGH, known + 8 * width * LOW, chunks)
        return of_row, ones_of_row, sum_high, sum_low

    return combine


def make_share(arithmetic, scaled):
    """``share(weight, weight_low, greatest, high, low, scale)``: of a chunk, from what is known of its row; NaN where
    the greatest element is no finite number. Where it is ``scaled`` that is times ``scale``, and 0 in a row of
    -infinity."""
    share_of = arithmetic.share

    @part
    def share(weight, weight_low, greatest, high, low, scale):
        s, s_low = share_of(weight, weight_low, high, low)
        if scaled:
            s, s_low = arithmetic.scaled(s, s_low, scale)
            s, s_low = (0.0, 0.0) if greatest == -np.inf else (s, s_low)
        usual = abs(greatest) < np.inf or (scaled and greatest == -np.inf)
        return s if usual else np.nan, s_low

    return share


def make_write(arithmetic, memory):
    """``write(high, low, count, share, share_low, y, step, scratch, tile)`` of a chunk's exponentials times a share."""
    shared, rounded, size = arithmetic.shared, memory.rounded, memory.size
    element = make_pointer(memory.stored_as)

    @part
    def write(high, low, count, share, share_low, y, step, scratch, tile):
        highs, lows = _float(high), _float(low)
        target = y if step == size else scratch
        for start in range(0, count, TILE):
            results = element(target + start * size if start + TILE <= count else tile)
            for i in range(TILE):
                results[i] = rounded(shared(highs[start + i], lows[start + i], share, share_low))
        memory.settle(y, step, count, target, tile)

    return write


def make_softmax(dtype, scaled=False):
    """Of rows of up to ``KEPT`` chunks, each of which is read once and written once."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk, combine = make_chunks(arithmetic), make_combine(arithmetic)
    share_of, write = make_share(arithmetic, scaled), make_write(arithmetic, memory)

    def softmax(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        lists = np.zeros(4 * TILE, np.float64)
        kept = np.empty(2 * chunks * CHUNK if chunks > 1 else 0, np.float64)
        if chunks > 1:
            high = kept.ctypes.data
            low = high + CHUNK_BYTES * chunks
        for row in range(first, last):
            x, y = at.row_at(j, row, at.X), at.row_at(j, row, at.Y)
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                values = memory.load(x + start * x_step, x_step, count, scratch, tile)
                top = chunk.greatest(values, tile, count)
                here, here_low = high + 8 * start, low + 8 * start
                chunk.exponentials(values, tile, count, top, here, here_low, y + start * y_step)
                lists[c], lists[TILE * ONES + c] = top, 0.0
                lists[TILE * HIGH + c], lists[TILE * LOW + c] = chunk.total(here, here_low, count)
            top, _, total, total_low = combine(lists.ctypes.data, chunks)
            scale = _float(at.row_at(j, row, at.EXTRA))[0] if scaled else 1.0
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                share, share_low = share_of(lists[c], lists[TILE * ONES + c], top, total, total_low, scale)
                here, here_low = high + 8 * start, low + 8 * start
                write(here, here_low, count, share, share_low, y + start * y_step, y_step, scratch, tile)
        keep(kept)

    return softmax


def make_sums(dtype, apart):
    """What is known of chunks, a chunk a unit, is put where ``KNOWN`` says; ``apart`` it is for logarithms."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk = make_chunks(arithmetic)

    def sums(job, first, last):
        j = _int(job)
        length, x_step, chunks = j[at.LENGTH], j[at.X_STEP], j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, length - start)
            x = at.row_at(j, row, at.X) + start * x_step
            values = memory.load(x, x_step, count, scratch, tile)
            top = chunk.greatest(values, tile, count)
            ones = 0.0
            if apart:
                ones = np.float64(chunk.addends(values, tile, count, top, high, low))
            else:
                chunk.exponentials(values, tile, count, top, high, low, high)
            known = _float(j[at.KNOWN] + 8 * 4 * width * row)
            known[c], known[width * ONES + c] = top, ones
            known[width * HIGH + c], known[width * LOW + c] = chunk.total(high, low, count)

    return sums


def make_shares(dtype, scaled=False):
    """What is known of chunks becomes their shares, high and low, in the first two lists; a row is a unit."""
    arithmetic = arithmetic_of(dtype)
    combine, share_of = make_combine(arithmetic), make_share(arithmetic, scaled)

    def shares(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        for row in range(first, last):
            known = j[at.KNOWN] + 8 * 4 * width * row
            lists = _float(known)
            scale = _float(at.row_at(j, row, at.EXTRA))[0] if scaled else 1.0
            top, _, total, total_low = combine(known, chunks)
            for c in range(chunks):
                lists[c], lists[width * ONES + c] = share_of(
                    lists[c], lists[width * ONES + c], top, total, total_low, scale
                )

    return shares


def make_finish(dtype):
    """The softmax of a chunk, from its share; a chunk is a unit."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk, write = make_chunks(arithmetic), make_write(arithmetic, memory)

    def finish(job, first, last):
        j = _int(job)
        length, x_step, y_step, chunks = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP], j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, length - start)
            x = at.row_at(j, row, at.X) + start * x_step
            y = at.row_at(j, row, at.Y) + start * y_step
            values = memory.load(x, x_step, count, scratch, tile)
            chunk.exponentials(values, tile, count, chunk.greatest(values, tile, count), high, low, y)
            shares = _float(j[at.KNOWN] + 8 * 4 * width * row)
            write(high, low, count, shares[c], shares[width * ONES + c], y, y_step, scratch, tile)

    return finish
