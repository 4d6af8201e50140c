"""Rows reduced to their greatest element and the sum of their exponentials; see ``numbaexp.cuda.row_reductions``."""

import functools

import numpy as np
from numba import cuda

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_reductions import (
    FIELDS,
    count_of_lanes,
    kept_memory,
    make_reduction,
    make_total,
    make_value_of,
    part,
)
from numbaexp.cuda.warp import above, of_first
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.rows import LANES, rank


@scalar
def reference(greatest):
    """What is subtracted: of a chunk of -infinity alone, whose exponentials are 0, nothing."""
    return 0.0 if greatest == -np.inf else greatest


@functools.cache
def _make_terms(arithmetic, logs):
    """Scalars: the greater of two values; what an element gives to its chunk; what a chunk's sum is, and gives to the
    row; what becomes of the row's."""
    value, one, add, exponential = arithmetic.value, arithmetic.one, arithmetic.add, arithmetic.exponential
    weighted, logarithm = arithmetic.weighted, arithmetic.logarithm

    @scalar
    def greater(a, b):
        a, b = value(a), value(b)
        return a if rank(a) >= rank(b) else b

    @scalar
    def of_element(x, greatest):
        is_one = logs and x == greatest
        high, low = exponential(x, reference(greatest))
        return np.int64(is_one), 0.0 if is_one else high, 0.0 if is_one else low

    # The NaN of a GPU's arithmetic has all bits set, and an exponential that is scaled by its bits makes a number of
    # it.
    @scalar
    def sum_of_chunk(greatest, high):
        return np.nan if np.isnan(greatest) else high

    @scalar
    def of_chunk(greatest, ones, high, low, of_row):
        is_greatest = greatest == of_row
        high, low = add(0.0 if is_greatest else rounded_product(ones, one), 0.0, high, low)
        weight, weight_low = exponential(greatest, of_row)
        high, low = weighted(high, low, weight if abs(of_row) < np.inf else np.nan, weight_low)
        return ones if is_greatest else 0.0, high, low

    @scalar
    def of_row(ones, high, low):
        return logarithm(ones, high, low) if logs else (high, low)

    return greater, of_element, sum_of_chunk, of_chunk, of_row


@functools.cache
def make_exponentials(arithmetic, dtype, operand, logs):
    """Of the exponentials of the elements of one operand: the greatest element and their sum, or with ``logs`` the
    sum's logarithm, for which those of the greatest elements are counted apart."""
    get, get_kept, value_of = make_memory(STORED_AS[dtype]).get, kept_memory.get, make_value_of(dtype)
    one, add, weighted, total = arithmetic.one, arithmetic.add, arithmetic.weighted, make_total(arithmetic)
    greater, of_element, sum_of_chunk, of_chunk, result = _make_terms(arithmetic, logs)
    lowest = arithmetic.value(-np.inf)

    @part
    def greatest_of_lanes(greatest):
        distance = LANES // 2
        while distance > 0:
            greatest = greater(greatest, above(greatest, distance))
            distance >>= 1
        return np.float64(of_first(greatest))

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
            top = greater(top, get_kept(kept, base + FIELDS * c))
            c += LANES
        greatest = greatest_of_lanes(top)
        ones, high, low = 0.0, 0.0, 0.0
        c = cuda.laneid
        while c < chunks:
            place = base + FIELDS * c
            more, e, e_low = of_chunk(
                get_kept(kept, place),
                get_kept(kept, place + 1),
                get_kept(kept, place + 2),
                get_kept(kept, place + 3),
                greatest,
            )
            ones += more
            high, low = add(high, low, e, e_low)
            c += LANES
        high, low = total(high, low)
        high, low = result(count_of_lanes(ones) if logs else 0.0, high, low)
        return greatest, high, low

    return make_reduction(summarize, alone, combine)
