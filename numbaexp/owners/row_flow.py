"""A call of the softmax family on arrays of another library, from its arguments to what it returns."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.layout import axes_of, final_shape, reduced_shape
from numbaexp.owners.adapter import Adapter, on_threads_of
from numbaexp.owners.flow import apart, library_of, not_alike
from numbaexp.owners.needs import need_cuda
from numbaexp.owners.overlap import refuse_overlap
from numbaexp.owners.promotion import FLOATS
from numbaexp.owners.table import owner_of

OnHost = Callable[..., None]


def refuse(name: str, x: Any, **arguments: Any) -> None:
    """Raise where an argument is given that only arrays of NumPy's have."""
    for argument, value in arguments.items():
        if value is not None:
            raise TypeError(f"of a {library_of(x)} `{name}` does not take `{argument}`")


def _owner(x: Any, out: Any, argument: str = "x") -> Adapter:
    """The library of both."""
    owner = owner_of(x)
    if owner is None or (out is not None and owner_of(out) is not owner):
        raise not_alike(x, out)
    place = owner.place(x, argument)
    if out is not None and owner.place(out, "out") != place:
        raise apart(place, owner.place(out, "out"))
    if place != "cpu":
        need_cuda(argument)
    return owner


def _owner_of_gradient(grad_output: Any, output: Any, argument: str = "output") -> Adapter:
    """The library of both."""
    owner = owner_of(grad_output)
    if owner is None or owner_of(output) is not owner:
        libraries = f"a {library_of(grad_output)} and a {library_of(output)}"
        raise TypeError(f"`grad_output` and `{argument}` must be arrays of one library; got {libraries}")
    place, of_output = owner.place(grad_output, "grad_output"), owner.place(output, argument)
    if place != of_output:
        raise ValueError(f"`grad_output` must be on the device of `{argument}`, {of_output}; got {place}")
    if place != "cpu":
        need_cuda("grad_output")
    return owner


def elementwise(name: str, x: Any, out: Any, axis: Any, on_host: OnHost) -> Any:
    """A function of the shape of ``x``."""
    owner = _owner(x, out)
    given, dtype = owner.read(x)
    written = owner.write(given, out, dtype)
    if written.view.shape != given.view.shape:
        raise ValueError(f"`out` must be of the shape of `x`, {given.view.shape}; got {written.view.shape}")
    axes = axes_of(axis, len(given.view.shape))
    if out is not None:
        refuse_overlap(given.view, written.view)
    _compute(owner, name, dtype, [given.view, written.view], axes, lambda: owner.stream(given.array, out), on_host)
    return owner.finish(given.array, out, written)


def gradient(name: str, grad_output: Any, output: Any, axis: Any, on_host: OnHost) -> Any:
    """A function of a result and of its gradient."""
    owner = _owner_of_gradient(grad_output, output)
    (given, dtype), (result, of_output) = owner.read(grad_output, "grad_output"), owner.read(output, "output")
    if given.view.shape != result.view.shape:
        shapes = f"{result.view.shape}; got {given.view.shape}"
        raise ValueError(f"`grad_output` must be of the shape of `output`, {shapes}")
    if dtype != of_output:
        raise TypeError(f"`grad_output` must be of the type of `output`, {of_output}; got {dtype}")
    axes, written = axes_of(axis, len(given.view.shape)), owner.write(given, None, dtype)
    views = [given.view, result.view, written.view]
    _compute(
        owner, name, dtype, views, axes, lambda: stream_of(owner, [given.array, result.array]), on_host, "grad_output"
    )
    return owner.finish(given.array, None, written)


def reduction(name: str, x: Any, axis: Any, keepdims: bool, on_host: OnHost) -> Any:
    """A function with one result for each row."""
    owner = _owner(x, None, "a")
    given, dtype = owner.read(x, "a")
    shape = tuple(given.view.shape)
    axes = axes_of(axis, len(shape))
    written = owner.new(given, dtype, final_shape(shape, axes, keepdims) if shape else ())
    views = [given.view, _of_rows(written.view, shape, axes)]
    _compute(owner, name, dtype, views, axes, lambda: owner.stream(given.array, None), on_host, "a")
    return owner.finish(given.array, None, written)


def gradient_of_reduction(grad_output: Any, x: Any, axis: Any, on_host: OnHost) -> Any:
    """The gradient of a logarithm of a sum, of one library's arrays."""
    owner = _owner_of_gradient(grad_output, x, "x")
    (given, of_grad), (elements, dtype) = owner.read(grad_output, "grad_output"), owner.read(x)
    shape = tuple(elements.view.shape)
    axes = axes_of(axis, len(shape))
    kept, left = reduced_shape(shape, axes), final_shape(shape, axes, False)
    if tuple(given.view.shape) not in (kept, left):
        raise ValueError(f"`grad_output` must be of the shape {left} or {kept}; got {tuple(given.view.shape)}")
    written, grad = owner.write(elements, None, dtype), _of_rows(given.view, shape, axes)
    if 0 not in shape and isinstance(elements.view, np.ndarray):
        on_threads_of(owner, on_host, dtype, [grad, elements.view, written.view], of_grad, axes)
    elif 0 not in shape:
        _launch_gradient(grad, elements.view, written.view, axes, stream_of(owner, [elements.array, given.array]))
    return owner.finish(elements.array, None, written)


def _of_rows(view: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """View one number for each row of a shape, with the axes kept at length 1."""
    kept = reduced_shape(shape, axes)
    if isinstance(view, np.ndarray):
        return view.reshape(kept)
    if view.shape == kept:
        return view
    steps = iter(view.strides)
    return view._replace(shape=kept, strides=tuple(0 if axis in axes else next(steps) for axis in range(len(kept))))


def _launch_gradient(grad: Any, x: Any, out: Any, axes: tuple[int, ...], stream: int) -> None:
    from numbaexp.cuda import launch_rows

    for argument, view in (("grad_output", grad), ("x", x)):
        if view.dtype not in FLOATS:
            raise TypeError(f"`{argument}` must be of a float type on a device; got {view.dtype}")
    if not x.shape:
        grad, x, out = (view._replace(shape=(1,), strides=(0,)) for view in (grad, x, out))
    launch_rows.run_scaled(grad, x, out, axes, stream)


def stream_of(owner: Adapter, arrays: list[Any]) -> int:
    """That of the first array, after what the streams of the others do."""
    first, *others = arrays
    stream = owner.stream(first, None)
    for array in others:
        if owner.stream(array, None) != stream:
            # An adapter waits for the one or the other of two.
            owner.stream(array, first)
            owner.stream(first, array)
    return stream


def _compute(
    owner: Adapter,
    name: str,
    dtype: str,
    views: list[Any],
    axes: tuple[int, ...],
    stream: Callable[[], int],
    on_host: OnHost,
    argument: str = "x",
) -> None:
    if 0 in views[-1].shape:
        return
    if isinstance(views[0], np.ndarray):
        on_threads_of(owner, on_host, name, dtype, views, axes)
        return
    from numbaexp.cuda import launch_rows

    if views[0].dtype != dtype:
        raise TypeError(f"`{argument}` must be of a float type on a device; got {views[0].dtype}")
    if not views[0].shape:
        views = [view._replace(shape=(1,), strides=(0,)) for view in views]
    launch_rows.run(name, tuple(views), axes, stream())
