"""The cross entropy and its gradient, row by row; see ``numbaexp.cuda.row_passes``.

The operands of each kernel are in ``numbaexp.cuda.launch_rows``. The statistics of a row are a record of
``numbaexp.scalar.row_losses``. The first of the two numbers is what smoothing leaves of a target, the second what it
gives each class.
"""

import numpy as np

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_exponentials import make_exponentials, make_share_of
from numbaexp.cuda.row_passes import NUMBERS, make_kernels, make_of_threads, make_rounded
from numbaexp.cuda.row_reductions import kept_memory, make_sum, make_value_of, part
from numbaexp.scalar import row_losses as of_row
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.loss_record import (
    GREATEST,
    IGNORED,
    LOGARITHM,
    LOGARITHM_LOW,
    LOSS,
    LOSS_LOW,
    NOWHERE,
    NUMBER,
    PART,
    PART_LOW,
    PLACE,
    WEIGHT,
    WEIGHT_LOW,
)
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.row_order import LANES
from numbaexp.scalar.rows import subtrahend
from numbaexp.vector.operations import float_of

_get, _put = kept_memory.get, kept_memory.put


@scalar
def number_of(bits):
    return float_of(bits)


@scalar
def times(a, b):
    return rounded_product(a, b)


@part
def known(view, field):
    """Return a field of the record of a row."""
    return _get(view[0], view[1] + field)


@part
def class_index(view):
    return np.int64(known(view, PLACE))


def make_expected_at(dtype):
    """Return ``expected_at(probabilities, weights, numbers, i)``, a class's part of the target."""
    get, value_of, expected = make_memory(STORED_AS[dtype]).get, make_value_of(dtype), of_row.expected

    @part
    def expected_at(w, along, numbers, i):
        probability, weight = value_of(get(w[0], w[1] + i * w[2])), _get(along[0], along[1] + i * along[2])
        return expected(weight, probability, number_of(numbers[0]), number_of(numbers[1]))

    return expected_at


@scalar
def plus(a, b):
    return a + b


def make_expected_losses(dtype):
    get, value_of = make_memory(STORED_AS[dtype]).get, make_value_of(dtype)
    addend_of, expected_at = of_row.losses_of(arithmetic_of(dtype)).addend, make_expected_at(dtype)

    @part
    def addend(views, i):
        x, first, step = views[0]
        record = views[3]
        share = expected_at(views[1], views[2], views[NUMBERS], i)
        value = value_of(get(x, first + i * step))
        return addend_of(value, known(record, GREATEST), known(record, LOGARITHM), known(record, LOGARITHM_LOW), share)

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, total):
            if start == 0 and lane() == 0:
                record, first, _ = views[3]
                _put(record, first + PART, total[1])
                _put(record, first + PART_LOW, total[2])

        return make_sum(addend, team), write

    return make_kernels(make)


def make_total(dtype):
    settled = of_row.settled

    @part
    def addend(views, i):
        pairs, first, step = views[0]
        index = first + i * step
        return _get(pairs, index), _get(pairs, index + 1)

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, total):
            if start == 0 and lane() == 0:
                result, first, _ = views[1]
                high, low = settled(total[1], total[2])
                _put(result, first, high)
                _put(result, first + 1, low)

        return make_sum(addend, team), write

    return make_kernels(make)


def make_class_gradients(dtype):
    arithmetic, memory = arithmetic_of(dtype), make_memory(STORED_AS[dtype])
    get, put, value_of, rounded = memory.get, memory.put, make_value_of(dtype), make_rounded(dtype)
    exponential, scaled, shared, quotient = (
        arithmetic.exponential,
        arithmetic.scaled,
        arithmetic.shared,
        arithmetic.quotient,
    )
    share_of, smallest = make_share_of(arithmetic), arithmetic.nothing

    @part
    def of_others(views, i, e, e_low):
        is_class = i == class_index(views[1])
        return 0.0 if is_class else e, 0.0 if is_class else e_low

    @scalar
    def of_element(x, reference, high, low):
        e, e_low = exponential(x, subtrahend(reference))
        nothing = e < smallest
        return rounded(shared(0.0 if nothing else e, 0.0 if nothing else e_low, high, low))

    @scalar
    def of_class(reference, total, total_low, others, others_low, number):
        # The sum of the others: without it, where the element is most of its row, what its share lacks would cancel.
        lacking = quotient(others, others_low, total, total_low, -number)
        return rounded(lacking if abs(reference) < np.inf else np.nan)

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, sums):
            x, x_first, x_step = views[0]
            y, y_first, y_step = views[2]
            reference, total, total_low, others, others_low = sums
            number, index = times(known(views[1], NUMBER), known(views[1], WEIGHT)), class_index(views[1])
            high, low = scaled(*share_of(reference, total, total_low), number)
            i = start + lane()
            while i < start + count:
                if index == IGNORED:
                    result = rounded(0.0)
                elif i == index:
                    result = of_class(reference, total, total_low, others, others_low, number)
                else:
                    result = of_element(value_of(get(x, x_first + i * x_step)), reference, high, low)
                put(y, y_first + i * y_step, result)
                i += LANES

        return make_exponentials(arithmetic, dtype, 0, team, of_others), write

    return make_kernels(make)


def make_expected_gradients(dtype):
    arithmetic, memory = arithmetic_of(dtype), make_memory(STORED_AS[dtype])
    get, put, value_of, rounded = memory.get, memory.put, make_value_of(dtype), make_rounded(dtype)
    exponential, scaled, share_of = arithmetic.exponential, arithmetic.scaled, make_share_of(arithmetic)
    gradient, expected_at = of_row.losses_of(arithmetic).gradient, make_expected_at(dtype)

    @part
    def of_targets(views, i, e, e_low):
        return expected_at(views[1], views[2], views[NUMBERS], i), 0.0

    @scalar
    def of_element(x, reference, high, low, target):
        e, e_low = exponential(x, subtrahend(reference))
        return rounded(gradient(e, e_low, high, low, target))

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, sums):
            x, x_first, x_step = views[0]
            y, y_first, y_step = views[4]
            reference, total, total_low, expected, expected_low = sums
            number, index = known(views[3], NUMBER), class_index(views[3])
            weight = times(number_of(views[NUMBERS][0]), known(views[3], WEIGHT))
            high, low = share_of(reference, total, total_low)
            high, low = scaled(high, low, times(number, plus(plus(expected, expected_low), weight)))
            i = start + lane()
            while i < start + count:
                target = expected_at(views[1], views[2], views[NUMBERS], i)
                target = plus(target, weight) if i == index else target
                value = value_of(get(x, x_first + i * x_step))
                result = of_element(value, reference, high, low, times(number, target))
                put(y, y_first + i * y_step, rounded(0.0) if index == IGNORED else result)
                i += LANES

        return make_exponentials(arithmetic, dtype, 0, team, of_targets), write

    return make_kernels(make)


def make_targets(kind):
    """Make the kernel of targets; the numbers are the class that is ignored and how many classes there are."""
    get = make_memory(kind).get
    # One beyond is no class either.
    most = np.uint64(np.iinfo(np.int64).max)
    is_wide = kind == "uint64"

    @scalar
    def as_int64(target):
        return np.int64(min(target, most)) if is_wide else np.int64(target)

    @part
    def of_one(views):
        targets, first, _ = views[0]
        along = views[1]
        record, into, _ = views[2]
        ignored, classes, _ = views[NUMBERS]
        index, weight = float(NOWHERE), 0.0
        if targets != 0:
            target = as_int64(get(targets, first))
            if target == ignored:
                index = float(IGNORED)
            elif target < 0 or target >= classes:
                # The host, which could raise, would have to wait to hear of it.
                index, weight = 0.0, np.nan
            else:
                index = float(target)
                weight = _get(along[0], along[1] + target * along[2]) if along[0] != 0 else 1.0
        _put(record, into + PLACE, index)
        _put(record, into + WEIGHT, weight)
        _put(record, into + WEIGHT_LOW, 0.0)
        _put(record, into + PART, 0.0)
        _put(record, into + PART_LOW, 0.0)

    return make_of_threads(of_one)


def make_losses(dtype):
    get, value_of = make_memory(STORED_AS[dtype]).get, make_value_of(dtype)
    loss = of_row.losses_of(arithmetic_of(dtype)).loss

    @part
    def of_one(views):
        x, x_first, x_step = views[0]
        record, first, _ = views[1]
        index = class_index(views[1])
        weight = times(number_of(views[NUMBERS][0]), known(views[1], WEIGHT))
        value = value_of(get(x, x_first + max(index, 0) * x_step))
        high, low = loss(
            value,
            known(views[1], GREATEST),
            known(views[1], LOGARITHM),
            known(views[1], LOGARITHM_LOW),
            weight,
            known(views[1], PART),
            known(views[1], PART_LOW),
            index,
        )
        _put(record, first + LOSS, high)
        _put(record, first + LOSS_LOW, low)

    return make_of_threads(of_one)


@part
def count_of(view, numbers):
    """Return the divisor of a mean, as a pair: one in memory, or the first number."""
    if view[0] != 0:
        return _get(view[0], view[1]), _get(view[0], view[1] + 1)
    return number_of(numbers[0]), 0.0


def make_means(dtype):
    put, rounded, mean = make_memory(STORED_AS[dtype]).put, make_rounded(dtype), of_row.mean

    @part
    def of_one(views):
        out, first, _ = views[0]
        total, index, _ = views[2]
        count, count_low = count_of(views[1], views[NUMBERS])
        put(out, first, rounded(mean(_get(total, index), _get(total, index + 1), count, count_low)))

    return make_of_threads(of_one)


def make_numbers(dtype):
    """Make the kernel of the numbers of gradients; without a gradient of the loss it is the second number."""
    get, value_of, over = make_memory(STORED_AS[dtype]).get, make_value_of(dtype), of_row.over

    @part
    def of_one(views):
        grad, first, _ = views[0]
        record, index, _ = views[2]
        given = value_of(get(grad, first)) if grad != 0 else number_of(views[NUMBERS][1])
        count, count_low = count_of(views[1], views[NUMBERS])
        _put(record, index + NUMBER, over(given, count, count_low))

    return make_of_threads(of_one)


def make_factors(dtype):
    """Make the kernel of factors as float64; where none are given they are 1."""
    get, value_of = make_memory(STORED_AS[dtype]).get, make_value_of(dtype)

    @part
    def of_one(views):
        given, first, _ = views[0]
        _put(views[1][0], views[1][1], value_of(get(given, first)) if given != 0 else 1.0)

    return make_of_threads(of_one)
