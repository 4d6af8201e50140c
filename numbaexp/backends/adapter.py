"""The interface of a backend: the functions that its module defines for the arrays of one library."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from numbaexp.cpu.library_limit import of_call


class Elements(NamedTuple):
    """Hold an array, a view of its memory, and an object that keeps the memory alive.

    ``view`` is an ndarray in host memory (bfloat16 as uint16), or a ``numbaexp.layout.Strided`` in device memory.
    """

    array: Any
    view: Any
    keep: Any = None


class Adapter(Protocol):
    """Declare the functions of one library's backend. ``argument`` is the name of an array in error messages.

    Seven functions are optional: ``threads()`` returns the library's own number of threads; ``scratch(x, count)``
    allocates memory for so many float64 on the device of ``x``, and returns it and its address;
    ``compute_small(operation, arrays, out, options)`` is a fast path for small arrays, and returns NotImplemented for
    others; ``asarray(array, x)`` converts an ndarray or a list as the library would next to its array ``x``;
    ``together(a, b)`` broadcasts two arguments to one shape and promotes them to one float type, as the library's
    multiplication does; ``alike(labels, arrays)`` does so for any number of arguments, numbers among them, which the
    labels name; ``convert(x, dtype)`` returns an array of the float type of that name.
    """

    def device(self, array: Any, argument: str) -> str:
        """Return the device of an array: "cpu", "cuda:0" and so on. Raise for arrays that are not supported."""

    def read(self, x: Any, argument: str = "x") -> tuple[Elements, str]:
        """Return the elements of an argument, and the name of the float type to compute in."""

    def write(self, given: Elements, out: Any, dtype: str) -> Elements:
        """Return the memory for a result of that type: ``out`` if suitable, else a new array."""

    def new(self, given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
        """Return a new C-ordered array of that type and shape on the device of ``given``, which may be empty."""

    def select(self, mask: Any, x: Any, value: float, out: Any = None) -> Any:
        """Return the elements of ``x`` where the mask, given as ``where``, is true, and ``value`` elsewhere, broadcast
        together; in ``out`` if that is given, which is ``x``. What the library records, it records."""

    def stream(self, x: Any, out: Any) -> int:
        """Return the CUDA stream that orders the work on these arrays."""

    def finish(self, x: Any, out: Any, written: Elements) -> Any:
        """Return the user's result, once ``written`` has been written to."""


def check_mask(dtype: Any) -> None:
    """Raise where a mask is of another type than bool."""
    name = str(dtype).removeprefix("torch.")
    if name != "bool":
        raise TypeError(f"`where` must be of type bool; got {name}")


def on_threads_of(adapter: Adapter | None, work: Callable[..., None], *args: Any) -> None:
    """Call ``work`` on no more threads than the library uses itself, if its adapter has ``threads()``."""
    threads = getattr(adapter, "threads", None)
    if threads is None:
        work(*args)
        return
    before, of_call.threads = of_call.threads, threads()
    try:
        work(*args)
    finally:
        of_call.threads = before


def on_memory_of(adapter: Any, x: Any, work: Callable[..., None], *args: Any) -> None:
    """Call ``work`` with temporary memory of the library's own, if its adapter has ``scratch(x, count)``."""
    # What is of CUDA is imported with the first array of a device.
    from numbaexp.cuda import scratch

    allocate = getattr(adapter, "scratch", None)
    before, scratch.of_call.allocate = scratch.of_call.allocate, allocate and functools.partial(allocate, x)
    try:
        work(*args)
    finally:
        scratch.of_call.allocate = before
