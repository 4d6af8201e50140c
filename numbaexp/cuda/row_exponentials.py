"""Rows reduced to the sum of their exponentials, or to its logarithm; see ``numbaexp.cuda.row_reductions``.

The order and the reference of either are those of ``numbaexp.scalar.rows``.
"""

import functools

import numpy as np
from numba import cuda

from numbaexp.cuda.row_reductions import (
    FIELDS,
    Reduction,
    kept_memory,
    make_count,
    make_of_block,
    make_reduction,
    make_total,
    make_value_at,
    part,
)
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.row_order import CHUNK, LANES
from numbaexp.scalar.rows import rank, subtrahend

_get, _put = kept_memory.get, kept_memory.put


@functools.cache
def make_greatest(arithmetic, value_at, team):
    """Return the greatest of a chunk, by ``value_at(views, i)``, and of kept numbers, broadcast to all lanes, as
    functions."""
    value = arithmetic.value
    lowest, lane, above, of_first = value(-np.inf), team.lane, team.above, team.of_first

    @scalar
    def greater(a, b):
        a, b = value(a), value(b)
        return a if rank(a) >= rank(b) else b

    @part
    def of_lanes(greatest):
        distance = LANES // 2
        while distance > 0:
            greatest = greater(greatest, above(greatest, distance))
            distance >>= 1
        return np.float64(of_first(greatest))

    @part
    def of_elements(views, start, count):
        top = lowest
        i = start + lane()
        while i < start + count:
            top = greater(top, value_at(views, i))
            i += LANES
        return of_lanes(top)

    @part
    def of_kept(kept, base, chunks):
        top = lowest
        c = lane()
        while c < chunks:
            top = greater(top, _get(kept, base + FIELDS * c))
            c += LANES
        return of_lanes(top)

    return of_elements, of_kept


@part
def no_addend(views, i, e, e_low):
    return 0.0, 0.0


def _make_sums(arithmetic, value_at, addend, team):
    """Return ``sums_of(views, start, count, reference)``, of a chunk, and ``sums_of_kept(kept, base, chunks)``, of a
    row: high and low of the exponentials, and of what ``addend`` gives."""
    exponential, add, total = arithmetic.exponential, arithmetic.add, make_total(arithmetic, team)
    has_second, lane = addend is not no_addend, team.lane

    @part
    def sums_of(views, start, count, reference):
        difference_from = subtrahend(reference)
        high, low, second, second_low = 0.0, 0.0, 0.0, 0.0
        i = start + lane()
        while i < start + count:
            e, e_low = exponential(value_at(views, i), difference_from)
            high, low = add(high, low, e, e_low)
            if has_second:
                e, e_low = addend(views, i, e, e_low)
                second, second_low = add(second, second_low, e, e_low)
            i += LANES
        high, low = total(high, low)
        if has_second:
            second, second_low = total(second, second_low)
        return high, low, second, second_low

    @part
    def sums_of_kept(kept, base, chunks):
        high, low, second, second_low = 0.0, 0.0, 0.0, 0.0
        c = lane()
        while c < chunks:
            index = base + FIELDS * c
            high, low = add(high, low, _get(kept, index + 2), _get(kept, index + 3))
            if has_second:
                second, second_low = add(second, second_low, _get(kept, index + 4), _get(kept, index + 5))
            c += LANES
        high, low = total(high, low)
        if has_second:
            second, second_low = total(second, second_low)
        return high, low, second, second_low

    return sums_of, sums_of_kept


@functools.cache
def make_exponentials(arithmetic, dtype, operand, team, addend=no_addend):
    """Return the reduction to the sum of the exponentials of the elements of one operand, and their reference; and to
    the sum of pairs ``addend(views, i, e, e_low)``, of which the last two are the exponential of the i-th element."""
    usable, value_at = arithmetic.usable, make_value_at(dtype, operand)
    sums_of, sums_of_kept = _make_sums(arithmetic, value_at, addend, team)
    greatest_of_elements, greatest_of_kept = make_greatest(arithmetic, value_at, team)
    lane, unit, units, any_of = team.lane, team.unit, team.units, team.any_of

    @part
    def keep_sums(views, length, reference, kept, base, c):
        high, low, second, second_low = sums_of(views, c * CHUNK, min(CHUNK, length - c * CHUNK), reference)
        if lane() == 0:
            index = base + FIELDS * c
            _put(kept, index + 2, high)
            _put(kept, index + 3, low)
            _put(kept, index + 4, second)
            _put(kept, index + 5, second_low)

    @part
    def keep_greatest(views, length, kept, base, c):
        greatest = greatest_of_elements(views, c * CHUNK, min(CHUNK, length - c * CHUNK))
        if lane() == 0:
            _put(kept, base + FIELDS * c, greatest)

    @part
    def keep(views, length, kept, base, c):
        keep_sums(views, length, 0.0, kept, base, c)

    @part
    def of_warp(views, length):
        reference, high, low, second, second_low = 0.0, 0.0, 0.0, 0.0, 0.0
        tries, again = 0, True
        # Not written out twice, for which there are too few registers.
        while again:
            if tries == 1:
                greatest = greatest_of_elements(views, 0, length)
                reference = reference if usable(high) else greatest
            high, low, second, second_low = sums_of(views, 0, length, reference)
            tries += 1
            again = tries == 1 and any_of(not usable(high))
        return reference, high, low, second, second_low

    @part
    def of_kept(views, length, kept, base):
        chunks = (length + CHUNK - 1) // CHUNK
        reference = 0.0
        high, low, second, second_low = sums_of_kept(kept, base, chunks)
        # All teams of a row have the same sums.
        if any_of(not usable(high)):
            c = unit()
            while c < chunks:
                keep_greatest(views, length, kept, base, c)
                c += units()
            cuda.syncthreads()
            greatest = greatest_of_kept(kept, base, chunks)
            reference = reference if usable(high) else greatest
            c = unit()
            while c < chunks:
                keep_sums(views, length, reference, kept, base, c)
                c += units()
            cuda.syncthreads()
            high, low, second, second_low = sums_of_kept(kept, base, chunks)
        return reference, high, low, second, second_low

    return Reduction(of_warp, make_of_block(keep, of_kept, team), keep, of_kept)


@functools.cache
def make_share_of(arithmetic):
    """Return a scalar: the number by which an exponential is multiplied, to be a share of its row."""
    share = arithmetic.share

    @scalar
    def share_of(reference, total, total_low):
        high, low = share(total, total_low)
        return high if abs(reference) < np.inf else np.nan, low

    return share_of


@functools.cache
def make_logarithms(arithmetic, dtype, operand, team):
    """Return the reduction to the greatest of the elements of one operand, and the logarithm of the sum of the
    exponentials of the differences from it, of which its own and its equals' are counted apart."""
    value_at = make_value_at(dtype, operand)
    one, add, total, addend, weight_of = (
        arithmetic.one,
        arithmetic.add,
        make_total(arithmetic, team),
        arithmetic.addend,
        arithmetic.weight,
    )
    weighted, logarithm = arithmetic.weighted, arithmetic.logarithm
    greatest_of_elements, greatest_of_kept = make_greatest(arithmetic, value_at, team)
    count_of_lanes, lane = make_count(team), team.lane

    @scalar
    def of_element(x, greatest):
        is_one, high, low = addend(x, greatest)
        return np.int64(is_one), high, low

    @scalar
    def of_chunk(greatest, ones, high, low, of_row):
        is_greatest = greatest == of_row
        high, low = add(0.0 if is_greatest else rounded_product(ones, one), 0.0, high, low)
        high, low = weighted(high, low, *weight_of(greatest, of_row))
        return ones if is_greatest else 0.0, high, low

    @part
    def summarize(views, start, count):
        greatest = greatest_of_elements(views, start, count)
        ones, high, low = 0, 0.0, 0.0
        i = start + lane()
        while i < start + count:
            is_one, e, e_low = of_element(value_at(views, i), greatest)
            ones += is_one
            high, low = add(high, low, e, e_low)
            i += LANES
        high, low = total(high, low)
        return greatest, count_of_lanes(float(ones)), high, low, 0.0, 0.0

    @part
    def alone(greatest, ones, high, low, second, second_low):
        high, low = weighted(high, low, one, 0.0)
        high, low = logarithm(ones, high, low)
        return greatest, high, low, 0.0, 0.0

    @part
    def combine(kept, base, chunks):
        greatest = greatest_of_kept(kept, base, chunks)
        ones, high, low = 0.0, 0.0, 0.0
        c = lane()
        while c < chunks:
            index = base + FIELDS * c
            more, e, e_low = of_chunk(
                _get(kept, index), _get(kept, index + 1), _get(kept, index + 2), _get(kept, index + 3), greatest
            )
            ones += more
            high, low = add(high, low, e, e_low)
            c += LANES
        high, low = total(high, low)
        high, low = logarithm(count_of_lanes(ones), high, low)
        return greatest, high, low, 0.0, 0.0

    return make_reduction(summarize, alone, combine, team)
