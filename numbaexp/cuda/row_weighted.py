"""The logarithm of a sum of exponentials times factors, row by row; see ``numbaexp.cuda.row_passes``.

What a chunk and a row are reduced to has in the place of a second sum, high and low, how many elements are infinite:
those with positive factors, and those with negative ones.
"""

import numpy as np

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_exponentials import make_greatest
from numbaexp.cuda.row_passes import make_kernels, make_rounded
from numbaexp.cuda.row_reductions import (
    FIELDS,
    kept_memory,
    make_count,
    make_reduction,
    make_total,
    make_value_at,
    part,
)
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.row_arithmetic import PAIRED
from numbaexp.scalar.row_order import LANES
from numbaexp.scalar.row_weighted import counted, log_and_sign, term
from numbaexp.scalar.rows import subtrahend

_get, _put = kept_memory.get, kept_memory.put
_one, _weight, _weighted = PAIRED.one, PAIRED.weight, PAIRED.weighted


@scalar
def _is_infinite(x, factor):
    """Tell whether an element is infinite, with a positive and with a negative factor."""
    infinite = x == np.inf
    return np.float64(infinite and factor > 0.0), np.float64(infinite and factor < 0.0)


@scalar
def _of_chunk(greatest, high, low, of_row):
    """Return a chunk's sum by the reference of its row."""
    return _weighted(high, low, *_weight(greatest, of_row))


def _make_weighted_sum(dtype, team):
    x_at, factor_at, lane = make_value_at(dtype, 0), make_value_at(dtype, 1), team.lane
    add, total, count_of_lanes = PAIRED.add, make_total(PAIRED, team), make_count(team)

    @part
    def counted_at(views, i):
        return counted(x_at(views, i), factor_at(views, i))

    greatest_of_elements, greatest_of_kept = make_greatest(PAIRED, counted_at, team)

    @part
    def summarize(views, start, count):
        greatest = greatest_of_elements(views, start, count)
        reference = subtrahend(greatest)
        high, low, above, below = 0.0, 0.0, 0.0, 0.0
        i = start + lane()
        while i < start + count:
            x, factor = counted_at(views, i), factor_at(views, i)
            e, e_low = term(x, factor, reference)
            high, low = add(high, low, e, e_low)
            is_above, is_below = _is_infinite(x, factor)
            above += is_above
            below += is_below
            i += LANES
        high, low = total(high, low)
        return greatest, 0.0, high, low, count_of_lanes(above), count_of_lanes(below)

    @part
    def alone(greatest, ones, high, low, above, below):
        high, low = _weighted(high, low, _one, 0.0)
        return greatest, high, low, above, below

    @part
    def combine(kept, base, chunks):
        greatest = greatest_of_kept(kept, base, chunks)
        high, low, above, below = 0.0, 0.0, 0.0, 0.0
        c = lane()
        while c < chunks:
            index = base + FIELDS * c
            e, e_low = _of_chunk(_get(kept, index), _get(kept, index + 2), _get(kept, index + 3), greatest)
            high, low = add(high, low, e, e_low)
            above += _get(kept, index + 4)
            below += _get(kept, index + 5)
            c += LANES
        high, low = total(high, low)
        return greatest, high, low, count_of_lanes(above), count_of_lanes(below)

    return make_reduction(summarize, alone, combine, team)


def make_weighted_logsumexp(dtype):
    """Make the kernels of the operands (a, b, out, sign), of which the last two have one number for each row. Without
    ``sign``, which is of float64, the result of a negative sum is NaN."""
    put, rounded = make_memory(STORED_AS[dtype]).put, make_rounded(dtype)

    @scalar
    def result(of_row, takes_sign):
        log, sign = log_and_sign(of_row[0], of_row[1], of_row[2], of_row[3] > 0.0, of_row[4] > 0.0)
        return rounded(np.nan if sign < 0.0 and not takes_sign else log), sign

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            if start == 0 and lane() == 0:
                takes_sign = views[3][0] != 0
                log, sign = result(of_row, takes_sign)
                put(views[2][0], views[2][1], log)
                if takes_sign:
                    _put(views[3][0], views[3][1], sign)

        return _make_weighted_sum(dtype, team), write

    return make_kernels(make)
