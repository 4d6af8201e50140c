"""The inner loop of a NumPy ufunc over one scalar of two numbers, as ``numbaexp.cpu.loops`` has it for one number."""

from typing import Any

from numbaexp.cpu.flags import unforeseen
from numbaexp.cpu.gradient_blocks import make_block
from numbaexp.cpu.pieces import BLOCK, make_pieces
from numbaexp.cpu.row_memory import stack
from numbaexp.cpu.streaming import fence
from numbaexp.scalar.forms import itemsize
from numbaexp.vector.level import current_level


def make_loop(name: str, dtype: str) -> Any:
    """Return a Python function that compiles to the inner loop of a gradient, with ``numbaexp.cpu.compile.LOOP``.

    Memory is treated as by ``loops.make_loop``.
    """
    size, level = itemsize(dtype), current_level()
    block = make_block(name, dtype, level)
    gathered, scatter, shares, streams, first_block = make_pieces(dtype)
    buffer_size = BLOCK * size

    def loop(args, dimensions, steps, data):
        n, g, saved, y = dimensions[0], args[0], args[1], args[2]
        g_step, saved_step, y_step = steps[0], steps[1], steps[2]
        g_buffer, saved_buffer, y_buffer = stack(buffer_size), stack(buffer_size), stack(buffer_size)
        g_shared, saved_shared = shares(g, g_step, y, y_step, n), shares(saved, saved_step, y, y_step, n)
        past_caches = streams(y, y_step, n, data[0])
        start = 0
        count = min(first_block(y, past_caches), n)
        while start < n:
            count = count if count else min(BLOCK, n - start)
            g_source = gathered(g + start * g_step, g_step, g_shared, g_buffer, count)
            source = gathered(saved + start * saved_step, saved_step, saved_shared, saved_buffer, count)
            target = y + start * y_step
            into = y_buffer if unforeseen(y_step) != size else target
            block(g_source, source, into, count, unforeseen(past_caches))
            if into == y_buffer:
                scatter(y_buffer, target, y_step, count)
            start, count = start + count, 0
        if past_caches:
            fence()

    return loop
