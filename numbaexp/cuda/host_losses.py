"""The cross entropy of arrays of the host on the GPU: copied there, computed, and the result copied back."""

from typing import Any

import numpy as np
from numba import cuda

from numbaexp.cuda import losses
from numbaexp.cuda.host import elements_of


def forward(problem: Any, out: np.ndarray) -> None:
    """Compute a ``numbaexp.engine.loss_problem.Problem`` with elements on the current device."""
    result = cuda.device_array(problem.kept_shape, out.dtype)
    copies = _Copies(problem)
    losses.forward(copies.problem, elements_of(result, problem.dtype), 0)
    np.copyto(out, result.copy_to_host().reshape(out.shape))


def backward(problem: Any, grad: np.ndarray, out: np.ndarray) -> None:
    """Its gradient, times that of the loss, of float64."""
    there, result = _copy(grad), cuda.device_array(out.shape, out.dtype)
    given, made = elements_of(there, "float64"), elements_of(result, problem.dtype)
    copies = _Copies(problem)
    losses.backward(copies.problem, given, made, 0)
    np.copyto(out, result.copy_to_host())


class _Copies:
    """The problem on the device, as long as this is there."""

    def __init__(self, problem: Any) -> None:
        kind = "int64" if problem.of_classes else problem.dtype
        arrays = {"x": (problem.x, problem.dtype), "targets": (problem.targets, kind)}
        if problem.weight is not None:
            arrays["weight"] = problem.weight, "float64"
        self._there = {name: _copy(array) for name, (array, _) in arrays.items()}
        self.problem = problem._replace(**{name: elements_of(self._there[name], arrays[name][1]) for name in arrays})


def _copy(array: np.ndarray) -> Any:
    return cuda.to_device(np.ascontiguousarray(array))
