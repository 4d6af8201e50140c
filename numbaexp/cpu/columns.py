"""Kernels that go through an array with ``BESIDE`` rows beside each other, for rows that are short, or that lie across
memory; the arguments are those of ``numbaexp.cpu.rows``, and a unit of work is so many rows of the second dimension.

Each loop runs over one element of every row, and becomes SIMD code whatever the rows' length is.
"""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import lanes
from numbaexp.cpu import row_job as at
from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.row_memory import keep, make_pointer, make_row_memory, part, stack
from numbaexp.cpu.rows import make_share
from numbaexp.scalar.row_arithmetic import NARROW, arithmetic_of
from numbaexp.scalar.rows import LANES, rank

# As many as lanes, so that what adds up lanes adds up rows.
BESIDE = LANES
# Bytes of a number of each row, and of a number of each lane of each row.
_ONE, _LANES = 8 * BESIDE, 8 * BESIDE * LANES

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


@part
def blocks_of(inner):
    return (inner + BESIDE - 1) // BESIDE


@part
def block_at(j, unit, base):
    """The address of the first row of a unit."""
    outer, inner = at.steps_of(base)
    blocks = blocks_of(j[at.INNER])
    return j[base] + unit // blocks * j[outer] + unit % blocks * BESIDE * j[inner]


@part
def width_of(j, unit):
    """How many rows a unit has."""
    return min(BESIDE, j[at.INNER] - unit % blocks_of(j[at.INNER]) * BESIDE)


@part
def copy(source, target, count):
    read, written = _float(source), _float(target)
    for i in range(count):
        written[i] = read[i]


@part
def beside():
    """``BESIDE``, of which the compiler knows nothing: it would write out short loops of as many turns, in place of
    making SIMD code of them."""
    return unforeseen(np.int64(BESIDE))


class Beside(NamedTuple):
    """What is done with a chunk of rows beside each other: element i of row c is at i * BESIDE + c.

    load(x, row_step, step, width, count, values) : the elements, and 0 in the place of rows that are not there.
    greatest(values, count, tops) : of each row.
    exponentials(values, count, tops, high, low), addends(values, count, tops, high, low, ones) : as of ``Chunks``.
    total(high, low, count, sums, sums_low) : of each row.
    """

    load: Any
    greatest: Any
    exponentials: Any
    addends: Any
    total: Any


def make_total(narrow):
    """As ``Beside`` has it."""
    add_to = lanes.add_to if narrow else lanes.add_pairs_to

    @part
    def total(high, low, count, sums, sums_low):
        lanes_high, lanes_low = stack(_LANES), stack(_LANES)
        used = min(count, LANES)
        copy(high, lanes_high, used * BESIDE)
        if not narrow:
            copy(low, lanes_low, used * BESIDE)
        for i in range(used, count):
            lane, here = i % LANES * _ONE, i * _ONE
            add_to(lanes_high + lane, lanes_low + lane, high + here, low + here)
        half = LANES // 2
        while half:
            for lane in range(max(used - half, 0)):
                here, there = lane * _ONE, (lane + half) * _ONE
                add_to(lanes_high + here, lanes_low + here, lanes_high + there, lanes_low + there)
            used = min(used, half)
            half //= 2
        copy(lanes_high, sums, BESIDE)
        if not narrow:
            copy(lanes_low, sums_low, BESIDE)

    return total


def make_beside(dtype, arithmetic):
    memory = make_row_memory(dtype, arithmetic)
    value, size = arithmetic.value, memory.size
    element, number = make_pointer(memory.stored_as), make_pointer(value)
    order = make_pointer(np.dtype(f"u{memory.value_size}"))
    to_value, of_rank, exponential = (
        memory.to_value,
        arithmetic.of_rank,
        arithmetic.exponential,
    )
    narrow = arithmetic is NARROW

    @part
    def load(x, row_step, step, width, count, values):
        target, wide = number(values), beside()
        if width < BESIDE:
            for i in range(count * BESIDE):
                target[i] = value(0.0)
        if row_step == size and width == BESIDE:
            for i in range(count):
                source = element(x + i * step)
                for c in range(wide):
                    target[i * BESIDE + c] = to_value(source[c])
        else:
            for c in range(width):
                for i in range(count):
                    target[i * BESIDE + c] = to_value(element(x + c * row_step + i * step)[0])

    @part
    def greatest(values, count, tops):
        ranks_address = stack(_ONE)
        source, ranks, greatests = number(values), order(ranks_address), _float(tops)
        for c in range(BESIDE):
            ranks[c] = rank(source[c])
        for i in range(1, count):
            for c in range(BESIDE):
                ranks[c] = max(ranks[c], rank(source[i * BESIDE + c]))
        for c in range(BESIDE):
            greatests[c] = np.float64(of_rank(ranks[c]))

    @part
    def exponentials(values, count, tops, high, low):
        source, greatests, highs, lows = number(values), _float(tops), _float(high), _float(low)
        for i in range(count):
            for c in range(BESIDE):
                top = value(greatests[c])
                e, e_low = exponential(source[i * BESIDE + c], value(0.0) if top == -np.inf else top)
                highs[i * BESIDE + c] = e
                if not narrow:
                    lows[i * BESIDE + c] = e_low

    @part
    def addends(values, count, tops, high, low, ones):
        source, greatests, highs, lows = number(values), _float(tops), _float(high), _float(low)
        counts = _float(ones)
        for c in range(BESIDE):
            counts[c] = 0.0
        for i in range(count):
            for c in range(BESIDE):
                x, top = source[i * BESIDE + c], value(greatests[c])
                e, e_low = exponential(x, value(0.0) if top == -np.inf else top)
                is_one = x == top
                counts[c] += 1.0 if is_one else 0.0
                highs[i * BESIDE + c] = 0.0 if is_one else e
                if not narrow:
                    lows[i * BESIDE + c] = 0.0 if is_one else e_low

    return Beside(load, greatest, exponentials, addends, make_total(narrow))


def make_scatter(memory):
    """``scatter(results, y, row_step, step, width, count)`` of elements beside each other."""
    element, size = make_pointer(memory.stored_as), memory.size

    @part
    def scatter(results, y, row_step, step, width, count):
        source, wide = element(results), beside()
        if row_step == size and width == BESIDE:
            for i in range(count):
                target = element(y + i * step)
                for c in range(wide):
                    target[c] = source[i * BESIDE + c]
        else:
            for c in range(width):
                for i in range(count):
                    element(y + c * row_step + i * step)[0] = source[i * BESIDE + c]

    return scatter


def make_softmax(dtype, scaled=False):
    """Of rows of one chunk, each element of which is read once and written once."""
    arithmetic = arithmetic_of(dtype)
    memory, block = make_row_memory(dtype, arithmetic), make_beside(dtype, arithmetic)
    share_of, scatter = make_share(arithmetic, scaled), make_scatter(memory)
    weighted, shared, rounded, one = arithmetic.weighted, arithmetic.shared, memory.rounded, arithmetic.one
    element = make_pointer(memory.stored_as)

    def softmax(job, first, last):
        j = _int(job)
        length = j[at.LENGTH]
        room = np.empty(3 * length * BESIDE, np.float64)
        values = room.ctypes.data
        high, low = values + 8 * length * BESIDE, values + 16 * length * BESIDE
        tops, sums, sums_low, scales = stack(_ONE), stack(_ONE), stack(_ONE), stack(_ONE)
        greatests, totals, totals_low, scale = _float(tops), _float(sums), _float(sums_low), _float(scales)
        highs, lows, results = _float(high), _float(low), element(values)
        wide = beside()
        for c in range(BESIDE):
            scale[c] = 1.0
        for unit in range(first, last):
            width = width_of(j, unit)
            x, y = block_at(j, unit, at.X), block_at(j, unit, at.Y)
            block.load(x, j[at.X_INNER], j[at.X_STEP], width, length, values)
            block.greatest(values, length, tops)
            block.exponentials(values, length, tops, high, low)
            block.total(high, low, length, sums, sums_low)
            if scaled:
                given = block_at(j, unit, at.EXTRA)
                for c in range(width):
                    scale[c] = _float(given + c * j[at.EXTRA_INNER])[0]
            for c in range(BESIDE):
                total, total_low = weighted(totals[c], totals_low[c], one, 0.0)
                totals[c], totals_low[c] = share_of(one, 0.0, greatests[c], total, total_low, scale[c])
            for i in range(length):
                for c in range(wide):
                    k = i * BESIDE + c
                    results[k] = rounded(shared(highs[k], lows[k], totals[c], totals_low[c]))
            scatter(values, y, j[at.Y_INNER], j[at.Y_STEP], width, length)
        keep(room)

    return softmax
