"""The inner loop of a NumPy ufunc over one scalar: what NumPy calls for each one-dimensional piece of an array."""

from typing import Any

import numpy as np
from numba import types

from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.vector_blocks import BLOCK, make_block
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.scalar.phases import phases
from numbaexp.vector.level import Level

# Pointers to input and output, length, their steps in bytes, and data of the loop's own, as NumPy's C API has it.
SIGNATURE = types.void(*[types.CPointer(types.intp)] * 4)


def make_loop(name: str, dtype: str, level: Level) -> Any:
    """Return a Python function that numba.cfunc compiles, with ``SIGNATURE``, to the inner loop of a function.

    Blocks whose elements do not follow each other, or lie in memory that the result is written to, go through a
    contiguous buffer.
    """
    size = itemsize(dtype)
    lanes = level.lanes(max(size, 4))
    block = make_block(dtype, phases(name, dtype, level), lanes)
    elements = make_pointer(STORED_AS[dtype])
    buffer_size = BLOCK * size

    @jit
    def copy(source, source_step, target, target_step, count):
        for i in range(count):
            elements(target + i * target_step)[0] = elements(source + i * source_step)[0]

    @jit
    def copy_contiguous(source, target, count):
        from_source, to_target = elements(source), elements(target)
        for i in range(count):
            to_target[i] = from_source[i]

    def loop(args, dimensions, steps, data):
        n, x, y, x_step, y_step = dimensions[0], args[0], args[1], steps[0], steps[1]
        gathered, computed = stack(buffer_size), stack(buffer_size)
        gathers = np.int64(x_step != size)
        scatters = np.int64(y_step != size)
        shared = np.int64(x < y + n * size and y < x + n * size)
        inside = True
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            source, target = x + start * x_step, y + start * y_step
            if unforeseen(gathers):
                copy(source, x_step, gathered, size, count)
                source = gathered
            elif unforeseen(shared):
                copy_contiguous(source, gathered, count)
                source = gathered
            into = computed if unforeseen(scatters) else target
            inside = block(source, into, count, inside)
            if into == computed:
                copy(computed, size, target, y_step, count)

    return loop
