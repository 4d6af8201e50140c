"""Pieces of an array block by block, as the inner loops of functions go through their operands."""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.row_memory import make_pointer
from numbaexp.cpu.streaming import LINE
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize

# Elements a block: enough for its undecided ones to fill a vector, few enough to stay in the first cache.
BLOCK = 2048
# Results of so many bytes or more are stored past the caches, which could not hold them.
STREAM_FROM = 1 << 25


class Pieces(NamedTuple):
    """Functions of one type.

    gathered(x, step, shared, buffer, count) : the address of ``count`` contiguous elements: their own, or that of the
        buffer, where they lie in steps or in memory that is ``shared`` with the result.
    scatter(buffer, y, step, count) : copies contiguous elements to those in steps.
    shares(x, step, y, y_step, n) : whether contiguous elements lie in the same memory as a contiguous result.
    streams(y, step, n, whole) : whether the ``n`` elements at y, as a part of ``whole``, go past the caches.
    first_block(y, streams) : how many elements precede the first whole line of a cache, where results go past the
        caches; else 0.
    """

    gathered: Any
    scatter: Any
    shares: Any
    streams: Any
    first_block: Any


def make_pieces(dtype: str) -> Pieces:
    """Return the functions of a float type."""
    size, elements = itemsize(dtype), make_pointer(STORED_AS[dtype])
    # No literal: the compiler would make another function for one.
    contiguous = np.int64(size)

    @jit
    def copy(source, source_step, target, target_step, count):
        for i in range(count):
            elements(target + i * target_step)[0] = elements(source + i * source_step)[0]

    @jit
    def copy_contiguous(source, target, count):
        from_source, to_target = elements(source), elements(target)
        for i in range(count):
            to_target[i] = from_source[i]

    # Without ``unforeseen`` the compiler would write the caller's whole loop anew for each outcome.
    @jit
    def gathered(x, step, shared, buffer, count):
        if unforeseen(np.int64(step != size)):
            copy(x, step, buffer, contiguous, count)
            return buffer
        if unforeseen(np.int64(shared)):
            copy_contiguous(x, buffer, count)
            return buffer
        return x

    @jit
    def scatter(buffer, y, step, count):
        copy(buffer, contiguous, y, step, count)

    @jit
    def shares(x, step, y, y_step, n):
        return step == size and y_step == size and x < y + n * size and y < x + n * size

    @jit
    def streams(y, step, n, whole):
        return step == size and max(n, whole) * size >= STREAM_FROM and y % size == 0

    @jit
    def first_block(y, streams):
        return -y % LINE // size if streams else 0

    return Pieces(gathered, scatter, shares, streams, first_block)
