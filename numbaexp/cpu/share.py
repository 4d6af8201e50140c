"""A kernel of rows on one thread or on all."""

import ctypes
import functools
from collections import deque
from typing import Any

import numpy as np
from numba import prange

from numbaexp.cpu import blocks, pool, thread_limit
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.library_limit import of_call
from numbaexp.cpu.parallel import call_kernel

_Single = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)
_Shared = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 5)

# Parts for each thread, so that they finish together.
PARTS = 4
# The address of ``shared``, or 0 before its first call.
ADDRESS = np.zeros(1, np.intp)


def shared(address, job, units, parts_each, limit):
    """Run the kernel at an address over so many units of work, in so many parts for each of Numba's threads, of which
    at most ``limit`` take part."""
    threads = thread_limit.compiled_threads(limit)
    parts = min(units, parts_each * threads)
    if threads == 1:
        call_kernel(address, job, 0, units)
    else:
        of_caller = thread_limit.get_num_threads()
        thread_limit.set_num_threads(threads)
        for part in prange(parts):
            call_kernel(address, job, units * part // parts, units * (part + 1) // parts)
        thread_limit.set_num_threads(of_caller)


def single(address, job, first, last):
    """Run the kernel at an address on the calling thread."""
    call_kernel(address, job, first, last)


@functools.cache
def compiled_shared() -> Any:
    compiled = compile_kernel(
        "shared", lambda: shared, "void(intp, intp, intp, intp, intp)", (__name__,), parallel=True
    )
    ADDRESS[0] = compiled.address
    return compiled, _Shared(compiled.address)


@functools.cache
def compiled_single() -> Any:
    compiled = compile_kernel("single", lambda: single, "void(intp, intp, intp, intp)", (__name__,))
    return compiled, _Single(compiled.address)


def run(address: int, job: int, units: int, on_all: bool) -> None:
    """Call the kernel at an address for all units of work; ``job`` is the address of its arguments."""
    several = on_all and units > 1
    started = several and pool.start()
    limit = min(int(pool.RUNNING[0]), of_call.threads)
    kernel = compiled_single()[1]
    if started and limit > 1:
        compiled_shared()[1](address, job, units, PARTS, limit)
    elif started or not several:
        kernel(address, job, 0, units)
    else:
        parts = min(units, PARTS * thread_limit.threads())
        work = deque((units * part // parts, units * (part + 1) // parts) for part in range(parts))
        blocks.on_all_threads(lambda ends: kernel(address, job, *ends), work)
