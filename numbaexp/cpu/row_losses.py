"""Kernels of the cross entropy and its gradient, row by row; see ``numbaexp.cpu.rows``."""

import numpy as np

from numbaexp.cpu import lanes
from numbaexp.cpu.chunks import make_chunks, whole_tiles
from numbaexp.cpu.row_memory import keep, make_pointer, make_row_memory, part, stack
from numbaexp.cpu.rows import (
    _CHUNK,
    _TILE,
    ALONG,
    CONSTANTS,
    EXTRA,
    EXTRA_INNER,
    EXTRA_OUTER,
    HIGH,
    LENGTH,
    LOW,
    ONES,
    W_INNER,
    W_OUTER,
    W_STEP,
    X_INNER,
    X_OUTER,
    X_STEP,
    Y_INNER,
    Y_OUTER,
    Y_STEP,
    W,
    X,
    Y,
    make_combine,
    make_share,
    make_write,
    row_at,
)
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.row_gradients import product
from numbaexp.scalar.rows import CHUNK

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_losses(dtype):
    """Of elements: the negative logarithm of a share, times a weight, as a pair at ``EXTRA``, where (greatest,
    logarithm, low, weight) of its row is found; elements are rows of one."""
    arithmetic = arithmetic_of(dtype)
    memory, value = make_row_memory(dtype, arithmetic), arithmetic.value
    element = make_pointer(memory.stored_as)

    def losses(job, first, last):
        j = _int(job)
        for row in range(first, last):
            extra = _float(row_at(j, row, EXTRA, EXTRA_OUTER, EXTRA_INNER))
            x = memory.to_value(element(row_at(j, row, X, X_OUTER, X_INNER))[0])
            log = arithmetic.log_share(x, value(extra[0]), extra[1], extra[2])
            log = log if abs(extra[0]) < np.inf else np.nan
            extra[0], extra[1] = product(-log, extra[3])
            extra[2] = log

    return losses


def make_total(dtype):
    """(high, low), at ``EXTRA``, the sum of the pairs of a row, high and low beside each other at ``X``."""

    def total(job, first, last):
        j = _int(job)
        length, step = j[LENGTH], j[X_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        high, low = stack(_CHUNK), stack(_CHUNK)
        highs, lows = _float(high), _float(low)
        sums = np.zeros((2, width), np.float64)
        for row in range(first, last):
            x = row_at(j, row, X, X_OUTER, X_INNER)
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                for i in range(whole_tiles(count)):
                    pair = _float(x + (start + min(i, count - 1)) * step)
                    highs[i] = pair[0] if i < count else 0.0
                    lows[i] = pair[1] if i < count else 0.0
                sums[0, c], sums[1, c] = lanes.total_of_pairs(high, low, whole_tiles(count))
            at = sums.ctypes.data
            target = _float(row_at(j, row, EXTRA, EXTRA_OUTER, EXTRA_INNER))
            target[0], target[1] = lanes.total_of_pairs(at, at + 8 * width, width)
        keep(sums)

    return total


def make_rounded(dtype):
    """The sum of a pair at ``EXTRA``, as an element; elements are rows of one."""
    memory = make_row_memory(dtype, arithmetic_of(dtype))
    element = make_pointer(memory.stored_as)

    def rounded(job, first, last):
        j = _int(job)
        for row in range(first, last):
            pair = _float(row_at(j, row, EXTRA, EXTRA_OUTER, EXTRA_INNER))
            element(row_at(j, row, Y, Y_OUTER, Y_INNER))[0] = memory.rounded(pair[0] + pair[1])

    return rounded


def make_class_gradients(dtype):
    """The gradient of the negative logarithm of one element's share, times a number: shares, but for that element,
    which has what its share lacks of 1, negative. ``EXTRA`` has (number, place of the element), -2 for a row of
    zeros."""
    arithmetic = arithmetic_of(dtype)
    memory, chunk = make_row_memory(dtype, arithmetic), make_chunks(arithmetic)
    combine, share_of, write = make_combine(arithmetic), make_share(arithmetic, True), make_write(arithmetic, memory)
    weighted, quotient, rounded = arithmetic.weighted, arithmetic.quotient, memory.rounded
    element, stored_as = make_pointer(memory.stored_as), memory.stored_as

    def class_gradients(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[LENGTH], j[X_STEP], j[Y_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        scratch, tile = stack(_CHUNK), stack(_TILE)
        kept, lists = np.empty(2 * chunks * CHUNK, np.float64), np.zeros(4 * width, np.float64)
        high, known = kept.ctypes.data, lists.ctypes.data
        low = high + _CHUNK * chunks
        for row in range(first, last):
            x, y = row_at(j, row, X, X_OUTER, X_INNER), row_at(j, row, Y, Y_OUTER, Y_INNER)
            extra = _float(row_at(j, row, EXTRA, EXTRA_OUTER, EXTRA_INNER))
            number, place = extra[0], np.int64(extra[1])
            if place == -2:
                for i in range(length):
                    element(y + i * y_step)[0] = stored_as(0)
                continue
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                values = memory.load(x + start * x_step, x_step, count, scratch, tile)
                top = chunk.greatest(values, tile, count)
                here, here_low = high + 8 * start, low + 8 * start
                chunk.exponentials(values, tile, count, top, here, here_low, y + start * y_step)
                lists[c], lists[width * ONES + c] = top, 0.0
                lists[width * HIGH + c], lists[width * LOW + c] = chunk.total(here, here_low, count)
            top, _, total, total_low = combine(known, chunks)
            # The sum of the others: without it, where the element is most of its row, what its share lacks would
            # cancel.
            c = place // CHUNK
            start = c * CHUNK
            kept[place], kept[chunks * CHUNK + place] = 0.0, 0.0
            others, others_low = chunk.total(high + 8 * start, low + 8 * start, min(CHUNK, length - start))
            others, others_low = weighted(others, others_low, lists[c], lists[width * ONES + c])
            if chunks > 1:
                lists[width * HIGH + c], lists[width * LOW + c] = others, others_low
                others, others_low = chunk.total(known + 8 * width * HIGH, known + 8 * width * LOW, chunks)
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                share, share_low = share_of(lists[c], lists[width * ONES + c], top, total, total_low, number)
                share = share if abs(top) < np.inf else np.nan
                here, here_low = high + 8 * start, low + 8 * start
                write(here, here_low, count, share, share_low, y + start * y_step, y_step, scratch, tile)
            lacking = quotient(others, others_low, total, total_low, -number)
            lacking = lacking if abs(top) < np.inf else np.nan
            element(y + place * y_step)[0] = rounded(lacking)
        keep(kept)
        keep(lists)

    return class_gradients


@part
def expected(weight, probability, constants):
    """A class's part of the target: smoothed, and times the weight of the class."""
    return weight * (constants[0] * probability + constants[1])


def make_expected_losses(dtype):
    """(high, low) at ``EXTRA``, where (greatest, logarithm, low) of the row is found: the sum of the negative
    logarithms of shares, each times its part of the target. ``ALONG`` has the classes' weights, ``W`` their
    probabilities."""
    arithmetic = arithmetic_of(dtype)
    memory, value = make_row_memory(dtype, arithmetic), arithmetic.value
    number = make_pointer(value)

    def expected_losses(job, first, last):
        j = _int(job)
        length, x_step, w_step = j[LENGTH], j[X_STEP], j[W_STEP]
        width = whole_tiles((length + CHUNK - 1) // CHUNK)
        scratch, scratch_w, high, low = stack(_CHUNK), stack(_CHUNK), stack(_CHUNK), stack(_CHUNK)
        tile, tile_w = stack(_TILE), stack(_TILE)
        highs, lows, along, constants = _float(high), _float(low), _float(j[ALONG]), _float(j[CONSTANTS])
        sums = np.zeros((2, width), np.float64)
        for row in range(first, last):
            x, w = row_at(j, row, X, X_OUTER, X_INNER), row_at(j, row, W, W_OUTER, W_INNER)
            extra = _float(row_at(j, row, EXTRA, EXTRA_OUTER, EXTRA_INNER))
            top = value(extra[0])
            log = extra[1] if abs(extra[0]) < np.inf else np.nan
            for start in range(0, length, CHUNK):
                count, c = min(CHUNK, length - start), start // CHUNK
                values = number(memory.load(x + start * x_step, x_step, count, scratch, tile))
                parts = number(memory.load(w + start * w_step, w_step, count, scratch_w, tile_w))
                for i in range(count):
                    share = expected(along[start + i], np.float64(parts[i]), constants)
                    highs[i], lows[i] = product(-arithmetic.log_share(values[i], top, log, extra[2]), share)
                for i in range(count, whole_tiles(count)):
                    highs[i], lows[i] = 0.0, 0.0
                sums[0, c], sums[1, c] = lanes.total_of_pairs(high, low, whole_tiles(count))
            at = sums.ctypes.data
            extra[0], extra[1] = lanes.total_of_pairs(at, at + 8 * width, width)
        keep(sums)

    return expected_losses


def make_expected_gradients(dtype):
    """The gradient of an expected loss: the shares times the sum of the target's parts, less those parts; all times a
    number of the row. ``EXTRA`` has (number, place, weight): at that place the target has another part, of that weight;
    the place is -1 where there is none, and -2 for a row of zeros."""
    arithmetic = arithmetic_of(dtype)
    memory, chunk = make_row_memory(dtype, arithmetic), make_chunks(arithmetic)
    combine, share_of = make_combine(arithmetic), make_share(arithmetic, True)
    shared, rounded = arithmetic.shared, memory.rounded
    element, number, stored_as = make_pointer(memory.stored_as), make_pointer(arithmetic.value), memory.stored_as

    def expected_gradients(job, first, last):
        j = _int(job)
        length, x_step, w_step, y_step = j[LENGTH], j[X_STEP], j[W_STEP], j[Y_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        scratch, scratch_w, high, low = stack(_CHUNK), stack(_CHUNK), stack(_CHUNK), stack(_CHUNK)
        tile, tile_w, made, parts_at = stack(_TILE), stack(_TILE), stack(_CHUNK), stack(_CHUNK)
        highs, lows, parts = _float(high), _float(low), _float(parts_at)
        along, constants = _float(j[ALONG]), _float(j[CONSTANTS])
        lists, results = np.zeros(4 * width, np.float64), element(made)
        for row in range(first, last):
            x, w = row_at(j, row, X, X_OUTER, X_INNER), row_at(j, row, W, W_OUTER, W_INNER)
            y = row_at(j, row, Y, Y_OUTER, Y_INNER)
            extra = _float(row_at(j, row, EXTRA, EXTRA_OUTER, EXTRA_INNER))
            scale, place, weight = extra[0], np.int64(extra[1]), extra[2]
            if place == -2:
                for i in range(length):
                    element(y + i * y_step)[0] = stored_as(0)
                continue
            whole_target = weight if place >= 0 else 0.0
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                values = memory.load(x + start * x_step, x_step, count, scratch, tile)
                targets = number(memory.load(w + start * w_step, w_step, count, scratch_w, tile_w))
                for i in range(count):
                    whole_target += expected(along[start + i], np.float64(targets[i]), constants)
                top = chunk.greatest(values, tile, count)
                chunk.exponentials(values, tile, count, top, high, low, y + start * y_step)
                lists[c], lists[width * ONES + c] = top, 0.0
                lists[width * HIGH + c], lists[width * LOW + c] = chunk.total(high, low, count)
            top, _, total, total_low = combine(lists.ctypes.data, chunks)
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                values = memory.load(x + start * x_step, x_step, count, scratch, tile)
                of_chunk = chunk.greatest(values, tile, count)
                chunk.exponentials(values, tile, count, of_chunk, high, low, y + start * y_step)
                targets = number(memory.load(w + start * w_step, w_step, count, scratch_w, tile_w))
                for i in range(count):
                    parts[i] = expected(along[start + i], np.float64(targets[i]), constants)
                if start <= place < start + count:
                    parts[place - start] += weight
                share, share_low = share_of(
                    lists[c], lists[width * ONES + c], top, total, total_low, scale * whole_target
                )
                share = share if abs(top) < np.inf else np.nan
                for i in range(count):
                    gradient = shared(highs[i], lows[i], share, share_low) - scale * parts[i]
                    results[i] = rounded(gradient)
                for i in range(count):
                    element(y + (start + i) * y_step)[0] = results[i]
        keep(lists)

    return expected_gradients
