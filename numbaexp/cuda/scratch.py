"""The allocator of temporary device memory: that of the library of the arrays, if it has one.

A library that records its work as a CUDA graph can take no other's allocations.
"""

import threading
from collections.abc import Callable
from typing import Any


class _Allocator(threading.local):
    """Hold the allocator of the call that runs in this thread: a function that returns memory for so many float64, and
    the address."""

    allocate: Callable[[int], tuple[Any, int]] | None = None


of_call = _Allocator()
