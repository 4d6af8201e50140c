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
    TYPES,
)
from numbaexp.cpu.structures import METH_FASTCALL

_SIZES = {"float16": 2, "float32": 4, "float64": 8}
_NUMBERS = {name: np.dtype(name).num for name in _SIZES}

_keep_alive: list[Any] = []


class Quick:
    """``call(x, out)`` or ``call(x, w, out)``, of contiguous arrays of one shape and type: whether a function has been
    computed along the last axis, by the target "auto"; None where it would be, had ``learn(x)`` compiled its kernel."""

    def __init__(self, name: str):
        self.name = name
        self.call, self._state = _make(name)

    def learn(self, x: np.ndarray) -> None:
        length = x.shape[-1]
        alone = length >= at.ALONE_FROM or x.size // length < at.BESIDE_FROM
        place = TYPES + EACH * list(_SIZES).index(x.dtype.name) + (2 if alone else 3)
        self._state[place] = row_functions.kernel(self.name, "by row" if alone else "beside", x.dtype.name)


@functools.cache
def compiled_entry() -> Any:
    return compile_kernel("row entry", "compiled_row_entry.enter", "intp(intp, intp, intp)")


def _make(name: str) -> tuple[Callable[..., bool | None], np.ndarray]:
    compiled = compiled_entry()
    state = np.zeros(TYPES + EACH * len(_SIZES), np.intp)
    state[[ARRAY_TYPE, DONE, NOT_DONE, NOT_COMPILED]] = id(np.ndarray), id(True), id(False), id(None)
    state[[RUNNING, SHARED]] = pool.RUNNING.ctypes.data, share.ADDRESS.ctypes.data
    for i, (dtype, size) in enumerate(_SIZES.items()):
        place = TYPES + EACH * i
        state[place : place + 2] = _NUMBERS[dtype], size
    made, method = built_in(f"quick_{name}", compiled.address, METH_FASTCALL, state)
    _keep_alive.append((compiled, state, method))
    return made, state
