"""The few elements of a block whose fast phase leaves open how they are rounded: finding them, and the accurate phase.

One element in a thousand is one. To look at each in turn would cost more than the accurate phase does: two vectors are
compared at once, and the result is a word with a bit for each element.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.jit import jit, subroutine

_WORD = ir.IntType(64)

# Elements whose comparison fills a word.
GROUP = 64


@intrinsic
def differences(typingctx, a, b):
    """A bit for each of ``GROUP`` 64-bit elements, at two addresses, that differ; the lowest bit is the first."""

    def codegen(context, builder, signature, args):
        group = ir.VectorType(_WORD, GROUP).as_pointer()
        left, right = (builder.load(builder.inttoptr(address, group), align=8) for address in args)
        return builder.bitcast(builder.icmp_unsigned("!=", left, right), _WORD)

    return types.uint64(types.intp, types.intp), codegen


@intrinsic
def trailing_zeros(typingctx, word):
    """The number of zero bits below the lowest one of a uint64 that is not 0."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.uint64), codegen


@intrinsic(prefer_literal=True)
def stack_array(typingctx, count):
    """Place for so many float64, a number known when compiling, on the stack of the calling function."""

    def codegen(context, builder, signature, args):
        with builder.goto_entry_block():
            place = builder.alloca(ir.ArrayType(ir.DoubleType(), signature.args[0].literal_value))
        place.align = 64
        return builder.bitcast(place, ir.IntType(8).as_pointer())

    return types.voidptr(count), codegen


def out_of_line(function):
    """``function``, of one float64, as a call that is not inlined where it is made."""

    def body(x):
        return function(x)

    # The name of the compiled function: loops that were cached apart are loaded into one process.
    body.__qualname__ = f"out_of_line_{function.__name__}"

    @intrinsic
    def call(typingctx, x):
        def codegen(context, builder, signature, args):
            callee = subroutine(context, builder, body, signature)
            _, result = context.call_conv.call_function(
                builder, callee, signature.return_type, signature.args, args, attrs=("noinline",)
            )
            return result

        return types.float64(types.float64), codegen

    return call


def make_settle(accurate):
    """A function that puts ``accurate(x)`` where ``y`` and ``others`` differ in their bits."""
    settled = out_of_line(accurate)

    @jit
    def settle(x, y, others):
        for start in range(0, x.size, GROUP):
            left, right = y[start : start + GROUP], others[start : start + GROUP]
            if left.size == GROUP:
                undecided = differences(left.ctypes.data, right.ctypes.data)
            else:
                undecided = np.uint64(0)
                for i in range(left.size):
                    bit = np.uint64(left.view(np.int64)[i] != right.view(np.int64)[i])
                    undecided |= bit << np.uint64(i)
            while undecided:
                i = start + trailing_zeros(undecided)
                y[i] = settled(x[i])
                undecided &= undecided - np.uint64(1)

    return settle
