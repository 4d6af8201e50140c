"""The plan of an elementwise function, of any number of arrays."""

from typing import Any

import numpy as np

from numbaexp.backends.adapter import on_threads_of
from numbaexp.backends.overlap import refuse_overlap
from numbaexp.backends.registry import are_numpys
from numbaexp.engine import ufuncs
from numbaexp.engine.checks import check_on_device, check_shape, check_type, one_backend, refuse, stream_of
from numbaexp.operations import Operation
from numbaexp.target import CUDA, current_target


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where its arrays are."""
    if are_numpys(*arrays, out):
        return compute_numpys(operation, arrays, out, options)
    labels = operation.arrays
    backend, _ = one_backend(labels, arrays, out)
    if options:
        refuse(operation, arrays[0], options)
    first, dtype = backend.read(arrays[0], labels[0])
    read: list[Any] = [first.array]
    inputs: tuple[Any, ...] = (first.view,)
    for x, label in zip(arrays[1:], labels[1:], strict=True):
        other, of_other = backend.read(x, label)
        check_shape(labels[0], first.view.shape, label, other.view.shape)
        check_type(labels[0], dtype, label, of_other)
        read, inputs = [*read, other.array], (*inputs, other.view)
    written = backend.write(first, out, dtype)
    if out is not None:
        check_shape("out", written.view.shape, labels[0], first.view.shape)
        for view, label in zip(inputs, labels, strict=True):
            refuse_overlap(view, written.view, label)
    if isinstance(written.view, np.ndarray):
        on_threads_of(backend, ufuncs.run_on_elements, operation, current_target(), inputs, (written.view,), dtype)
    else:
        _on_device(operation, (*inputs, written.view), dtype, stream_of(backend, read, out))
    return backend.finish(first.array, out, written)


def compute_numpys(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute by a ufunc, by all of NumPy's conventions."""
    ufuncs.learn_bfloat16()
    target = current_target()
    if target == CUDA:
        from numbaexp.engine import numpy_on_cuda

        return numpy_on_cuda.run(operation, ufuncs.ufunc(operation, "cpu"), arrays, out, **options)
    return ufuncs.run(ufuncs.ufunc, operation, target, arrays, out, options)


def _on_device(operation: Operation, views: tuple[Any, ...], dtype: str, stream: int) -> None:
    from numbaexp.cuda import launch

    # Those of one argument convert integers.
    for label, view in zip(operation.arrays[1:] and operation.arrays, views, strict=False):
        check_on_device(label, view.dtype, (dtype,))
    launch.run(operation.name, views, (*operation.arrays, "out"), stream)
