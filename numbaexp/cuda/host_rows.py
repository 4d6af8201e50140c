"""The softmax family of arrays of the host on the GPU: copied there, computed, and copied back."""

from typing import Any

import numpy as np
from numba import cuda

from numbaexp.cuda import launch_rows
from numbaexp.cuda.host import elements_of

# By the name of the function on the CPU, the one here and its operands, where they differ.
_OPERANDS = {"scaled_softmax": ("logsumexp_backward", ("extra", "x", "y"))}


def run(name: str, dtype: str, operands: Any, axes: tuple[int, ...]) -> None:
    """Compute a function of ``numbaexp.cpu.row_functions`` on the current device, by its operands there.

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
    there = {label: cuda.to_device(np.ascontiguousarray(array)) for label, array in given.items()}
    views = [elements_of(array, "float64" if label == "extra" else dtype) for label, array in there.items()]
    launch_rows.run(called, views, axes, 0)
    np.copyto(given["y"], there["y"].copy_to_host())
