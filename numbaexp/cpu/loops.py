"""The inner loop of a NumPy ufunc over one scalar: what NumPy calls for each one-dimensional piece of an array."""

import numpy as np
from numba import carray, njit, types
from numpy.lib.stride_tricks import as_strided

# The type that each float is loaded and stored as, and the integer of its width, in which magnitudes are compared.
# Numba's CPU target knows neither of the 16-bit floats: their scalars take and give bit patterns.
_STORED_AS = {"float16": np.uint16, "bfloat16": np.uint16, "float32": np.float32, "float64": np.float64}
_BITS = {2: np.uint16, 4: np.int32, 8: np.int64}

# Elements a block: enough that the scan before it is cheap, few enough to stay in the first-level cache.
BLOCK = 512

# Pointers to input and output, length, their steps in bytes, and data of the loop's own, as NumPy's C API has it.
SIGNATURE = types.void(
    types.CPointer(types.voidptr), types.CPointer(types.intp), types.CPointer(types.intp), types.CPointer(types.intp)
)


def itemsize(dtype):
    """The size of a float in bytes, by the name of its type."""
    return np.dtype(_STORED_AS[dtype]).itemsize


def make_loop(dtype, scalar):
    """A Python function that numba.cfunc compiles, with ``SIGNATURE``, to the inner loop of ``scalar``.

    Contiguous pieces are done block by block: where a scan finds every magnitude within ``scalar.limit``, the block
    takes the shorter ``scalar.inner``. In place has a loop of its own, since the compiler makes SIMD code of a loop
    only where what is written is seen not to be read later. Other pieces go through a contiguous buffer of one block.
    """
    stored_as = _STORED_AS[dtype]
    size = itemsize(dtype)
    bits = _BITS[size]
    all_but_sign = bits(2 ** (8 * size - 1) - 1)
    whole, inner, limit = scalar.whole, scalar.inner, bits(scalar.limit)

    @njit(forceinline=True)
    def is_inner(pattern):
        greatest = bits(0)
        for i in range(pattern.size):
            greatest = max(greatest, bits(pattern[i] & all_but_sign))
        return greatest <= limit

    @njit(forceinline=True)
    def apart(x, pattern, y):
        if is_inner(pattern):
            for i in range(x.size):
                y[i] = inner(x[i])
        else:
            for i in range(x.size):
                y[i] = whole(x[i])

    @njit(forceinline=True)
    def in_place(x, pattern):
        if is_inner(pattern):
            for i in range(x.size):
                x[i] = inner(x[i])
        else:
            for i in range(x.size):
                x[i] = whole(x[i])

    def loop(args, dimensions, steps, data):
        n = dimensions[0]
        x = carray(args[0], n, stored_as)
        y = carray(args[1], n, stored_as)
        if steps[0] == size and steps[1] == size:
            pattern = carray(args[0], n, bits)
            same = x.ctypes.data == y.ctypes.data
            for start in range(0, n, BLOCK):
                stop = min(start + BLOCK, n)
                if same:
                    in_place(x[start:stop], pattern[start:stop])
                else:
                    apart(x[start:stop], pattern[start:stop], y[start:stop])
        else:
            x = as_strided(x, (n,), (steps[0],))
            y = as_strided(y, (n,), (steps[1],))
            buffer = np.empty(min(n, BLOCK), stored_as)
            pattern = buffer.view(bits)
            for start in range(0, n, BLOCK):
                count = min(BLOCK, n - start)
                for i in range(count):
                    buffer[i] = x[start + i]
                in_place(buffer[:count], pattern[:count])
                for i in range(count):
                    y[start + i] = buffer[i]

    return loop
