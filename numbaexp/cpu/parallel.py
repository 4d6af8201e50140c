"""The inner loop that runs another inner loop on all of Numba's threads.

One loop serves every function and type: the loop that it runs comes through the data pointer that NumPy hands on.
"""

from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from numbaexp.cpu.compiled_threads import compiled_threads, get_num_threads, set_num_threads
from numbaexp.cpu.float_mode import call_in_default_mode
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.jit import jit

# Floating-point status flags belong to a thread; 31 covers the bits that any C library gives them.
ALL_FLAGS = 31
_flags_to_flags = types.int32(types.int32)
clear_flags = types.ExternalFunction("feclearexcept", _flags_to_flags)
test_flags = types.ExternalFunction("fetestexcept", _flags_to_flags)
raise_flags = types.ExternalFunction("feraiseexcept", _flags_to_flags)

# Parts are shared out evenly among however many threads there are: a power of two of them, of about this length.
PART = 16384
MOST_PARTS = 256
# Bytes of as many addresses as NumPy lets a ufunc have operands.
POINTERS_SIZE = 8 * 64

_words = make_pointer("i8")
_WORD = ir.IntType(64)
_WORD_POINTER = _WORD.as_pointer()
_FLAGS = ir.IntType(32)


def _call(builder, address, pointers, dimensions, steps, data):
    loop_type = ir.FunctionType(ir.VoidType(), [_WORD_POINTER] * 4)
    call_in_default_mode(
        builder, builder.inttoptr(address, loop_type.as_pointer()), [pointers, dimensions, steps, data]
    )


@intrinsic
def pass_on(typingctx, address, args, dimensions, steps, data):
    """Call the inner loop at an address with the arguments of this one."""

    def codegen(context, builder, signature, llvm_args):
        _call(builder, *llvm_args)
        return context.get_dummy_value()

    return types.none(types.intp, *[types.CPointer(types.intp)] * 4), codegen


@intrinsic
def call_kernel(typingctx, address, job, first, last):
    """Call the kernel of rows at an address; see ``numbaexp.cpu.rows``."""

    def codegen(context, builder, signature, args):
        address, *arguments = args
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 3)
        call_in_default_mode(builder, builder.inttoptr(address, kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.none(*[types.intp] * 4), codegen


@intrinsic
def call_shared(typingctx, address, kernel, job, units, parts_each, limit):
    """Call the function at an address that shares out a kernel's work; see ``numbaexp.cpu.share``."""

    def codegen(context, builder, signature, args):
        address, *arguments = args
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 5)
        builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.none(*[types.intp] * 6), codegen


@intrinsic
def address_of(typingctx, pointer):
    """Return a pointer as an integer: Numba's threads are not given pointers."""

    def codegen(context, builder, signature, args):
        return builder.ptrtoint(args[0], _WORD)

    return types.intp(pointer), codegen


@intrinsic
def zeroed_word(typingctx):
    """Return the address of an int32 that is 0 and lives until the calling function returns."""

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


def current_loop(args, dimensions, steps, data):
    """Run the loop ``data[1]``, which may be ``parallel_loop`` or the serial one."""
    pass_on(data[1], args, dimensions, steps, data)


ensure_lock = types.ExternalFunction("PyGILState_Ensure", types.int32())
give_back_lock = types.ExternalFunction("PyGILState_Release", types.void(types.int32))
call_object = types.ExternalFunction("PyObject_CallObject", types.intp(types.intp, types.intp))
let_go = types.ExternalFunction("Py_DecRef", types.void(types.intp))


def first_loop(args, dimensions, steps, data):
    """Call the Python object ``data[7]``, which compiles a loop and writes its address to ``data[1]``; run that.

    An exception is left to NumPy, which looks for one behind every loop.
    """
    flags = test_flags(ALL_FLAGS)
    state = ensure_lock()
    result = call_object(data[7], 0)
    if result != 0:
        let_go(result)
    give_back_lock(state)
    # Of the array's numbers, none has been computed yet.
    clear_flags(ALL_FLAGS)
    if flags:
        raise_flags(flags)
    if result != 0:
        pass_on(data[1], args, dimensions, steps, data)


@jit
def ends(first, step, n, itemsize):
    """Return the addresses between which ``n`` elements lie."""
    last = first + (n - 1) * step
    return min(first, last), max(first, last) + itemsize


@jit
def can_be_parted(args, steps, inputs, operands, n, itemsize):
    """Tell whether parts of the results can be written while others of an input are read."""
    for result in range(inputs, operands):
        low, high = ends(args[result], steps[result], n, itemsize)
        for k in range(inputs):
            input_low, input_high = ends(args[k], steps[k], n, itemsize)
            apart = input_high <= low or high <= input_low
            if not (apart or (args[k] == args[result] and steps[k] == steps[result])):
                return False
    return True


@jit
def call_part(loop, args, steps, operands, start, n, whole):
    """Call the inner loop at an address over ``n`` elements from ``start`` on, as a part of ``whole``. The arguments of
    the whole loop are given by their addresses."""
    pointers, lengths = stack(POINTERS_SIZE), stack(16)
    to_pointers, to_lengths, from_args, from_steps = _words(pointers), _words(lengths), _words(args), _words(steps)
    for k in range(operands):
        to_pointers[k] = from_args[k] + start * from_steps[k]
    to_lengths[0], to_lengths[1] = n, whole
    pass_on(loop, to_pointers, to_lengths, from_steps, _words(lengths + 8))


def parallel_loop(args, dimensions, steps, data):
    """Run the loop ``data[2]``, of ``data[5]`` inputs and ``data[9]`` results, in parts, where there are at least
    ``data[3]`` elements (of ``data[4]`` bytes), on at most ``data[6]`` threads."""
    loop, threshold, itemsize, inputs, operands = data[2], data[3], data[4], data[5], data[5] + data[9]
    n, args_address, steps_address = dimensions[0], address_of(args), address_of(steps)

    # NumPy lets an output overlap its input where going through it in order is safe: that is one thread's work.
    parted = n >= threshold and can_be_parted(args, steps, inputs, operands, n, itemsize)
    threads = compiled_threads(data[6]) if parted else 1
    if threads == 1:
        call_part(loop, args_address, steps_address, operands, 0, n, n)
    else:
        parts = 2
        while parts < MOST_PARTS and parts * PART < n:
            parts *= 2
        before = test_flags(ALL_FLAGS)
        raised = zeroed_word()
        of_caller = get_num_threads()
        set_num_threads(threads)
        for part in prange(parts):
            start, stop = n * part // parts, n * (part + 1) // parts
            if test_flags(ALL_FLAGS):
                clear_flags(ALL_FLAGS)
            call_part(loop, args_address, steps_address, operands, start, stop - start, n)
            merge_flags(raised, test_flags(ALL_FLAGS))
        set_num_threads(of_caller)
        flags = before | merge_flags(raised, 0)
        if flags:
            raise_flags(flags)
