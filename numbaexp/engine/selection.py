"""The plan of the logarithms of a softmax at selected places of each row, and of their gradient."""

from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.adapter import Elements, on_memory_of, on_threads_of
from numbaexp.backends.registry import decided, find
from numbaexp.engine import host
from numbaexp.engine.checks import check_on_device, check_shape, device_of, one_backend, refuse, stream_of
from numbaexp.layout import Strided, axes_of
from numbaexp.operations import Operation
from numbaexp.scalar.forms import FLOATS
from numbaexp.target import CUDA, current_target


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where the logits are, where the other arrays are to be too."""
    given = dict(zip(operation.arrays, arrays, strict=True))
    refuse(operation, given["logits"], options)
    on_host = device_of("logits", given) == "cpu"
    return _on_host(given, options["axis"]) if on_host else _on_device(given, options["axis"])


def axis_of_index(shape: tuple[int, ...], index: tuple[int, ...], kind: str, axis: Any) -> int:
    """Return the axis of the classes, not negative; raise where an index is of another shape or type than one for
    logits of that shape."""
    if not shape:
        raise ValueError("`logits` must have an axis of classes; got a scalar")
    axes = axes_of(axis, len(shape))
    if len(axes) > 1:
        raise ValueError(f"`axis` must be one axis; got {axis!r}")
    (of_classes,) = axes
    if kind in FLOATS or np.dtype(kind).kind not in "iu":
        raise TypeError(f"`index` must be integers; got {kind}")
    of_rows = shape[:of_classes] + shape[of_classes + 1 :]
    several = len(index) == len(shape) and index[:of_classes] + index[of_classes + 1 :] == of_rows
    if index != of_rows and not several:
        raise ValueError(
            f"`index` must be of the shape of `logits`, {shape}, without axis {of_classes} or of any length along it; "
            f"got {index}"
        )
    return of_classes


def _with_axis(view: Any, ndim: int, axis: int) -> Any:
    """View an array of the shape of the index with the axis of the classes."""
    shape = view.shape
    if len(shape) == ndim:
        return view
    shape = (*shape[:axis], 1, *shape[axis:])
    if isinstance(view, Strided):
        return view._replace(shape=shape, strides=(*view.strides[:axis], 0, *view.strides[axis:]))
    return view.reshape(shape)


def _on_host(given: dict[str, Any], axis: Any) -> Any:
    """Compute in the host's memory, of which the arrays may be those of several libraries."""
    backend, x, dtype = _read(given["logits"], "logits")
    # Not read by a backend, to which integers stand for floats.
    index = numpy.as_ndarray(given["index"], "index")
    shape, of_index = tuple(x.view.shape), index.shape
    axis = axis_of_index(shape, of_index, index.dtype.name, axis)
    classes, ndim = shape[axis], len(shape)
    outside = (index < 0) | (index >= classes)
    if outside.any():
        raise ValueError(f"`index` must be classes from 0 to {classes - 1}; got {index[outside][0]}")
    places = _with_axis(index.astype(np.int64), ndim, axis)
    target, is_gradient = current_target(), "grad_output" in given
    written = backend.write(x, None, dtype) if is_gradient else backend.new(x, dtype, of_index)
    stored_as = written.view.dtype
    logits = host.as_rows(x.view, stored_as, (axis,))
    if is_gradient:
        _, grad, of_grad = _read(given["grad_output"], "grad_output")
        check_shape("grad_output", grad.view.shape, "index", of_index)
        numbers = _with_axis(host.as_float64(grad.view, of_grad), ndim, axis)
        arguments: tuple[Any, ...] = numbers, logits, dtype, places, axis, written.view
    else:
        arguments = logits, dtype, places, axis, _with_axis(written.view, ndim, axis)
    work = "backward" if is_gradient else "forward"
    if 0 not in (logits if is_gradient else places).shape:
        if target == CUDA:
            from numbaexp.cuda import host as on_cuda

            getattr(on_cuda, f"selection_{work}")(*arguments)
        else:
            from numbaexp.cpu import selection

            on_threads_of(backend, getattr(selection, work), *arguments, target)
    return backend.finish(x.array, None, written)


def _read(array: Any, argument: str) -> tuple[Any, Elements, str]:
    backend: Any = (decided.get(type(array)) or find(array)).backend
    return backend, *backend.read(array, argument)


def _on_device(given: dict[str, Any], axis: Any) -> Any:
    """Compute on the device of all arrays, which are of one library."""
    from numbaexp.cuda import selection

    backend, _ = one_backend(list(given), list(given.values()))
    read = {label: backend.read(array, label)[0] for label, array in given.items()}
    views = {label: each.view for label, each in read.items()}
    x, index = views["logits"], views["index"]
    axis = axis_of_index(x.shape, index.shape, index.dtype, axis)
    for label in given.keys() - {"index"}:
        check_on_device(label, views[label].dtype, FLOATS)
    stream = stream_of(backend, [each.array for each in read.values()])
    places, like = _with_axis(index, len(x.shape), axis), read["logits"].array
    if "grad_output" in given:
        check_shape("grad_output", views["grad_output"].shape, "index", index.shape)
        written = backend.write(read["logits"], None, x.dtype)
        if 0 not in x.shape:
            grad = _with_axis(views["grad_output"], len(x.shape), axis)
            on_memory_of(backend, like, selection.backward, grad, x, places, axis, written.view, stream)
    else:
        written = backend.new(read["logits"], x.dtype, index.shape)
        if 0 not in index.shape and 0 not in x.shape:
            chosen = _with_axis(written.view, len(x.shape), axis)
            on_memory_of(backend, like, selection.forward, x, places, axis, chosen, stream)
    return backend.finish(like, None, written)
