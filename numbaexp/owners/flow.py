"""A call on arrays of another library, from its arguments to what it returns."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.owners.adapter import on_threads_of
from numbaexp.owners.needs import need_cuda
from numbaexp.owners.overlap import refuse_overlap
from numbaexp.owners.table import owner_of

OnHost = Callable[[str, np.ndarray, np.ndarray, str], None]


def run(name: str, x: Any, out: Any, kwargs: dict[str, Any], on_host: OnHost) -> Any:
    """``name`` of ``x``, where at least one of ``x`` and ``out`` is such an array.

    ``on_host(name, x, out, dtype)`` computes in the host's memory, in the float type ``dtype``, which that of ``out``
    stores.
    """
    owner = owner_of(x)
    if owner is None or (out is not None and owner_of(out) is not owner):
        raise not_alike(x, out)
    if kwargs:
        raise TypeError(f"of a {library_of(x)} `{name}` takes `out` alone; got `{next(iter(kwargs))}`")
    place = owner.place(x, "x")
    if out is not None and owner.place(out, "out") != place:
        raise apart(place, owner.place(out, "out"))
    if place != "cpu":
        need_cuda("x")
    given, dtype = owner.read(x)
    written = owner.write(given, out, dtype)
    if given.view.shape != written.view.shape:
        raise ValueError(f"`out` must be of the shape of `x`, {given.view.shape}; got {written.view.shape}")
    if out is not None:
        refuse_overlap(given.view, written.view)
    if isinstance(given.view, np.ndarray):
        on_threads_of(owner, on_host, name, given.view, written.view, dtype)
    else:
        from numbaexp.cuda import launch

        launch.run(name, (given.view, written.view), ("x", "out"), owner.stream(given.array, out))
    return owner.finish(given.array, out, written)


def not_alike(x: Any, out: Any) -> Exception:
    place, place_of_out = _place(x, "x"), _place(out, "out")
    if place != place_of_out:
        return apart(place, place_of_out)
    return TypeError(f"`x` and `out` must be arrays of one library; got a {library_of(x)} and a {library_of(out)}")


def apart(place: str, place_of_out: str) -> ValueError:
    return ValueError(f"`x` is on {place} and `out` on {place_of_out}: numbaexp copies nothing between devices")


def _place(array: Any, argument: str) -> str:
    owner = owner_of(array)
    return "cpu" if owner is None else owner.place(array, argument)


def library_of(array: Any) -> str:
    kind = type(array)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
