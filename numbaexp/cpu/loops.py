"""The inner loop of a NumPy ufunc over one scalar: what NumPy calls for each one-dimensional piece of its operands."""

from typing import Any

import numpy as np

from numbaexp.cpu import gradient_blocks, vector_blocks
from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.pieces import BLOCK, make_pieces
from numbaexp.cpu.row_memory import stack
from numbaexp.cpu.streaming import fence
from numbaexp.jit import jit
from numbaexp.scalar.family import SAVED, arity
from numbaexp.scalar.forms import itemsize
from numbaexp.unrolled import make_each
from numbaexp.vector.level import current_level


def make_loop(name: str, dtype: str) -> Any:
    """Return a Python function that compiles to the inner loop of a function, with ``numbaexp.cpu.compile.LOOP``.

    ``data[0]`` is the number of elements of which this is a part, or 0. Blocks whose elements do not follow each other,
    or lie in memory that the result is written to, go through contiguous buffers.
    """
    size, inputs = itemsize(dtype), arity(name)
    block = (gradient_blocks if name in SAVED else vector_blocks).make_block(name, dtype, current_level())
    gathered, scatter, shares, streams, first_block = make_pieces(dtype)
    buffer_size, buffers_size, indices = BLOCK * size, inputs * BLOCK * size, tuple(range(inputs))

    @jit
    def view(k, args, steps, buffers, y, y_step, n):
        x, step = args[k], steps[k]
        return x, step, shares(x, step, y, y_step, n), buffers + k * buffer_size

    @jit
    def source(view, start, count):
        x, step, shared, buffer = view
        return gathered(x + start * step, step, shared, buffer, count)

    view_each, source_each = make_each([view] * inputs), make_each([source] * inputs)

    def loop(args, dimensions, steps, data):
        n, y, y_step = dimensions[0], args[inputs], steps[inputs]
        buffers, y_buffer = stack(buffers_size), stack(buffer_size)
        views, past_caches = view_each(indices, args, steps, buffers, y, y_step, n), streams(y, y_step, n, data[0])
        inside, start = n > 0, 0
        count = min(first_block(y, past_caches), n)
        while start < n:
            count = count if count else min(BLOCK, n - start)
            sources, target = source_each(views, start, count), y + start * y_step
            into = y_buffer if unforeseen(y_step) != size else target
            inside = block(sources, into, count, inside, np.int64(past_caches))
            if into == y_buffer:
                scatter(y_buffer, target, y_step, count)
            start, count = start + count, 0
        if past_caches:
            fence()

    return loop
