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
        return _of_numpys(operation, arrays, out, options)
    labels = operation.arrays
    backend, _ = one_backend({**dict(zip(labels, arrays, strict=True)), "out": out})
    refuse(operation, arrays[0], options)
    given, dtypes = zip(*(backend.read(x, label) for x, label in zip(arrays, labels, strict=True)), strict=True)
    shape, dtype = given[-1].view.shape, dtypes[-1]
    check_shape(labels[0], given[0].view.shape, labels[-1], shape)
    check_type(labels[0], dtypes[0], labels[-1], dtype)
    written = backend.write(given[0], out, dtype)
    check_shape("out", written.view.shape, labels[0], shape)
    if out is not None:
        for each, label in zip(given, labels, strict=True):
            refuse_overlap(each.view, written.view, label)
    views = [*(each.view for each in given), written.view]
    if isinstance(written.view, np.ndarray):
        on_threads_of(backend, ufuncs.run_on_elements, operation.name, current_target(), views, dtype)
    else:
        _on_device(operation, views, dtype, stream_of(backend, [each.array for each in given], out))
    return backend.finish(given[0].array, out, written)


def _of_numpys(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute by a ufunc, by all of NumPy's conventions."""
    ufuncs.learn_bfloat16()
    target = current_target()
    if target == CUDA:
        from numbaexp.engine import numpy_on_cuda

        return numpy_on_cuda.run(operation, ufuncs.ufunc(operation.name, "cpu"), arrays, out, **options)
    return ufuncs.run(ufuncs.ufunc, operation.name, target, arrays, out, options)


def _on_device(operation: Operation, views: list[Any], dtype: str, stream: int) -> None:
    from numbaexp.cuda import launch

    # Those of one argument convert integers.
    for label, view in zip(operation.arrays[1:] and operation.arrays, views, strict=False):
        check_on_device(label, view.dtype, (dtype,))
    launch.run(operation.name, views, (*operation.arrays, "out"), stream)
