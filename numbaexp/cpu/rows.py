"""Kernels that go through an array row by row; see ``numbaexp.cpu.row_job``. A unit is a row; of rows of more than
``KEPT`` chunks it is a chunk, in the kernels that say so."""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, whole_tiles
from numbaexp.cpu.lanes import make_sums as make_sums_of_pairs
from numbaexp.cpu.room import lists_of, release_lists
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.scalar.row_arithmetic import NARROW, arithmetic_of
from numbaexp.scalar.row_order import CHUNK
from numbaexp.scalar.rows import rank, subtrahend
from numbaexp.vector.memory import store
from numbaexp.vector.operations import where

# The partial sums of a row's chunks: lists of float64, one after another, of a multiple of TILE. A softmax has its sums
# alone, and puts the statistics of the row at the head.
GREATEST, ONES, HIGH, LOW = range(4)
# Bytes of the lists of a row of one chunk.
LISTS_BYTES = 4 * TILE_BYTES
REFERENCE, SHARE, SHARE_LOW = range(3)

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


class RowSums(NamedTuple):
    """``sums`` is the address of two lists, high and low, of the sums of a row's chunks, with 0 up to their ends.

    of_row(x, length, step, high, low, kept, sums, scratch, tile, y, y_step) : (reference, high, low) of a row. Its
        exponentials are put at ``high`` and ``low``, each chunk's so many bytes behind the one before.
    settled(x, length, step, high, low, sums, scratch, tile, y, y_step) : the same of a row of which the sums of chunks
        are known, of differences from 0; what is at ``high`` and ``low`` is not for use.
    """

    of_row: Any
    settled: Any


def make_row_sums(arithmetic, memory):
    chunk, sum_of, usable = make_chunks(arithmetic, memory), make_sums_of_pairs(arithmetic).total, arithmetic.usable
    of_rank, least_rank = arithmetic.of_rank, arithmetic.least_rank

    @part
    def greatest_of(x, length, step, scratch, tile):
        top = least_rank
        for start in range(0, length, CHUNK):
            count = min(CHUNK, length - start)
            elements = memory.load(x + start * step, step, count, scratch, tile)
            top = max(top, chunk.greatest(elements, tile, count))
        return np.float64(of_rank(top))

    @part
    def sum_with(reference, x, length, step, high, low, kept, sums, scratch, tile, y, y_step):
        reference = subtrahend(reference)
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        highs, lows = _float(sums), _float(sums + 8 * width)
        total, total_low = 0.0, 0.0
        for c in range(chunks):
            start = c * CHUNK
            count = min(CHUNK, length - start)
            elements = memory.load(x + start * step, step, count, scratch, tile)
            total, total_low = chunk.exponentials(
                elements, tile, count, reference, high + c * kept, low + c * kept, y + start * y_step
            )
            highs[c], lows[c] = total, total_low
        return sum_of(sums, sums + 8 * width, chunks) if chunks > 1 else (total, total_low)

    @part
    def of_row(x, length, step, high, low, kept, sums, scratch, tile, y, y_step):
        reference, total, total_low, tries = 0.0, 0.0, 0.0, 0
        while tries == 0 or (tries == 1 and not usable(total)):
            if tries:
                reference = greatest_of(x, length, step, scratch, tile)
            total, total_low = sum_with(reference, x, length, step, high, low, kept, sums, scratch, tile, y, y_step)
            tries += 1
        return reference, total, total_low

    @part
    def settled(x, length, step, high, low, sums, scratch, tile, y, y_step):
        chunks = (length + CHUNK - 1) // CHUNK
        reference = 0.0
        total, total_low = sum_of(sums, sums + 8 * whole_tiles(chunks), chunks)
        if not usable(total):
            reference = greatest_of(x, length, step, scratch, tile)
            total, total_low = sum_with(reference, x, length, step, high, low, 0, sums, scratch, tile, y, y_step)
        return reference, total, total_low

    return RowSums(of_row, settled)


def make_combine(arithmetic):
    """Return a function that merges the partial sums of a row's chunks for a logarithm, at an address, each list filled
    up with 0, into (greatest, ones, high, low) of the row; the sums in the lists are overwritten."""
    value, one, of_rank = arithmetic.value, arithmetic.one, arithmetic.of_rank
    weight_of, weighted, add = arithmetic.weight, arithmetic.weighted, arithmetic.add
    total = make_sums_of_pairs(arithmetic).total

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
        else:
            ones_of_row = 0.0
            for i in range(chunks):
                is_greatest = value(greatest[i]) == of_row
                ones_of_row += ones[i] if is_greatest else 0.0
                others, others_low = add(0.0 if is_greatest else ones[i] * one, 0.0, high[i], low[i])
                high[i], low[i] = weighted(others, others_low, *weight_of(value(greatest[i]), of_row))
            sum_high, sum_low = total(known + 8 * width * HIGH, known + 8 * width * LOW, chunks)
        return of_row, ones_of_row, sum_high, sum_low

    return combine


def make_share(arithmetic, scaled):
    """Return ``share(reference, high, low, scale)``, the number that the exponentials of a row are to be multiplied by,
    from its statistics; NaN where its greatest element is no finite number. Where it is ``scaled`` that is times
    ``scale``, and 0 in a row of -infinity."""
    share_of = arithmetic.share

    @part
    def share(reference, high, low, scale):
        s, s_low = share_of(high, low)
        if scaled:
            s, s_low = arithmetic.scaled(s, s_low, scale)
            s, s_low = (0.0, 0.0) if reference == -np.inf else (s, s_low)
        usual = abs(reference) < np.inf or (scaled and reference == -np.inf)
        return s if usual else np.nan, s_low

    return share


def make_write(arithmetic, memory, scaled):
    """Return ``write(high, low, count, share, share_low, y, step, scratch, tile)`` of a chunk's exponentials times a
    share."""
    shared, rounded, size, smallest = arithmetic.shared, memory.rounded, memory.size_of_results, arithmetic.nothing
    load, narrow = make_sums_of_pairs(arithmetic).load, arithmetic is NARROW

    @part
    def write(high, low, count, share, share_low, y, step, scratch, tile):
        target = y if step == size else scratch
        for start in range(0, count, TILE):
            e, e_low = load(high + 8 * start, low + 8 * start)
            if scaled:
                # A scale may be so great that something would become of what stands for 0.
                is_nothing = e < smallest
                e = where(is_nothing, 0.0, e)
                e_low = 0.0 if narrow else where(is_nothing, 0.0, e_low)
            address = target + start * size if start + TILE <= count else tile
            store(address, rounded(shared(e, e_low, share, share_low)))
        memory.settle(y, step, count, target, tile)

    return write


def make_softmax(dtype, scaled=False):
    """Make the kernel of rows of up to ``KEPT`` chunks, each element of which is read once and written once."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    sum_of_row = make_row_sums(arithmetic, memory).of_row
    share_of, write = make_share(arithmetic, scaled), make_write(arithmetic, memory, scaled)

    def softmax(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        sums_bytes, kept = 8 * 2 * whole_tiles(chunks), CHUNK_BYTES * chunks if chunks > 1 else 0
        own = stack(LISTS_BYTES)
        room = lists_of(j, sums_bytes + 2 * kept, own)
        if room == 0:
            return
        if chunks > 1:
            high, low = room + sums_bytes, room + sums_bytes + kept
        for row in range(first, last):
            x, y = row_at(j, row, at.X), row_at(j, row, at.Y)
            reference, total, total_low = sum_of_row(
                x, length, x_step, high, low, CHUNK_BYTES, room, scratch, tile, y, y_step
            )
            scale = _float(row_at(j, row, at.EXTRA))[0] if scaled else 1.0
            share, share_low = share_of(reference, total, total_low, scale)
            for c in range(chunks):
                start, here = c * CHUNK, c * CHUNK_BYTES
                count = min(CHUNK, length - start)
                write(high + here, low + here, count, share, share_low, y + start * y_step, y_step, scratch, tile)
        release_lists(room, own)

    return softmax


def make_sums(dtype):
    """Make the kernel of the sums of chunks of differences from 0, which are put where ``KNOWN`` says; a chunk is a
    unit."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk = make_chunks(arithmetic, memory)

    def sums(job, first, last):
        j = _int(job)
        length, x_step, chunks = j[at.LENGTH], j[at.X_STEP], j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, length - start)
            x = row_at(j, row, at.X) + start * x_step
            elements = memory.load(x, x_step, count, scratch, tile)
            known = _float(j[at.KNOWN] + 8 * 4 * width * row)
            known[width * HIGH + c], known[width * LOW + c] = chunk.exponentials(
                elements, tile, count, 0.0, high, low, high
            )

    return sums


def make_sums_apart(dtype):
    """Put greatest elements, counts and sums of chunks, for a logarithm, where ``KNOWN`` says; a chunk is a unit."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk, of_rank = make_chunks(arithmetic, memory), arithmetic.of_rank

    def sums_apart(job, first, last):
        j = _int(job)
        length, x_step, chunks = j[at.LENGTH], j[at.X_STEP], j[at.CHUNKS_OF_ROWS]
        width = whole_tiles(chunks)
        scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, length - start)
            elements = memory.load(row_at(j, row, at.X) + start * x_step, x_step, count, scratch, tile)
            top = of_rank(chunk.greatest(elements, tile, count))
            known = _float(j[at.KNOWN] + 8 * 4 * width * row)
            ones, known[width * HIGH + c], known[width * LOW + c] = chunk.addends(elements, tile, count, top)
            known[c], known[width * ONES + c] = top, ones

    return sums_apart


def make_shares(dtype, scaled=False):
    """Make the kernel that turns the sums of a row's chunks into its reference and share, high and low, at the head of
    the lists; a row is a unit."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    settled, share_of = make_row_sums(arithmetic, memory).settled, make_share(arithmetic, scaled)

    def shares(job, first, last):
        j = _int(job)
        length, x_step = j[at.LENGTH], j[at.X_STEP]
        width = whole_tiles(j[at.CHUNKS_OF_ROWS])
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        for row in range(first, last):
            known = j[at.KNOWN] + 8 * 4 * width * row
            sums = known + 8 * width * HIGH
            reference, total, total_low = settled(
                row_at(j, row, at.X), length, x_step, high, low, sums, scratch, tile, high, 0
            )
            scale = _float(row_at(j, row, at.EXTRA))[0] if scaled else 1.0
            of_row = _float(known)
            of_row[REFERENCE] = reference
            of_row[SHARE], of_row[SHARE_LOW] = share_of(reference, total, total_low, scale)

    return shares


def make_finish(dtype, scaled=False):
    """Make the kernel of the softmax of a chunk, from the share of its row; a chunk is a unit."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk, write = make_chunks(arithmetic, memory), make_write(arithmetic, memory, scaled)

    def finish(job, first, last):
        j = _int(job)
        length, x_step, y_step, chunks = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP], j[at.CHUNKS_OF_ROWS]
        scratch, tile, high, low = stack(CHUNK_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        for unit in range(first, last):
            row, c = unit // chunks, unit % chunks
            start = c * CHUNK
            count = min(CHUNK, length - start)
            x = row_at(j, row, at.X) + start * x_step
            y = row_at(j, row, at.Y) + start * y_step
            known = _float(j[at.KNOWN] + 8 * 4 * whole_tiles(chunks) * row)
            reference = subtrahend(known[REFERENCE])
            elements = memory.load(x, x_step, count, scratch, tile)
            chunk.exponentials(elements, tile, count, reference, high, low, y)
            write(high, low, count, known[SHARE], known[SHARE_LOW], y, y_step, scratch, tile)

    return finish
