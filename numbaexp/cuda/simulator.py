"""Numba's CUDA simulator: kernels run in Python, on threads of the host, and the host's memory is the device's.

The environment variable NUMBA_ENABLE_CUDASIM turns it on, before Numba is imported. It has no addresses: kernels get
arrays in their stead.
"""

import ctypes
import sys
from typing import Any

import numpy as np
from numba.cuda.core import config

from numbaexp.cuda import warp
from numbaexp.cuda.jit import simulated_kernel
from numbaexp.cuda.kernels import DIMENSIONS
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.row_order import LANES

# Of a thread's work little is done in parallel here, and starting one is slow: few, and more than one block.
BLOCKS, _THREADS = 2, 32
# A block of a kernel of rows, and one of a kernel with a thread a row.
_WARPS, _ROWS = 2, 2
# Lanes wait for each other all the time. In seconds, how long a thread of the host keeps the others waiting.
_TURN = 2e-4


def is_on() -> bool:
    """Whether kernels are simulated."""
    return bool(config.ENABLE_CUDASIM)


def contiguous(kernel: Any, dtype: str) -> Any:
    """A contiguous kernel, to be called with addresses."""

    def launch(*arguments: int) -> None:
        *addresses, first, n = arguments
        _launch(kernel, *(_array_at(address, n, dtype) for address in addresses), first, n)

    return launch


def strided(kernel: Any, source: str, dtype: str) -> Any:
    """A strided kernel, to be called with addresses."""

    def launch(x: int, y: int, x_first: int, n: int, *rest: int) -> None:
        lengths, steps = rest[: DIMENSIONS - 1], rest[DIMENSIONS - 1 :]
        lengths = (n // int(np.prod(lengths)), *lengths)
        x_steps, y_steps = steps[:DIMENSIONS], steps[DIMENSIONS:]
        above_first = sum((length - 1) * max(step, 0) for length, step in zip(lengths, x_steps, strict=True))
        y_count = 1 + sum((length - 1) * step for length, step in zip(lengths, y_steps, strict=True))
        x_array, y_array = _array_at(x, x_first + above_first + 1, source), _array_at(y, y_count, dtype)
        _launch(kernel, x_array, y_array, x_first, n, *rest)

    return launch


class _Elements:
    """Memory from an element on that others lie before."""

    def __init__(self, address: int, dtype: str, lowest: int, highest: int) -> None:
        itemsize = np.dtype(STORED_AS.get(dtype, dtype)).itemsize
        self._array = _array_at(address + lowest * itemsize, highest - lowest + 1, dtype)
        self._lowest = lowest

    def __getitem__(self, i: int) -> Any:
        return self._array[i - self._lowest]

    def __setitem__(self, i: int, value: Any) -> None:
        self._array[i - self._lowest] = value


def strided_gradient(kernel: Any, dtype: str) -> Any:
    """A strided kernel of a gradient, to be called with addresses."""

    def launch(*arguments: int) -> None:
        addresses, (n, *rest) = arguments[:3], arguments[3:]
        lengths = (n // int(np.prod(rest[: DIMENSIONS - 1])), *rest[: DIMENSIONS - 1])
        given = []
        for i, address in enumerate(addresses):
            begin = DIMENSIONS - 1 + i * DIMENSIONS
            ways = [(length - 1) * step for length, step in zip(lengths, rest[begin : begin + DIMENSIONS], strict=True)]
            lowest, highest = (sum(limit(way, 0) for way in ways) for limit in (min, max))
            given.append(_Elements(address, dtype, lowest, highest))
        _launch(kernel, *given, n, *rest)

    return launch


def run_rows(
    kernel: Any,
    operands: list[tuple[str, int]],
    kept: np.ndarray | None,
    rows: int,
    inner: int,
    length: int,
    arguments: list[int],
) -> None:
    """Run a kernel of rows. Of the operands, whose addresses and steps are arguments, the types are given, and how many
    numbers lie beside each other; and memory for float64, where it has warps."""
    lasts = rows // inner - 1, inner - 1, length - 1
    given: list[Any] = list(arguments)
    for i, (dtype, width) in enumerate(operands):
        address, steps = arguments[4 * i], arguments[4 * i + 1 : 4 * i + 4]
        ways = [last * step for last, step in zip(lasts, steps, strict=True)]
        lowest, highest = (sum(limit(way, 0) for way in ways) for limit in (min, max))
        if address:
            given[4 * i] = _Elements(address, dtype, lowest, highest + width - 1)
    warp.meet_anew(_WARPS)
    turn = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        of_rows = simulated_kernel(kernel)[BLOCKS, _ROWS if kept is None else _WARPS * LANES]
        of_rows(rows, inner, length, np.empty(0) if kept is None else kept, tuple(given))
    finally:
        sys.setswitchinterval(turn)


def _array_at(address: int, count: int, dtype: str) -> Any:
    from numba.cuda.cudadrv.devicearray import FakeCUDAArray

    stored_as = np.dtype(STORED_AS.get(dtype, dtype))
    memory = (ctypes.c_char * (count * stored_as.itemsize)).from_address(address)
    return FakeCUDAArray(np.frombuffer(memoryview(memory), stored_as))


def _launch(kernel: Any, *arguments: Any) -> None:
    simulated_kernel(kernel)[BLOCKS, _THREADS](*arguments)
