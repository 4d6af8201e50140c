"""Kernels of chunks of batched rows, for long rows that lie across memory: the first and the last of those
that ``numbaexp.cpu.rows`` and ``numbaexp.cpu.row_logs`` have for rows by chunks. A chunk of ``BATCH`` rows is a unit.
"""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import whole_tiles
from numbaexp.cpu.columns import (
    ONE_EACH,
    batch_size,
    block_at,
    blocks_of,
    clear,
    make_batched,
    make_scatter,
    subtracted,
    width_of,
)
from numbaexp.cpu.room import allocated, release
from numbaexp.cpu.row_job import BATCH
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, stack
from numbaexp.cpu.rows import HIGH, LOW, ONES, REFERENCE, SHARE, SHARE_LOW
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.row_order import CHUNK

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)
# Bytes of the values of a block of chunks.
_VALUES = 8 * CHUNK * BATCH


@part
def known_of(j, block, c):
    """Return the address of the partial sums of the chunks of row c of a block."""
    blocks = blocks_of(j[at.INNER])
    row = block // blocks * j[at.INNER] + block % blocks * BATCH + c
    return j[at.KNOWN] + 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]) * row


def make_sums(dtype):
    """Make the kernel of ``numbaexp.cpu.rows.make_sums`` for batched rows."""
    of_block = make_batched(dtype, arithmetic_of(dtype))

    def sums(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        room = allocated(j, 3 * _VALUES)
        if room == 0:
            return
        values, high, low = room, room + _VALUES, room + 2 * _VALUES
        zeros, sums_high, sums_low = stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        highs, lows = _float(sums_high), _float(sums_low)
        clear(zeros)
        clear(sums_low)
        for unit in range(first, last):
            block, chunk = unit // chunks, unit % chunks
            start = chunk * CHUNK
            count, rows = min(CHUNK, j[at.LENGTH] - start), width_of(j, block)
            x = block_at(j, block, at.X) + start * j[at.X_STEP]
            of_block.load(x, j[at.X_INNER], j[at.X_STEP], rows, count, values)
            of_block.exponentials(values, count, zeros, high, low)
            of_block.total(high, low, count, sums_high, sums_low)
            for c in range(rows):
                known = _float(known_of(j, block, c))
                known[width * HIGH + chunk], known[width * LOW + chunk] = highs[c], lows[c]
        release(room)

    return sums


def make_sums_apart(dtype):
    """Make the kernel of ``numbaexp.cpu.rows.make_sums_apart`` for batched rows."""
    of_block = make_batched(dtype, arithmetic_of(dtype))

    def sums_apart(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        room = allocated(j, 3 * _VALUES)
        if room == 0:
            return
        values, high, low = room, room + _VALUES, room + 2 * _VALUES
        tops, ones, sums_high, sums_low = stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        greatest, counts, highs, lows = _float(tops), _float(ones), _float(sums_high), _float(sums_low)
        clear(sums_low)
        for unit in range(first, last):
            block, chunk = unit // chunks, unit % chunks
            start = chunk * CHUNK
            count, rows = min(CHUNK, j[at.LENGTH] - start), width_of(j, block)
            x = block_at(j, block, at.X) + start * j[at.X_STEP]
            of_block.load(x, j[at.X_INNER], j[at.X_STEP], rows, count, values)
            of_block.greatest(values, count, tops)
            of_block.addends(values, count, tops, high, low, ones)
            of_block.total(high, low, count, sums_high, sums_low)
            for c in range(rows):
                known = _float(known_of(j, block, c))
                known[chunk], known[width * ONES + chunk] = greatest[c], counts[c]
                known[width * HIGH + chunk], known[width * LOW + chunk] = highs[c], lows[c]
        release(room)

    return sums_apart


def make_finish(dtype, scaled=False):
    """Make the kernel of ``numbaexp.cpu.rows.make_finish`` for batched rows."""
    arithmetic = arithmetic_of(dtype)
    memory, of_block = make_row_memory(dtype, arithmetic), make_batched(dtype, arithmetic, scaled)
    scatter = make_scatter(memory)

    def finish(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        room = allocated(j, 3 * _VALUES)
        if room == 0:
            return
        values, high, low = room, room + _VALUES, room + 2 * _VALUES
        references, differences, shares, shares_low = stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        reference, share, share_low = _float(references), _float(shares), _float(shares_low)
        for numbers in (references, shares, shares_low):
            clear(numbers)
        for unit in range(first, last):
            block, chunk = unit // chunks, unit % chunks
            start = chunk * CHUNK
            count, rows = min(CHUNK, j[at.LENGTH] - start), width_of(j, block)
            x = block_at(j, block, at.X) + start * j[at.X_STEP]
            y = block_at(j, block, at.Y) + start * j[at.Y_STEP]
            of_block.load(x, j[at.X_INNER], j[at.X_STEP], rows, count, values)
            for c in range(rows):
                known = _float(known_of(j, block, c))
                reference[c], share[c], share_low[c] = known[REFERENCE], known[SHARE], known[SHARE_LOW]
            subtracted(references, differences)
            of_block.exponentials(values, count, differences, high, low)
            of_block.write(high, low, count, shares, shares_low, values)
            scatter(values, y, j[at.Y_INNER], j[at.Y_STEP], rows, count)
        release(room)

    return finish


def make_finish_logs(dtype):
    """Make the kernel of ``numbaexp.cpu.row_logs.make_finish_logs`` for batched rows."""
    arithmetic = arithmetic_of(dtype)
    memory, of_block = make_row_memory(dtype, arithmetic), make_batched(dtype, arithmetic)
    scatter, log_share, rounded = make_scatter(memory), arithmetic.log_share, memory.rounded
    element, number, value = make_pointer(memory.results_as), make_pointer(arithmetic.value), arithmetic.value

    def finish_logs(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        room = allocated(j, 2 * _VALUES)
        if room == 0:
            return
        values, made = room, room + _VALUES
        source, results, wide = number(values), element(made), batch_size()
        top, log, log_low = _float(stack(ONE_EACH)), _float(stack(ONE_EACH)), _float(stack(ONE_EACH))
        for c in range(BATCH):
            top[c], log[c], log_low[c] = 0.0, 0.0, 0.0
        for unit in range(first, last):
            block, start = unit // chunks, unit % chunks * CHUNK
            count, rows = min(CHUNK, j[at.LENGTH] - start), width_of(j, block)
            x = block_at(j, block, at.X) + start * j[at.X_STEP]
            y = block_at(j, block, at.Y) + start * j[at.Y_STEP]
            of_block.load(x, j[at.X_INNER], j[at.X_STEP], rows, count, values)
            for c in range(rows):
                known = _float(known_of(j, block, c))
                top[c], log[c], log_low[c] = known[0], known[1], known[2]
                log[c] = log[c] if abs(top[c]) < np.inf else np.nan
            for i in range(count):
                for c in range(wide):
                    k = i * BATCH + c
                    results[k] = rounded(log_share(source[k], value(top[c]), log[c], log_low[c]))
            scatter(made, y, j[at.Y_INNER], j[at.Y_STEP], rows, count)
        release(room)

    return finish_logs
