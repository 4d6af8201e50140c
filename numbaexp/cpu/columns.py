"""Kernels of batched rows: of ``BATCH`` rows at once, for rows that are short, or that lie across memory. The
arguments are those of ``numbaexp.cpu.rows``, and a unit of work is so many rows of the second dimension.

Each loop runs over one element of every row, and becomes SIMD code whatever the rows' length is.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.np.numpy_support import from_dtype

from numbaexp.cpu import row_job as at
from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.lanes import load_numbers, make_sums
from numbaexp.cpu.room import allocated, release
from numbaexp.cpu.row_job import BATCH
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, part, stack, steps_of
from numbaexp.cpu.rows import make_share
from numbaexp.scalar.row_arithmetic import NARROW, arithmetic_of
from numbaexp.scalar.row_order import LANES
from numbaexp.scalar.rows import rank, subtrahend
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.operations import as_number, spread_to, where
from numbaexp.vector.type import Vector

# Bytes of a number of each row, and of a number of each lane of each row.
ONE_EACH, _LANES_EACH = 8 * BATCH, 8 * BATCH * LANES

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


@part
def blocks_of(inner):
    return (inner + BATCH - 1) // BATCH


@part
def block_at(j, unit, base):
    """Return the address of the first row of a unit."""
    outer, inner = steps_of(base)
    blocks = blocks_of(j[at.INNER])
    return j[base] + unit // blocks * j[outer] + unit % blocks * BATCH * j[inner]


@part
def width_of(j, unit):
    """Return the number of rows of a unit."""
    return min(BATCH, j[at.INNER] - unit % blocks_of(j[at.INNER]) * BATCH)


@part
def copy(source, target, count):
    read, written = _float(source), _float(target)
    for i in range(count):
        written[i] = read[i]


@part
def batch_size():
    """Return ``BATCH``, of which the compiler knows nothing: it would unroll loops of as many turns instead of making
    SIMD code of them."""
    return unforeseen(np.int64(BATCH))


class Batched(NamedTuple):
    """Functions of a chunk of batched rows: element i of row c is at i * BATCH + c.

    load(x, row_step, step, width, count, values) : the elements, and 0 for rows that are not there.
    greatest(values, count, tops) : of each row.
    exponentials(values, count, references, high, low) : of differences from a reference of each row.
    addends(values, count, tops, high, low, ones) : as of ``Chunks``, to ``high`` and ``low``, with 0 for the greatest.
    total(high, low, count, sums, sums_low) : of each row.
    write(high, low, count, shares, shares_low, results) : the elements of the exponentials times a share of each row.
    """

    load: Any
    greatest: Any
    exponentials: Any
    addends: Any
    total: Any
    write: Any


def make_total(arithmetic):
    """Return ``total`` of ``Batched``."""
    add_to, narrow = make_sums(arithmetic).add_to, arithmetic is NARROW

    @part
    def total(high, low, count, sums, sums_low):
        lanes_high, lanes_low = stack(_LANES_EACH), stack(_LANES_EACH)
        used = min(count, LANES)
        copy(high, lanes_high, used * BATCH)
        if not narrow:
            copy(low, lanes_low, used * BATCH)
        for i in range(used, count):
            lane, here = i % LANES * ONE_EACH, i * ONE_EACH
            add_to(lanes_high + lane, lanes_low + lane, high + here, low + here)
        half = LANES // 2
        while half:
            for lane in range(max(used - half, 0)):
                here, there = lane * ONE_EACH, (lane + half) * ONE_EACH
                add_to(lanes_high + here, lanes_low + here, lanes_high + there, lanes_low + there)
            used = min(used, half)
            half //= 2
        copy(lanes_high, sums, BATCH)
        if not narrow:
            copy(lanes_low, sums_low, BATCH)

    return total


def make_batched(dtype, arithmetic, scaled=False):
    memory = make_row_memory(dtype, arithmetic)
    value, size, size_of_results = arithmetic.value, memory.size, memory.size_of_results
    element, number = make_pointer(memory.stored_as), make_pointer(value)
    value_size = np.dtype(value).itemsize
    order = make_pointer(np.dtype(f"u{value_size}"))
    to_value, rounded, of_rank = memory.to_value, memory.rounded, arithmetic.of_rank
    exponential, addend, shared = arithmetic.exponential, arithmetic.addend, arithmetic.shared
    load_values, load = make_load(Vector(from_dtype(np.dtype(value)), BATCH)), make_sums(arithmetic).load
    store_pair = make_sums(arithmetic).store
    step_of_values, zero, smallest = BATCH * value_size, value(0.0), arithmetic.nothing
    narrow = arithmetic is NARROW

    @part
    def load_block(x, row_step, step, width, count, values):
        target, wide = number(values), batch_size()
        if width < BATCH:
            for i in range(count * BATCH):
                target[i] = value(0.0)
        if row_step == size and width == BATCH:
            for i in range(count):
                source = element(x + i * step)
                for c in range(wide):
                    target[i * BATCH + c] = to_value(source[c])
        else:
            for c in range(width):
                for i in range(count):
                    target[i * BATCH + c] = to_value(element(x + c * row_step + i * step)[0])

    @part
    def greatest(values, count, tops):
        ranks_address = stack(ONE_EACH)
        source, ranks, greatests = number(values), order(ranks_address), _float(tops)
        for c in range(BATCH):
            ranks[c] = rank(source[c])
        for i in range(1, count):
            for c in range(BATCH):
                ranks[c] = max(ranks[c], rank(source[i * BATCH + c]))
        for c in range(BATCH):
            greatests[c] = np.float64(of_rank(ranks[c]))

    @part
    def exponentials(values, count, references, high, low):
        subtracted = load_numbers(references)
        for i in range(count):
            e, e_low = exponential(load_values(values + i * step_of_values), subtracted)
            store_pair(high + i * ONE_EACH, low + i * ONE_EACH, e, e_low)

    @part
    def addends(values, count, tops, high, low, ones):
        greatests = as_number(load_numbers(tops), zero)
        counts = spread_to(0.0, greatests)
        for i in range(count):
            is_one, e, e_low = addend(load_values(values + i * step_of_values), greatests)
            counts += where(is_one, 1.0, 0.0)
            store_pair(high + i * ONE_EACH, low + i * ONE_EACH, e, e_low)
        store(ones, counts)

    @part
    def write(high, low, count, shares, shares_low, results):
        share, share_low = load_numbers(shares), load_numbers(shares_low)
        for i in range(count):
            e, e_low = load(high + i * ONE_EACH, low + i * ONE_EACH)
            if scaled:
                # As of ``numbaexp.cpu.rows.make_write``.
                is_nothing = e < smallest
                e = where(is_nothing, 0.0, e)
                e_low = 0.0 if narrow else where(is_nothing, 0.0, e_low)
            store(results + i * BATCH * size_of_results, rounded(shared(e, e_low, share, share_low)))

    return Batched(load_block, greatest, exponentials, addends, make_total(arithmetic), write)


def make_scatter(memory):
    """Return ``scatter(results, y, row_step, step, width, count)``, which writes the elements of batched rows."""
    element, size = make_pointer(memory.results_as), memory.size_of_results

    @part
    def scatter(results, y, row_step, step, width, count):
        source, wide = element(results), batch_size()
        if row_step == size and width == BATCH:
            for i in range(count):
                target = element(y + i * step)
                for c in range(wide):
                    target[c] = source[i * BATCH + c]
        else:
            for c in range(width):
                for i in range(count):
                    element(y + c * row_step + i * step)[0] = source[i * BATCH + c]

    return scatter


@part
def clear(numbers):
    target = _float(numbers)
    for c in range(BATCH):
        target[c] = 0.0


@part
def subtracted(references, differences):
    """Write references that can be subtracted to ``differences``."""
    source, target = _float(references), _float(differences)
    for c in range(BATCH):
        target[c] = subtrahend(source[c])


def make_softmax(dtype, scaled=False):
    """Make the kernel of rows of one chunk, each element of which is read once and written once."""
    arithmetic = arithmetic_of(dtype)
    memory, block = make_row_memory(dtype, arithmetic), make_batched(dtype, arithmetic, scaled)
    share_of, scatter, usable = make_share(arithmetic, scaled), make_scatter(memory), arithmetic.usable

    def softmax(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = allocated(j, 3 * length * ONE_EACH)
        if room == 0:
            return
        values, high, low = room, room + length * ONE_EACH, room + 2 * length * ONE_EACH
        references, differences, tops = stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        sums, sums_low, scales = stack(ONE_EACH), stack(ONE_EACH), stack(ONE_EACH)
        reference, greatest, total, total_low = _float(references), _float(tops), _float(sums), _float(sums_low)
        scale = _float(scales)
        clear(sums_low)
        for c in range(BATCH):
            scale[c] = 1.0
        for unit in range(first, last):
            width = width_of(j, unit)
            x, y = block_at(j, unit, at.X), block_at(j, unit, at.Y)
            block.load(x, j[at.X_INNER], j[at.X_STEP], width, length, values)
            clear(references)
            tries, usual = 0, False
            while tries < 2 and not usual:
                if tries == 1:
                    block.greatest(values, length, tops)
                    for c in range(BATCH):
                        reference[c] = 0.0 if usable(total[c]) else greatest[c]
                subtracted(references, differences)
                block.exponentials(values, length, differences, high, low)
                block.total(high, low, length, sums, sums_low)
                usual = True
                for c in range(BATCH):
                    usual &= usable(total[c])
                tries += 1
            if scaled:
                given = block_at(j, unit, at.EXTRA)
                for c in range(width):
                    scale[c] = _float(given + c * j[at.EXTRA_INNER])[0]
            for c in range(BATCH):
                total[c], total_low[c] = share_of(reference[c], total[c], total_low[c], scale[c])
            # The values are done with.
            block.write(high, low, length, sums, sums_low, values)
            scatter(values, y, j[at.Y_INNER], j[at.Y_STEP], width, length)
        release(room)

    return softmax
