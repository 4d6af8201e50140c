"""Kernels of the cross entropy and its gradient, row by row; see ``numbaexp.cpu.rows``. The statistics of a row are a
record of ``numbaexp.scalar.row_losses`` at ``EXTRA``."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.chunks import make_chunks, whole_tiles
from numbaexp.cpu.lanes import make_sums
from numbaexp.cpu.room import allocated_zeros, release
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, row_at, stack
from numbaexp.cpu.rows import make_row_sums, make_share, make_write
from numbaexp.scalar import loss_record as record
from numbaexp.scalar import row_losses as scalars
from numbaexp.scalar.row_arithmetic import PAIRED, arithmetic_of
from numbaexp.scalar.row_order import CHUNK

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_losses(dtype):
    """Make the kernel of the losses of elements, which are rows of one."""
    arithmetic = arithmetic_of(dtype)
    memory, value, loss = make_row_memory(dtype, arithmetic), arithmetic.value, scalars.losses_of(arithmetic).loss
    element = make_pointer(memory.stored_as)

    def losses(job, first, last):
        j = _int(job)
        constants = _float(j[at.CONSTANTS])
        for row in range(first, last):
            of_row = _float(row_at(j, row, at.EXTRA))
            x = memory.to_value(element(row_at(j, row, at.X))[0])
            of_row[record.LOSS], of_row[record.LOSS_LOW] = loss(
                x,
                value(of_row[record.GREATEST]),
                of_row[record.LOGARITHM],
                of_row[record.LOGARITHM_LOW],
                constants[0] * of_row[record.WEIGHT],
                of_row[record.PART],
                of_row[record.PART_LOW],
                of_row[record.PLACE],
            )

    return losses


def make_total(dtype):
    """Make the kernel of (high, low), at ``EXTRA``, the sum of the pairs of a row, whose high and low follow each other
    at ``X``."""
    sum_of = make_sums(PAIRED).total

    def total(job, first, last):
        j = _int(job)
        length, step = j[at.LENGTH], j[at.X_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        high, low = stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        highs, lows = _float(high), _float(low)
        room = allocated_zeros(j, 8 * 2 * width)
        if room == 0:
            return
        sums, sums_low = _float(room), _float(room + 8 * width)
        for row in range(first, last):
            x = row_at(j, row, at.X)
            for c in range(chunks):
                start = c * CHUNK
                count = min(CHUNK, length - start)
                for i in range(whole_tiles(count)):
                    pair = _float(x + (start + min(i, count - 1)) * step)
                    highs[i] = pair[0] if i < count else 0.0
                    lows[i] = pair[1] if i < count else 0.0
                sums[c], sums_low[c] = sum_of(high, low, count)
            target = _float(row_at(j, row, at.EXTRA))
            target[0], target[1] = scalars.settled(*sum_of(room, room + 8 * width, chunks))
        release(room)

    return total


def make_rounded(dtype):
    """Make the kernel of the mean of a total over a count, pairs that are at ``EXTRA``, as an element; elements are
    rows of one."""
    memory = make_row_memory(dtype, arithmetic_of(dtype))
    element = make_pointer(memory.stored_as)

    def rounded(job, first, last):
        j = _int(job)
        for row in range(first, last):
            total = _float(row_at(j, row, at.EXTRA))
            result = memory.rounded(scalars.mean(total[0], total[1], total[2], total[3]))
            element(row_at(j, row, at.Y))[0] = result

    return rounded


def make_class_gradients(dtype):
    """Make the kernel of the gradient of the negative logarithm of one element's softmax, times a number: the softmax,
    but for that element, which has its difference to 1, negative; or zeros."""
    arithmetic = arithmetic_of(dtype)
    memory, total_of = make_row_memory(dtype, arithmetic), make_sums(arithmetic).total
    sum_of_row = make_row_sums(arithmetic, memory).of_row
    share_of, write = make_share(arithmetic, True), make_write(arithmetic, memory, True)
    quotient, rounded = arithmetic.quotient, memory.rounded
    element, stored_as = make_pointer(memory.stored_as), memory.stored_as

    def class_gradients(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
        room = allocated_zeros(j, 8 * 2 * width + 2 * CHUNK_BYTES * chunks)
        if room == 0:
            return
        high = room + 8 * 2 * width
        low = high + CHUNK_BYTES * chunks
        sums, sums_low, kept, kept_low = _float(room), _float(room + 8 * width), _float(high), _float(low)
        for row in range(first, last):
            x, y = row_at(j, row, at.X), row_at(j, row, at.Y)
            of_row = _float(row_at(j, row, at.EXTRA))
            number, index = of_row[record.NUMBER] * of_row[record.WEIGHT], np.int64(of_row[record.PLACE])
            if index == record.IGNORED:
                for i in range(length):
                    element(y + i * y_step)[0] = stored_as(0)
                continue
            reference, total, total_low = sum_of_row(
                x, length, x_step, high, low, CHUNK_BYTES, room, scratch, tile, y, y_step
            )
            # The sum of the others: without it, where the element is most of its row, what its share lacks would
            # cancel.
            c = index // CHUNK
            here = c * CHUNK_BYTES
            kept[index], kept_low[index] = 0.0, 0.0
            others, others_low = total_of(high + here, low + here, min(CHUNK, length - c * CHUNK))
            if chunks > 1:
                sums[c], sums_low[c] = others, others_low
                others, others_low = total_of(room, room + 8 * width, chunks)
            share, share_low = share_of(reference, total, total_low, number)
            share = share if abs(reference) < np.inf else np.nan
            for c in range(chunks):
                start, here = c * CHUNK, c * CHUNK_BYTES
                count = min(CHUNK, length - start)
                write(high + here, low + here, count, share, share_low, y + start * y_step, y_step, scratch, tile)
            lacking = quotient(others, others_low, total, total_low, -number)
            lacking = lacking if abs(reference) < np.inf else np.nan
            element(y + index * y_step)[0] = rounded(lacking)
        release(room)

    return class_gradients


def make_parts(memory):
    """Return ``put_parts(w, step, start, count, along, constants, scratch, tile, parts)``: of a chunk, put the targets'
    parts at ``parts``, with 0 up to the end of the last tile; ``w`` is the address of the row's probabilities."""
    element, to_value = make_pointer(memory.stored_as), memory.to_value

    @part
    def put_parts(w, step, start, count, along, constants, scratch, tile, parts):
        probabilities = element(memory.load(w + start * step, step, count, scratch, tile))
        weights, given, made = _float(along), _float(constants), _float(parts)
        for i in range(count):
            made[i] = scalars.expected(weights[start + i], np.float64(to_value(probabilities[i])), given[0], given[1])
        for i in range(count, whole_tiles(count)):
            made[i] = 0.0

    return put_parts


def make_expected_losses(dtype):
    """Make the kernel of the sum of the negative logarithms of each row's softmax, each times its part of the target.
    ``ALONG`` has the classes' weights, those of a row as far behind as its record says, and ``W`` the probabilities."""
    arithmetic = arithmetic_of(dtype)
    memory, value, addend = make_row_memory(dtype, arithmetic), arithmetic.value, scalars.losses_of(arithmetic).addend
    element, to_value, put_parts = make_pointer(memory.stored_as), memory.to_value, make_parts(memory)
    sum_of = make_sums(PAIRED).total

    def expected_losses(job, first, last):
        j = _int(job)
        length, x_step, w_step = j[at.LENGTH], j[at.X_STEP], j[at.W_STEP]
        width = whole_tiles((length + CHUNK - 1) // CHUNK)
        scratch, scratch_w, high, low = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        tile, tile_w, made = stack(TILE_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES)
        highs, lows, parts = _float(high), _float(low), _float(made)
        room = allocated_zeros(j, 8 * 2 * width)
        if room == 0:
            return
        sums, sums_low = _float(room), _float(room + 8 * width)
        for row in range(first, last):
            x, w = row_at(j, row, at.X), row_at(j, row, at.W)
            of_row = _float(row_at(j, row, at.EXTRA))
            along = j[at.ALONG] + np.int64(of_row[record.BEHIND])
            top, log, log_low = value(of_row[record.GREATEST]), of_row[record.LOGARITHM], of_row[record.LOGARITHM_LOW]
            for start in range(0, length, CHUNK):
                count, c = min(CHUNK, length - start), start // CHUNK
                elements = element(memory.load(x + start * x_step, x_step, count, scratch, tile))
                put_parts(w, w_step, start, count, along, j[at.CONSTANTS], scratch_w, tile_w, made)
                for i in range(count):
                    highs[i], lows[i] = addend(to_value(elements[i]), top, log, log_low, parts[i])
                for i in range(count, whole_tiles(count)):
                    highs[i], lows[i] = 0.0, 0.0
                sums[c], sums_low[c] = sum_of(high, low, count)
            of_row[record.PART], of_row[record.PART_LOW] = sum_of(room, room + 8 * width, width)
        release(room)

    return expected_losses


def make_expected_gradients(dtype):
    """Make the kernel of the gradient of an expected loss: the softmax times the sum of the target's parts, less those
    parts; all times a number of the row. Where the row has a class, that has another part, of its weight; or the row is
    zeros."""
    arithmetic = arithmetic_of(dtype)
    memory = make_row_memory(dtype, arithmetic)
    chunk, sum_of = make_chunks(arithmetic, memory), make_sums(arithmetic).total
    sum_of_row, share_of = make_row_sums(arithmetic, memory).of_row, make_share(arithmetic, True)
    gradient, rounded = scalars.losses_of(arithmetic).gradient, memory.rounded
    element, stored_as, put_parts = make_pointer(memory.stored_as), memory.stored_as, make_parts(memory)

    def expected_gradients(job, first, last):
        j = _int(job)
        length, x_step, w_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.W_STEP], j[at.Y_STEP]
        chunks = (length + CHUNK - 1) // CHUNK
        width = whole_tiles(chunks)
        scratch, scratch_w, high, low = stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        tile, tile_w, made, parts_at = stack(TILE_BYTES), stack(TILE_BYTES), stack(CHUNK_BYTES), stack(CHUNK_BYTES)
        highs, lows, parts, results = _float(high), _float(low), _float(parts_at), element(made)
        room = allocated_zeros(j, 8 * 4 * width + CHUNK_BYTES)
        if room == 0:
            return
        sums, sums_low = room + 8 * 2 * width, room + 8 * 3 * width
        of_targets, of_targets_low = _float(sums), _float(sums_low)
        # The low parts of what the targets give.
        nothing = room + 8 * 4 * width
        for row in range(first, last):
            x, w, y = row_at(j, row, at.X), row_at(j, row, at.W), row_at(j, row, at.Y)
            of_row = _float(row_at(j, row, at.EXTRA))
            along = j[at.ALONG] + np.int64(of_row[record.BEHIND])
            scale, index, weight = (
                of_row[record.NUMBER],
                np.int64(of_row[record.PLACE]),
                _float(j[at.CONSTANTS])[0] * of_row[record.WEIGHT],
            )
            if index == record.IGNORED:
                for i in range(length):
                    element(y + i * y_step)[0] = stored_as(0)
                continue
            for c in range(chunks):
                start, count = c * CHUNK, min(CHUNK, length - c * CHUNK)
                put_parts(w, w_step, start, count, along, j[at.CONSTANTS], scratch_w, tile_w, parts_at)
                of_targets[c], of_targets_low[c] = sum_of(parts_at, nothing, count)
            # The exponentials of a chunk are made again when they are needed.
            reference, total, total_low = sum_of_row(x, length, x_step, high, low, 0, room, scratch, tile, y, y_step)
            target, target_low = sum_of(sums, sums_low, chunks)
            whole_target = (target + target_low) + weight
            share, share_low = share_of(reference, total, total_low, scale * whole_target)
            share = share if abs(reference) < np.inf else np.nan
            for c in range(chunks):
                start, count = c * CHUNK, min(CHUNK, length - c * CHUNK)
                elements = memory.load(x + start * x_step, x_step, count, scratch, tile)
                chunk.exponentials(elements, tile, count, reference, high, low, y + start * y_step)
                put_parts(w, w_step, start, count, along, j[at.CONSTANTS], scratch_w, tile_w, parts_at)
                if start <= index < start + count:
                    parts[index - start] += weight
                for i in range(count):
                    results[i] = rounded(gradient(highs[i], lows[i], share, share_low, scale * parts[i]))
                for i in range(count):
                    element(y + (start + i) * y_step)[0] = results[i]
        release(room)

    return expected_gradients
