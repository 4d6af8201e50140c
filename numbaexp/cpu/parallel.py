"""The inner loop that runs another inner loop on all of Numba's threads.

One loop serves every function and type: the loop that it runs comes through the data pointer that NumPy hands on.
"""

from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

# Floating-point status flags belong to a thread; 31 covers the bits that any C library gives them.
ALL_FLAGS = 31
_flags_to_flags = types.int32(types.int32)
clear_flags = types.ExternalFunction("feclearexcept", _flags_to_flags)
test_flags = types.ExternalFunction("fetestexcept", _flags_to_flags)
raise_flags = types.ExternalFunction("feraiseexcept", _flags_to_flags)

# Parts are shared out evenly among however many threads there are: a power of two of them, of about this length.
PART = 16384
MOST_PARTS = 256


_WORD = ir.IntType(64)
_WORD_POINTER = _WORD.as_pointer()
_FLAGS = ir.IntType(32)


def _call(builder, address, pointers, dimensions, steps, data):
    loop_type = ir.FunctionType(ir.VoidType(), [_WORD_POINTER] * 4)
    builder.call(builder.inttoptr(address, loop_type.as_pointer()), [pointers, dimensions, steps, data])


@intrinsic
def pass_on(typingctx, address, args, dimensions, steps, data):
    """Call the inner loop at an address with the arguments of this one."""

    def codegen(context, builder, signature, llvm_args):
        _call(builder, *llvm_args)
        return context.get_dummy_value()

    return types.none(types.intp, *[types.CPointer(types.intp)] * 4), codegen


@intrinsic
def call_loop(typingctx, address, source, target, n, source_step, target_step):
    """Call the inner loop at an address over ``n`` elements; all arguments are integers."""

    def codegen(context, builder, signature, llvm_args):
        address, source, target, n, source_step, target_step = llvm_args

        def array_of(*values):
            array = cgutils.alloca_once(builder, ir.ArrayType(_WORD, len(values)))
            for i, value in enumerate(values):
                builder.store(value, cgutils.gep_inbounds(builder, array, 0, i))
            return builder.bitcast(array, _WORD_POINTER)

        pointers, steps = array_of(source, target), array_of(source_step, target_step)
        _call(builder, address, pointers, array_of(n), steps, ir.Constant(_WORD_POINTER, None))
        return context.get_dummy_value()

    return types.none(*[types.intp] * 6), codegen


@intrinsic
def call_kernel(typingctx, address, job, first, last):
    """Call the kernel of rows at an address; see ``numbaexp.cpu.rows``."""

    def codegen(context, builder, signature, args):
        address, *arguments = args
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 3)
        builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.none(*[types.intp] * 4), codegen


@intrinsic
def call_shared(typingctx, address, kernel, job, units, parts):
    """Call the function at an address that shares out a kernel's work; see ``numbaexp.cpu.share``."""

    def codegen(context, builder, signature, args):
        address, *arguments = args
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 4)
        builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.none(*[types.intp] * 5), codegen


@intrinsic
def zeroed_word(typingctx):
    """The address of an int32 that is 0 and lives until the calling function returns."""

    def codegen(context, builder, signature, llvm_args):
        word = cgutils.alloca_once_value(builder, ir.Constant(_FLAGS, 0))
        return builder.ptrtoint(word, _WORD)

    return types.intp(), codegen


@intrinsic
def merge_flags(typingctx, address, flags):
    """Add flags to those at an address, whichever thread does so; returns what was there."""

    def codegen(context, builder, signature, llvm_args):
        address, flags = llvm_args
        return builder.atomic_rmw("or", builder.inttoptr(address, _FLAGS.as_pointer()), flags, "monotonic")

    return types.int32(types.intp, types.int32), codegen


SIGNATURE = types.void(*[types.CPointer(types.intp)] * 4)


@njit(forceinline=True)
def ends(first, step, n, itemsize):
    """The addresses between which ``n`` elements lie."""
    last = first + (n - 1) * step
    return min(first, last), max(first, last) + itemsize


def current_loop(args, dimensions, steps, data):
    """Run the loop ``data[0]``, which may be ``parallel_loop`` or the serial one."""
    pass_on(data[0], args, dimensions, steps, data)


def parallel_loop(args, dimensions, steps, data):
    """Run the loop ``data[1]`` in parts, where there are at least ``data[2]`` elements (of ``data[3]`` bytes)."""
    loop, threshold, itemsize = data[1], data[2], data[3]
    n = dimensions[0]
    source, source_step = args[0], steps[0]
    target, target_step = args[1], steps[1]

    source_low, source_high = ends(source, source_step, n, itemsize)
    target_low, target_high = ends(target, target_step, n, itemsize)
    apart = source_high <= target_low or target_high <= source_low
    in_place = source == target and source_step == target_step
    # NumPy lets an output overlap its input where going through it in order is safe: that is one thread's work.
    if n < threshold or not (apart or in_place):
        call_loop(loop, source, target, n, source_step, target_step)
    else:
        parts = 2
        while parts < MOST_PARTS and parts * PART < n:
            parts *= 2
        before = test_flags(ALL_FLAGS)
        raised = zeroed_word()
        for part in prange(parts):
            start, stop = n * part // parts, n * (part + 1) // parts
            if test_flags(ALL_FLAGS):
                clear_flags(ALL_FLAGS)
            call_loop(
                loop, source + start * source_step, target + start * target_step, stop - start, source_step, target_step
            )
            merge_flags(raised, test_flags(ALL_FLAGS))
        flags = before | merge_flags(raised, 0)
        if flags:
            raise_flags(flags)
