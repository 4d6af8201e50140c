"""Kernels of sums over a row that are weighted, row by row; see ``numbaexp.cpu.rows``."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, whole_tiles
from numbaexp.cpu.lanes import make_sums
from numbaexp.cpu.room import allocated_zeros, release
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.cpu.rows import HIGH, LOW, ONES, make_combine
from numbaexp.scalar.row_arithmetic import PAIRED
from numbaexp.scalar.row_order import CHUNK
from numbaexp.scalar.row_weighted import counted, log_and_sign, term
from numbaexp.scalar.rows import of_rank_f64, subtrahend

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)
_sum_of = make_sums(PAIRED).total


@part
def terms(values, weights, count, greatest, high, low):
    source, factors, highs, lows = _float(values), _float(weights), _float(high), _float(low)
    for i in range(whole_tiles(count)):
        highs[i], lows[i] = term(source[i], factors[i], greatest)
    return _sum_of(high, low, count)


def make_weighted_log_sums(dtype):
    """Make the kernel of the logarithm of the magnitude of the sum of exponentials times ``W``, at ``Y``, and at
    ``EXTRA`` its sign; in pairs in every type."""
    memory, combine = make_row_memory(dtype, PAIRED), make_combine(PAIRED)
    element, to_value = make_pointer(memory.stored_as), memory.to_value
    greatest = make_chunks(PAIRED, make_row_memory("float64", PAIRED)).greatest

    def weighted_log_sums(job, first, last):
        j = _int(job)
        length, x_step, w_step = j[at.LENGTH], j[at.X_STEP], j[at.W_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        scratch, scratch_w, high, low = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        tile, tile_w, padded, weights = stack(TILE_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        room = allocated_zeros(j, 8 * 4 * width)
        if room == 0:
            return
        lists = _float(room)
        used, factors = _float(padded), _float(weights)
        for row in range(first, last):
            x, w = row_at(j, row, at.X), row_at(j, row, at.W)
            above, below = False, False
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                values = element(memory.load(x + start * x_step, x_step, count, scratch, tile))
                given = element(memory.load(w + start * w_step, w_step, count, scratch_w, tile_w))
                for i in range(whole_tiles(count)):
                    factors[i] = to_value(given[i]) if i < count else 0.0
                    used[i] = counted(to_value(values[i]), factors[i]) if i < count else -np.inf
                    above |= used[i] == np.inf and factors[i] > 0.0
                    below |= used[i] == np.inf and factors[i] < 0.0
                top = of_rank_f64(greatest(padded, padded, whole_tiles(count)))
                lists[c], lists[width * ONES + c] = top, 0.0
                lists[width * HIGH + c], lists[width * LOW + c] = terms(
                    padded, weights, count, subtrahend(top), high, low
                )
            top, _, total, total_low = combine(room, chunks)
            result, sign = log_and_sign(top, total, total_low, above, below)
            element(row_at(j, row, at.Y))[0] = memory.rounded(result)
            _float(row_at(j, row, at.EXTRA))[0] = sign
        release(room)

    return weighted_log_sums
