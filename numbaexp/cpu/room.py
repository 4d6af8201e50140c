"""Memory that a kernel of rows takes while it runs, of the C library: arrays of Numba's would need Numba's run-time.

Vectors of it are to lie in one line of a cache each, so it begins with one; the word before it is the C library's own
address of it.
"""

import numpy as np
from numba import types

from numbaexp.cpu import row_job as at
from numbaexp.cpu.row_memory import make_pointer
from numbaexp.cpu.streaming import LINE
from numbaexp.jit import jit

_malloc = types.ExternalFunction("malloc", types.intp(types.intp))
_calloc = types.ExternalFunction("calloc", types.intp(types.intp, types.intp))
_free = types.ExternalFunction("free", types.void(types.intp))

_word = make_pointer(np.intp)
_WORD = 8
_MORE = _WORD + LINE


@jit
def _room(j, given):
    if given == 0:
        j[at.FAILED] = 1
        return given
    room = (given + _MORE) // LINE * LINE
    _word(room - _WORD)[0] = given
    return room


@jit
def allocated(j, size):
    """Return the address of so many bytes; or 0, which the job then tells."""
    return _room(j, _malloc(size + _MORE))


@jit
def allocated_zeros(j, size):
    """Return the same, of bytes that are 0."""
    return _room(j, _calloc(1, size + _MORE))


@jit
def release(room):
    """Give memory back."""
    _free(_word(room - _WORD)[0])


@jit
def lists_of(j, size, own):
    """Return the address of so many bytes for the sums of a row's chunks, which are 0, or none, which the job tells.
    For a single chunk they are ``own``, the caller's: an allocation takes a tenth of the time of a row."""
    return own if j[at.CHUNKS_OF_ROWS] == 1 else allocated_zeros(j, size)


@jit
def release_lists(lists, own):
    """Give back what ``lists_of`` returned."""
    if lists != own:
        release(lists)
