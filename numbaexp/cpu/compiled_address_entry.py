"""The C function of a fast path of addresses: runs a loop over elements that follow each other."""

import numpy as np
from numba import types

from numbaexp.cpu.compiled_entry import word_at
from numbaexp.cpu.compiled_row_entry import retain
from numbaexp.cpu.parallel import POINTERS_SIZE, call_part
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.structures import DATA

# Indices of words of the state: the address of the loop, the size of an element, and the object that is returned.
LOOP, SIZE, NONE = range(3)

_number = types.ExternalFunction("PyLong_AsSsize_t", types.intp(types.intp))
_words = make_pointer(np.int64)


def enter(state_array, args, nargs):
    """A C function of METH_FASTCALL, of the addresses of arguments and results and how many there are."""
    state, operands = word_at(state_array + DATA), nargs - 1
    addresses, steps = stack(POINTERS_SIZE), stack(POINTERS_SIZE)
    to_addresses, to_steps, size = _words(addresses), _words(steps), word_at(state + 8 * SIZE)
    for k in range(operands):
        to_addresses[k], to_steps[k] = _number(word_at(args + 8 * k)), size
    n = _number(word_at(args + 8 * operands))
    call_part(word_at(state + 8 * LOOP), addresses, steps, operands, 0, n, n)
    none = word_at(state + 8 * NONE)
    retain(none)
    return none
