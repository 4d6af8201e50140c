"""Read the structures of a call of XLA's in compiled code; see ``numbaexp.cpu.xla_state``."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cpu import xla_state as at
from numbaexp.cpu.compiled_entry import int_at, word_at
from numbaexp.cpu.row_memory import make_pointer
from numbaexp.jit import jit

_WORD = ir.IntType(64)
_HALF, _, _DOUBLE, _BFLOAT = at.FLOATS.values()

words, _bytes = make_pointer("i8"), make_pointer("u1")


@intrinsic
def _call(typingctx, function, frame, what, of_type, variant):
    """Call a function of C's at an address."""

    def codegen(context, builder, signature, args):
        function, *arguments = args
        kind = ir.FunctionType(_WORD, [_WORD] * 4)
        return builder.call(builder.inttoptr(function, kind.as_pointer()), arguments)

    return types.intp(*[types.intp] * 5), codegen


@jit
def ask(state, frame, what, of_type, variant):
    """Ask Python for a kernel, for threads or for an error; see ``numbaexp.cpu.xla_state``."""
    return _call(words(state)[at.ASK], frame, what, of_type, variant)


@jit
def is_known(frame):
    """Tell whether the structures of a call are those that are read here."""
    if int_at(word_at(frame + at.API) + at.API_MAJOR) != at.MAJOR or word_at(frame) < at.FRAME_SIZE:
        return False
    sides = min(word_at(frame + at.ARGUMENTS), word_at(frame + at.RESULTS))
    return sides >= at.BUFFERS_SIZE and word_at(frame + at.ATTRIBUTES) >= at.ATTRIBUTES_SIZE


@jit
def are_buffers(of, count, of_type):
    """Tell whether so many arrays of one type are given."""
    if word_at(of + at.COUNT) != count:
        return False
    for k in range(count):
        buffer = word_at(word_at(of + at.BUFFERS) + 8 * k)
        if int_at(word_at(of + at.TYPES) + 4 * k) != at.A_BUFFER or word_at(buffer) < at.BUFFER_SIZE:
            return False
        if int_at(buffer + at.ELEMENT_TYPE) != of_type:
            return False
    return True


@jit
def _value(frame, index):
    return word_at(word_at(frame + at.ATTRIBUTES + at.VALUES) + 8 * index)


@jit
def name_of(frame):
    """Return the address of a function's name, the last attribute by its own, and how long that is; or 0 twice."""
    attributes = frame + at.ATTRIBUTES
    last = word_at(attributes + at.COUNT) - 1
    if last < 0 or int_at(word_at(attributes + at.TYPES) + 4 * last) != at.A_STRING:
        return 0, 0
    named = _value(frame, last)
    return word_at(named + at.POINTER), word_at(named + at.LENGTH)


@jit
def is_same(name, other, length):
    """Tell whether names at two addresses are the same."""
    of_one, of_other, i = _bytes(name), _bytes(other), 0
    while i < length and of_one[i] == of_other[i]:
        i += 1
    return i == length


@jit
def function_of(state, index):
    """Return the words of a function."""
    return words(state + 8 * (at.FUNCTIONS + at.EACH * index))


@jit
def find(state, name, length):
    """Return the index of the function of a name, or -1."""
    for index in range(words(state)[at.FUNCTIONS_COUNT]):
        function = function_of(state, index)
        if function[at.NAME_LENGTH] == length and is_same(function[at.NAME], name, length):
            return index
    return -1


@jit
def _number(frame, index):
    attributes, value = frame + at.ATTRIBUTES, _value(frame, index)
    is_number = int_at(word_at(attributes + at.TYPES) + 4 * index) == at.A_SCALAR
    is_number = is_number and int_at(value + at.SCALAR_TYPE) == at.INT64
    return word_at(word_at(value + at.VALUE)) if is_number else 0


@jit
def axes_of_call(frame, x):
    """Return the first axis of rows and the one after the last, which two attributes count from the last axis of an
    array; or -1 twice."""
    if word_at(frame + at.ATTRIBUTES + at.COUNT) != 3:
        return -1, -1
    first = word_at(x + at.RANK) + _number(frame, 1)
    after = first + _number(frame, 0)
    return (first, after) if 0 <= first <= after <= word_at(x + at.RANK) else (-1, -1)


@jit
def type_index(number):
    """Return the index of a float type in the state, or -1."""
    if number == _BFLOAT:
        return 3
    return number - _HALF if _HALF <= number <= _DOUBLE else -1


@jit
def itemsize_of(of_type):
    return 8 if of_type == 2 else 4 if of_type == 1 else 2


@jit
def start_threads(state, frame, size):
    """Have threads started for the first array for which they pay; return an error, or 0."""
    if size >= words(state)[at.THREADS_FROM] and not words(state)[at.ASKED]:
        return ask(state, frame, at.THREADS, 0, 0)
    return 0


@jit
def size_of(buffer, first, last):
    size = 1
    for axis in range(first, last):
        size *= word_at(word_at(buffer + at.DIMENSIONS) + 8 * axis)
    return size


@jit
def buffer_of(side, index):
    """Return one of the arguments or results of a call."""
    return word_at(word_at(side + at.BUFFERS) + 8 * index)


@jit
def data_of(side, index):
    """Return the address of an array's elements."""
    return word_at(buffer_of(side, index) + at.DATA)


@jit
def kernels_of(state, index, of_type):
    """Return the words of a function's kernels in a type."""
    return words(state + 8 * (at.FUNCTIONS + at.EACH * index + at.OF_TYPES + at.EACH_TYPE * of_type))
