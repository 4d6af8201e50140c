"""Kernels of rows that are cut, so that no memory holds a whole one; see ``numbaexp.cpu.rows``.

The statistics of a row, or of a piece of one, are three float64 at ``EXTRA``: its greatest element, and a sum as
``numbaexp.scalar.row_merging`` has it, which is 0 where the greatest element is not finite.
"""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.columns import ONE_EACH, batch_size, block_at, make_batched, make_scatter, width_of
from numbaexp.cpu.room import allocated, release
from numbaexp.cpu.row_job import BATCH, CHUNK_BYTES, TILE, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.scalar import double
from numbaexp.scalar import rows as r
from numbaexp.scalar.row_arithmetic import PAIRED, arithmetic_of
from numbaexp.scalar.row_merging import SUM_SCALE, UNSCALE_EXPONENTIAL, sum_less_one, whole_sum
from numbaexp.scalar.row_order import CHUNK
from numbaexp.vector.memory import store

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_sums_of_statistics(_dtype):
    """Make the kernel that replaces the statistics (greatest, logarithm, low) of rows by their sums; elements are rows
    of one."""

    def sums_of_statistics(job, first, last):
        j = _int(job)
        for row in range(first, last):
            known = _float(row_at(j, row, at.EXTRA))
            is_finite = abs(known[0]) < np.inf
            high, low = sum_less_one(known[1] if is_finite else 0.0, known[2] if is_finite else 0.0)
            known[1], known[2] = high, low

    return sums_of_statistics


def make_merged_sums(_dtype):
    """Make the kernel of the sums of rows, from the sums of their pieces, at ``X``; the pieces are a row's elements."""

    def merged_sums(job, first, last):
        j = _int(job)
        length, step = j[at.LENGTH], j[at.X_STEP]
        for row in range(first, last):
            x = row_at(j, row, at.X)
            top = r.rank(_float(x)[0])
            for i in range(1, length):
                top = max(top, r.rank(_float(x + i * step)[0]))
            greatest = r.of_rank_f64(top)
            ones, high, low = 0.0, 0.0, 0.0
            for i in range(length):
                piece = _float(x + i * step)
                addend, addend_low = piece[1], piece[2]
                if piece[0] == greatest:
                    ones += 1.0
                else:
                    weight, weight_low = PAIRED.exponential(piece[0], greatest)
                    total, total_low = whole_sum(addend, addend_low)
                    addend, addend_low = r.product_of_pairs(weight, weight_low, total, total_low)
                    addend, addend_low = addend * UNSCALE_EXPONENTIAL, addend_low * UNSCALE_EXPONENTIAL
                high, low = r.add_pair(high, low, addend, addend_low)
            high, low = r.add_pair((ones - 1.0) * SUM_SCALE, 0.0, high, low)
            high, low = double.fast_two_sum(high, low)
            is_finite = abs(greatest) < np.inf
            known = _float(row_at(j, row, at.EXTRA))
            known[0], known[1], known[2] = greatest, high if is_finite else 0.0, low if is_finite else 0.0

    return merged_sums


class Result(NamedTuple):
    """``close(known)``, a pair, from the statistics of a row at an address; ``of_element(x, greatest, pair)``, not yet
    rounded."""

    close: Any
    of_element: Any


def make_result(name, dtype):
    """Return the ``Result`` of a function, in a type; it is NaN where the greatest element is not finite."""
    arithmetic = arithmetic_of(dtype)
    exponential, shared, share, logarithm = (
        arithmetic.exponential,
        arithmetic.shared,
        arithmetic.share,
        PAIRED.logarithm,
    )
    # What a row's sum is held times, less than here.
    scale = arithmetic.one * r.UNSCALE_SUM

    @part
    def share_of_one(known):
        total, total_low = whole_sum(_float(known)[1], _float(known)[2])
        high, low = share(total * scale, total_low * scale)
        return high if abs(_float(known)[0]) < np.inf else np.nan, low

    @part
    def share_of_element(x, greatest, high, low):
        e, e_low = exponential(x, greatest)
        return shared(e, e_low, high, low)

    @part
    def logarithm_of_sum(known):
        high, low = logarithm(1.0, _float(known)[1], _float(known)[2])
        return high if abs(_float(known)[0]) < np.inf else np.nan, low

    if name == "softmax":
        return Result(share_of_one, share_of_element)
    return Result(logarithm_of_sum, arithmetic.log_share)


def make_by_row(name, dtype):
    """Make the kernel of a result for each element of a piece of each row."""
    arithmetic, result = arithmetic_of(dtype), make_result(name, dtype)
    memory, value, close, of_element = (
        make_row_memory(dtype, arithmetic),
        arithmetic.value,
        result.close,
        result.of_element,
    )
    values, size, rounded = memory.values, memory.size, memory.rounded

    def by_row(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
        for row in range(first, last):
            x, y = row_at(j, row, at.X), row_at(j, row, at.Y)
            known = row_at(j, row, at.EXTRA)
            top = value(_float(known)[0])
            high, low = close(known)
            for start in range(0, length, CHUNK):
                count, out = min(CHUNK, length - start), y + start * y_step
                elements = memory.load(x + start * x_step, x_step, count, scratch, tile)
                target = out if y_step == size else scratch
                for i in range(0, count, TILE):
                    is_whole = i + TILE <= count
                    of_tile = values(elements + i * size if is_whole else tile)
                    store(target + i * size if is_whole else tile, rounded(of_element(of_tile, top, high, low)))
                memory.settle(out, y_step, count, target, tile)

    return by_row


def make_batched_kernel(name, dtype):
    """Make the same for batched rows, of pieces of one chunk; see ``numbaexp.cpu.columns``."""
    arithmetic, result = arithmetic_of(dtype), make_result(name, dtype)
    memory, block, value = make_row_memory(dtype, arithmetic), make_batched(dtype, arithmetic), arithmetic.value
    close, of_element, rounded, scatter = result.close, result.of_element, memory.rounded, make_scatter(memory)
    element, number = make_pointer(memory.stored_as), make_pointer(value)

    def batched(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = allocated(j, 2 * length * ONE_EACH)
        if room == 0:
            return
        values, made = room, room + length * ONE_EACH
        source, results, wide = number(values), element(made), batch_size()
        greatests, highs, lows = _float(stack(ONE_EACH)), _float(stack(ONE_EACH)), _float(stack(ONE_EACH))
        for unit in range(first, last):
            width = width_of(j, unit)
            x, y = block_at(j, unit, at.X), block_at(j, unit, at.Y)
            extra = block_at(j, unit, at.EXTRA)
            block.load(x, j[at.X_INNER], j[at.X_STEP], width, length, values)
            for c in range(BATCH):
                known = extra + min(c, width - 1) * j[at.EXTRA_INNER]
                greatests[c] = _float(known)[0]
                highs[c], lows[c] = close(known)
            for i in range(length):
                for c in range(wide):
                    k = i * BATCH + c
                    results[k] = rounded(of_element(source[k], value(greatests[c]), highs[c], lows[c]))
            scatter(made, y, j[at.Y_INNER], j[at.Y_STEP], width, length)
        release(room)

    return batched


def make_logsumexp_of_sums(_dtype):
    """Make the kernel of the logarithm of each row's sum, float64, at ``Y``; elements are rows of one."""

    def logsumexp_of_sums(job, first, last):
        j = _int(job)
        for row in range(first, last):
            known = _float(row_at(j, row, at.EXTRA))
            log, log_low = PAIRED.logarithm(1.0, known[1], known[2])
            result = PAIRED.log_sum(known[0], log, log_low)
            _float(row_at(j, row, at.Y))[0] = result if abs(known[0]) < np.inf else known[0]

    return logsumexp_of_sums
