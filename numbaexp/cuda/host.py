"""Compute arrays of the host on the current device: copied there, computed, copied back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import cuda

from numbaexp.cuda import custom_launch, launch, launch_rows, losses, selection
from numbaexp.cuda.runtime import launcher
from numbaexp.layout import Strided
from numbaexp.scalar.family import input_names
from numbaexp.scalar.forms import result_of, source_of

# By the name of a function of rows on the CPU, its name and its operands here, where they differ; from "y" on there are
# results.
_OPERANDS = {
    "scaled_softmax": ("logsumexp_backward", ("extra", "x", "y")),
    "weighted_logsumexp": ("weighted_logsumexp", ("x", "w", "y", "extra")),
    "entropy_backward": ("entropy_backward", ("extra", "x", "y")),
}


def elementwise(name: str, operands: Sequence[np.ndarray], out: np.ndarray, dtype: str) -> None:
    """Compute a function of numbers.

    Parameters
    ----------
    name : str
        Of the function, or of a gradient.
    operands : sequence of ndarray
        Its inputs, with ``out`` of one shape and of the type that ``dtype`` names, or of its bit patterns as uint16 if
        that is "bfloat16".
    out : ndarray
        For the result.
    dtype : str
        Of a float.
    """
    if out.size == 0:
        return
    stored_as = np.uint16 if dtype == "bfloat16" else out.dtype
    copies = [_copy(array.view(stored_as).reshape(-1)) for array in operands]
    inputs = [_strided(copy, dtype) for copy in copies]
    launch.run(name, (*inputs, inputs[0]), (*input_names(name), "out"), 0)
    np.copyto(out, copies[0].copy_to_host().reshape(out.shape).view(out.dtype))


def custom(operation: Any, operands: Sequence[np.ndarray], outs: Sequence[np.ndarray], dtype: str) -> None:
    """Compute a function that a user has written, of inputs that broadcast to the shape of the results; see
    ``elementwise``."""
    first = outs[0]
    if first.size == 0:
        return
    stored_as = np.uint16 if dtype == "bfloat16" else first.dtype
    copies = [_copy(array.view(stored_as)) for array in operands]
    made = [cuda.device_array(first.shape or (1,), stored_as) for _ in outs]
    inputs, results = ([_strided(each, dtype) for each in arrays] for arrays in (copies, made))
    custom_launch.run(operation, inputs, results, dtype, 0)
    for out, result in zip(outs, made, strict=True):
        np.copyto(out, result.copy_to_host().reshape(out.shape).view(out.dtype))


def rows(name: str, dtype: str, operands: Any, axes: tuple[int, ...]) -> None:
    """Compute a function of ``numbaexp.cpu.row_functions``, by its operands there.

    Raises
    ------
    TypeError
        If the function has no GPU kernels.
    """
    called, labels = _OPERANDS.get(name, (name, ("x", "w", "y")))
    if called not in launch_rows.OPERANDS or operands.y is None:
        raise TypeError(f"`{name}` has no GPU kernels: the target 'cuda' cannot compute it")
    given = {label: getattr(operands, label) for label in labels if getattr(operands, label) is not None}
    if len(axes) > 1:
        # One dimension in memory, which they need not be in the order of the others.
        order = [*(axis for axis in range(operands.x.ndim) if axis not in axes), *axes]
        given = {label: array.transpose(order) for label, array in given.items()}
        axes = tuple(range(operands.x.ndim - len(axes), operands.x.ndim))
    copies = {label: _copy(array) for label, array in given.items()}
    dtypes = {"y": result_of(dtype), "extra": "float64"}
    views = [_strided(copy, dtypes.get(label, source_of(dtype))) for label, copy in copies.items()]
    launch_rows.run(called, views, axes, 0)
    for label in labels[labels.index("y") :]:
        np.copyto(given[label], copies[label].copy_to_host())


def loss_forward(problem: Any, out: np.ndarray) -> None:
    """Compute the loss of a ``numbaexp.engine.loss_problem.Problem`` with elements."""
    _copies, on_device = _copied(problem)
    result = cuda.device_array(problem.kept_shape, out.dtype)
    losses.forward(on_device, _strided(result, problem.dtype), 0)
    np.copyto(out, result.copy_to_host().reshape(out.shape))


def loss_backward(problem: Any, grad: np.ndarray, out: np.ndarray) -> None:
    """Compute its gradient, times that of the loss, of float64."""
    _copies, on_device = _copied(problem)
    given, result = _copy(grad), cuda.device_array(out.shape, out.dtype)
    losses.backward(on_device, _strided(given, "float64"), _strided(result, problem.dtype), 0)
    np.copyto(out, result.copy_to_host())


def selection_forward(x: np.ndarray, dtype: str, index: np.ndarray, axis: int, out: np.ndarray) -> None:
    """Compute the logarithms of a softmax at places along an axis."""
    copies = _copy(x), _copy(index), cuda.device_array(out.shape, out.dtype)
    of_x, of_index, result = map(_strided, copies, (dtype, "int64", dtype))
    selection.forward(of_x, of_index, axis, result, 0)
    np.copyto(out, copies[-1].copy_to_host())


def selection_backward(
    grad: np.ndarray, x: np.ndarray, dtype: str, index: np.ndarray, axis: int, out: np.ndarray
) -> None:
    """Compute their gradient, times that of the results, of float64."""
    copies = _copy(grad), _copy(x), _copy(index), cuda.device_array(out.shape, out.dtype)
    of_grad, of_x, of_index, result = map(_strided, copies, ("float64", dtype, "int64", dtype))
    selection.backward(of_grad, of_x, of_index, axis, result, 0)
    np.copyto(out, copies[-1].copy_to_host())


def _copied(problem: Any) -> tuple[list[Any], Any]:
    """Return copies of the arrays of a problem, which have to outlive its computation, and the problem of them."""
    kind = "int64" if problem.of_classes else problem.dtype
    dtypes = {"x": problem.dtype, "targets": kind, "weight": "float64"}
    copies = {name: _copy(getattr(problem, name)) for name in dtypes if getattr(problem, name) is not None}
    views = {name: _strided(copy, dtypes[name]) for name, copy in copies.items()}
    return list(copies.values()), problem._replace(**views)


def _copy(array: np.ndarray) -> Any:
    return cuda.to_device(np.ascontiguousarray(array))


def _strided(copy: Any, dtype: str) -> Strided:
    """Describe a Numba device array, as the kernels are launched on it."""
    pointer, device = launcher.address_and_device(copy)
    return Strided(pointer, copy.shape, copy.strides, dtype, device)
