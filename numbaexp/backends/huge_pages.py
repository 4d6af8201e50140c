"""Memory in pages of some megabytes: new memory is given out page by page, which in small ones takes longer than to
fill it. NumPy asks for them itself."""

import ctypes
import functools
import mmap
from collections.abc import Callable
from typing import Any

# Bytes from which it pays, as in NumPy.
LARGE = 1 << 22


@functools.cache
def _madvise() -> Callable[[int, int, int], Any] | None:
    """That of the C library, where the system has such pages."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    return function


def ask_for(address: int, size: int) -> None:
    """Ask for them for ``size`` bytes, ``LARGE`` or more, that nothing has been written to yet. It is advice: nothing
    hangs on it."""
    advise = _madvise()
    if advise is not None:
        first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        advise(first, address + size - first, mmap.MADV_HUGEPAGE)
