"""What has to be known of a library, to compute on its arrays where they live: a module with these names."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from numbaexp.cpu.library_limit import of_call


class Elements(NamedTuple):
    """An array, its elements as they lie, and whatever must live as long as they are used.

    ``view`` is an ndarray in the host's memory (bfloat16 as uint16), or a device's ``numbaexp.layout.Strided``.
    """

    array: Any
    view: Any
    keep: Any = None


class Adapter(Protocol):
    """One library. ``argument`` is the name of an array in messages.

    These functions may be left out: ``threads()``, the number of threads that the library uses itself;
    ``compute_small(operation, arrays, out, options)``, which computes some small arrays faster than the rest does, and
    returns NotImplemented for others; and ``asarray(array, x)``, which makes an array of the library of NumPy's or of
    a list, as its own functions would beside its array ``x``, or leaves that as it is.
    """

    def device(self, array: Any, argument: str) -> str:
        """Where an array lives: "cpu", or "cuda:0" and so on. Refuses what cannot be computed on."""

    def read(self, x: Any, argument: str = "x") -> tuple[Elements, str]:
        """The elements of an argument, and the name of the float type that is computed in."""

    def write(self, given: Elements, out: Any, dtype: str) -> Elements:
        """What the result of that type is written to: ``out``, if that is not None and can take it, or a new array."""

    def new(self, given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
        """A new array of that type and shape, in C order, where ``given`` lives, which may have no elements."""

    def stream(self, x: Any, out: Any) -> int:
        """The stream of a device that orders the work on these arrays."""

    def finish(self, x: Any, out: Any, written: Elements) -> Any:
        """What is returned, once ``written`` has been written to."""


def on_threads_of(backend: Adapter | None, work: Callable[..., None], *args: Any) -> None:
    """Call ``work``, on no more threads than a library uses itself where its adapter tells that, by ``threads()``."""
    threads = getattr(backend, "threads", None)
    if threads is None:
        work(*args)
        return
    before, of_call.threads = of_call.threads, threads()
    try:
        work(*args)
    finally:
        of_call.threads = before
