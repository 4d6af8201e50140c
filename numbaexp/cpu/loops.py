"""The inner loop of a NumPy ufunc over one scalar: what NumPy calls for each one-dimensional piece of an array."""

from typing import Any

import numpy as np

from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.pieces import BLOCK, make_pieces
from numbaexp.cpu.row_memory import stack
from numbaexp.cpu.streaming import fence
from numbaexp.cpu.vector_blocks import make_block
from numbaexp.scalar.forms import itemsize
from numbaexp.scalar.phases import phases
from numbaexp.vector.level import current_level


def make_loop(name: str, dtype: str) -> Any:
    """Return a Python function that compiles to the inner loop of a function, with ``numbaexp.cpu.compile.LOOP``.

    ``data[0]`` is the number of elements of which this is a part, or 0. Blocks whose elements do not follow each other,
    or lie in memory that the result is written to, go through a contiguous buffer.
    """
    size, level = itemsize(dtype), current_level()
    block = make_block(dtype, phases(name, dtype, level), level.lanes(max(size, 4)))
    gathered, scatter, shares, streams, first_block = make_pieces(dtype)
    buffer_size = BLOCK * size

    def loop(args, dimensions, steps, data):
        n, x, y, x_step, y_step = dimensions[0], args[0], args[1], steps[0], steps[1]
        x_buffer, y_buffer = stack(buffer_size), stack(buffer_size)
        shared, past_caches = shares(x, x_step, y, y_step, n), np.int64(streams(y, y_step, n, data[0]))
        inside, start = n > 0, 0
        count = min(first_block(y, past_caches), n)
        while start < n:
            count = count if count else min(BLOCK, n - start)
            source, target = gathered(x + start * x_step, x_step, shared, x_buffer, count), y + start * y_step
            into = y_buffer if unforeseen(y_step) != size else target
            inside = block(source, into, count, inside, past_caches)
            if into == y_buffer:
                scatter(y_buffer, target, y_step, count)
            start, count = start + count, 0
        if past_caches:
            fence()

    return loop
