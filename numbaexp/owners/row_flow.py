"""A call of the softmax family on arrays of another library, from its arguments to what it returns."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.owners.adapter import Adapter, Elements
from numbaexp.owners.flow import apart, library_of, not_alike
from numbaexp.owners.needs import need_cuda
from numbaexp.owners.overlap import refuse_overlap
from numbaexp.owners.table import owner_of
from numbaexp.rows_layout import axes_of

OnHost = Callable[..., None]


def refuse(name: str, x: Any, **arguments: Any) -> None:
    """Raise where an argument is given that only arrays of NumPy's have."""
    for argument, value in arguments.items():
        if value is not None and value is not False:
            raise TypeError(f"of a {library_of(x)} `{name}` does not take `{argument}`")


def _owner(x: Any, *others: Any) -> tuple[Adapter, str]:
    """The library of all arguments, and where they are."""
    owner = owner_of(x)
    for other in others:
        if owner is None or (other is not None and owner_of(other) is not owner):
            raise not_alike(x, other)
    assert owner is not None
    place = owner.place(x, "x")
    for other in others:
        if other is not None and owner.place(other, "out") != place:
            raise apart(place, owner.place(other, "out"))
    if place != "cpu":
        need_cuda("x")
    return owner, place


def elementwise(name: str, x: Any, w: Any, out: Any, axis: Any, on_host: OnHost) -> Any:
    """A function of the shape of ``x``, and where it has a second argument, of ``w``."""
    owner, _ = _owner(x, *(array for array in (w, out) if array is not None))
    given, dtype = owner.read(x)
    second = None if w is None else owner.read(w)[0]
    written = owner.write(given, out, dtype)
    for argument, elements in (("output", second), ("out", written)):
        if elements is not None and elements.view.shape != given.view.shape:
            shape = elements.view.shape
            raise ValueError(f"`{argument}` must be of the shape of `x`, {given.view.shape}; got {shape}")
    axes = axes_of(axis, len(given.view.shape))
    if out is not None:
        refuse_overlap(given.view, written.view)
    operands = [given.view, *([] if second is None else [second.view]), written.view]
    _compute(name, dtype, operands, axes, lambda: owner.stream(given.array, out), on_host)
    return owner.finish(given.array, out, written)


def reduction(name: str, x: Any, axis: Any, keepdims: bool, on_host: OnHost) -> Any:
    """A function with one result for each row."""
    owner, _ = _owner(x)
    given, dtype = owner.read(x)
    shape = given.view.shape
    axes = axes_of(axis, len(shape))
    if any(shape[axis] == 0 for axis in axes):
        raise ValueError(f"`x` must have elements along `axis`; got the shape {shape}")
    first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(len(shape)))
    array = given.array[first]
    like = Elements(array, owner.read(array)[0].view)
    written = owner.write(like, None, dtype)
    _compute(name, dtype, [given.view, written.view], axes, lambda: owner.stream(given.array, None), on_host)
    result = owner.finish(like.array, None, written)
    return result if keepdims else result.reshape([n for axis, n in enumerate(shape) if axis not in axes])


def _compute(
    name: str, dtype: str, views: list[Any], axes: tuple[int, ...], stream: Callable[[], int], on_host: OnHost
) -> None:
    if 0 in views[0].shape:
        return
    if isinstance(views[0], np.ndarray):
        on_host(name, dtype, views, axes)
        return
    from numbaexp.cuda import launch_rows

    if views[0].dtype != dtype:
        raise TypeError(f"`x` must be of a float type on a device; got {views[0].dtype}")
    if not views[0].shape:
        views = [view._replace(shape=(1,), strides=(0,)) for view in views]
    launch_rows.run(name, tuple(views), axes, stream())
