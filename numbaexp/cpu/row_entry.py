"""A built-in function that computes rows of contiguous arrays at once, where Python would take longer than the rows.

It reads the arrays from their published C structures, as ``numbaexp.cpu.entry`` does, and leaves to Python, by its
result, all that is not an ordinary call: other types and layouts, overlap, one that has to start threads.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from numbaexp.cpu import pool, row_functions, share
from numbaexp.cpu import row_job as at
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.entry import _DATA, _DESCR, _NDIM, _SHAPE, _TYPE, _TYPE_NUMBER, built_in, int_at, word_at
from numbaexp.cpu.parallel import call_kernel, call_shared
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.scalar.row_order import CHUNK

# Offsets in bytes: PyArrayObject's flags; PyArray_Descr's byteorder.
_FLAGS = _DATA + 48
_BYTE_ORDER = object.__basicsize__ + 10
# NumPy's numbers of flags and types.
_C_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400
_SIZES = {"float16": 2, "float32": 4, "float64": 8}
_NUMBERS = {name: np.dtype(name).num for name in _SIZES}
_SWAPPED = ord(">")

# Places in the state: the type of arrays; the objects that say that all is done, that it is not, and that it could be
# if the kernels were compiled; the addresses of ``pool.RUNNING`` and of ``share.ADDRESS``; and for each type of element
# its number, its size, and the addresses of its kernels, or 0.
_ARRAY_TYPE, _DONE, _NOT_DONE, _NOT_COMPILED, _RUNNING, _SHARED, _TYPES = range(7)
_EACH = 4
_METH_FASTCALL = 0x80
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
    state = _int(word_at(state_array + _DATA))
    x, w, y = word_at(args), word_at(args + 8 * (nargs - 2)), word_at(args + 8 * (nargs - 1))
    done, compiled = False, True
    array = state[_ARRAY_TYPE]
    if word_at(x + _TYPE) == array and word_at(w + _TYPE) == array and word_at(y + _TYPE) == array:
        flags = int_at(x + _FLAGS) & int_at(w + _FLAGS) & int_at(y + _FLAGS) & (_C_CONTIGUOUS | _ALIGNED)
        usual = flags == (_C_CONTIGUOUS | _ALIGNED) and int_at(y + _FLAGS) & _WRITEABLE
        descr, ndim = word_at(x + _DESCR), int_at(x + _NDIM)
        usual = usual and descr == word_at(w + _DESCR) and ndim == int_at(w + _NDIM)
        usual = usual and descr == word_at(y + _DESCR) and ndim == int_at(y + _NDIM) and ndim > 0
        usual = usual and (int_at(descr + _BYTE_ORDER) & 0xFF) != _SWAPPED
        number = int_at(descr + _TYPE_NUMBER)
        kernels = 0
        for kind in range(_TYPES, _TYPES + _EACH * 3, _EACH):
            kernels = kind if state[kind] == number else kernels
        if usual and kernels:
            size = 1
            for axis in range(ndim):
                length = word_at(word_at(x + _SHAPE) + 8 * axis)
                size *= length
                usual = usual and length == word_at(word_at(w + _SHAPE) + 8 * axis)
                usual = usual and length == word_at(word_at(y + _SHAPE) + 8 * axis)
            source, second, target = word_at(x + _DATA), word_at(w + _DATA), word_at(y + _DATA)
            count = size // length if size else 0
            alone = length >= row_functions.ALONE_FROM or count < row_functions.BESIDE_FROM
            itemsize, kernel = state[kernels + 1], state[kernels + 2 if alone else kernels + 3]
            usual = usual and (source == target or abs(source - target) >= size * itemsize)
            usual = usual and (second == target or abs(second - target) >= size * itemsize)
            limit, shared = _int(state[_RUNNING])[0], _int(state[_SHARED])[0]
            on_all = size >= row_functions.SHARED_FROM and limit != 1
            usual = usual and size > 0 and length <= _LONGEST and (not on_all or (limit and shared))
            compiled = not usual or kernel != 0
            if usual and compiled:
                address = stack(_JOB)
                job, units = _int(address), count if alone else (count + at.BESIDE - 1) // at.BESIDE
                for place in range(at.PLACES):
                    job[place] = 0
                job[at.X], job[at.W], job[at.Y] = source, second, target
                job[at.LENGTH], job[at.INNER] = length, count
                job[at.CHUNKS_OF_ROWS] = (length + CHUNK - 1) // CHUNK
                job[at.X_INNER] = job[at.W_INNER] = job[at.Y_INNER] = length * itemsize
                job[at.X_STEP] = job[at.W_STEP] = job[at.Y_STEP] = itemsize
                thread = let_go() if size >= _LET_GO_FROM else 0
                if on_all and units > 1:
                    call_shared(shared, kernel, address, units, share.PARTS if size >= _MANY_PARTS_FROM else 1, limit)
                else:
                    call_kernel(kernel, address, 0, units)
                if thread:
                    hold(thread)
                done = job[at.FAILED] == 0
    result = state[_DONE if done else _NOT_DONE if compiled else _NOT_COMPILED]
    retain(result)
    return result


_keep_alive: list[Any] = []


class Quick:
    """``call(x, out)`` or ``call(x, w, out)``, of contiguous arrays of one shape and type: whether a function has been
    computed along the last axis, by the target "auto"; None where it would be, had ``learn(x)`` compiled its kernel."""

    def __init__(self, name: str):
        self.name = name
        self.call, self._state = _make(name)

    def learn(self, x: np.ndarray) -> None:
        length = x.shape[-1]
        alone = length >= row_functions.ALONE_FROM or x.size // length < row_functions.BESIDE_FROM
        place = _TYPES + _EACH * list(_SIZES).index(x.dtype.name) + (2 if alone else 3)
        self._state[place] = row_functions.kernel(self.name, "by row" if alone else "beside", x.dtype.name)


@functools.cache
def compiled_entry() -> Any:
    return compile_kernel("row entry", lambda: enter, "intp(intp, intp, intp)", (__name__,))


def _make(name: str) -> tuple[Callable[..., bool | None], np.ndarray]:
    compiled = compiled_entry()
    state = np.zeros(_TYPES + _EACH * len(_SIZES), np.intp)
    state[[_ARRAY_TYPE, _DONE, _NOT_DONE, _NOT_COMPILED]] = id(np.ndarray), id(True), id(False), id(None)
    state[[_RUNNING, _SHARED]] = pool.RUNNING.ctypes.data, share.ADDRESS.ctypes.data
    for i, (dtype, size) in enumerate(_SIZES.items()):
        place = _TYPES + _EACH * i
        state[place : place + 2] = _NUMBERS[dtype], size
    made, method = built_in(f"quick_{name}", compiled.address, _METH_FASTCALL, state)
    _keep_alive.append((compiled, state, method))
    return made, state
