"""Transparent huge pages for new arrays, as NumPy asks for: page faults otherwise cost more than filling them."""

import ctypes
import functools
import mmap
from collections.abc import Callable
from typing import Any

# Least size in bytes, as in NumPy.
LARGE = 1 << 22


@functools.cache
def _madvise() -> Callable[[int, int, int], Any] | None:
    """Return ``madvise`` of the C library, or None without huge pages."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    return function


def ask_for(address: int, size: int) -> None:
    """Advise huge pages for ``size`` bytes, ``LARGE`` or more, that have not been written to. Failure is harmless."""
    advise = _madvise()
    if advise is not None:
        first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        advise(first, address + size - first, mmap.MADV_HUGEPAGE)
