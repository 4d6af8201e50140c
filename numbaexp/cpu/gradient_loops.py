"""The inner loop of a NumPy ufunc over one scalar of two numbers, as ``numbaexp.cpu.loops`` has it for one number."""

from numba import carray, njit
from numpy.lib.stride_tricks import as_strided

from numbaexp.cpu.loops import BLOCK
from numbaexp.cpu.undecided import stack_array
from numbaexp.scalar.forms import STORED_AS, itemsize

# How many float64 are as long as a block of each type.
_PLACES = {2: BLOCK // 4, 4: BLOCK // 2, 8: BLOCK}


@njit(forceinline=True)
def overlap(a, b):
    """Whether two contiguous arrays of one length and type share memory."""
    return abs(a.ctypes.data - b.ctypes.data) < a.size * a.itemsize


def make_loop(name, dtype, gradient):
    """A Python function that numba.cfunc compiles, with ``loops.SIGNATURE``, to the inner loop of ``gradient``.

    Contiguous pieces are gone through as they lie, where the result is apart from both arguments; others block by
    block through buffers, so that nothing is written of a block before all of it has been read.
    """
    stored_as = STORED_AS[dtype]
    size = itemsize(dtype)
    places = _PLACES[size]

    @njit(forceinline=True)
    def compute(g, saved, result):
        for i in range(result.size):
            result[i] = gradient(g[i], saved[i])

    def loop(args, dimensions, steps, data):
        n = dimensions[0]
        g, saved, result = carray(args[0], n, stored_as), carray(args[1], n, stored_as), carray(args[2], n, stored_as)
        contiguous = steps[0] == size and steps[1] == size and steps[2] == size
        if contiguous and not overlap(g, result) and not overlap(saved, result):
            compute(g, saved, result)
            return
        g_block = carray(stack_array(places), BLOCK, stored_as)
        saved_block = carray(stack_array(places), BLOCK, stored_as)
        result_block = carray(stack_array(places), BLOCK, stored_as)
        g, saved = as_strided(g, (n,), (steps[0],)), as_strided(saved, (n,), (steps[1],))
        result = as_strided(result, (n,), (steps[2],))
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            for i in range(count):
                g_block[i] = g[start + i]
            for i in range(count):
                saved_block[i] = saved[start + i]
            compute(g_block[:count], saved_block[:count], result_block[:count])
            for i in range(count):
                result[start + i] = result_block[i]

    loop.__qualname__ = f"loop_{name}_{dtype}"
    return loop
