"""A built-in function that computes elements at addresses: of small arrays of a library that tells these sooner than it
makes an array of NumPy's."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.entry import _DATA, built_in, word_at
from numbaexp.cpu.parallel import call_loop
from numbaexp.cpu.row_entry import retain
from numbaexp.cpu.ufunc import serial_loop
from numbaexp.scalar.forms import itemsize

_LOOP, _SIZE, _NONE = range(3)
_METH_FASTCALL = 0x80

_number = types.ExternalFunction("PyLong_AsSsize_t", types.intp(types.intp))
_keep_alive: list[Any] = []


def enter(state_array, args, nargs):
    """A C function of METH_FASTCALL, of the addresses of arguments and results and how many there are."""
    state = word_at(state_array + _DATA)
    x, y, n = _number(word_at(args)), _number(word_at(args + 8)), _number(word_at(args + 16))
    size = word_at(state + 8 * _SIZE)
    call_loop(word_at(state + 8 * _LOOP), (x, y), n, (size, size), 0)
    none = word_at(state + 8 * _NONE)
    retain(none)
    return none


@functools.cache
def compiled_entry() -> Any:
    return compile_kernel("address entry", lambda: enter, "intp(intp, intp, intp)", (__name__,))


@functools.cache
def at_addresses(name: str, dtype: str) -> Callable[[int, int, int], None]:
    """``compute(x, y, n)``: a function of ``n`` elements that follow each other at ``x``, into ``y``, on one thread."""
    compiled = compiled_entry()
    loop = serial_loop(name, dtype)
    state = np.array([loop.address, itemsize(dtype), id(None)], np.intp)
    made, method = built_in(name, compiled.address, _METH_FASTCALL, state)
    _keep_alive.append((compiled, loop, state, method))
    return made
