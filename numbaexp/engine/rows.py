"""The plan of a function of rows, with a result for each element or for each row."""

from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.adapter import Elements, on_memory_of, on_threads_of
from numbaexp.backends.overlap import refuse_overlap
from numbaexp.backends.promotion import float_named
from numbaexp.engine import host
from numbaexp.engine.checks import (
    check_on_device,
    check_per_row,
    check_shape,
    check_type,
    one_backend,
    refuse,
    stream_of,
)
from numbaexp.layout import Strided, axes_of, final_shape, reduced_shape
from numbaexp.operations import Kind, Operation
from numbaexp.scalar.forms import FLOATS, itemsize, mixed, number_as_stored, source_of


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where its arrays are."""
    labels = operation.arrays
    if operation.optional and arrays[-1] is None:
        labels, arrays = labels[:-1], arrays[:-1]
    backend, _ = one_backend(labels, arrays, out)
    if backend is numpy:
        result = _by_plans_of_numpys(operation, labels, arrays, out, options)
        if result is not NotImplemented:
            return result
    wanted = None if len(options) == len(operation.options) else _type_asked_for(operation, arrays[0], options)
    read = [backend.read(x, label) for x, label in zip(arrays, labels, strict=True)]
    x, dtype = read[operation.like_index]
    read, computed, dtype = (read, dtype, dtype) if wanted is None else _converted(backend, x, dtype, wanted)
    x, _ = read[operation.like_index]
    given = [each for each, _ in read]
    shape = tuple(x.view.shape)
    axes = axes_of(options["axis"], len(shape))
    for label, (each, of_each) in zip(labels, read, strict=True):
        if label in operation.per_row:
            check_per_row(label, each.view.shape, shape, axes)
        else:
            check_shape(label, each.view.shape, operation.like, shape)
            if backend is not numpy and wanted is None:
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
        on_threads_of(backend, on_host, operation, computed, views, [of_each for _, of_each in read], axes)
    else:
        stream = stream_of(backend, [x.array, *(each.array for each in given if each is not x)], out)
        on_memory_of(backend, x.array, _on_device, operation, computed, views, axes, stream)
    return backend.finish(x.array, out, written)


def _by_plans_of_numpys(
    operation: Operation, labels: tuple[str, ...], arrays: tuple[Any, ...], out: Any, options: dict[str, Any]
) -> Any:
    """Compute what arrays of NumPy alone have, other types and other options; return NotImplemented for all else."""
    kind = numpy.formula_type(labels, arrays, options.get("dtype"))
    if kind is not None:
        from numbaexp.engine import formula_rows

        return formula_rows.compute(operation, arrays, kind, out, options)
    if labels[-1] in operation.optional or not options.keys() <= operation.options.keys():
        from numbaexp.engine import masked_rows

        return masked_rows.compute(operation, arrays, out, **options)
    return NotImplemented


def _type_asked_for(operation: Operation, x: Any, options: dict[str, Any]) -> Any:
    """Return the option ``dtype``; raise where there are others that only arrays of NumPy have."""
    refuse(operation, x, {name: value for name, value in options.items() if name != "dtype"})
    return options.get("dtype")


def _converted(backend: Any, x: Elements, dtype: str, asked: Any) -> tuple[list[tuple[Elements, str]], str, str]:
    """Return the elements of an argument that is to be converted to a float type, what kernels are to compute in, and
    the type of the result.

    Elements of a narrower float type are converted by the kernels, in the one pass that they make.
    """
    wanted = float_named(asked)
    is_float = dtype in ("bfloat16", x.view.dtype)
    if is_float and itemsize(dtype) < itemsize(wanted):
        return [(x, dtype)], mixed(dtype, wanted), wanted
    if dtype == wanted and is_float:
        return [(x, dtype)], wanted, wanted
    if not hasattr(backend, "convert"):
        raise TypeError(f"`dtype` must be a type that holds all of {dtype}, the type of `x`; got {wanted}")
    return [backend.read(backend.convert(x.array, wanted))], wanted, wanted


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
            result[...] = number_as_stored(operation.masked or 0.0, dtype)
        return
    target = result if host.fits(result, result.dtype, axes) else host.empty(result.shape, result.dtype, axes)
    operands, source = {"y": target}, result.dtype if source_of(dtype) == dtype else views[0].dtype
    for label, view, of_view in zip(operation.arrays, views[:-1], dtypes, strict=False):
        if label in operation.per_row:
            operands["extra"] = host.as_float64(_of_rows(view, shape, axes), of_view)
        else:
            operands["w" if "x" in operands else "x"] = host.as_rows(view.reshape(shape), source, axes)
    if operation.optional and "w" in operands:
        operands["extra"] = np.zeros(target.shape)
        host.run_on_rows(f"weighted_{operation.kernel}", dtype, axes, **operands)
        target[operands["extra"] < 0.0] = number_as_stored(np.nan, dtype)
    else:
        host.run_on_rows(operation.kernel, dtype, axes, **operands)
    if target is not result:
        np.copyto(result, target)


def _on_device(operation: Operation, dtype: str, views: list[Any], axes: tuple[int, ...], stream: int) -> None:
    from numbaexp.cuda import launch_rows

    shape = views[operation.like_index].shape
    if 0 in views[-1].shape or (0 in shape and operation.kind is Kind.ROWS):
        return
    labels = operation.arrays[: len(views) - 1]
    for label, view in zip(labels, views, strict=False):
        check_on_device(label, view.dtype, FLOATS if label in operation.per_row else (source_of(dtype),))
    per_row = [label in operation.per_row for label in labels] + [operation.kind is Kind.REDUCTION]
    views = [_of_rows(view, shape, axes) if of_rows else view for view, of_rows in zip(views, per_row, strict=True)]
    if not shape:
        views = [view._replace(shape=(1,), strides=(0,)) for view in views]
    if operation.per_row:
        launch_rows.run_scaled(operation.name, views[0], views[1], views[2], axes, stream)
    else:
        weighted = operation.optional and labels[-1] in operation.optional
        launch_rows.run(f"weighted_{operation.name}" if weighted else operation.name, tuple(views), axes, stream)


def _of_rows(view: np.ndarray | Strided, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """View one number for each row of a shape, with the axes kept at length 1."""
    kept = reduced_shape(shape, axes)
    if isinstance(view, np.ndarray):
        return view.reshape(kept)
    if view.shape == kept:
        return view
    steps = iter(view.strides)
    return view._replace(shape=kept, strides=tuple(0 if axis in axes else next(steps) for axis in range(len(kept))))
