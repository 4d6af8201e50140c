"""Kernels of the gradients of the softmax family, row by row and batched; see ``numbaexp.cpu.rows``.

``X`` is the gradient of the result, ``W`` the result, ``Y`` the gradient that is made.
"""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_fetch, whole_tiles
from numbaexp.cpu.columns import batch_size, block_at, make_batched, make_scatter, width_of
from numbaexp.cpu.lanes import make_sums as make_sums_of_pairs
from numbaexp.cpu.room import allocated, allocated_zeros, release
from numbaexp.cpu.row_job import BATCH, CHUNK_BYTES, TILE, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.cpu.rows import HIGH, LOW
from numbaexp.scalar.row_arithmetic import PAIRED, arithmetic_of
from numbaexp.scalar.row_gradients import gradient_of
from numbaexp.scalar.row_order import CHUNK
from numbaexp.vector.level import AVX512, current_level
from numbaexp.vector.memory import first_lanes, prefetch_to_read, prefetch_to_write, store
from numbaexp.vector.operations import as_number, where

# Elements that are fetched ahead at least: short rows that follow each other are too near.
AHEAD = 1024

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)
_sums = make_sums_of_pairs(PAIRED)


class Chunk(NamedTuple):
    """``sum_of(g, tile, y, tile_y, count)``, a pair; ``write(g, tile, y, tile_y, count, total, low, out, step,
    scratch)``; and ``write_and_sum``, which takes the first four of another row too, a tuple, and returns its sum:
    what it loads and adds up overlaps with the products of the other."""

    sum_of: Any
    write: Any
    write_and_sum: Any


def _make_chunk(name, dtype, memory):
    addend, result = gradient_of(name, dtype)
    values, rounded, size = memory.values, memory.rounded, memory.size
    fetch_to_read, fetch_to_write = make_fetch(size, prefetch_to_read), make_fetch(size, prefetch_to_write)

    @part
    def numbers_at(elements, tile, start, count):
        return as_number(values(elements + start * size if start + TILE <= count else tile), 0.0)

    @part
    def added(high, low, g, tile, y, tile_y, start, count):
        of_g, of_y = numbers_at(g, tile, start, count), numbers_at(y, tile_y, start, count)
        # What fills up the tile is to add nothing.
        there = first_lanes(of_g, count - start)
        return PAIRED.add(high, low, *addend(where(there, of_g, 0.0), where(there, of_y, 0.0)))

    @part
    def sum_of(g, tile, y, tile_y, count):
        high, low = _sums.nothing(tile)
        for start in range(0, count, TILE):
            high, low = added(high, low, g, tile, y, tile_y, start, count)
        return _sums.of_lanes(high, low)

    @part
    def write_tile(g, tile, y, tile_y, start, count, total, low, target):
        of_g, of_y = numbers_at(g, tile, start, count), numbers_at(y, tile_y, start, count)
        address = target + start * size if start + TILE <= count else tile
        store(address, rounded(result(of_g, of_y, total, low)))

    @part
    def write(g, tile, y, tile_y, count, total, low, out, step, scratch):
        target = out if step == size else scratch
        for start in range(0, count, TILE):
            ahead = (count + start) * size
            fetch_to_read(g + ahead)
            fetch_to_read(y + ahead)
            fetch_to_write(out + ahead)
            write_tile(g, tile, y, tile_y, start, count, total, low, target)
        memory.settle(out, step, count, target, tile)

    @part
    def write_and_sum(g, tile, y, tile_y, count, total, low, out, step, scratch, after):
        next_g, next_tile, next_y, next_tile_y = after
        target = out if step == size else scratch
        high, high_low = _sums.nothing(tile)
        for start in range(0, count, TILE):
            ahead = (max(count, AHEAD) + start) * size
            fetch_to_read(next_g + ahead)
            fetch_to_read(next_y + ahead)
            fetch_to_write(out + ahead)
            high, high_low = added(high, high_low, next_g, next_tile, next_y, next_tile_y, start, count)
            write_tile(g, tile, y, tile_y, start, count, total, low, target)
        memory.settle(out, step, count, target, tile)
        return _sums.of_lanes(high, high_low)

    return Chunk(sum_of, write, write_and_sum)


def make_by_row(name, dtype):
    """Make the kernel of rows of up to ``numbaexp.cpu.rows.KEPT`` chunks, which are read twice; of one chunk a row may
    be summed while the one before is written."""
    memory = make_row_memory(dtype, arithmetic_of(dtype))
    chunk = _make_chunk(name, dtype, memory)
    # That takes 32 registers; and rounding to bfloat16, which branches, leaves none for sums.
    together = current_level() == AVX512 and dtype != "bfloat16"

    @part
    def load(x, x_step, w, w_step, count, rooms):
        scratch, scratch_y, tile, tile_y = rooms
        return (
            memory.load(x, x_step, count, scratch, tile),
            tile,
            memory.load(w, w_step, count, scratch_y, tile_y),
            tile_y,
        )

    def by_row(job, first, last):
        j = _int(job)
        length, x_step, w_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.W_STEP], j[at.Y_STEP]
        rooms = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(TILE_BYTES), stack(TILE_BYTES)
        next_rooms = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(TILE_BYTES), stack(TILE_BYTES)
        made = stack(CHUNK_BYTES)
        width = whole_tiles((length + CHUNK - 1) // CHUNK)
        room = allocated_zeros(j, 8 * 2 * width)
        if room == 0:
            return
        highs, lows = _float(room), _float(room + 8 * width)
        total, total_low = 0.0, 0.0
        for row in range(first, last):
            x, w, out = row_at(j, row, at.X), row_at(j, row, at.W), row_at(j, row, at.Y)
            if row == first or length > CHUNK or not together:
                for start in range(0, length, CHUNK):
                    count, c = min(CHUNK, length - start), start // CHUNK
                    given = load(x + start * x_step, x_step, w + start * w_step, w_step, count, rooms)
                    highs[c], lows[c] = chunk.sum_of(*given, count)
                total, total_low = highs[0], lows[0]
            if length > CHUNK:
                total, total_low = _sums.total(room, room + 8 * width, width)
            if together and length <= CHUNK and row + 1 < last:
                after = load(row_at(j, row + 1, at.X), x_step, row_at(j, row + 1, at.W), w_step, length, next_rooms)
                total, total_low = chunk.write_and_sum(*given, length, total, total_low, out, y_step, made, after)
                given, rooms, next_rooms = after, next_rooms, rooms
                continue
            for start in range(0, length, CHUNK):
                count = min(CHUNK, length - start)
                given = load(x + start * x_step, x_step, w + start * w_step, w_step, count, rooms)
                chunk.write(*given, count, total, total_low, out + start * y_step, y_step, made)
        release(room)

    return by_row


def make_sums(name, dtype):
    """Make the kernel of the sums of chunks, which are put where ``KNOWN`` says; a chunk is a unit."""
    memory = make_row_memory(dtype, arithmetic_of(dtype))
    chunk = _make_chunk(name, dtype, memory)

    def sums(job, first, last):
        j = _int(job)
        x_step, w_step, chunks = j[at.X_STEP], j[at.W_STEP], j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        scratch, scratch_y, tile, tile_y = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(TILE_BYTES), stack(TILE_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, j[at.LENGTH] - start)
            g = memory.load(row_at(j, row, at.X) + start * x_step, x_step, count, scratch, tile)
            y = memory.load(row_at(j, row, at.W) + start * w_step, w_step, count, scratch_y, tile_y)
            known = _float(j[at.KNOWN] + 8 * 4 * width * row)
            known[width * HIGH + c], known[width * LOW + c] = chunk.sum_of(g, tile, y, tile_y, count)

    return sums


def make_close(_name, _dtype):
    """Make the kernel of the sum of a row's chunks, which is put at the head of the lists; a row is a unit."""

    def close(job, first, last):
        j = _int(job)
        chunks = j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        for row in range(first, last):
            known = j[at.KNOWN] + 8 * 4 * width * row
            total, low = _sums.total(known + 8 * width * HIGH, known + 8 * width * LOW, chunks)
            _float(known)[0], _float(known)[1] = total, low

    return close


def make_finish(name, dtype):
    """Make the kernel of the gradient of a chunk, from the sum of its row; a chunk is a unit."""
    memory = make_row_memory(dtype, arithmetic_of(dtype))
    chunk = _make_chunk(name, dtype, memory)

    def finish(job, first, last):
        j = _int(job)
        x_step, w_step, y_step, chunks = j[at.X_STEP], j[at.W_STEP], j[at.Y_STEP], j[at.CHUNKS_OF_ROWS]
        scratch, scratch_y, made = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        tile, tile_y = stack(TILE_BYTES), stack(TILE_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, j[at.LENGTH] - start)
            g = memory.load(row_at(j, row, at.X) + start * x_step, x_step, count, scratch, tile)
            y = memory.load(row_at(j, row, at.W) + start * w_step, w_step, count, scratch_y, tile_y)
            out = row_at(j, row, at.Y) + start * y_step
            known = _float(j[at.KNOWN] + 8 * 4 * whole_tiles(chunks) * row)
            chunk.write(g, tile, y, tile_y, count, known[0], known[1], out, y_step, made)

    return finish


def make_batched_kernel(name, dtype):
    """Make the kernel of batched rows of one chunk."""
    memory, gradient, block = make_row_memory(dtype, PAIRED), gradient_of(name, dtype), make_batched(dtype, PAIRED)
    addend, result, rounded, scatter = gradient.addend, gradient.result, memory.rounded, make_scatter(memory)
    element = make_pointer(memory.stored_as)

    def batched(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        size = length * TILE_BYTES
        room = allocated(j, 4 * size)
        if room == 0:
            return
        values, values_y, high, low = room, room + size, room + 2 * size, room + 3 * size
        gs, ys, highs, lows, results = _float(values), _float(values_y), _float(high), _float(low), element(values)
        sums, sums_low, wide = stack(TILE_BYTES), stack(TILE_BYTES), batch_size()
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
                    k = i * BATCH + c
                    results[k] = rounded(result(gs[k], ys[k], totals[c], totals_low[c]))
            y = block_at(j, unit, at.Y)
            scatter(values, y, j[at.Y_INNER], j[at.Y_STEP], width, length)
        release(room)

    return batched
