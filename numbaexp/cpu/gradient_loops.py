"""The inner loop of a NumPy ufunc over one scalar of two numbers, as ``numbaexp.cpu.loops`` has it for one number."""

import numpy as np
from numba import carray

from numbaexp.cpu.loops import BLOCK
from numbaexp.cpu.row_memory import make_pointer
from numbaexp.cpu.streaming import LINE, fence, stream
from numbaexp.cpu.undecided import stack_array
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize

# Bytes of a result from which it goes past the caches, which could not hold it; and bytes that are computed between
# such stores, of which short bursts alone run beside the loads.
STREAM_FROM = 1 << 25
TILE = 256
# How many float64 take the place of a tile, and of a block of elements of each size.
_TILE_PLACES = TILE // 8
_BLOCK_PLACES = {2: BLOCK // 4, 4: BLOCK // 2, 8: BLOCK}


@jit
def distance(a, b):
    """In bytes, between the first elements of two arrays."""
    return abs(np.intp(a.ctypes.data) - np.intp(b.ctypes.data))


def make_loop(name, dtype, gradient):
    """A Python function that numba.cfunc compiles, with ``loops.SIGNATURE``, to the inner loop of ``gradient``.

    ``data[0]`` is the number of elements of which this is a part, or 0. Where the result shares memory with an argument
    the compiler would make no SIMD code: it goes through a buffer, block by block. So does what is not contiguous.
    """
    stored_as = STORED_AS[dtype]
    size = itemsize(dtype)
    element = make_pointer(stored_as)
    places, tile_length = _BLOCK_PLACES[size], TILE // size

    @jit
    def compute(g, saved, result):
        for i in range(result.size):
            result[i] = gradient(g[i], saved[i])

    def streamed(g, saved, result):
        tile = carray(stack_array(_TILE_PLACES), tile_length, stored_as)
        start = min(-result.ctypes.data % LINE // size, result.size)
        compute(g[:start], saved[:start], result[:start])
        while result.size - start >= tile_length:
            stop = start + tile_length
            compute(g[start:stop], saved[start:stop], tile)
            stream(result[start:stop].ctypes.data, tile.ctypes.data, TILE)
            start = stop
        compute(g[start:], saved[start:], result[start:])
        fence()

    # Loops that were cached by different processes are loaded into one: what is not inlined needs a name of its own.
    streamed.__qualname__ = f"streamed_{name}_{dtype}"
    streamed = jit(streamed, forceinline=False)

    @jit
    def gathered(source, step, start, stop, block):
        if step == size:
            return source[start:stop]
        first = np.intp(source.ctypes.data) + start * step
        for i in range(stop - start):
            block[i] = element(first + i * step)[0]
        return block[: stop - start]

    @jit
    def scattered(block, result, step, start):
        first = np.intp(result.ctypes.data) + start * step
        for i in range(block.size):
            element(first + i * step)[0] = block[i]

    def loop(args, dimensions, steps, data):
        n = dimensions[0]
        g, saved, result = carray(args[0], n, stored_as), carray(args[1], n, stored_as), carray(args[2], n, stored_as)
        contiguous = steps[0] == size and steps[1] == size and steps[2] == size
        if contiguous and distance(g, result) >= n * size and distance(saved, result) >= n * size:
            if max(n, data[0]) * size < STREAM_FROM:
                compute(g, saved, result)
            else:
                streamed(g, saved, result)
        else:
            g_block = carray(stack_array(places), BLOCK, stored_as)
            saved_block = carray(stack_array(places), BLOCK, stored_as)
            block = carray(stack_array(places), BLOCK, stored_as)
            for start in range(0, n, BLOCK):
                stop = min(start + BLOCK, n)
                g_part = gathered(g, steps[0], start, stop, g_block)
                saved_part = gathered(saved, steps[1], start, stop, saved_block)
                compute(g_part, saved_part, block[: stop - start])
                scattered(block[: stop - start], result, steps[2], start)

    return loop
