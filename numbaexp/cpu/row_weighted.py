"""Kernels of sums over a row that are weighted, row by row; see ``numbaexp.cpu.rows``."""

import numpy as np

from numbaexp.cpu import lanes
from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, whole_tiles
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
from numbaexp.cpu.row_memory import TILE, keep, make_pointer, make_row_memory, part, stack
from numbaexp.cpu.rows import HIGH, LOW, ONES, make_combine
from numbaexp.scalar import rows as r
from numbaexp.scalar.row_arithmetic import PAIRED
from numbaexp.scalar.rows import CHUNK

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


@part
def counted(x, factor):
    """Of what has no weight not even a NaN counts; a factor that is no finite number makes the element one."""
    return x + (factor - factor) if factor != 0.0 else -np.inf


@part
def terms(values, tile, weights, tile_of_weights, count, greatest, high, low):
    highs, lows = _float(high), _float(low)
    for start in range(0, count, TILE):
        whole = start + TILE <= count
        source = _float(values + 8 * start if whole else tile)
        factors = _float(weights + 8 * start if whole else tile_of_weights)
        for i in range(TILE):
            e, e_low = PAIRED.exponential(source[i], greatest)
            # The logarithm of 1 alone is to be 0.
            e, e_low = (PAIRED.one, 0.0) if source[i] == greatest else (e, e_low)
            weighted = r.product_of_pairs(e, e_low, factors[i], 0.0)
            none = e == 0.0
            highs[start + i] = 0.0 if none else weighted[0]
            lows[start + i] = 0.0 if none else weighted[1]
    return lanes.total_of_pairs(high, low, whole_tiles(count))


@part
def logarithm_of(top, total, total_low):
    z, z_low = r.two_sum(abs(total) * r.UNSCALE_SUM, -1.0)
    z_low += (total_low if total > 0.0 else -total_low) * r.UNSCALE_SUM
    log, log_low = r.log1p_pair(z, z_low)
    result = -np.inf if total == 0.0 else PAIRED.log_sum(top, log, log_low)
    return result if abs(top) < np.inf else top


def make_weighted_log_sums(dtype):
    """The logarithm of the magnitude of the sum of exponentials times ``W``, at ``Y``, and at ``EXTRA`` its sign; in
    pairs in every type."""
    memory, chunk, combine = make_row_memory(dtype, PAIRED), make_chunks(PAIRED), make_combine(PAIRED)
    element = make_pointer(memory.stored_as)

    def weighted_log_sums(job, first, last):
        j = _int(job)
        length, x_step, w_step = j[at.LENGTH], j[at.X_STEP], j[at.W_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        scratch, scratch_w, high, low = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        tile, tile_w, padded = stack(TILE_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES)
        lists = np.zeros(4 * width, np.float64)
        used = _float(padded)
        for row in range(first, last):
            x, w = at.row_at(j, row, at.X), at.row_at(j, row, at.W)
            above, below = False, False
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                values = _float(memory.load(x + start * x_step, x_step, count, scratch, tile))
                weights = memory.load(w + start * w_step, w_step, count, scratch_w, tile_w)
                factors = _float(weights)
                for i in range(whole_tiles(count)):
                    used[i] = counted(values[i], factors[i]) if i < count else -np.inf
                    above |= used[i] == np.inf and factors[i] > 0.0
                    below |= used[i] == np.inf and factors[i] < 0.0
                over = count // TILE * TILE
                for i in range(TILE):
                    _float(tile)[i] = used[over + i] if over < count else -np.inf
                top = chunk.greatest(padded, tile, count)
                subtracted = 0.0 if top == -np.inf else top
                lists[c], lists[width * ONES + c] = top, 0.0
                lists[width * HIGH + c], lists[width * LOW + c] = terms(
                    padded, tile, weights, tile_w, count, subtracted, high, low
                )
            top, _, total, total_low = combine(lists.ctypes.data, chunks)
            # Where terms cancel, most of the sum may be in its low part.
            total, total_low = r.two_sum(total, total_low)
            sign = np.float64(total > 0.0) - np.float64(total < 0.0)
            sign = np.float64(above) - np.float64(below) if top == np.inf else sign
            # Infinite terms of both signs have no sum, and neither have numbers with NaN.
            known = sign != 0.0 or (total == 0.0 and top < np.inf)
            result = logarithm_of(top, total, total_low) if known else np.nan
            element(at.row_at(j, row, at.Y))[0] = memory.rounded(result)
            _float(at.row_at(j, row, at.EXTRA))[0] = sign if known else np.nan
        keep(lists)

    return weighted_log_sums
