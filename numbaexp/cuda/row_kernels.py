"""The softmax family, row by row; see ``numbaexp.cuda.row_passes``."""

import functools
from collections.abc import Callable

import numpy as np
from numba import cuda

from numbaexp.cuda import row_losses
from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_backward import make_backward
from numbaexp.cuda.row_exponentials import make_exponentials, make_logarithms, make_share_of
from numbaexp.cuda.row_passes import RowKernels, make_kernels, make_rounded
from numbaexp.cuda.row_reductions import Reduction, kept_memory, make_of_block, make_value_at, part
from numbaexp.cuda.row_weighted import make_weighted_logsumexp
from numbaexp.scalar.forms import STORED_AS, result_of, source_of
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.row_arithmetic import NARROW, PAIRED, arithmetic_of
from numbaexp.scalar.row_order import LANES
from numbaexp.scalar.rows import cancel, subtrahend


def make_softmax(dtype):
    """Make the kernels of the operands (x, out), which may be of two types."""
    return _make_shares(dtype, scaled=False)


def make_logsumexp_backward(dtype):
    """Make the kernels of the operands (grad_output, x, out); the first has one number for each row, of float64."""
    return _make_shares(dtype, scaled=True)


@functools.cache
def _make_scale(arithmetic):
    """Return a scalar: a share times a number of the row, of which -infinity alone gives 0."""
    scaled = arithmetic.scaled

    @scalar
    def scale(high, low, factor, of_row):
        high, low = scaled(high, low, factor)
        nothing = of_row == -np.inf
        return 0.0 if nothing else high, 0.0 if nothing else low

    return scale


def _make_shares(dtype, scaled):
    arithmetic, source, to = arithmetic_of(dtype), source_of(dtype), result_of(dtype)
    put, rounded = make_memory(STORED_AS[to]).put, make_rounded(to)
    exponential, shared, get_number = arithmetic.exponential, arithmetic.shared, kept_memory.get
    share_of, scale, smallest = make_share_of(arithmetic), _make_scale(arithmetic), arithmetic.nothing
    of_x, of_out = (1, 2) if scaled else (0, 1)
    value_at = make_value_at(source, of_x)

    @scalar
    def result(x, reference, high, low):
        e, e_low = exponential(x, subtrahend(reference))
        # A scale may be so great that something would become of what stands for 0.
        nothing = scaled and e < smallest
        return rounded(shared(0.0 if nothing else e, 0.0 if nothing else e_low, high, low))

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            y, y_first, y_step = views[of_out]
            reference = of_row[0]
            high, low = share_of(reference, of_row[1], of_row[2])
            if scaled:
                high, low = scale(high, low, get_number(views[0][0], views[0][1]), reference)
            i = start + lane()
            while i < start + count:
                put(y, y_first + i * y_step, result(value_at(views, i), reference, high, low))
                i += LANES

        return make_exponentials(arithmetic, source, of_x, team), write

    return make_kernels(make)


def make_log_softmax(dtype):
    """Make the kernels of the operands (x, out), which may be of two types."""
    arithmetic, source, to = arithmetic_of(dtype), source_of(dtype), result_of(dtype)
    put, rounded, value_at = make_memory(STORED_AS[to]).put, make_rounded(to), make_value_at(source, 0)
    log_share = arithmetic.log_share

    @scalar
    def result(x, greatest, logarithm, low):
        return rounded(log_share(x, greatest, logarithm, low) if abs(greatest) < np.inf else np.nan)

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            y, y_first, y_step = views[1]
            i = start + lane()
            while i < start + count:
                put(y, y_first + i * y_step, result(value_at(views, i), of_row[0], of_row[1], of_row[2]))
                i += LANES

        return make_logarithms(arithmetic, source, 0, team), write

    return make_kernels(make)


def make_statistics(dtype):
    """Make the kernels of the operands (x, greatest, logarithm, low), all but the first of float64 and with one number
    for each row."""
    put = kept_memory.put

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            if start == 0 and lane() == 0:
                put(views[1][0], views[1][1], of_row[0])
                put(views[2][0], views[2][1], of_row[1])
                put(views[3][0], views[3][1], of_row[2])

        return make_logarithms(arithmetic_of(dtype), dtype, 0, team), write

    return make_kernels(make)


def make_logsumexp(dtype):
    """Make the kernels of the operands (x, out), of which the second has one number for each row."""
    put, rounded, log_sum = make_memory(STORED_AS[dtype]).put, make_rounded(dtype), PAIRED.log_sum

    def make_reduction(team):
        paired = make_logarithms(PAIRED, dtype, 0, team)
        if arithmetic_of(dtype) is NARROW:
            return _in_pairs_where_they_cancel(make_logarithms(NARROW, dtype, 0, team), paired, team)
        return paired

    @scalar
    def result(greatest, logarithm, low):
        # Of a low of 0 it makes the sum of the two, rounded once, as the narrow arithmetic has it.
        return rounded(log_sum(greatest, logarithm, low) if abs(greatest) < np.inf else greatest)

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            if start == 0 and lane() == 0:
                put(views[1][0], views[1][1], result(of_row[0], of_row[1], of_row[2]))

        return make_reduction(team), write

    return make_kernels(make)


def _in_pairs_where_they_cancel(narrow, paired, team):
    """Return the reduction ``paired`` of rows whose greatest element and logarithm cancel, and ``narrow`` of others."""
    narrow_of_warp, keep, narrow_of_kept, any_of = narrow.of_warp, narrow.keep, narrow.of_kept, team.any_of
    paired_of_warp, paired_of_block = paired.of_warp, paired.of_block

    @scalar
    def they_cancel(greatest, logarithm):
        return abs(greatest) < np.inf and cancel(greatest + logarithm, logarithm)

    @scalar
    def chosen(condition, of_row, others):
        return others if condition else of_row

    @part
    def of_warp(views, length):
        of_row = narrow_of_warp(views, length)
        cancelling = they_cancel(of_row[0], of_row[1])
        if any_of(cancelling):
            of_row = chosen(cancelling, of_row, paired_of_warp(views, length))
        return of_row

    @part
    def of_kept(views, length, kept, base):
        of_row = narrow_of_kept(views, length, kept, base)
        cancelling = they_cancel(of_row[0], of_row[1])
        if any_of(cancelling):
            # All teams of a row have the same, and what was kept of it is done with.
            cuda.syncthreads()
            of_row = chosen(cancelling, of_row, paired_of_block(views, length, kept, base))
        return of_row

    return Reduction(of_warp, make_of_block(keep, of_kept, team), keep, of_kept)


KERNELS: dict[str, Callable[[str], RowKernels]] = {
    "softmax": make_softmax,
    "log_softmax": make_log_softmax,
    "logsumexp": make_logsumexp,
    "weighted_logsumexp": make_weighted_logsumexp,
    "statistics": make_statistics,
    "softmax_backward": functools.partial(make_backward, "softmax_backward"),
    "log_softmax_backward": functools.partial(make_backward, "log_softmax_backward"),
    "logsumexp_backward": make_logsumexp_backward,
    "expected_losses": row_losses.make_expected_losses,
    "total": row_losses.make_total,
    "class_gradients": row_losses.make_class_gradients,
    "expected_gradients": row_losses.make_expected_gradients,
}
ELEMENTS: dict[str, Callable[[str], Callable[..., None]]] = {
    "targets": row_losses.make_targets,
    "losses": row_losses.make_losses,
    "means": row_losses.make_means,
    "numbers": row_losses.make_numbers,
    "factors": row_losses.make_factors,
}
