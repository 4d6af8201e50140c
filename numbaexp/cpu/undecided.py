"""For the few elements of a block that the fast phase leaves undecided: finding their bits, and a call of the accurate
phase."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.jit import subroutine


@intrinsic
def trailing_zeros(typingctx, word):
    """Count the zero bits below the lowest one of a uint64 that is not 0."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.uint64), codegen


def out_of_line(function):
    """Return ``function``, of one float64, as a call that is not inlined."""

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
