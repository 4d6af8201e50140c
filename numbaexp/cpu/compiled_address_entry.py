"""The C function of a fast path of addresses: runs a loop over elements that follow each other."""

from numba import types

from numbaexp.cpu.compiled_entry import word_at
from numbaexp.cpu.compiled_row_entry import retain
from numbaexp.cpu.parallel import call_loop
from numbaexp.cpu.structures import DATA

# Places in the state: the address of the loop, the size of an element, and what is returned.
LOOP, SIZE, NONE = range(3)

_number = types.ExternalFunction("PyLong_AsSsize_t", types.intp(types.intp))


def enter(state_array, args, nargs):
    """A C function of METH_FASTCALL, of the addresses of arguments and results and how many there are."""
    state = word_at(state_array + DATA)
    x, y, n = _number(word_at(args)), _number(word_at(args + 8)), _number(word_at(args + 16))
    size = word_at(state + 8 * SIZE)
    call_loop(word_at(state + 8 * LOOP), (x, y), n, (size, size), 0)
    none = word_at(state + 8 * NONE)
    retain(none)
    return none
