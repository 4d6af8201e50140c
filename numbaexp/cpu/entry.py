"""The front door: a compiled function that hands a small array straight to its ufunc, and any other call to Python.

A Python function in front of a ufunc costs as much as the ufunc's own overhead, and moves its warnings from the user's
line to ours. This one reads the type, the size and the element type of the arguments from their published C
structures (PyObject and PyArrayObject), and costs a tenth of that. All must be arrays of NumPy's, for others may live
elsewhere; but the first may be a float.
"""

import ctypes
import functools
from typing import Any

import numpy as np

from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.entry_state import (
    ARRAY_TYPE,
    ELSEWHERE,
    ELSEWHERE_CALL,
    FLOAT_TYPE,
    PLACES,
    UFUNC,
    UFUNC_CALL,
)
from numbaexp.cpu.structures import METH_FASTCALL, METH_KEYWORDS, VECTORCALL_OFFSET

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
    state = np.zeros(PLACES, np.intp).view(State)
    state[[ELSEWHERE, ELSEWHERE_CALL]] = id(function), _vectorcallfunc(function)
    guarded, method = built_in(function.__name__, compiled_entry().address, METH_FASTCALL | METH_KEYWORDS, state)
    state.keep_alive = method, function
    return guarded


def make_door(name, ufunc, elsewhere):
    """A built-in function that calls ``ufunc`` for float objects and small arrays, with no other arguments than arrays,
    and ``elsewhere`` for all else.

    What is small, and which element types pass, stands in ``door.__self__``.
    """
    state = np.zeros(PLACES, np.intp).view(State)
    state[[ARRAY_TYPE, FLOAT_TYPE]] = id(np.ndarray), id(float)
    state[[UFUNC, UFUNC_CALL]] = id(ufunc), _vectorcallfunc(ufunc)
    state[[ELSEWHERE, ELSEWHERE_CALL]] = id(elsewhere), _vectorcallfunc(elsewhere)
    door, method = built_in(name, compiled_entry().address, METH_FASTCALL | METH_KEYWORDS, state)
    state.keep_alive = (method, ufunc, elsewhere)
    return door
