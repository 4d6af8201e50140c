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
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.float_mode import call_in_default_mode

_WORD = ir.IntType(64)

# Offsets in bytes: PyObject.ob_type; PyVarObject.ob_size; PyTypeObject.tp_vectorcall_offset; PyArrayObject's data, nd,
# dimensions, descr; PyArray_Descr.type_num.
_TYPE = object.__basicsize__ - 8
_LENGTH = object.__basicsize__
_VECTORCALL_OFFSET = object.__basicsize__ + 40
_DATA = object.__basicsize__
_NDIM = _DATA + 8
_SHAPE = _DATA + 16
_DESCR = _DATA + 40
_TYPE_NUMBER = object.__basicsize__ + 12

# Places in the state of a door. The context variable is 0 until somebody has set it; its usual value is the one under
# which the door may be passed.
ARRAY_TYPE, FLOAT_TYPE, SIZE_LIMIT, TYPE_LIMIT, CONTEXT_VARIABLE, USUAL_VALUE, _FOUND = range(7)
_UFUNC, _UFUNC_CALL, _ELSEWHERE, _ELSEWHERE_CALL = range(7, 11)
_PLACES = 11
# NumPy numbers the element types that other packages register from here.
FIRST_FOREIGN_TYPE = 256

_METH_FASTCALL_KEYWORDS = 0x82


def _load(width):
    @intrinsic
    def load(typingctx, address):
        def codegen(context, builder, signature, args):
            integer = ir.IntType(width)
            value = builder.load(builder.inttoptr(args[0], integer.as_pointer()), align=1)
            return builder.sext(value, _WORD) if width < _WORD.width else value

        return types.intp(types.intp), codegen

    return load


word_at = _load(64)
int_at = _load(32)
look_up = types.ExternalFunction("PyContextVar_Get", types.int32(*[types.intp] * 3))
release = types.ExternalFunction("Py_DecRef", types.void(types.intp))


@intrinsic
def vectorcall(typingctx, function, callee, args, nargs, names):
    """Call a vectorcallfunc; Python 3.10 does not export PyObject_Vectorcall."""

    def codegen(context, builder, signature, llvm_args):
        function, *arguments = llvm_args
        kind = ir.FunctionType(_WORD, [_WORD] * 4)
        return call_in_default_mode(builder, builder.inttoptr(function, kind.as_pointer()), arguments)

    return types.intp(*[types.intp] * 5), codegen


_SIGNATURE = "intp(intp, intp, intp, intp)"


def enter(state_array, args, nargs, names):
    """A C function of METH_FASTCALL | METH_KEYWORDS; its object is the array of the state."""
    state = word_at(state_array + _DATA)
    passes = nargs > 0
    for place in range(nargs if names == 0 else nargs + word_at(names + _LENGTH)):
        x = word_at(args + 8 * place)
        kind = word_at(x + _TYPE)
        if kind == word_at(state + 8 * ARRAY_TYPE):
            size = 1
            for axis in range(int_at(x + _NDIM)):
                size *= word_at(word_at(x + _SHAPE) + 8 * axis)
            foreign = int_at(word_at(x + _DESCR) + _TYPE_NUMBER) >= word_at(state + 8 * TYPE_LIMIT)
            passes = passes and size < word_at(state + 8 * SIZE_LIMIT) and not foreign
        else:
            passes = passes and place == 0 and kind == word_at(state + 8 * FLOAT_TYPE)
    variable = word_at(state + 8 * CONTEXT_VARIABLE)
    if passes and variable != 0:
        usual = word_at(state + 8 * USUAL_VALUE)
        look_up(variable, usual, state + 8 * _FOUND)
        found = word_at(state + 8 * _FOUND)
        passes = found == usual
        release(found)
    if passes:
        return vectorcall(word_at(state + 8 * _UFUNC_CALL), word_at(state + 8 * _UFUNC), args, nargs, names)
    return vectorcall(word_at(state + 8 * _ELSEWHERE_CALL), word_at(state + 8 * _ELSEWHERE), args, nargs, names)


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
    return compile_kernel("entry", lambda: enter, _SIGNATURE, (__name__,))


def _vectorcallfunc(function):
    offset = ctypes.c_ssize_t.from_address(id(type(function)) + _VECTORCALL_OFFSET).value
    return ctypes.c_ssize_t.from_address(id(function) + offset).value


def in_default_mode(function):
    """Make a built-in function that calls another one in the default floating-point mode."""
    state = np.zeros(_PLACES, np.intp).view(State)
    state[[_ELSEWHERE, _ELSEWHERE_CALL]] = id(function), _vectorcallfunc(function)
    guarded, method = built_in(function.__name__, compiled_entry().address, _METH_FASTCALL_KEYWORDS, state)
    state.keep_alive = method, function
    return guarded


def make_door(name, ufunc, elsewhere):
    """A built-in function that calls ``ufunc`` for float objects and small arrays, with no other arguments than arrays,
    and ``elsewhere`` for all else.

    What is small, and which element types pass, stands in ``door.__self__``.
    """
    state = np.zeros(_PLACES, np.intp).view(State)
    state[[ARRAY_TYPE, FLOAT_TYPE]] = id(np.ndarray), id(float)
    state[[_UFUNC, _UFUNC_CALL]] = id(ufunc), _vectorcallfunc(ufunc)
    state[[_ELSEWHERE, _ELSEWHERE_CALL]] = id(elsewhere), _vectorcallfunc(elsewhere)
    door, method = built_in(name, compiled_entry().address, _METH_FASTCALL_KEYWORDS, state)
    state.keep_alive = (method, ufunc, elsewhere)
    return door
