"""What a row is reduced to: its greatest element with the sum of its exponentials, or the sum that its gradient needs.

A warp is the ``LANES`` of ``numbaexp.scalar.rows`` and takes a chunk at a time, so that the order of every sum is that
of the CPU. A chunk is reduced to (greatest, ones, high, low), a row to (greatest, high, low); where no greatest element
is needed it is 0.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.warp import above, of_first
from numbaexp.scalar import rows as r
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import bfloat_to_float, half_to_float, rounded_product, scalar
from numbaexp.scalar.row_arithmetic import PAIRED
from numbaexp.scalar.rows import CHUNK, LANES

# What is kept of each chunk of a row of several.
FIELDS = 4

part = cuda.jit(device=True)
kept_memory = make_memory(np.float64)


class Reduction(NamedTuple):
    """Of a row of operands that are given as views, (address, place of the first element, step).

    of_warp(views, length) : by a warp, of one chunk.
    of_block(views, length, kept, base) : by the warps of a block, of several. What is kept of them is at an address, from
        a place on, the greatest elements first; it is not to be overwritten before all warps have met again.
    """

    of_warp: Any
    of_block: Any


def make_value_of(dtype):
    """From an element as it is stored to a float64."""
    convert = {"float16": half_to_float, "bfloat16": bfloat_to_float}.get(dtype, np.float64)

    @scalar
    def value_of(element):
        return np.float64(convert(element))

    return value_of


@scalar
def reference(greatest):
    """What is subtracted: of a chunk of -infinity alone, whose exponentials are 0, nothing."""
    return 0.0 if greatest == -np.inf else greatest


def make_total(add, paired):
    """The sum of the lanes' pairs, which all of them are told. Where they are not ``paired`` low is 0."""

    @part
    def total(high, low):
        distance = LANES // 2
        while distance > 0:
            other_low = above(low, distance) if paired else 0.0
            high, low = add(high, low, above(high, distance), other_low)
            distance >>= 1
        return of_first(high), of_first(low) if paired else 0.0

    return total


def make_reduction(summarize, alone, combine):
    """``summarize(views, start, count)`` reduces a chunk. Of what it gives ``alone(greatest, ones, high, low)`` makes a
    row of one chunk, and ``combine(kept, base, chunks)`` a row of several."""
    put = kept_memory.put

    @part
    def of_warp(views, length):
        greatest, ones, high, low = summarize(views, 0, length)
        return alone(greatest, ones, high, low)

    @part
    def of_block(views, length, kept, base):
        chunks = (length + CHUNK - 1) // CHUNK
        c = cuda.threadIdx.x // LANES
        while c < chunks:
            greatest, ones, high, low = summarize(views, c * CHUNK, min(CHUNK, length - c * CHUNK))
            if cuda.laneid == 0:
                put(kept, base + c, greatest)
                put(kept, base + chunks + c, ones)
                put(kept, base + 2 * chunks + c, high)
                put(kept, base + 3 * chunks + c, low)
            c += cuda.blockDim.x // LANES
        cuda.syncthreads()
        return combine(kept, base, chunks)

    return Reduction(of_warp, of_block)


def make_exponentials(arithmetic, dtype, operand, logs):
    """Of the exponentials of the elements of one operand: the greatest element and their sum, or with ``logs`` the sum's
    logarithm, for which those of the greatest elements are counted apart."""
    get, get_kept, value_of = make_memory(STORED_AS[dtype]).get, kept_memory.get, make_value_of(dtype)
    value, one, add, addend = arithmetic.value, arithmetic.one, arithmetic.add, arithmetic.addend
    weighted, logarithm, exponential = arithmetic.weighted, arithmetic.logarithm, arithmetic.exponential
    total = make_total(add, arithmetic is PAIRED)
    lowest, exponential_of = value(-np.inf), addend if logs else exponential

    @scalar
    def greater(a, b):
        a, b = value(a), value(b)
        return a if r.rank(a) >= r.rank(b) else b

    @scalar
    def of_element(x, greatest):
        is_one = logs and x == greatest
        high, low = exponential_of(x, reference(greatest))
        return np.int64(is_one), 0.0 if is_one else high, 0.0 if is_one else low

    # The NaN of a GPU's arithmetic has all bits set, and an exponential that is scaled by its bits makes a number of it.
    @scalar
    def sum_of_chunk(greatest, high):
        return np.nan if np.isnan(greatest) else high

    @scalar
    def of_chunk(greatest, ones, high, low, of_row):
        is_greatest = greatest == of_row
        high, low = add(0.0 if is_greatest else rounded_product(ones, one), 0.0, high, low)
        weight, weight_low = addend(greatest, of_row)
        high, low = weighted(high, low, weight if abs(of_row) < np.inf else np.nan, weight_low)
        return ones if is_greatest else 0.0, high, low

    @scalar
    def result(ones, high, low):
        return logarithm(ones, high, low) if logs else (high, low)

    @part
    def greatest_of_lanes(greatest):
        distance = LANES // 2
        while distance > 0:
            greatest = greater(greatest, above(greatest, distance))
            distance >>= 1
        return np.float64(of_first(greatest))

    @part
    def count_of_lanes(ones):
        distance = LANES // 2
        while distance > 0:
            ones += above(ones, distance)
            distance >>= 1
        return of_first(ones)

    @part
    def summarize(views, start, count):
        x, first, step = views[operand]
        top = lowest
        i = start + cuda.laneid
        while i < start + count:
            top = greater(top, value_of(get(x, first + i * step)))
            i += LANES
        greatest = greatest_of_lanes(top)
        ones, high, low = 0, 0.0, 0.0
        i = start + cuda.laneid
        while i < start + count:
            is_one, e, e_low = of_element(value_of(get(x, first + i * step)), greatest)
            ones += is_one
            high, low = add(high, low, e, e_low)
            i += LANES
        high, low = total(high, low)
        return greatest, count_of_lanes(float(ones)) if logs else 0.0, sum_of_chunk(greatest, high), low

    @part
    def alone(greatest, ones, high, low):
        high, low = weighted(high, low, one, 0.0)
        high, low = result(ones, high, low)
        return greatest, high, low

    @part
    def combine(kept, base, chunks):
        top = lowest
        c = cuda.laneid
        while c < chunks:
            top = greater(top, get_kept(kept, base + c))
            c += LANES
        greatest = greatest_of_lanes(top)
        ones, high, low = 0.0, 0.0, 0.0
        c = cuda.laneid
        while c < chunks:
            more, e, e_low = of_chunk(
                get_kept(kept, base + c),
                get_kept(kept, base + chunks + c),
                get_kept(kept, base + 2 * chunks + c),
                get_kept(kept, base + 3 * chunks + c),
                greatest,
            )
            ones += more
            high, low = add(high, low, e, e_low)
            c += LANES
        high, low = total(high, low)
        high, low = result(count_of_lanes(ones) if logs else 0.0, high, low)
        return greatest, high, low

    return make_reduction(summarize, alone, combine)


def make_sum(dtype, addend):
    """Of ``addend(g, y)``, pairs that the elements of the first two operands give."""
    get, get_kept, value_of = make_memory(STORED_AS[dtype]).get, kept_memory.get, make_value_of(dtype)
    add = r.add_pair
    total = make_total(add, paired=True)

    @part
    def summarize(views, start, count):
        g, g_first, g_step = views[0]
        y, y_first, y_step = views[1]
        high, low = 0.0, 0.0
        i = start + cuda.laneid
        while i < start + count:
            e, e_low = addend(value_of(get(g, g_first + i * g_step)), value_of(get(y, y_first + i * y_step)))
            high, low = add(high, low, e, e_low)
            i += LANES
        high, low = total(high, low)
        return 0.0, 0.0, high, low

    @part
    def alone(greatest, ones, high, low):
        return greatest, high, low

    @part
    def combine(kept, base, chunks):
        high, low = 0.0, 0.0
        c = cuda.laneid
        while c < chunks:
            high, low = add(high, low, get_kept(kept, base + 2 * chunks + c), get_kept(kept, base + 3 * chunks + c))
            c += LANES
        high, low = total(high, low)
        return 0.0, high, low

    return make_reduction(summarize, alone, combine)
