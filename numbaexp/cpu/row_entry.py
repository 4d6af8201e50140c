"""A built-in function that computes rows of contiguous arrays at once, where Python would take longer than the rows.

It reads the arrays from their published C structures, as ``numbaexp.cpu.entry`` does, and leaves to Python, by its
result, all that is not an ordinary call: other types and layouts, overlap, one that has to start threads.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.cpu import pool, row_functions, share
from numbaexp.cpu import row_job as at
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.entry import built_in
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
from numbaexp.cpu.structures import METH_FASTCALL

_SIZES = {"float16": 2, "float32": 4, "float64": 8}
_NUMBERS = {name: np.dtype(name).num for name in _SIZES}

_keep_alive: list[Any] = []


@functools.cache
def compiled_entry() -> Any:
    return compile_kernel("row entry", "compiled_row_entry.enter", "intp(intp, intp, intp)")


def make_fast_path(name: str, shared_from: int) -> tuple[Callable[..., bool | None], np.ndarray]:
    """Return ``call(x, result)`` or ``call(x, w, result)`` and its state.

    The call tells whether the function has been computed along the last axis, as of contiguous arrays of one shape and
    type; None says that ``compile_for(name, state, x)`` has to be called first.
    """
    compiled = compiled_entry()
    state = np.zeros(TYPES + EACH * len(_SIZES), np.intp)
    state[[ARRAY_TYPE, DONE, NOT_DONE, NOT_COMPILED]] = id(np.ndarray), id(True), id(False), id(None)
    state[[RUNNING, SHARED, SHARED_FROM]] = pool.RUNNING.ctypes.data, share.ADDRESS.ctypes.data, shared_from
    for i, (dtype, size) in enumerate(_SIZES.items()):
        index = TYPES + EACH * i
        state[index : index + 2] = _NUMBERS[dtype], size
    made, method = built_in(f"fast_{name}", compiled.address, METH_FASTCALL, state)
    _keep_alive.append((compiled, state, method))
    return made, state


def compile_for(name: str, state: np.ndarray, x: np.ndarray) -> None:
    """Compile the kernel that an array needs."""
    length = x.shape[-1]
    alone = length >= at.ALONE_FROM or x.size // length < at.BATCHED_FROM
    index = TYPES + EACH * list(_SIZES).index(x.dtype.name) + (2 if alone else 3)
    state[index] = row_functions.kernel(name, "by row" if alone else "batched", x.dtype.name)
