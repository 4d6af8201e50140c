"""The C function of a fast path of rows: computes contiguous rows at once, or leaves them to Python, and says which."""

import numpy as np
from numba import types

from numbaexp.cpu import row_job as at
from numbaexp.cpu.compiled_entry import int_at, word_at
from numbaexp.cpu.parallel import call_kernel, call_shared
from numbaexp.cpu.row_entry_state import (
    ARRAY_TYPE,
    DONE,
    EACH,
    NOT_COMPILED,
    NOT_DONE,
    RUNNING,
    SHARED,
    SHARED_FROM,
    TYPES,
)
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.structures import BYTE_ORDER, DATA, DESCR, FLAGS, NDIM, SHAPE, TYPE, TYPE_NUMBER
from numbaexp.scalar.row_order import CHUNK

# NumPy's numbers of flags.
_C_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400
_SWAPPED = ord(">")
_JOB = 8 * at.PLACES
_LONGEST = at.KEPT * CHUNK

_int = make_pointer(np.int64)
retain = types.ExternalFunction("Py_IncRef", types.void(types.intp))
let_go = types.ExternalFunction("PyEval_SaveThread", types.intp())
hold = types.ExternalFunction("PyEval_RestoreThread", types.void(types.intp))

# Elements from which each thread gets several parts: of fewer each part's beginning is felt, some 50 ns.
_MANY_PARTS_FROM = 1 << 18
# Elements from which Python's other threads are let run meanwhile.
_LET_GO_FROM = 1 << 15


def enter(state_array, args, nargs):
    """A C function of METH_FASTCALL, of one array or two and one for the result; its object is the array of the
    state."""
    state = _int(word_at(state_array + DATA))
    x, w, y = word_at(args), word_at(args + 8 * (nargs - 2)), word_at(args + 8 * (nargs - 1))
    done, compiled = False, True
    array = state[ARRAY_TYPE]
    if word_at(x + TYPE) == array and word_at(w + TYPE) == array and word_at(y + TYPE) == array:
        flags = int_at(x + FLAGS) & int_at(w + FLAGS) & int_at(y + FLAGS) & (_C_CONTIGUOUS | _ALIGNED)
        usual = flags == (_C_CONTIGUOUS | _ALIGNED) and int_at(y + FLAGS) & _WRITEABLE
        descr, ndim = word_at(x + DESCR), int_at(x + NDIM)
        usual = usual and descr == word_at(w + DESCR) and ndim == int_at(w + NDIM)
        usual = usual and descr == word_at(y + DESCR) and ndim == int_at(y + NDIM) and ndim > 0
        usual = usual and (int_at(descr + BYTE_ORDER) & 0xFF) != _SWAPPED
        number = int_at(descr + TYPE_NUMBER)
        kernels = 0
        for kind in range(TYPES, TYPES + EACH * 3, EACH):
            kernels = kind if state[kind] == number else kernels
        if usual and kernels:
            size = 1
            for axis in range(ndim):
                length = word_at(word_at(x + SHAPE) + 8 * axis)
                size *= length
                usual = usual and length == word_at(word_at(w + SHAPE) + 8 * axis)
                usual = usual and length == word_at(word_at(y + SHAPE) + 8 * axis)
            source, second, target = word_at(x + DATA), word_at(w + DATA), word_at(y + DATA)
            count = size // length if size else 0
            alone = length >= at.ALONE_FROM or count < at.BATCHED_FROM
            itemsize, kernel = state[kernels + 1], state[kernels + 2 if alone else kernels + 3]
            usual = usual and (source == target or abs(source - target) >= size * itemsize)
            usual = usual and (second == target or abs(second - target) >= size * itemsize)
            limit, shared = _int(state[RUNNING])[0], _int(state[SHARED])[0]
            on_all = size >= state[SHARED_FROM] and limit != 1
            usual = usual and size > 0 and length <= _LONGEST and (not on_all or (limit and shared))
            compiled = not usual or kernel != 0
            if usual and compiled:
                address = stack(_JOB)
                job, units = _int(address), count if alone else (count + at.BATCH - 1) // at.BATCH
                for place in range(at.PLACES):
                    job[place] = 0
                job[at.X], job[at.W], job[at.Y] = source, second, target
                job[at.LENGTH], job[at.INNER] = length, count
                job[at.CHUNKS_OF_ROWS] = (length + CHUNK - 1) // CHUNK
                job[at.X_INNER] = job[at.W_INNER] = job[at.Y_INNER] = length * itemsize
                job[at.X_STEP] = job[at.W_STEP] = job[at.Y_STEP] = itemsize
                thread = let_go() if size >= _LET_GO_FROM else 0
                if on_all and units > 1:
                    call_shared(shared, kernel, address, units, at.PARTS if size >= _MANY_PARTS_FROM else 1, limit)
                else:
                    call_kernel(kernel, address, 0, units)
                if thread:
                    hold(thread)
                done = job[at.FAILED] == 0
    result = state[DONE if done else NOT_DONE if compiled else NOT_COMPILED]
    retain(result)
    return result
