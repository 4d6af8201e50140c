"""The entropy of each row's softmax and its gradient, row by row; see ``numbaexp.cuda.row_passes``."""

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
    make_value_of,
    part,
)
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.row_entropy import entropy_of
from numbaexp.scalar.row_order import LANES

_get = kept_memory.get


def _make_summarize(arithmetic, dtype, operand, team):
    """Return ``summarize`` of ``make_reduction``: of a chunk the sums of exponentials and of moments."""
    get, value_of = make_memory(STORED_AS[dtype]).get, make_value_of(dtype)
    add, addend, moment_of = arithmetic.add, arithmetic.addend, entropy_of(arithmetic).moment
    total, count_of_lanes, lane = make_total(arithmetic, team), make_count(team), team.lane
    greatest_of_elements, _ = make_greatest(arithmetic, make_value_at(dtype, operand), team)

    @scalar
    def of_element(x, greatest):
        is_one, e, e_low = addend(x, greatest)
        moment, moment_low = moment_of(x, greatest, e, e_low)
        return np.int64(is_one), e, e_low, moment, moment_low

    @part
    def summarize(views, start, count):
        x, first, step = views[operand]
        greatest = greatest_of_elements(views, start, count)
        ones, high, low, second, second_low = 0, 0.0, 0.0, 0.0, 0.0
        i = start + lane()
        while i < start + count:
            is_one, e, e_low, moment, moment_low = of_element(value_of(get(x, first + i * step)), greatest)
            ones += is_one
            high, low = add(high, low, e, e_low)
            second, second_low = add(second, second_low, moment, moment_low)
            i += LANES
        high, low = total(high, low)
        second, second_low = total(second, second_low)
        return greatest, count_of_lanes(float(ones)), high, low, second, second_low

    return summarize


def _make_moments(arithmetic, dtype, operand, close, team):
    """Return the reduction of the elements of one operand to the greatest and the four numbers that ``close`` makes of
    (ones, others, moment) of the row; see ``numbaexp.scalar.row_entropy``."""
    add, of_chunk, lane = arithmetic.add, entropy_of(arithmetic).of_chunk, team.lane
    total, count_of_lanes = make_total(arithmetic, team), make_count(team)
    _, greatest_of_kept = make_greatest(arithmetic, make_value_at(dtype, operand), team)

    @part
    def alone(greatest, ones, high, low, second, second_low):
        ones, high, low, second, second_low = of_chunk(greatest, ones, high, low, second, second_low, greatest)
        first, first_low, third, third_low = close(ones, high, low, second, second_low)
        return greatest, first, first_low, third, third_low

    @part
    def combine(kept, base, chunks):
        greatest = greatest_of_kept(kept, base, chunks)
        ones, high, low, second, second_low = 0.0, 0.0, 0.0, 0.0, 0.0
        c = lane()
        while c < chunks:
            index = base + FIELDS * c
            own, e, e_low, moment, moment_low = of_chunk(
                _get(kept, index),
                _get(kept, index + 1),
                _get(kept, index + 2),
                _get(kept, index + 3),
                _get(kept, index + 4),
                _get(kept, index + 5),
                greatest,
            )
            ones += own
            high, low = add(high, low, e, e_low)
            second, second_low = add(second, second_low, moment, moment_low)
            c += LANES
        high, low = total(high, low)
        second, second_low = total(second, second_low)
        first, first_low, third, third_low = close(count_of_lanes(ones), high, low, second, second_low)
        return greatest, first, first_low, third, third_low

    return make_reduction(_make_summarize(arithmetic, dtype, operand, team), alone, combine, team)


def make_entropy(dtype):
    """Make the kernels of the operands (logits, out), of which the second has one number for each row."""
    arithmetic = arithmetic_of(dtype)
    put, rounded, entropy = make_memory(STORED_AS[dtype]).put, make_rounded(dtype), entropy_of(arithmetic).entropy

    @scalar
    def close(ones, high, low, second, second_low):
        return entropy(ones, high, low, second, second_low), ones, 0.0, 0.0

    @scalar
    def result(greatest, of_row, ones):
        # Without elements none is the greatest.
        of_none = 0.0 if (greatest == -np.inf) & (ones == 0.0) else np.nan
        return rounded(of_row if abs(greatest) < np.inf else of_none)

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            if start == 0 and lane() == 0:
                put(views[1][0], views[1][1], result(of_row[0], of_row[1], of_row[2]))

        return _make_moments(arithmetic, dtype, 0, close, team), write

    return make_kernels(make)


def make_entropy_backward(dtype):
    """Make the kernels of the operands (grad_output, logits, out); the first has one number for each row, of
    float64."""
    arithmetic, memory = arithmetic_of(dtype), make_memory(STORED_AS[dtype])
    get, put, value_of, rounded = memory.get, memory.put, make_value_of(dtype), make_rounded(dtype)
    exponential, scaled, get_number = arithmetic.exponential, arithmetic.scaled, kept_memory.get
    shares, gradient = entropy_of(arithmetic).shares, entropy_of(arithmetic).gradient

    @scalar
    def close(ones, high, low, second, second_low):
        return shares(ones, high, low, second, second_low, 1.0)

    @scalar
    def result(x, greatest, share, share_low, spread, spread_low):
        e, e_low = exponential(x, greatest)
        spread = spread if abs(greatest) < np.inf else np.nan
        return rounded(gradient(x, greatest, e, e_low, share, share_low, spread, spread_low))

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            x, x_first, x_step = views[1]
            y, y_first, y_step = views[2]
            share, share_low = scaled(of_row[1], of_row[2], get_number(views[0][0], views[0][1]))
            i = start + lane()
            while i < start + count:
                value = value_of(get(x, x_first + i * x_step))
                put(y, y_first + i * y_step, result(value, of_row[0], share, share_low, of_row[3], of_row[4]))
                i += LANES

        return _make_moments(arithmetic, dtype, 1, close, team), write

    return make_kernels(make)
