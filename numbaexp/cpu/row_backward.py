"""Kernels of the gradients of the softmax family, row by row and beside each other; see ``numbaexp.cpu.rows``.

``X`` is the gradient of the result, ``W`` the result, ``Y`` the gradient that is made.
"""

import numpy as np
from numba.np.numpy_support import from_dtype

from numbaexp.cpu import lanes
from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import LINE, whole_tiles
from numbaexp.cpu.columns import BESIDE, beside, block_at, make_beside, make_scatter, width_of
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
from numbaexp.cpu.row_memory import TILE, keep, make_pointer, make_row_memory, part, stack
from numbaexp.scalar.row_arithmetic import PAIRED, arithmetic_of
from numbaexp.scalar.row_gradients import gradient_of
from numbaexp.scalar.rows import CHUNK, LANES

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)
_ADD = {"softmax_backward": lanes.ADD_PRODUCTS, "log_softmax_backward": lanes.ADD_FIRST}


def make_by_row(name, dtype):
    """Rows of any length, which are read twice."""
    arithmetic, gradient = arithmetic_of(dtype), gradient_of(name, dtype)
    memory, number = make_row_memory(dtype, arithmetic), make_pointer(arithmetic.value)
    value_size = memory.value_size
    result, rounded, size = gradient.result, memory.rounded, memory.size
    element = make_pointer(memory.stored_as)
    add = _ADD[name][from_dtype(np.dtype(arithmetic.value))]

    @part
    def tile_at(values, tile, start, count):
        return number(values + value_size * start if start + TILE <= count else tile)

    @part
    def sum_of_chunk(g, tile, y, tile_y, count, high, low):
        highs, lows, whole = _float(high), _float(low), count // TILE * TILE
        for i in range(LANES):
            highs[i], lows[i] = 0.0, 0.0
        if whole:
            add(high, low, g, y, whole)
        if whole < count:
            # What fills up the tile is to add nothing.
            for i in range(count - whole, TILE):
                number(tile)[i] = number(tile_y)[i] = 0.0
            add(high, low, tile, tile_y, TILE)
        return lanes.total_of_pairs(high, low, LANES)

    @part
    def write(g, tile, y, tile_y, count, total, low, out, step, scratch):
        target = out if step == size else scratch
        for start in range(0, count, TILE):
            for line in range(0, TILE * value_size, LINE):
                ahead = (count + start) * value_size + line
                lanes.prefetch_to_read(g + ahead)
                lanes.prefetch_to_read(y + ahead)
                lanes.prefetch_to_write(out + ahead)
            gs, ys = tile_at(g, tile, start, count), tile_at(y, tile_y, start, count)
            results = element(target + start * size if start + TILE <= count else tile)
            for i in range(TILE):
                results[i] = rounded(result(np.float64(gs[i]), np.float64(ys[i]), total, low))
        memory.settle(out, step, count, target, tile)

    def by_row(job, first, last):
        j = _int(job)
        length, x_step, w_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.W_STEP], j[at.Y_STEP]
        scratch, scratch_y, high, low = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        tile, tile_y = stack(TILE_BYTES), stack(TILE_BYTES)
        width = whole_tiles((length + CHUNK - 1) // CHUNK)
        sums = np.zeros((2, width), np.float64)
        sums_at = sums.ctypes.data
        for row in range(first, last):
            x, w = at.row_at(j, row, at.X), at.row_at(j, row, at.W)
            out = at.row_at(j, row, at.Y)
            for start in range(0, length, CHUNK):
                count, c = min(CHUNK, length - start), start // CHUNK
                g = memory.load(x + start * x_step, x_step, count, scratch, tile)
                y = memory.load(w + start * w_step, w_step, count, scratch_y, tile_y)
                sums[0, c], sums[1, c] = sum_of_chunk(g, tile, y, tile_y, count, high, low)
            total, total_low = sums[0, 0], sums[1, 0]
            if length > CHUNK:
                total, total_low = lanes.total_of_pairs(sums_at, sums_at + 8 * width, width)
            for start in range(0, length, CHUNK):
                count = min(CHUNK, length - start)
                g = memory.load(x + start * x_step, x_step, count, scratch, tile)
                y = memory.load(w + start * w_step, w_step, count, scratch_y, tile_y)
                write(g, tile, y, tile_y, count, total, total_low, out + start * y_step, y_step, high)
        keep(sums)

    return by_row


def make_beside_kernel(name, dtype):
    """Rows of one chunk, beside each other."""
    memory, gradient, block = make_row_memory(dtype, PAIRED), gradient_of(name, dtype), make_beside(dtype, PAIRED)
    addend, result, rounded, scatter = gradient.addend, gradient.result, memory.rounded, make_scatter(memory)
    element = make_pointer(memory.stored_as)

    def beside_each_other(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = np.empty((4, length * BESIDE), np.float64)
        values = room.ctypes.data
        values_y, high, low = values + room.strides[0], values + 2 * room.strides[0], values + 3 * room.strides[0]
        gs, ys, highs, lows, results = _float(values), _float(values_y), _float(high), _float(low), element(values)
        sums, sums_low, wide = stack(TILE_BYTES), stack(TILE_BYTES), beside()
        totals, totals_low = _float(sums), _float(sums_low)
        for unit in range(first, last):
            width = width_of(j, unit)
            x, w = block_at(j, unit, at.X), block_at(j, unit, at.W)
            block.load(x, j[at.X_INNER], j[at.X_STEP], width, length, values)
            block.load(w, j[at.W_INNER], j[at.W_STEP], width, length, values_y)
            for i in range(length * wide):
                highs[i], lows[i] = addend(gs[i], ys[i])
            block.total(high, low, length, sums, sums_low)
            for i in range(length):
                for c in range(wide):
                    k = i * BESIDE + c
                    results[k] = rounded(result(gs[k], ys[k], totals[c], totals_low[c]))
            y = block_at(j, unit, at.Y)
            scatter(values, y, j[at.Y_INNER], j[at.Y_STEP], width, length)
        keep(room)

    return beside_each_other
