"""True NumPy ufuncs from compiled inner loops.

NumPy's C API makes a ufunc of loops and the types they take, and with it come all of a ufunc's conventions: casting,
``out``, ``where``, strides, overlap, subclasses, error state. Where NumPy has a ufunc of the same name its loops are
taken over, so that types are promoted as there, and those of the types computed here replace them.
"""

import contextlib
import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.cpu import formula_loops, pool
from numbaexp.cpu.compile import LOOP, compile_kernel
from numbaexp.cpu.signatures import OF_NUMPY, signatures
from numbaexp.scalar.family import FAMILY, SAVED, arity, modules_of
from numbaexp.scalar.forms import itemsize

# Elements from which a piece is shared among threads under "auto": where two threads were measured to be 1.2 times
# faster than one (they draw level at 16384, 8192, 8192 and 4096).
AUTO_THRESHOLDS = {"float16": 24576, "bfloat16": 12288, "float32": 12288, "float64": 8192}
# Under "parallel" every piece is.
_ANY_LENGTH = 1

CODES = {"e": "float16", "f": "float32", "d": "float64"}


class _Ufunc(ctypes.Structure):
    """The head of PyUFuncObject, as NumPy's ufuncobject.h publishes it."""

    _fields_ = [
        ("head", ctypes.c_byte * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
    ]


_NO_IDENTITY = -1


@functools.cache
def _api():
    """Return PyUFunc_FromFuncAndData and PyUFunc_RegisterLoopForType, at their fixed indices in the table of NumPy's C
    API."""
    capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    capsule_pointer.restype = ctypes.POINTER(ctypes.c_void_p)
    capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = capsule_pointer(np._core._multiarray_umath._UFUNC_API, None)  # type: ignore[attr-defined]
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    make = ctypes.PYFUNCTYPE(
        ctypes.py_object, pointer, pointer, text, number, number, number, number, text, text, number
    )(table[1])
    register = ctypes.PYFUNCTYPE(number, ctypes.py_object, number, pointer, pointer, pointer)(table[2])
    return make, register


@functools.cache
def serial_loop(name, dtype):
    return compile_kernel(f"{name} {dtype}", "loops.make_loop", LOOP, arguments=(name, dtype), modules=modules_of(name))


def inner_loop(name, dtype, target):
    """(address, data pointer) of the loop of a function in a type, which is compiled when it is first called."""
    serial = functools.partial(serial_loop, name, dtype)
    if target == "cpu":
        return pool.single_loop(serial)
    threshold = AUTO_THRESHOLDS[dtype] if target == "auto" else _ANY_LENGTH
    return pool.switched_loop(serial, threshold, itemsize(dtype), arity(name))


def _loop_of_numpy(ufunc, taken):
    """Return the same, of a ufunc of NumPy's in the types that it lists as ``taken``."""
    i, head = ufunc.types.index(taken), _Ufunc.from_address(id(ufunc))
    return head.functions[i], head.data[i]


def _other_loop(name, taken):
    """Return the same, in types that nothing is compiled for: NumPy's own where it has the function, else a formula; of
    objects, which are asked for their method of that name."""
    of_numpy = np.multiply if name == "exp_backward" else OF_NUMPY.get(name)
    if of_numpy is not None:
        return _loop_of_numpy(of_numpy, taken)
    if taken == "O->O":
        method = name.encode()
        _keep_alive.append(method)
        function, _ = _loop_of_numpy(OF_NUMPY["exp"], taken)
        return function, ctypes.cast(method, ctypes.c_void_p).value
    return formula_loops.loop(name, taken[0])


# NumPy keeps pointers into these and does not own them.
_keep_alive: list[Any] = []
# Each ufunc, and what returns its loop for bfloat16.
_built: list[tuple[np.ufunc, Callable[[], Any]]] = []
_bfloat16: np.dtype | None = None


@functools.cache
def ufunc(name, target):
    """Return the ufunc of a function of the family, or of a gradient, for a target: "cpu", "parallel" or "auto"."""
    types_taken = signatures(name, arity(name))
    functions = (ctypes.c_void_p * len(types_taken))()
    data = (ctypes.c_void_p * len(types_taken))()
    type_numbers = []
    for i, taken in enumerate(types_taken):
        code = taken[0]
        type_numbers += [np.dtype(code).num] * (arity(name) + 1)
        functions[i], data[i] = inner_loop(name, CODES[code], target) if code in CODES else _other_loop(name, taken)
    made = make_ufunc(name, functions, data, type_numbers)
    if target == "auto":
        # A graph that holds the ufunc (Dask's, say) is pickled, by name. NumPy before 2.2 has no place for the module,
        # and pickle looks for it in all of them.
        with contextlib.suppress(AttributeError):
            made.__module__ = __name__
    with_bfloat16(made, functools.partial(inner_loop, name, "bfloat16", target))
    return made


def with_bfloat16(made, loop):
    """Let a ufunc have the loop that ``loop()`` returns for bfloat16, as soon as NumPy knows that type."""
    _built.append((made, loop))
    if _bfloat16 is not None:
        _register_bfloat16(made, loop, _bfloat16.num)


@functools.cache
def bits_ufunc(name, target):
    """Return the function in bfloat16 of bit patterns in uint16: for those that have the type, and not that of
    ml_dtypes."""
    return _made_of_one(name, inner_loop(name, "bfloat16", target), [np.dtype(np.uint16).num] * (arity(name) + 1))


@functools.cache
def division(name):
    """Return NumPy's division in float64 under another ufunc's name, in which NumPy then reports floating-point
    errors."""
    return _made_of_one(name, _loop_of_numpy(np.divide, "dd->d"), [np.dtype(np.float64).num] * 3)


def _made_of_one(name, loop, type_numbers):
    function, data = loop
    return make_ufunc(name, (ctypes.c_void_p * 1)(function), (ctypes.c_void_p * 1)(data), type_numbers)


def make_ufunc(name, functions, data, type_numbers, results=1):
    """Make a ufunc of the loops at addresses, with their data, of operands of the types of such numbers."""
    types = (ctypes.c_char * len(type_numbers))(*type_numbers)
    label = name.encode()
    _keep_alive.append((functions, data, types, label))
    make, _ = _api()
    inputs = len(type_numbers) // len(functions) - results
    return make(functions, data, types, len(functions), inputs, results, _NO_IDENTITY, label, None, 0)


def add_bfloat16(dtype):
    """Give every ufunc a loop for the bfloat16 of ml_dtypes, NumPy's name for which is ``dtype``."""
    global _bfloat16
    _bfloat16 = dtype
    for made, loop in _built:
        _register_bfloat16(made, loop, dtype.num)


def _register_bfloat16(made, loop, number):
    function, data = loop()
    _, register = _api()
    register(made, number, function, (ctypes.c_int * made.nargs)(*[number] * made.nargs), data)


def __getattr__(name):
    # Where pickle finds the ufunc again.
    if name in FAMILY or name in SAVED:
        return ufunc(name, "auto")
    raise AttributeError(name)
