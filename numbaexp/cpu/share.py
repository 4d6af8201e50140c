"""Sharing of a kernel's rows among all threads."""

import ctypes
import functools
from collections import deque
from typing import Any

import numpy as np

from numbaexp.cpu import blocks, pool, thread_limit
from numbaexp.cpu import row_job as at
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.library_limit import of_call

_Single = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)
_Shared = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 5)

# The address of ``shared``, or 0 before its first call.
ADDRESS = np.zeros(1, np.intp)


@functools.cache
def compiled_shared() -> Any:
    compiled = compile_kernel("shared", "compiled_share.shared", "void(intp, intp, intp, intp, intp)", parallel=True)
    ADDRESS[0] = compiled.address
    return compiled, _Shared(compiled.address)


@functools.cache
def compiled_single() -> Any:
    compiled = compile_kernel("single", "compiled_share.single", "void(intp, intp, intp, intp)")
    return compiled, _Single(compiled.address)


def run_on_all(address: int, job: int, units: int) -> None:
    """Call the kernel at an address for all units of work; ``job`` is the address of its arguments."""
    kernel = compiled_single()[1]
    if pool.RUNNING[0] == 1:
        kernel(address, job, 0, units)
        return
    started = pool.start()
    limit = min(int(pool.RUNNING[0]), of_call.threads)
    if started and limit > 1:
        compiled_shared()[1](address, job, units, at.PARTS, limit)
    elif started:
        kernel(address, job, 0, units)
    else:
        parts = min(units, at.PARTS * thread_limit.threads())
        work = deque((units * part // parts, units * (part + 1) // parts) for part in range(parts))
        blocks.on_all_threads(lambda ends: kernel(address, job, *ends), work)
