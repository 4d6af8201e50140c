"""A kernel of rows on one thread or on all."""

import ctypes
import functools
from collections import deque
from typing import Any

import numba
from numba import prange, types

from numbaexp.cpu import blocks, pool
from numbaexp.cpu.compile import compile_loop
from numbaexp.cpu.parallel import call_kernel

_SIGNATURE = types.void(*[types.intp] * 4)
_OfFour = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)

# Parts for each thread, so that they finish together.
PARTS = 4


def shared(address, job, units, parts):
    """The kernel at an address, over so many units of work in so many parts, on Numba's threads."""
    for part in prange(parts):
        call_kernel(address, job, units * part // parts, units * (part + 1) // parts)


def single(address, job, first, last):
    """The kernel at an address, on the calling thread."""
    call_kernel(address, job, first, last)


@functools.cache
def _compiled_shared() -> Any:
    callback = compile_loop(shared, _SIGNATURE, "shared", parallel=True)
    return callback, _OfFour(callback.address)


@functools.cache
def _compiled_single() -> Any:
    callback = compile_loop(single, _SIGNATURE, "single")
    return callback, _OfFour(callback.address)


def address() -> int:
    """Where ``shared`` is."""
    return _compiled_shared()[0].address


def run(address: int, job: int, units: int, on_all: bool) -> None:
    """Call the kernel at an address for all units of work; ``job`` is the address of its arguments."""
    parts = min(units, PARTS * numba.get_num_threads())
    kernel = _compiled_single()[1]
    if not on_all or parts == 1:
        kernel(address, job, 0, units)
    elif pool.start():
        _compiled_shared()[1](address, job, units, parts)
    else:
        work = deque((units * part // parts, units * (part + 1) // parts) for part in range(parts))
        blocks.on_all_threads(lambda ends: kernel(address, job, *ends), work)
