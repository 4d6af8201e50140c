"""Kernels that go through an array row by row, as Python functions that numba.cuda compiles and its simulator runs.

``kernel(rows, inner, length, kept, ...)`` takes the number of rows, how many of them the inner of the two dimensions has
that they are counted in, and their length; the address of ``FIELDS`` float64 for each chunk of a row and each block,
where rows have several chunks; and of each of ``OPERANDS`` the address of the first element and the steps along the
three dimensions, in elements. An operand that a function does not have is 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_reductions import (
    FIELDS,
    Reduction,
    kept_memory,
    make_exponentials,
    make_products,
    make_value_of,
    part,
    reference,
)
from numbaexp.scalar import double, single
from numbaexp.scalar import rows as r
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import fma, scalar
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.scalar.row_arithmetic import NARROW, PAIRED, arithmetic_of
from numbaexp.scalar.rows import CHUNK, LANES

OPERANDS = 4
# Of an exponential of float32 and narrower: below it the result is too small to change a derivative.
LEAST_EXPONENTIAL = -104.0


class RowKernels(NamedTuple):
    """``of_warps`` is for rows of one chunk, each of which a warp takes; ``of_blocks`` for longer ones, each of which a
    block takes."""

    of_warps: Callable[..., None]
    of_blocks: Callable[..., None]


@scalar
def divided(a, b):
    """Quotient and remainder of integers that are not negative."""
    quotient = np.int64(np.uint64(a) // np.uint64(b))
    return quotient, a - quotient * b


@part
def view(address, place, step):
    return address, place, step


def make_kernels(reduction, write):
    """``write(views, start, count, greatest, of_row, several)`` stores what is to be stored of a chunk, or with the first
    one what is to be stored of the row, of ``several`` chunks or of one alone."""
    of_warp, of_block, get_kept = reduction.of_warp, reduction.of_block, kept_memory.get

    def of_warps(rows, inner, length, kept, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2):
        row = cuda.grid(1) // LANES
        while row < rows:
            i, j = divided(row, inner)
            views = (
                (a, i * a0 + j * a1, a2),
                (b, i * b0 + j * b1, b2),
                (c, i * c0 + j * c1, c2),
                (d, i * d0 + j * d1, d2),
            )
            of_row = of_warp(views, length)
            write(views, 0, length, of_row[0], of_row, False)
            row += cuda.gridsize(1) // LANES

    def of_blocks(rows, inner, length, kept, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2):
        chunks = (length + CHUNK - 1) // CHUNK
        base = cuda.blockIdx.x * (FIELDS * chunks)
        row = cuda.blockIdx.x
        while row < rows:
            i, j = divided(row, inner)
            views = (
                (a, i * a0 + j * a1, a2),
                (b, i * b0 + j * b1, b2),
                (c, i * c0 + j * c1, c2),
                (d, i * d0 + j * d1, d2),
            )
            of_row = of_block(views, length, kept, base)
            chunk = cuda.threadIdx.x // LANES
            while chunk < chunks:
                start = chunk * CHUNK
                count = min(CHUNK, length - start)
                write(views, start, count, get_kept(kept, base + chunk), of_row, True)
                chunk += cuda.blockDim.x // LANES
            cuda.syncthreads()
            row += cuda.gridDim.x

    return RowKernels(of_warps, of_blocks)


def make_rounded(dtype):
    """From a float64 result to an element as it is stored."""
    convert = {"float16": to_half, "bfloat16": to_bfloat, "float32": np.float32, "float64": np.float64}[dtype]

    @scalar
    def rounded(result):
        return convert(result)

    return rounded


def make_softmax(dtype):
    return _make_shares(dtype, with_factor=False)


def make_logsumexp_backward(dtype):
    return _make_shares(dtype, with_factor=True)


def _make_shares(dtype, with_factor):
    """The operands are (x, out), or ``with_factor`` (a number of each row, x, out): it multiplies the shares."""
    arithmetic, memory = arithmetic_of(dtype), make_memory(STORED_AS[dtype])
    get, put, value_of, rounded = memory.get, memory.put, make_value_of(dtype), make_rounded(dtype)
    one, paired = arithmetic.one, arithmetic is PAIRED
    exponential, addend, share, shared = arithmetic.exponential, arithmetic.addend, arithmetic.share, arithmetic.shared
    of_x, of_out = (1, 2) if with_factor else (0, 1)

    @scalar
    def share_of(greatest, of_row, total, total_low, several):
        weight, weight_low = addend(greatest, of_row) if several else (one, 0.0)
        high, low = share(weight, weight_low, total, total_low)
        return high if abs(of_row) < np.inf else np.nan, low

    @scalar
    def multiplied(high, low, factor, of_row):
        if paired:
            high, low = r.product_of_pairs(high, low, factor, 0.0)
        else:
            high = high * factor
        return 0.0 if of_row == -np.inf else high, low

    @scalar
    def result(x, greatest, high, low):
        e, e_low = exponential(x, reference(greatest))
        return rounded(shared(e, e_low, high, low))

    @part
    def write(views, start, count, greatest, of_row, several):
        x, x_first, x_step = views[of_x]
        y, y_first, y_step = views[of_out]
        high, low = share_of(greatest, of_row[0], of_row[1], of_row[2], several)
        if with_factor:
            factor, place, _ = views[0]
            high, low = multiplied(high, low, value_of(get(factor, place)), of_row[0])
        i = start + cuda.laneid
        while i < start + count:
            put(y, y_first + i * y_step, result(value_of(get(x, x_first + i * x_step)), greatest, high, low))
            i += LANES

    return make_kernels(make_exponentials(arithmetic, dtype, of_x, logs=False), write)


def make_log_softmax(dtype):
    """The operands are (x, out)."""
    arithmetic, memory = arithmetic_of(dtype), make_memory(STORED_AS[dtype])
    get, put, value_of, rounded = memory.get, memory.put, make_value_of(dtype), make_rounded(dtype)
    log_share = arithmetic.log_share

    @scalar
    def result(x, greatest, logarithm, low):
        share = log_share(x, greatest, logarithm, low)
        return rounded(share if abs(greatest) < np.inf else np.nan)

    @part
    def write(views, start, count, greatest, of_row, several):
        x, x_first, x_step = views[0]
        y, y_first, y_step = views[1]
        i = start + cuda.laneid
        while i < start + count:
            value = value_of(get(x, x_first + i * x_step))
            put(y, y_first + i * y_step, result(value, of_row[0], of_row[1], of_row[2]))
            i += LANES

    return make_kernels(make_exponentials(arithmetic, dtype, 0, logs=True), write)


def make_statistics(dtype):
    """The operands are (x, greatest, logarithm, low), all but x of float64."""
    put = kept_memory.put

    @part
    def write(views, start, count, greatest, of_row, several):
        if start == 0 and cuda.laneid == 0:
            put(views[1][0], views[1][1], of_row[0])
            put(views[2][0], views[2][1], of_row[1])
            put(views[3][0], views[3][1], of_row[2])

    return make_kernels(make_exponentials(arithmetic_of(dtype), dtype, 0, logs=True), write)


def make_logsumexp(dtype):
    """The operands are (x, out)."""
    put, rounded = make_memory(STORED_AS[dtype]).put, make_rounded(dtype)
    reduction = make_exponentials(PAIRED, dtype, 0, logs=True)
    if arithmetic_of(dtype) is NARROW:
        reduction = _more_precise_where_they_cancel(make_exponentials(NARROW, dtype, 0, logs=True), reduction)
    log_sum = PAIRED.log_sum

    @scalar
    def result(greatest, logarithm, low):
        # With a low of 0 it is the sum of the two, rounded once, as the narrow arithmetic has it.
        return rounded(log_sum(greatest, logarithm, low) if abs(greatest) < np.inf else greatest)

    @part
    def write(views, start, count, greatest, of_row, several):
        if start == 0 and cuda.laneid == 0:
            put(views[1][0], views[1][1], result(of_row[0], of_row[1], of_row[2]))

    return make_kernels(reduction, write)


def _more_precise_where_they_cancel(narrow, paired):
    """The reduction ``paired`` of rows whose greatest element and logarithm cancel, and ``narrow`` of others."""
    warp_narrow, warp_paired = narrow.of_warp, paired.of_warp
    block_narrow, block_paired = narrow.of_block, paired.of_block

    @scalar
    def cancel(greatest, logarithm):
        return abs(greatest) < np.inf and abs(greatest + logarithm) < logarithm / 4.0

    @part
    def of_warp(views, length):
        of_row = warp_narrow(views, length)
        if cancel(of_row[0], of_row[1]):
            of_row = warp_paired(views, length)
        return of_row

    @part
    def of_block(views, length, kept, base):
        of_row = block_narrow(views, length, kept, base)
        if cancel(of_row[0], of_row[1]):
            cuda.syncthreads()
            of_row = block_paired(views, length, kept, base)
        return of_row

    return Reduction(of_warp, of_block)


def make_softmax_backward(dtype):
    """The operands are (grad_output, output, out)."""
    rounded = make_rounded(dtype)

    @scalar
    def result(g, y, total, total_low):
        t, error = r.two_sum(g, -total)
        d, d_low = double.fast_two_sum(t, error - total_low)
        return rounded(fma(d, y, d_low * y))

    return _make_backward(dtype, result, with_output=True)


def make_log_softmax_backward(dtype):
    """The operands are (grad_output, output, out)."""
    rounded = make_rounded(dtype)

    @scalar
    def narrow_result(g, y, total, total_low):
        e = single.exp(max(y, LEAST_EXPONENTIAL)) if y >= LEAST_EXPONENTIAL else 0.0
        return rounded(fma(-e, total, g))

    @scalar
    def paired_result(g, y, total, total_low):
        e, e_low = r.exponential_pair(y, 0.0)
        p, p_low = r.product_of_pairs(e, e_low, total * UNSCALE_PAIR, total_low * UNSCALE_PAIR)
        t, error = r.two_sum(g, -p)
        return rounded(t + (error - p_low))

    result = paired_result if arithmetic_of(dtype) is PAIRED else narrow_result
    return _make_backward(dtype, result, with_output=False)


UNSCALE_PAIR = 2.0**-200


def _make_backward(dtype, result, with_output):
    memory, value_of = make_memory(STORED_AS[dtype]), make_value_of(dtype)
    get, put = memory.get, memory.put

    @part
    def write(views, start, count, greatest, of_row, several):
        g, g_first, g_step = views[0]
        y, y_first, y_step = views[1]
        out, out_first, out_step = views[2]
        i = start + cuda.laneid
        while i < start + count:
            value = result(
                value_of(get(g, g_first + i * g_step)), value_of(get(y, y_first + i * y_step)), of_row[1], of_row[2]
            )
            put(out, out_first + i * out_step, value)
            i += LANES

    return make_kernels(make_products(dtype, with_output), write)


MAKERS: dict[str, Callable[[str], Any]] = {
    "softmax": make_softmax,
    "log_softmax": make_log_softmax,
    "logsumexp": make_logsumexp,
    "statistics": make_statistics,
    "softmax_backward": make_softmax_backward,
    "log_softmax_backward": make_log_softmax_backward,
    "logsumexp_backward": make_logsumexp_backward,
}
