"""A built-in function that computes elements at addresses: of small arrays of a library that tells these sooner than it
makes an array of NumPy's."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.entry import built_in
from numbaexp.cpu.structures import METH_FASTCALL
from numbaexp.cpu.ufunc import serial_loop
from numbaexp.operations import Operation
from numbaexp.scalar.forms import itemsize

_keep_alive: list[Any] = []


@functools.cache
def compiled_entry() -> Any:
    return compile_kernel("address entry", "compiled_address_entry.enter", "intp(intp, intp, intp)")


@functools.cache
def at_addresses(operation: Operation, dtype: str) -> Callable[..., None]:
    """Return ``compute(x, ..., result, n)``, of ``n`` contiguous elements at each address, on one thread; a float of
    Python's may stand for elements of float32 or float64 that are all the same."""
    compiled = compiled_entry()
    loop = _loop(operation, dtype)
    # In the order of ``compiled_address_entry``.
    state = np.array([loop.address, itemsize(dtype), id(None), id(float)], np.intp)
    made, method = built_in(operation.name, compiled.address, METH_FASTCALL, state)
    _keep_alive.append((compiled, loop, state, method))
    return made


def _loop(operation: Operation, dtype: str) -> Any:
    if not operation.is_custom:
        return serial_loop(operation.name, dtype)
    # What is of users' functions is imported with one.
    from numbaexp.cpu import custom_ufunc

    return custom_ufunc.serial_loop(operation, dtype)
