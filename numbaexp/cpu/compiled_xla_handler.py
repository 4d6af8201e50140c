"""The C function that XLA calls: computes a function of elements or of rows where the arrays are, without Python."""

from numbaexp.cpu import xla_state as at
from numbaexp.cpu.compiled_entry import int_at, word_at
from numbaexp.cpu.compiled_xla_custom import run_custom
from numbaexp.cpu.compiled_xla_frame import (
    are_buffers,
    ask,
    buffer_of,
    data_of,
    find,
    function_of,
    is_known,
    itemsize_of,
    kernels_of,
    name_of,
    size_of,
    start_threads,
    type_index,
    words,
)
from numbaexp.cpu.compiled_xla_rows import run_rows
from numbaexp.cpu.parallel import POINTERS_SIZE, pass_on
from numbaexp.cpu.row_memory import stack
from numbaexp.jit import jit


@jit
def _run_elements(state, frame, index, of_type, itemsize, size):
    """Run the loop of a ufunc, which uses threads as there."""
    kernels, inputs, error = kernels_of(state, index, of_type), function_of(state, index)[at.ARRAYS], 0
    if kernels[at.LOOP] == 0:
        error = ask(state, frame, index, of_type, 0)
    if error == 0:
        pointers, steps, lengths = stack(POINTERS_SIZE), stack(POINTERS_SIZE), stack(8)
        to_pointers, to_steps = words(pointers), words(steps)
        for k in range(inputs):
            to_pointers[k], to_steps[k] = data_of(frame + at.ARGUMENTS, k), itemsize
        to_pointers[inputs], to_steps[inputs] = data_of(frame + at.RESULTS, 0), itemsize
        words(lengths)[0] = size
        pass_on(kernels[at.LOOP], to_pointers, words(lengths), to_steps, words(kernels[at.LOOP_DATA]))
    return error


@jit
def _run(state, frame, index, of_type):
    function, itemsize = function_of(state, index), itemsize_of(of_type)
    x = buffer_of(frame + at.ARGUMENTS, function[at.ARRAYS] - 1)
    size = size_of(x, 0, word_at(x + at.RANK))
    error = start_threads(state, frame, size)
    if error == 0:
        if function[at.KIND] != at.ELEMENTS:
            error = run_rows(state, frame, index, of_type, itemsize, size)
        elif size:
            error = _run_elements(state, frame, index, of_type, itemsize, size)
    return error


def handle(frame, state):
    """An XLA_FFI_Handler, but for the state. Return an error of XLA's, or 0."""
    if not is_known(frame):
        return ask(state, frame, at.NO_SUCH_ABI, 0, 0)
    if int_at(frame + at.STAGE) != at.EXECUTE:
        return 0
    name, length = name_of(frame)
    index, results, of_type = find(state, name, length), frame + at.RESULTS, -1
    if index < 0:
        return run_custom(state, frame, name, length)
    if word_at(results + at.COUNT) == 1:
        number = int_at(buffer_of(results, 0) + at.ELEMENT_TYPE)
        known = are_buffers(results, 1, number)
        known = known and are_buffers(frame + at.ARGUMENTS, function_of(state, index)[at.ARRAYS], number)
        of_type = type_index(number) if known else -1
    if of_type < 0:
        return ask(state, frame, at.NO_SUCH_CALL, 0, 0)
    return _run(state, frame, index, of_type)
