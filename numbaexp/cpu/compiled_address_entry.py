"""The C function of a fast path of addresses: runs a loop over elements that follow each other, and over numbers."""

import numpy as np
from numba import types

from numbaexp.cpu.compiled_entry import word_at
from numbaexp.cpu.compiled_row_entry import retain
from numbaexp.cpu.parallel import POINTERS_SIZE, call_part
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.structures import DATA, TYPE

# Indices of words of the state: the address of the loop, the size of an element, the object that is returned, and the
# type of numbers.
LOOP, SIZE, NONE, FLOAT = range(4)

_number = types.ExternalFunction("PyLong_AsSsize_t", types.intp(types.intp))
_float = types.ExternalFunction("PyFloat_AsDouble", types.float64(types.intp))
_float32, _float64 = make_pointer(np.float32), make_pointer(np.float64)
_words = make_pointer(np.int64)


def enter(state_array, args, nargs):
    """A C function of METH_FASTCALL, of the addresses of arguments and results and how many there are; a number, of
    float32 or float64, may stand for an argument all of whose elements it is."""
    state, operands = word_at(state_array + DATA), nargs - 1
    addresses, steps, numbers = stack(POINTERS_SIZE), stack(POINTERS_SIZE), stack(POINTERS_SIZE)
    to_addresses, to_steps, size = _words(addresses), _words(steps), word_at(state + 8 * SIZE)
    for k in range(operands):
        operand, number = word_at(args + 8 * k), numbers + 8 * k
        if word_at(operand + TYPE) == word_at(state + 8 * FLOAT):
            if size == 8:
                _float64(number)[0] = _float(operand)
            else:
                _float32(number)[0] = np.float32(_float(operand))
            to_addresses[k], to_steps[k] = number, 0
        else:
            to_addresses[k], to_steps[k] = _number(operand), size
    n = _number(word_at(args + 8 * operands))
    call_part(word_at(state + 8 * LOOP), addresses, steps, operands, 0, n, n)
    none = word_at(state + 8 * NONE)
    retain(none)
    return none
