"""The logarithms of a softmax at selected places of each row, and their gradient, a thread an element; see
``numbaexp.cuda.row_passes``.

The operands of each kernel are in ``numbaexp.cuda.launch_rows``. Records are those of
``numbaexp.scalar.selection_record``.
"""

import numpy as np

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_passes import NUMBERS, make_of_threads, make_rounded
from numbaexp.cuda.row_reductions import kept_memory, make_value_of, part
from numbaexp.scalar import loss_record as selected
from numbaexp.scalar import selection_record as record
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.selection import gradient

_get, _put = kept_memory.get, kept_memory.put


@part
def _known(view, field):
    """Return a field of a record."""
    return _get(view[0], view[1] + field)


@part
def _place(view):
    return np.int64(_known(view, selected.PLACE))


def make_selected_logs(dtype):
    """Make the kernel of the logarithms; the first number is the step from one element of a row to the next one."""
    get, put, value_of = make_memory(STORED_AS[dtype]).get, make_memory(STORED_AS[dtype]).put, make_value_of(dtype)
    log_share, rounded = arithmetic_of(dtype).log_share, make_rounded(dtype)

    @scalar
    def result(x, greatest, logarithm, low, weight):
        return rounded(log_share(x, greatest, logarithm, low) * (weight if abs(greatest) < np.inf else np.nan))

    @part
    def of_one(views):
        x, first, _ = views[0]
        out, into, _ = views[3]
        value = value_of(get(x, first + _place(views[1]) * views[NUMBERS][0]))
        top, log, low = (
            _known(views[2], record.GREATEST),
            _known(views[2], record.LOGARITHM),
            _known(views[2], record.LOGARITHM_LOW),
        )
        put(out, into, result(value, top, log, low, _known(views[1], selected.WEIGHT)))

    return make_of_threads(of_one)


def make_parts(dtype):
    """Make the kernel of the gradients of the results, which are NaN where there is no such place."""
    get, value_of = make_memory(STORED_AS[dtype]).get, make_value_of(dtype)

    @scalar
    def times(a, b):
        return rounded_product(a, b)

    @part
    def of_one(views):
        grad, first, _ = views[0]
        chosen, into, _ = views[1]
        _put(chosen, into + selected.PART, times(value_of(get(grad, first)), _known(views[1], selected.WEIGHT)))

    return make_of_threads(of_one)


def make_selections(dtype):
    """Make the kernel of what is known of rows but for their statistics and totals; the numbers are how many elements
    are selected of each, and the step in float64 from one's record to the next one's."""

    @scalar
    def negated(total, low):
        return -(total + low)

    @part
    def of_one(views):
        of_row, into, _ = views[0]
        _put(of_row, into + record.NEGATED, negated(_known(views[0], record.TOTAL), _known(views[0], record.TOTAL_LOW)))
        _put(of_row, into + record.COUNT, float(views[NUMBERS][0]))
        _put(of_row, into + record.STEP, float(views[NUMBERS][1]))

    return make_of_threads(of_one)


def make_selected_gradients(dtype):
    """Make the kernel of the gradient of a selected element; the numbers are the steps from one element of a row to the
    next one, of the logits and of the result."""
    get, put, value_of = make_memory(STORED_AS[dtype]).get, make_memory(STORED_AS[dtype]).put, make_value_of(dtype)
    rounded = make_rounded(dtype)

    @scalar
    def plus(a, b):
        return a + b

    @scalar
    def result(x, greatest, logarithm, low, own, total, total_low):
        return rounded(gradient(x, greatest, logarithm, low, own, total, total_low))

    @part
    def of_one(views):
        x, x_first, _ = views[0]
        chosen, first_chosen, _ = views[1]
        out, out_first, _ = views[4]
        x_step, out_step, _ = views[NUMBERS]
        count, step = np.int64(_known(views[3], record.COUNT)), np.int64(_known(views[3], record.STEP))
        place, own, k = _known(views[2], selected.PLACE), 0.0, 0
        # It may have been selected several times.
        while k < count:
            of_k = first_chosen + k * step
            own = plus(own, _get(chosen, of_k + selected.PART) if _get(chosen, of_k + selected.PLACE) == place else 0.0)
            k += 1
        value = value_of(get(x, x_first + np.int64(place) * x_step))
        top, log, low = (
            _known(views[3], record.GREATEST),
            _known(views[3], record.LOGARITHM),
            _known(views[3], record.LOGARITHM_LOW),
        )
        total, total_low = _known(views[3], record.TOTAL), _known(views[3], record.TOTAL_LOW)
        put(out, out_first + np.int64(place) * out_step, result(value, top, log, low, own, total, total_low))

    return make_of_threads(of_one)
