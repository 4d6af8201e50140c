"""Functions that users have written, as the handler of XLA's calls finds them: by names that tell what they are made
of."""

import ctypes
from typing import Any

import numpy as np

from numbaexp.cpu import xla_state as at
from numbaexp.cpu.custom_ufunc import inner_loop, serial_loop
from numbaexp.custom.operation import CustomOperation, named
from numbaexp.once import LOCK
from numbaexp.target import AUTO

_TYPES = tuple(at.FLOATS)
_operations: dict[int, CustomOperation] = {}
_keep_alive: list[Any] = []


def add(state: np.ndarray, kernel: str) -> int:
    """Let the handler know of the function of a name; return 0."""
    operation = named(kernel)
    if operation is None:
        raise ValueError(
            f"numbaexp has no such function of such arrays: {kernel!r}; a program of another process needs a user's "
            "functions to be decorated here too, as they were there"
        )
    name = kernel.encode()
    words = np.zeros(at.CUSTOM_TYPES + 2 * len(_TYPES), np.int64)
    text = ctypes.create_string_buffer(name)
    words[[at.CUSTOM_NAME, at.CUSTOM_NAME_LENGTH]] = ctypes.addressof(text), len(name)
    words[[at.CUSTOM_ARRAYS, at.CUSTOM_RESULTS]] = len(operation.arrays), operation.results
    _keep_alive.append((words, text))
    _operations[words.ctypes.data] = operation
    with LOCK:
        words[at.NEXT] = state[at.FIRST_CUSTOM]
        state[at.FIRST_CUSTOM] = words.ctypes.data
    return 0


def add_loop(address: int, of_type: int) -> int:
    """Compile the loop of a function in a type, and let the handler know of it; return 0."""
    operation, dtype = _operations[address], _TYPES[of_type]
    serial_loop(operation, dtype)
    place = address + 8 * (at.CUSTOM_TYPES + 2 * of_type)
    kernels = np.ctypeslib.as_array(ctypes.cast(place, ctypes.POINTER(ctypes.c_int64)), (2,))
    # In this order: another thread calls as soon as the loop is there.
    loop, kernels[at.LOOP_DATA] = inner_loop(operation, dtype, AUTO)
    kernels[at.LOOP] = loop
    return 0
