"""The plan of a function of rows, with a result for each element or for each row."""

from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.adapter import Elements, on_threads_of
from numbaexp.backends.overlap import refuse_overlap
from numbaexp.engine import host
from numbaexp.engine.checks import check_on_device, check_shape, check_type, one_backend, refuse, stream_of
from numbaexp.layout import Strided, axes_of, final_shape, reduced_shape
from numbaexp.operations import Kind, Operation
from numbaexp.scalar.forms import FLOATS


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where its arrays are."""
    labels = operation.arrays
    backend, _ = one_backend(labels, arrays, out)
    if backend is numpy and not options.keys() <= operation.options.keys():
        from numbaexp.engine import masked_rows

        return masked_rows.compute(operation, arrays[0], out, **options)
    refuse(operation, arrays[0], options)
    read = [backend.read(x, label) for x, label in zip(arrays, labels, strict=True)]
    given = [each for each, _ in read]
    x, dtype = read[operation.like_index]
    shape = tuple(x.view.shape)
    axes = axes_of(options["axis"], len(shape))
    for label, (each, of_each) in zip(labels, read, strict=True):
        if label in operation.per_row:
            check_per_row(label, each.view.shape, shape, axes)
        else:
            check_shape(label, each.view.shape, operation.like, shape)
            if backend is not numpy:
                check_type(label, of_each, operation.like, dtype)
    if backend is numpy:
        # Bits of another type could not be converted.
        given = [
            each if of_each == dtype or label in operation.per_row else numpy.converted(each, dtype)
            for label, (each, of_each) in zip(labels, read, strict=True)
        ]
    if operation.kind is Kind.REDUCTION:
        written = backend.new(x, dtype, final_shape(shape, axes, options["keepdims"]) if shape else ())
    else:
        written = _write(backend, x, out, dtype)
    views = [*(each.view for each in given), written.view]
    if isinstance(written.view, np.ndarray):
        on_threads_of(backend, on_host, operation, dtype, views, [of_each for _, of_each in read], axes)
    else:
        _on_device(
            operation,
            dtype,
            views,
            axes,
            stream_of(backend, [x.array, *(each.array for each in given if each is not x)], out),
        )
    return backend.finish(x.array, out, written)


def check_per_row(label: str, given: tuple[int, ...], shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """Raise where an array has not one element for each row, with the axes or without them."""
    accepted = [final_shape(shape, axes, keepdims) if shape else () for keepdims in (False, True)]
    if tuple(given) not in accepted:
        raise ValueError(f"`{label}` must be of the shape {accepted[0]} or {accepted[1]}; got {tuple(given)}")


def _write(backend: Any, x: Elements, out: Any, dtype: str) -> Elements:
    """Return where the result is stored. NumPy allows it to overlap the argument, which is seen to here."""
    written = backend.write(x, out, dtype)
    check_shape("out", written.view.shape, "the result", tuple(x.view.shape))
    if out is not None and backend is not numpy:
        refuse_overlap(x.view, written.view, "x")
    elif written.array is out and not _are_apart_or_same(x.view, written.view):
        return numpy.apart(out, dtype)
    return written


def _are_apart_or_same(x: np.ndarray, out: np.ndarray) -> bool:
    """Tell whether one can be read row by row while the other is written to."""
    same = x.__array_interface__["data"] == out.__array_interface__["data"] and x.strides == out.strides
    return same or not np.may_share_memory(x, out)


def on_host(
    operation: Operation, dtype: str, views: list[np.ndarray], dtypes: list[str], axes: tuple[int, ...]
) -> None:
    """Compute on memory of the host, the result last, in the float type ``dtype``; bfloat16 is in uint16."""
    shape = views[operation.like_index].shape or (1,)
    result = _of_rows(views[-1], shape, axes) if operation.kind is Kind.REDUCTION else views[-1].reshape(shape)
    if 0 in shape:
        if operation.kind is Kind.REDUCTION:
            of_none = np.float32(operation.masked or 0.0)
            result[...] = of_none.view(np.uint32) >> 16 if dtype == "bfloat16" else of_none
        return
    target = result if host.fits(result, result.dtype, axes) else host.empty(result.shape, result.dtype, axes)
    operands = {"y": target}
    for label, view, of_view in zip(operation.arrays, views, dtypes, strict=False):
        if label in operation.per_row:
            operands["extra"] = host.as_float64(_of_rows(view, shape, axes), of_view)
        elif "x" in operands:
            operands["w"] = host.as_rows(view.reshape(shape), result.dtype, axes)
        else:
            operands["x"] = host.as_rows(view.reshape(shape), result.dtype, axes)
    host.run_on_rows(operation.kernel, dtype, axes, **operands)
    if target is not result:
        np.copyto(result, target)


def _on_device(operation: Operation, dtype: str, views: list[Any], axes: tuple[int, ...], stream: int) -> None:
    from numbaexp.cuda import launch_rows

    shape = views[operation.like_index].shape
    if 0 in views[-1].shape or (0 in shape and operation.kind is Kind.ROWS):
        return
    for label, view in zip(operation.arrays, views, strict=False):
        check_on_device(label, view.dtype, FLOATS if label in operation.per_row else (dtype,))
    per_row = [label in operation.per_row for label in operation.arrays] + [operation.kind is Kind.REDUCTION]
    views = [_of_rows(view, shape, axes) if of_rows else view for view, of_rows in zip(views, per_row, strict=True)]
    if not shape:
        views = [view._replace(shape=(1,), strides=(0,)) for view in views]
    if operation.per_row:
        launch_rows.run_scaled(operation.name, views[0], views[1], views[2], axes, stream)
    else:
        launch_rows.run(operation.name, tuple(views), axes, stream)


def _of_rows(view: np.ndarray | Strided, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """View one number for each row of a shape, with the axes kept at length 1."""
    kept = reduced_shape(shape, axes)
    if isinstance(view, np.ndarray):
        return view.reshape(kept)
    if view.shape == kept:
        return view
    steps = iter(view.strides)
    return view._replace(shape=kept, strides=tuple(0 if axis in axes else next(steps) for axis in range(len(kept))))
