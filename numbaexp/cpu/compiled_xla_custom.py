"""Functions that users have written, in a call of XLA's."""

from numbaexp.cpu import xla_state as at
from numbaexp.cpu.compiled_entry import int_at, word_at
from numbaexp.cpu.compiled_xla_frame import (
    are_buffers,
    ask,
    buffer_of,
    data_of,
    is_same,
    itemsize_of,
    size_of,
    start_threads,
    type_index,
    words,
)
from numbaexp.cpu.parallel import POINTERS_SIZE, pass_on
from numbaexp.cpu.row_memory import stack
from numbaexp.jit import jit


@jit
def _find(state, name, length):
    """Return the address of the words of the function of a name, or 0."""
    address = words(state)[at.FIRST_CUSTOM]
    while address != 0:
        function = words(address)
        if function[at.CUSTOM_NAME_LENGTH] == length and is_same(function[at.CUSTOM_NAME], name, length):
            return address
        address = function[at.NEXT]
    return address


@jit
def _size(side, index):
    buffer = buffer_of(side, index)
    return size_of(buffer, 0, word_at(buffer + at.RANK))


@jit
def _type_of_call(frame, inputs, outputs):
    """Return the index of the one type of all arrays, or -1 where they are not as the function's."""
    arguments, results = frame + at.ARGUMENTS, frame + at.RESULTS
    if word_at(results + at.COUNT) != outputs:
        return -1
    number = int_at(buffer_of(results, 0) + at.ELEMENT_TYPE)
    if not are_buffers(results, outputs, number) or not are_buffers(arguments, inputs, number):
        return -1
    size = _size(results, 0)
    for k in range(outputs):
        if _size(results, k) != size:
            return -1
    for k in range(inputs):
        if _size(arguments, k) != size and _size(arguments, k) != 1:
            return -1
    return type_index(number)


@jit
def _run(state, frame, address, of_type, size):
    function, itemsize, error = words(address), itemsize_of(of_type), 0
    kernels = words(address + 8 * (at.CUSTOM_TYPES + 2 * of_type))
    inputs, outputs = function[at.CUSTOM_ARRAYS], function[at.CUSTOM_RESULTS]
    if kernels[at.LOOP] == 0:
        error = ask(state, frame, at.CUSTOM_LOOP, of_type, address)
    if error == 0:
        pointers, steps, lengths = stack(POINTERS_SIZE), stack(POINTERS_SIZE), stack(8)
        to_pointers, to_steps = words(pointers), words(steps)
        for k in range(inputs):
            to_pointers[k] = data_of(frame + at.ARGUMENTS, k)
            # A number goes with all elements.
            to_steps[k] = itemsize if _size(frame + at.ARGUMENTS, k) == size else 0
        for k in range(outputs):
            to_pointers[inputs + k], to_steps[inputs + k] = data_of(frame + at.RESULTS, k), itemsize
        words(lengths)[0] = size
        pass_on(kernels[at.LOOP], to_pointers, words(lengths), to_steps, words(kernels[at.LOOP_DATA]))
    return error


@jit
def run_custom(state, frame, name, length):
    """Compute the function of a name, which Python is asked for when it is first called; return an error, or 0."""
    address, error = _find(state, name, length), 0
    if address == 0:
        error = ask(state, frame, at.CUSTOM, length, name)
        if error != 0:
            return error
        address = _find(state, name, length)
    of_type = _type_of_call(frame, words(address)[at.CUSTOM_ARRAYS], words(address)[at.CUSTOM_RESULTS])
    if of_type < 0:
        return ask(state, frame, at.NO_SUCH_CALL, 0, 0)
    size = _size(frame + at.RESULTS, 0)
    error = start_threads(state, frame, size)
    return error if error != 0 or size == 0 else _run(state, frame, address, of_type, size)
