"""A call of a gradient of an elementwise function on arrays of another library, from its arguments to what it
returns."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.owners.adapter import Adapter, on_threads_of
from numbaexp.owners.flow import library_of
from numbaexp.owners.needs import need_cuda
from numbaexp.owners.overlap import refuse_overlap
from numbaexp.owners.table import owner_of

OnHost = Callable[[str, np.ndarray, np.ndarray, np.ndarray, str], None]


def run(
    name: str, argument: str, grad_output: Any, saved: Any, out: Any, kwargs: dict[str, Any], on_host: OnHost
) -> Any:
    """``name`` of ``grad_output`` and of what is saved, which is called ``argument``; one of them or ``out`` is such an
    array.

    ``on_host(name, grad_output, saved, out, dtype)`` computes in the host's memory, in the float type ``dtype``, which
    that of ``out`` stores.
    """
    owner = _owner(argument, grad_output, saved, out)
    if kwargs:
        raise TypeError(f"of a {library_of(grad_output)} `{name}` takes `out` alone; got `{next(iter(kwargs))}`")
    (given, dtype), (other, of_other) = owner.read(grad_output, "grad_output"), owner.read(saved, argument)
    if given.view.shape != other.view.shape:
        shapes = f"{other.view.shape}; got {given.view.shape}"
        raise ValueError(f"`grad_output` must be of the shape of `{argument}`, {shapes}")
    if dtype != of_other:
        raise TypeError(f"`grad_output` must be of the type of `{argument}`, {of_other}; got {dtype}")
    written = owner.write(given, out, dtype)
    if written.view.shape != given.view.shape:
        shapes = f"{given.view.shape}; got {written.view.shape}"
        raise ValueError(f"`out` must be of the shape of `grad_output`, {shapes}")
    if out is not None:
        refuse_overlap(given.view, written.view)
        refuse_overlap(other.view, written.view)
    if isinstance(given.view, np.ndarray):
        on_threads_of(owner, on_host, name, given.view, other.view, written.view, dtype)
    else:
        from numbaexp.cuda import launch

        for label, view in (("grad_output", given.view), (argument, other.view)):
            if view.dtype != dtype:
                raise TypeError(f"`{label}` must be of a float type on a device; got {view.dtype}")
        # Where the two have streams of their own an adapter waits for the one or the other.
        owner.stream(given.array, other.array)
        owner.stream(other.array, given.array)
        operands, labels = (given.view, other.view, written.view), ("grad_output", argument, "out")
        launch.run(name, operands, labels, owner.stream(given.array, out))
    return owner.finish(given.array, out, written)


def _owner(argument: str, grad_output: Any, saved: Any, out: Any) -> Adapter:
    """The library of all of them, which are in one place."""
    owner: Any = owner_of(grad_output)
    others = ((argument, saved), ("out", saved if out is None else out))
    for label, array in others:
        if owner_of(array) is not owner:
            libraries = f"a {library_of(grad_output)} and a {library_of(array)}"
            raise TypeError(f"`grad_output` and `{label}` must be arrays of one library; got {libraries}")
    for label, array in others:
        place, other = owner.place(grad_output, "grad_output"), owner.place(array, label)
        if place != other:
            raise ValueError(f"`grad_output` and `{label}` must be on one device; got {place} and {other}")
        if place != "cpu":
            need_cuda("grad_output")
    return owner
