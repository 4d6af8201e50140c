"""The fast path: a compiled function that hands a small array straight to its ufunc, and any other call to Python.

A Python function in front of a ufunc costs as much as the ufunc's own overhead, and moves its warnings from the user's
line to ours. This one reads the type, the size and the element type of the arguments from their published C
structures (PyObject and PyArrayObject), and costs a tenth of that. All must be arrays of NumPy's, for others may live
elsewhere, or numbers: Python's, and those of NumPy's float types.
"""

import ctypes
import functools
from typing import Any

import numpy as np

from numbaexp.cpu import entry_state as at
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.structures import METH_FASTCALL, METH_KEYWORDS, VECTORCALL_OFFSET
from numbaexp.target import TARGETS, VARIABLE

# NumPy numbers the element types that other packages register from here.
FIRST_FOREIGN_TYPE = 256


class State(np.ndarray):
    """State of a fast path, and its object."""

    keep_alive: tuple[Any, ...]


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


def built_in(name, address, flags, state):
    """A built-in function of the object ``state``, by the C function at an address; and what has to live as long."""
    method = _MethodDef(name.encode(), address, flags, None)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(method), state, None), method


@functools.cache
def compiled_entry():
    return compile_kernel("entry", "compiled_entry.enter", "intp(intp, intp, intp, intp)")


def _vectorcallfunc(function):
    offset = ctypes.c_ssize_t.from_address(id(type(function)) + VECTORCALL_OFFSET).value
    return ctypes.c_ssize_t.from_address(id(function) + offset).value


def in_default_mode(function):
    """Make a built-in function that calls another one in the default floating-point mode."""
    made = _make(function.__name__, function)
    made.__self__.keep_alive += (function,)
    return made


def make_fast_path(name, slow_path):
    """Make a built-in function that calls a ufunc for floats and small arrays, with no other arguments than
    arrays, and ``slow_path`` for all else; for the ufuncs see ``offer``."""
    made = in_default_mode(slow_path)
    state = made.__self__
    state[[at.ARRAY_TYPE, at.TYPE_LIMIT]] = id(np.ndarray), FIRST_FOREIGN_TYPE
    state[at.NUMBER_TYPES :][: at.NUMBERS] = [
        id(kind) for kind in (float, int, bool, np.float64, np.float32, np.float16)
    ]
    for index, target in enumerate(TARGETS[: at.TARGETS]):
        state[at.OF_TARGETS + at.EACH * index + at.VALUE] = id(target)
    return made


def offer(fast_path, target, ufunc, size_limit):
    """Let a fast path call a ufunc for a target, of arrays below a number of elements."""
    state, first = fast_path.__self__, at.OF_TARGETS + at.EACH * TARGETS.index(target)
    state[first + at.UFUNC : first + at.SIZE_LIMIT] = id(ufunc), _vectorcallfunc(ufunc)
    state[first + at.SIZE_LIMIT] = size_limit
    if ufunc not in state.keep_alive:
        state.keep_alive += (ufunc,)


def take_all_types(fast_path):
    """Let element types pass that other packages have registered."""
    fast_path.__self__[at.TYPE_LIMIT] = np.iinfo(np.intp).max


def watch_targets(fast_path):
    """Let a fast path look for the target that holds in the context, from now on."""
    fast_path.__self__[at.CONTEXT_VARIABLE] = id(VARIABLE)


def _make(name, function):
    state = np.zeros(at.WORDS, np.intp).view(State)
    state[[at.SLOW_PATH, at.SLOW_PATH_CALL]] = id(function), _vectorcallfunc(function)
    made, method = built_in(name, compiled_entry().address, METH_FASTCALL | METH_KEYWORDS, state)
    state.keep_alive = (method,)
    return made
