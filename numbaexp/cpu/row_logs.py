"""Kernels of the logarithm of a row's sum, and of the softmax's logarithms, row by row; see ``numbaexp.cpu.rows``."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, make_fetch, whole_tiles
from numbaexp.cpu.room import lists_of, release_lists
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.cpu.rows import HIGH, LISTS_BYTES, LOW, ONES, make_combine
from numbaexp.scalar.row_arithmetic import NARROW, PAIRED, arithmetic_of
from numbaexp.scalar.row_order import CHUNK
from numbaexp.scalar.rows import cancel
from numbaexp.vector.memory import prefetch_to_write, store

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_sum_of_row(dtype, arithmetic):
    """Return ``sum_of_row(x, length, step, scratch, tile, known)``, which computes (greatest, logarithm, low) of a row.
    ``known`` is the address of lists for the partial sums of its chunks, which were filled with 0."""
    memory = make_row_memory(dtype, arithmetic)
    chunk, combine, logarithm = make_chunks(arithmetic, memory), make_combine(arithmetic), arithmetic.logarithm
    of_rank = arithmetic.of_rank

    @part
    def sum_of_row(x, length, step, scratch, tile, known):
        chunks = (length + CHUNK - 1) // CHUNK
        width, lists = whole_tiles(chunks), _float(known)
        for c in range(chunks):
            start = c * CHUNK
            count = min(CHUNK, length - start)
            elements = memory.load(x + start * step, step, count, scratch, tile)
            top = of_rank(chunk.greatest(elements, tile, count))
            ones, lists[width * HIGH + c], lists[width * LOW + c] = chunk.addends(elements, tile, count, top)
            lists[c], lists[width * ONES + c] = top, ones
        top, ones, total, total_low = combine(known, chunks)
        log, log_low = logarithm(ones, total, total_low)
        return np.float64(top), log, log_low

    return sum_of_row


def make_log_sum(dtype):
    """Return ``log_sum(greatest, logarithm, low, x, length, step, known)``, which computes the element of the result.
    In the narrow types a row whose greatest element and logarithm cancel is computed again, in pairs; ``known`` as for
    ``sum_of_row``."""
    arithmetic = arithmetic_of(dtype)
    rounded, of_pairs = make_row_memory(dtype, arithmetic).rounded, make_sum_of_row(dtype, PAIRED)
    value, narrow = arithmetic.value, arithmetic is NARROW

    @part
    def log_sum(greatest, log, log_low, x, length, step, known):
        result = arithmetic.log_sum(value(greatest), log, log_low)
        if narrow and cancel(result, log):
            scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
            paired = of_pairs(x, length, step, scratch, tile, known)
            result = PAIRED.log_sum(paired[0], paired[1], paired[2])
        return rounded(result if abs(greatest) < np.inf else greatest)

    return log_sum


def make_write_logs(dtype):
    """Return ``write_logs(x, count, step, greatest, logarithm, low, y, y_step, scratch, tile)`` of a chunk."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    log_share, rounded, size = arithmetic.log_share, memory.rounded, memory.size
    value, values, size_of_results = arithmetic.value, memory.values, memory.size_of_results
    fetch_to_write = make_fetch(size_of_results, prefetch_to_write)

    @part
    def write_logs(x, count, step, greatest, log, log_low, y, y_step, scratch, tile):
        elements = memory.load(x, step, count, scratch, tile)
        top = value(greatest)
        log = log if abs(greatest) < np.inf else np.nan
        target = y if y_step == size_of_results else scratch
        for start in range(0, count, TILE):
            fetch_to_write(y + (count + start) * size_of_results)
            is_whole = start + TILE <= count
            of_tile = values(elements + start * size if is_whole else tile)
            result = rounded(log_share(of_tile, top, log, log_low))
            store(target + start * size_of_results if is_whole else tile, result)
        memory.settle(y, y_step, count, target, tile)

    return write_logs


def make_log_softmax(dtype):
    """Make the kernel of rows that the second-level cache holds."""
    sum_of_row, write_logs = make_sum_of_row(dtype, arithmetic_of(dtype)), make_write_logs(dtype)

    def log_softmax(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        scratch, tile, own = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(LISTS_BYTES)
        room = lists_of(j, 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]), own)
        if room == 0:
            return
        for row in range(first, last):
            x, y = row_at(j, row, at.X), row_at(j, row, at.Y)
            top, log, log_low = sum_of_row(x, length, x_step, scratch, tile, room)
            for start in range(0, length, CHUNK):
                count = min(CHUNK, length - start)
                here, out = x + start * x_step, y + start * y_step
                write_logs(here, count, x_step, top, log, log_low, out, y_step, scratch, tile)
        release_lists(room, own)

    return log_softmax


def make_log_sums(dtype):
    """Make the kernel of the logarithm of each row's sum."""
    sum_of_row, log_sum = make_sum_of_row(dtype, arithmetic_of(dtype)), make_log_sum(dtype)
    element = make_pointer(make_row_memory(dtype, arithmetic_of(dtype)).stored_as)

    def log_sums(job, first, last):
        j = _int(job)
        length, x_step = j[at.LENGTH], j[at.X_STEP]
        scratch, tile, own = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(LISTS_BYTES)
        room = lists_of(j, 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]), own)
        if room == 0:
            return
        for row in range(first, last):
            x = row_at(j, row, at.X)
            top, log, log_low = sum_of_row(x, length, x_step, scratch, tile, room)
            result = log_sum(top, log, log_low, x, length, x_step, room)
            element(row_at(j, row, at.Y))[0] = result
        release_lists(room, own)

    return log_sums


def make_statistics(dtype):
    """(greatest, logarithm, low) of each row, float64, at ``EXTRA``."""
    sum_of_row = make_sum_of_row(dtype, arithmetic_of(dtype))

    def statistics(job, first, last):
        j = _int(job)
        length, x_step = j[at.LENGTH], j[at.X_STEP]
        scratch, tile, own = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(LISTS_BYTES)
        room = lists_of(j, 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]), own)
        if room == 0:
            return
        for row in range(first, last):
            x = row_at(j, row, at.X)
            made = sum_of_row(x, length, x_step, scratch, tile, room)
            statistics_of_row = _float(row_at(j, row, at.EXTRA))
            statistics_of_row[0], statistics_of_row[1], statistics_of_row[2] = made
        release_lists(room, own)

    return statistics


def make_close(dtype):
    """Make the kernel that reduces the partial sums of a row's chunks to the statistics of the row, at the head of the
    lists; a row is a unit."""
    arithmetic = arithmetic_of(dtype)
    combine, logarithm = make_combine(arithmetic), arithmetic.logarithm

    def close(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        for row in range(first, last):
            known = j[at.KNOWN] + 8 * 4 * whole_tiles(chunks) * row
            top, ones, total, total_low = combine(known, chunks)
            log, log_low = logarithm(ones, total, total_low)
            lists = _float(known)
            lists[0], lists[1], lists[2] = top, log, log_low

    return close


def make_finish_logs(dtype):
    """Make the kernel of the logarithms of a chunk's softmax, from what ``close`` left; a chunk is a unit."""
    write_logs = make_write_logs(dtype)

    def finish_logs(job, first, last):
        j = _int(job)
        length, x_step, y_step, chunks = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP], j[at.CHUNKS_OF_ROWS]
        scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
        for unit in range(first, last):
            row, start = unit // chunks, unit % chunks * CHUNK
            x = row_at(j, row, at.X) + start * x_step
            y = row_at(j, row, at.Y) + start * y_step
            known = _float(j[at.KNOWN] + 8 * 4 * whole_tiles(chunks) * row)
            count = min(CHUNK, length - start)
            write_logs(x, count, x_step, known[0], known[1], known[2], y, y_step, scratch, tile)

    return finish_logs


def make_finish_log_sums(dtype):
    """Make the kernel of the logarithm of a row's sum, from what ``close`` left; a row is a unit."""
    log_sum = make_log_sum(dtype)
    element = make_pointer(make_row_memory(dtype, arithmetic_of(dtype)).stored_as)

    def finish_log_sums(job, first, last):
        j = _int(job)
        for row in range(first, last):
            lists = j[at.KNOWN] + 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]) * row
            known, x = _float(lists), row_at(j, row, at.X)
            result = log_sum(known[0], known[1], known[2], x, j[at.LENGTH], j[at.X_STEP], lists)
            element(row_at(j, row, at.Y))[0] = result

    return finish_log_sums


def make_finish_statistics(dtype):
    """Make the kernel that gives what ``close`` left as ``statistics`` does; a row is a unit."""

    def finish_statistics(job, first, last):
        j = _int(job)
        for row in range(first, last):
            known = _float(j[at.KNOWN] + 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]) * row)
            target = _float(row_at(j, row, at.EXTRA))
            target[0], target[1], target[2] = known[0], known[1], known[2]

    return finish_statistics
