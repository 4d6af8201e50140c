"""Rows reduced to their greatest element and the sum of their exponentials; see ``numbaexp.cuda.row_reductions``."""

import functools
from typing import Any, NamedTuple

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
def make_share_of(arithmetic):
    """A scalar: what an exponential of a chunk is to be multiplied by, to be a share of its row."""
    one, exponential, share = arithmetic.one, arithmetic.exponential, arithmetic.share

    @scalar
    def share_of(greatest, of_row, total, total_low, several):
        weight, weight_low = exponential(greatest, of_row) if several else (one, 0.0)
        high, low = share(weight, weight_low, total, total_low)
        return high if abs(of_row) < np.inf else np.nan, low

    return share_of


class Second(NamedTuple):
    """Of pairs ``addend(views, i, e, e_low)``, of which the last two are the exponential of the i-th element. If it is
    ``of_exponentials``, that of a chunk is weighted as the first sum is."""

    addend: Any
    of_exponentials: bool


@part
def no_addend(views, i, e, e_low):
    return 0.0, 0.0


NO_SECOND = Second(no_addend, False)


@functools.cache
def make_exponentials(arithmetic, dtype, operand, logs, beside=NO_SECOND):
    """Of the exponentials of the elements of one operand: the greatest element and their sum, or with ``logs`` the
    sum's logarithm, for which those of the greatest elements are counted apart; and ``beside`` it another sum."""
    one, weighted, of_exponentials = arithmetic.one, arithmetic.weighted, beside.of_exponentials
    of_row = _make_terms(arithmetic, logs)[-1]

    @part
    def alone(greatest, ones, high, low, second, second_low):
        high, low = weighted(high, low, one, 0.0)
        high, low = of_row(ones, high, low)
        if of_exponentials:
            second, second_low = weighted(second, second_low, one, 0.0)
        return greatest, high, low, second, second_low

    summarize = _make_summarize(arithmetic, dtype, operand, logs, beside)
    return make_reduction(summarize, alone, _make_combine(arithmetic, logs, beside))


def _make_greatest_of_lanes(greater):
    @part
    def greatest_of_lanes(greatest):
        distance = LANES // 2
        while distance > 0:
            greatest = greater(greatest, above(greatest, distance))
            distance >>= 1
        return np.float64(of_first(greatest))

    return greatest_of_lanes


def _make_summarize(arithmetic, dtype, operand, logs, beside):
    get, value_of, lowest = make_memory(STORED_AS[dtype]).get, make_value_of(dtype), arithmetic.value(-np.inf)
    greater, of_element, sum_of_chunk, _, _ = _make_terms(arithmetic, logs)
    greatest_of_lanes, add, total = _make_greatest_of_lanes(greater), arithmetic.add, make_total(arithmetic)
    addend, has_second = beside.addend, beside is not NO_SECOND

    @part
    def summarize(views, start, count):
        x, first, step = views[operand]
        top = lowest
        i = start + cuda.laneid
        while i < start + count:
            top = greater(top, value_of(get(x, first + i * step)))
            i += LANES
        greatest = greatest_of_lanes(top)
        ones, high, low, second, second_low = 0, 0.0, 0.0, 0.0, 0.0
        i = start + cuda.laneid
        while i < start + count:
            is_one, e, e_low = of_element(value_of(get(x, first + i * step)), greatest)
            ones += is_one
            high, low = add(high, low, e, e_low)
            if has_second:
                e, e_low = addend(views, i, e, e_low)
                second, second_low = add(second, second_low, e, e_low)
            i += LANES
        high, low = total(high, low)
        if has_second:
            second, second_low = total(second, second_low)
        ones_of_chunk = count_of_lanes(float(ones)) if logs else 0.0
        return greatest, ones_of_chunk, sum_of_chunk(greatest, high), low, second, second_low

    return summarize


def _make_combine(arithmetic, logs, beside):
    greater, _, _, of_chunk, of_row = _make_terms(arithmetic, logs)
    greatest_of_lanes, add, total = _make_greatest_of_lanes(greater), arithmetic.add, make_total(arithmetic)
    get, lowest = kept_memory.get, arithmetic.value(-np.inf)
    of_exponentials, has_second = beside.of_exponentials, beside is not NO_SECOND

    @part
    def combine(kept, base, chunks):
        top = lowest
        c = cuda.laneid
        while c < chunks:
            top = greater(top, get(kept, base + FIELDS * c))
            c += LANES
        greatest = greatest_of_lanes(top)
        ones, high, low, second, second_low = 0.0, 0.0, 0.0, 0.0, 0.0
        c = cuda.laneid
        while c < chunks:
            place = base + FIELDS * c
            of_c, ones_of_c = get(kept, place), get(kept, place + 1)
            more, e, e_low = of_chunk(of_c, ones_of_c, get(kept, place + 2), get(kept, place + 3), greatest)
            ones += more
            high, low = add(high, low, e, e_low)
            if has_second:
                e, e_low = get(kept, place + 4), get(kept, place + 5)
                if of_exponentials:
                    _, e, e_low = of_chunk(of_c, 0.0, e, e_low, greatest)
                second, second_low = add(second, second_low, e, e_low)
            c += LANES
        high, low = total(high, low)
        if has_second:
            second, second_low = total(second, second_low)
        high, low = of_row(count_of_lanes(ones) if logs else 0.0, high, low)
        return greatest, high, low, second, second_low

    return combine
