"""The inner loop of a NumPy ufunc over one scalar: what NumPy calls for each one-dimensional piece of an array."""

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic
from numpy.lib.stride_tricks import as_strided

from numbaexp.cpu.undecided import make_settle, stack_array
from numbaexp.jit import jit
from numbaexp.scalar.double import UNDERFLOWS
from numbaexp.scalar.forms import BITS, OVERFLOW, STORED_AS, UNDERFLOW, itemsize
from numbaexp.vector.operations import bits_of, float_of

# Elements a block: enough that the scan before it is cheap, few enough to stay in the first-level cache.
BLOCK = 512

# Pointers to input and output, length, their steps in bytes, and data of the loop's own, as NumPy's C API has it.
SIGNATURE = types.void(
    types.CPointer(types.voidptr), types.CPointer(types.intp), types.CPointer(types.intp), types.CPointer(types.intp)
)


@intrinsic
def unforeseen(typingctx, word):
    """The int64 itself, of which the compiler then knows nothing: it would compute, and raise no flag."""

    def codegen(context, builder, signature, args):
        word = ir.IntType(64)
        return builder.asm(ir.FunctionType(word, [word]), "", "=r,0", args, side_effect=False)

    return types.int64(types.int64), codegen


@jit
def provoked(flags):
    """0, having raised the flags; to be subtracted from something that is used, or it would not be computed."""
    tiny = float_of(bits_of(UNDERFLOWS) * unforeseen(flags & UNDERFLOW))
    huge = float_of(bits_of(np.inf) - unforeseen((flags & OVERFLOW) << np.int64(60)))
    return tiny * tiny + 1.0 / (huge * huge)


def make_blocks(name, dtype, scalar):
    """Functions that do one block: ``apart(x, pattern, y)``, and ``sharing(x, pattern, y)`` where the memory of x and y
    overlaps, in such a way that it is safe to go through it in order.

    ``pattern`` is ``x`` as integers. Where a scan finds every magnitude within ``scalar.limit``, the block takes the
    shorter ``scalar.inner``.
    """
    bits = BITS[itemsize(dtype)]
    all_but_sign = bits(2 ** (8 * itemsize(dtype) - 1) - 1)
    whole, inner, limit = scalar.whole, scalar.inner, bits(scalar.limit)

    @jit
    def is_inner(pattern):
        greatest = bits(0)
        for i in range(pattern.size):
            greatest = max(greatest, bits(pattern[i] & all_but_sign))
        return greatest <= limit

    @jit
    def apart(x, pattern, y):
        if is_inner(pattern):
            for i in range(x.size):
                y[i] = inner(x[i])
        else:
            for i in range(x.size):
                y[i] = whole(x[i])

    @jit
    def in_place(x, pattern):
        # The compiler makes SIMD code of a loop only where what is written is seen not to be read later.
        if is_inner(pattern):
            for i in range(x.size):
                x[i] = inner(x[i])
        else:
            for i in range(x.size):
                x[i] = whole(x[i])

    @jit
    def sharing(x, pattern, y):
        if x.ctypes.data == y.ctypes.data:
            in_place(x, pattern)
        else:
            apart(x, pattern, y)

    if scalar.accurate is None:
        return apart, sharing

    settle = make_settle(scalar.accurate)

    def settle_apart(x, pattern, y):
        others = carray(stack_array(BLOCK), x.size, np.float64)
        differing = np.int64(0)
        if is_inner(pattern):
            for i in range(x.size):
                result, other = inner(x[i])
                y[i], others[i] = result, other
                differing |= bits_of(result) ^ bits_of(other)
        else:
            raised = np.int64(0)
            for i in range(x.size):
                result, other, flags = whole(x[i])
                y[i], others[i] = result, other
                differing |= bits_of(result) ^ bits_of(other)
                raised |= flags
            if raised:
                y[0] -= provoked(raised)
        if differing:
            settle(x, y, others)

    # Not inlined: it is long, and there are four places for it. So it is a symbol in the machine code, and needs a name
    # of its own: loops that were cached by different processes are loaded into one.
    settle_apart.__qualname__ = f"settle_{name}"
    settled_apart = jit(settle_apart, forceinline=False)

    @jit
    def settled_sharing(x, pattern, y):
        # The accurate phase needs the arguments.
        kept = carray(stack_array(BLOCK), x.size, np.float64)
        for i in range(x.size):
            kept[i] = x[i]
        settled_apart(kept, kept.view(np.int64), y)

    return settled_apart, settled_sharing


def make_loop(name, dtype, scalar):
    """A Python function that numba.cfunc compiles, with ``SIGNATURE``, to the inner loop of ``scalar``.

    Contiguous pieces are done block by block, other pieces through a contiguous buffer of one block.
    """
    stored_as = STORED_AS[dtype]
    size = itemsize(dtype)
    bits = BITS[size]
    apart, sharing = make_blocks(name, dtype, scalar)

    def loop(args, dimensions, steps, data):
        n = dimensions[0]
        x = carray(args[0], n, stored_as)
        y = carray(args[1], n, stored_as)
        if steps[0] == size and steps[1] == size:
            pattern = carray(args[0], n, bits)
            overlap = abs(x.ctypes.data - y.ctypes.data) < n * size
            for start in range(0, n, BLOCK):
                stop = min(start + BLOCK, n)
                if overlap:
                    sharing(x[start:stop], pattern[start:stop], y[start:stop])
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
                sharing(buffer[:count], pattern[:count], buffer[:count])
                for i in range(count):
                    y[start + i] = buffer[i]

    return loop
