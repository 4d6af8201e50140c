"""How kernels go through rows: once to reduce each of them, and once more to write; or, where there is one element of
each row, a thread a row.

``kernel(rows, inner, length, kept, arguments)`` takes the number of rows, how many of them the inner of the two
dimensions has that they are counted in, and their length; and the address of ``FIELDS`` float64 for each chunk of a row
and each block, where rows have several chunks, or, where several blocks take a row, of ``kept_of_row`` for each row.
``arguments`` has of each of ``OPERANDS`` the address of the first element and the steps along the three dimensions, in
elements; and then two numbers, as the bits of int64. What a function does not have is 0.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import cuda, types

from numbaexp.cuda.row_reductions import FIELDS, kept_memory, part
from numbaexp.cuda.team import ROW_OF_BLOCK, WARP
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.scalar.row_order import CHUNK, LANES

OPERANDS = 6
ARGUMENTS = 4 * OPERANDS + 2
TYPES = (*[types.int64] * 4, types.UniTuple(types.int64, ARGUMENTS))
# What a row is reduced to.
OF_ROW = 5
# The index of the two numbers behind the views of the operands.
NUMBERS = OPERANDS


class RowKernels(NamedTuple):
    """``of_warps`` is for rows of one chunk, each of which a warp takes; ``of_blocks`` for longer ones, each of which a
    block takes. The others, one after another, are for few rows of many chunks: a warp takes a chunk in the first and
    the last, and a block a row between them. ``of_columns`` is for batched rows of any length."""

    of_warps: Callable[..., None]
    of_blocks: Callable[..., None]
    sums: Callable[..., None]
    totals: Callable[..., None]
    finish: Callable[..., None]
    of_columns: Callable[..., None]


@scalar
def divided(a, b):
    """Return quotient and remainder of integers that are not negative."""
    quotient = np.int64(np.uint64(a) // np.uint64(b))
    return quotient, a - quotient * b


@scalar
def kept_of_row(chunks):
    """Return how many float64 are kept of a row that several blocks take: of its chunks, and of the row."""
    return FIELDS * chunks + OF_ROW


@part
def views_of(row, inner, arguments):
    """Return of each operand (address, offset of the row's first element, step); and (first number, second number,
    0)."""
    i, j = divided(row, inner)
    return (
        (arguments[0], i * arguments[1] + j * arguments[2], arguments[3]),
        (arguments[4], i * arguments[5] + j * arguments[6], arguments[7]),
        (arguments[8], i * arguments[9] + j * arguments[10], arguments[11]),
        (arguments[12], i * arguments[13] + j * arguments[14], arguments[15]),
        (arguments[16], i * arguments[17] + j * arguments[18], arguments[19]),
        (arguments[20], i * arguments[21] + j * arguments[22], arguments[23]),
        (arguments[24], arguments[25], 0),
    )


def make_kernels(make):
    """Make the kernels of a function. ``make(team)`` returns a reduction and ``write(views, start, count, of_row)``,
    which writes a chunk, or with the first one what there is once for a row; ``of_row`` is what that was reduced to."""
    reduction, write = make(WARP)
    of_warp, of_block = reduction.of_warp, reduction.of_block

    def of_warps(rows, inner, length, kept, arguments):
        row = cuda.grid(1) // LANES
        while row < rows:
            views = views_of(row, inner, arguments)
            write(views, 0, length, of_warp(views, length))
            row += cuda.gridsize(1) // LANES

    def of_blocks(rows, inner, length, kept, arguments):
        chunks = (length + CHUNK - 1) // CHUNK
        base = cuda.blockIdx.x * (FIELDS * chunks)
        row = cuda.blockIdx.x
        while row < rows:
            views = views_of(row, inner, arguments)
            of_row = of_block(views, length, kept, base)
            chunk = cuda.threadIdx.x // LANES
            while chunk < chunks:
                start = chunk * CHUNK
                write(views, start, min(CHUNK, length - start), of_row)
                chunk += cuda.blockDim.x // LANES
            cuda.syncthreads()
            row += cuda.gridDim.x

    sums, totals, finish = _make_shared(reduction, write)
    return RowKernels(of_warps, of_blocks, sums, totals, finish, _make_of_columns(*make(ROW_OF_BLOCK)))


def _make_shared(reduction, write):
    """Make the three kernels of ``RowKernels`` by which several blocks share a row."""
    keep, of_kept, get_kept, put_kept = reduction.keep, reduction.of_kept, kept_memory.get, kept_memory.put

    def sums(rows, inner, length, kept, arguments):
        chunks = (length + CHUNK - 1) // CHUNK
        unit = cuda.grid(1) // LANES
        while unit < rows * chunks:
            row, chunk = divided(unit, chunks)
            keep(views_of(row, inner, arguments), length, kept, row * kept_of_row(chunks), chunk)
            unit += cuda.gridsize(1) // LANES

    def totals(rows, inner, length, kept, arguments):
        chunks = (length + CHUNK - 1) // CHUNK
        row = cuda.blockIdx.x
        while row < rows:
            base = row * kept_of_row(chunks)
            first, second, third, fourth, fifth = of_kept(views_of(row, inner, arguments), length, kept, base)
            if cuda.threadIdx.x == 0:
                index = base + FIELDS * chunks
                put_kept(kept, index, first)
                put_kept(kept, index + 1, second)
                put_kept(kept, index + 2, third)
                put_kept(kept, index + 3, fourth)
                put_kept(kept, index + 4, fifth)
            row += cuda.gridDim.x

    def finish(rows, inner, length, kept, arguments):
        chunks = (length + CHUNK - 1) // CHUNK
        unit = cuda.grid(1) // LANES
        while unit < rows * chunks:
            row, chunk = divided(unit, chunks)
            index = row * kept_of_row(chunks) + FIELDS * chunks
            of_row = (
                get_kept(kept, index),
                get_kept(kept, index + 1),
                get_kept(kept, index + 2),
                get_kept(kept, index + 3),
                get_kept(kept, index + 4),
            )
            start = chunk * CHUNK
            write(views_of(row, inner, arguments), start, min(CHUNK, length - start), of_row)
            unit += cuda.gridsize(1) // LANES

    return sums, totals, finish


def _make_of_columns(reduction, write):
    """Make the kernel of batched rows, of which a block takes as many as it has warps."""
    of_warp, of_block = reduction.of_warp, reduction.of_block

    def of_columns(rows, inner, length, kept, arguments):
        chunks = (length + CHUNK - 1) // CHUNK
        batch = cuda.blockDim.x // LANES
        column = cuda.threadIdx.x % batch
        base = (cuda.blockIdx.x * batch + column) * (FIELDS * chunks)
        of_inner = (inner + batch - 1) // batch
        group = cuda.blockIdx.x
        while group < rows // inner * of_inner:
            outer, within = divided(group, of_inner)
            j = within * batch + column
            # Threads without a row of their own take the same branches, and write nothing.
            views = views_of(outer * inner + min(j, inner - 1), inner, arguments)
            of_row = of_warp(views, length) if chunks <= 1 else of_block(views, length, kept, base)
            write(views, 0, length if j < inner else 0, of_row)
            cuda.syncthreads()
            group += cuda.gridDim.x

    return of_columns


def make_of_threads(of_one):
    """Make a kernel of what ``of_one(views)`` does with each row."""

    def of_threads(rows, inner, length, kept, arguments):
        row = cuda.grid(1)
        while row < rows:
            of_one(views_of(row, inner, arguments))
            row += cuda.gridsize(1)

    return of_threads


@functools.cache
def make_rounded(dtype):
    """Return the conversion of a float64 result to an element as it is stored."""
    convert = {"float16": to_half, "bfloat16": to_bfloat, "float32": np.float32, "float64": np.float64}[dtype]

    @scalar
    def rounded(result):
        return convert(result)

    return rounded
