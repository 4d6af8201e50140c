"""How kernels go through rows: once to reduce each of them, and once more to write.

``kernel(rows, inner, length, kept, ...)`` takes the number of rows, how many of them the inner of the two dimensions
has that they are counted in, and their length; the address of ``FIELDS`` float64 for each chunk of a row and each
block, where rows have several chunks; and of each of ``OPERANDS`` the address of the first element and the steps along
the three dimensions, in elements. Of an operand that a function does not have all are 0.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import cuda

from numbaexp.cuda.row_reductions import FIELDS, kept_memory, part
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.scalar.rows import CHUNK, LANES

OPERANDS = 4


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
def views_of(row, inner, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2):
    i, j = divided(row, inner)
    return (
        (a, i * a0 + j * a1, a2),
        (b, i * b0 + j * b1, b2),
        (c, i * c0 + j * c1, c2),
        (d, i * d0 + j * d1, d2),
    )


def make_kernels(reduction, write):
    """``write(views, start, count, greatest, of_row, several)`` writes a chunk, or with the first one what there is
    once for a row; ``greatest`` is the chunk's greatest element, and ``several`` whether the row has other chunks."""
    of_warp, of_block, get_kept = reduction.of_warp, reduction.of_block, kept_memory.get

    def of_warps(rows, inner, length, kept, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2):
        row = cuda.grid(1) // LANES
        while row < rows:
            views = views_of(row, inner, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2)
            of_row = of_warp(views, length)
            write(views, 0, length, of_row[0], of_row, False)
            row += cuda.gridsize(1) // LANES

    def of_blocks(rows, inner, length, kept, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2):
        chunks = (length + CHUNK - 1) // CHUNK
        base = cuda.blockIdx.x * (FIELDS * chunks)
        row = cuda.blockIdx.x
        while row < rows:
            views = views_of(row, inner, a, a0, a1, a2, b, b0, b1, b2, c, c0, c1, c2, d, d0, d1, d2)
            of_row = of_block(views, length, kept, base)
            chunk = cuda.threadIdx.x // LANES
            while chunk < chunks:
                start = chunk * CHUNK
                write(views, start, min(CHUNK, length - start), get_kept(kept, base + FIELDS * chunk), of_row, True)
                chunk += cuda.blockDim.x // LANES
            cuda.syncthreads()
            row += cuda.gridDim.x

    return RowKernels(of_warps, of_blocks)


@functools.cache
def make_rounded(dtype):
    """From a float64 result to an element as it is stored."""
    convert = {"float16": to_half, "bfloat16": to_bfloat, "float32": np.float32, "float64": np.float64}[dtype]

    @scalar
    def rounded(result):
        return convert(result)

    return rounded
