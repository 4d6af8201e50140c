"""Kernels of the logarithm of a row's sum, and of the softmax's logarithms, of batched rows; see
``numbaexp.cpu.columns``."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.columns import (
    ONE_EACH,
    batch_size,
    block_at,
    make_batched,
    make_scatter,
    width_of,
)
from numbaexp.cpu.room import allocated, release
from numbaexp.cpu.row_job import BATCH
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, stack
from numbaexp.scalar.row_arithmetic import NARROW, PAIRED, arithmetic_of
from numbaexp.scalar.rows import cancel

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_sums_of_block(dtype, arithmetic):
    """Return ``sums_of_block(x, row_step, step, width, length, values, tops, logs, logs_low)``, which computes
    (greatest, logarithm, low) of each row. Its values are left at ``values``, behind which there is room for their
    exponentials."""
    block, weighted, logarithm = make_batched(dtype, arithmetic), arithmetic.weighted, arithmetic.logarithm
    one = arithmetic.one

    @part
    def sums_of_block(x, row_step, step, width, length, values, tops, logs, logs_low):
        high = values + length * ONE_EACH
        low, ones = high + length * ONE_EACH, stack(ONE_EACH)
        block.load(x, row_step, step, width, length, values)
        block.greatest(values, length, tops)
        block.addends(values, length, tops, high, low, ones)
        block.total(high, low, length, logs, logs_low)
        counts, highs, lows = _float(ones), _float(logs), _float(logs_low)
        for c in range(BATCH):
            total, total_low = weighted(highs[c], lows[c], one, 0.0)
            highs[c], lows[c] = logarithm(counts[c], total, total_low)

    return sums_of_block


def make_log_softmax(dtype):
    """Make the kernel of rows of one chunk."""
    arithmetic = arithmetic_of(dtype)
    memory, sums_of_block = make_row_memory(dtype, arithmetic), make_sums_of_block(dtype, arithmetic)
    scatter, log_share, rounded = make_scatter(memory), arithmetic.log_share, memory.rounded
    element, number, value = make_pointer(memory.results_as), make_pointer(arithmetic.value), arithmetic.value

    def log_softmax(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = allocated(j, 3 * length * ONE_EACH)
        if room == 0:
            return
        values, tops, logs, logs_low = room, stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        results = values + length * ONE_EACH
        source, target, wide = number(values), element(results), batch_size()
        greatests, highs, lows = _float(tops), _float(logs), _float(logs_low)
        for unit in range(first, last):
            width = width_of(j, unit)
            x, y = block_at(j, unit, at.X), block_at(j, unit, at.Y)
            sums_of_block(x, j[at.X_INNER], j[at.X_STEP], width, length, values, tops, logs, logs_low)
            for c in range(BATCH):
                highs[c] = highs[c] if abs(greatests[c]) < np.inf else np.nan
            for i in range(length):
                for c in range(wide):
                    k = i * BATCH + c
                    target[k] = rounded(log_share(source[k], value(greatests[c]), highs[c], lows[c]))
            scatter(results, y, j[at.Y_INNER], j[at.Y_STEP], width, length)
        release(room)

    return log_softmax


def make_log_sums(dtype):
    """Make the kernel of the logarithm of each row's sum; see ``numbaexp.cpu.row_logs.make_log_sum``."""
    arithmetic = arithmetic_of(dtype)
    memory, sums_of_block = make_row_memory(dtype, arithmetic), make_sums_of_block(dtype, arithmetic)
    in_pairs = make_sums_of_block(dtype, PAIRED)
    element, rounded, value = make_pointer(memory.stored_as), memory.rounded, arithmetic.value
    log_sum, narrow = arithmetic.log_sum, arithmetic is NARROW

    def log_sums(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = allocated(j, 3 * length * ONE_EACH)
        if room == 0:
            return
        values, tops, logs, logs_low = room, stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        greatests, highs, lows = _float(tops), _float(logs), _float(logs_low)
        results, doubtful = _float(stack(ONE_EACH)), _int(stack(ONE_EACH))
        for unit in range(first, last):
            width = width_of(j, unit)
            x, y = block_at(j, unit, at.X), block_at(j, unit, at.Y)
            sums_of_block(x, j[at.X_INNER], j[at.X_STEP], width, length, values, tops, logs, logs_low)
            cancelling = np.int64(0)
            for c in range(BATCH):
                results[c] = log_sum(value(greatests[c]), highs[c], lows[c])
                doubtful[c] = np.int64(cancel(results[c], highs[c]))
                cancelling += doubtful[c]
            if narrow and cancelling:
                in_pairs(x, j[at.X_INNER], j[at.X_STEP], width, length, values, tops, logs, logs_low)
                for c in range(BATCH):
                    paired = PAIRED.log_sum(greatests[c], highs[c], lows[c])
                    results[c] = paired if doubtful[c] else results[c]
            for c in range(width):
                result = results[c] if abs(greatests[c]) < np.inf else greatests[c]
                element(y + c * j[at.Y_INNER])[0] = rounded(result)
        release(room)

    return log_sums


def make_statistics(dtype):
    """(greatest, logarithm, low) of each row, float64, at ``EXTRA``."""
    sums_of_block = make_sums_of_block(dtype, arithmetic_of(dtype))

    def statistics(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = allocated(j, 3 * length * ONE_EACH)
        if room == 0:
            return
        values, tops, logs, logs_low = room, stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        greatests, highs, lows = _float(tops), _float(logs), _float(logs_low)
        for unit in range(first, last):
            width, x = width_of(j, unit), block_at(j, unit, at.X)
            sums_of_block(x, j[at.X_INNER], j[at.X_STEP], width, length, values, tops, logs, logs_low)
            extra = block_at(j, unit, at.EXTRA)
            for c in range(width):
                target = _float(extra + c * j[at.EXTRA_INNER])
                target[0], target[1], target[2] = greatests[c], highs[c], lows[c]
        release(room)

    return statistics
