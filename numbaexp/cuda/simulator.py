"""Launch kernels in Numba's CUDA simulator, as ``numbaexp.cuda.launcher`` does on devices.

The environment variable NUMBA_ENABLE_CUDASIM turns it on, before Numba is imported. Kernels run in Python, on threads
of the host, and the memory of the host is that of the device.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types

from numbaexp.cuda import warp
from numbaexp.cuda.compile import Arguments
from numbaexp.cuda.jit import simulated_kernel
from numbaexp.cuda.scratch import of_call
from numbaexp.scalar.row_order import LANES

# Little is done in parallel here, and starting a thread is slow: few, and more than one block of more than one warp.
BLOCKS, WARPS = 2, 2
THREADS = WARPS * LANES
# Lanes wait for each other all the time. In seconds, how long a thread of the host keeps the others waiting.
_TURN = 2e-4


def on(device: int) -> contextlib.AbstractContextManager[Any]:
    """Do nothing: all memory is the host's."""
    return contextlib.nullcontext()


def processors(device: int) -> int:
    """Return more than there ever are rows, so that long rows are shared among blocks."""
    return sys.maxsize


def compiled(
    make: Callable[[], Callable[..., None]],
    name: str,
    modules: tuple[str, ...],
    arguments: Arguments,
    device: int,
    digest: str = "",
) -> Any:
    """Return the kernel that ``make()`` returns, and the types of its arguments."""
    return make(), (types.int64,) * arguments if isinstance(arguments, int) else arguments


def configured(kernel: Any, blocks: int, stream: int) -> Callable[..., None]:
    """Return what runs a kernel, called with its arguments: integers, without tuples."""
    function, arguments = kernel

    def run(*given: int) -> None:
        words = iter(given)
        warp.start_exchanges(WARPS)
        turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        try:
            simulated_kernel(function)[BLOCKS, THREADS](*[_regrouped(kind, words) for kind in arguments])
        finally:
            sys.setswitchinterval(turn)

    return run


def _regrouped(kind: types.Type, words: Iterator[int]) -> Any:
    """Take an argument of a type from the integers that its tuples are made of."""
    return tuple([_regrouped(of, words) for of in kind]) if isinstance(kind, types.UniTuple) else next(words)


@contextlib.contextmanager
def temporary(count: int, device: int, stream: int) -> Iterator[int]:
    """Allocate so many float64, of NaN: what is read without having been written is to be seen. Yield the address."""
    if of_call.allocate is not None:
        memory, address = of_call.allocate(count)
    else:
        memory = np.full(count, np.nan)
        address = memory.ctypes.data
    yield address


def address_and_device(array: Any) -> tuple[int, int]:
    """Return the address of a simulated device array, and the number of its device."""
    return array.ctypes.data, 0
