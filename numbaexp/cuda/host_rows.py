"""The softmax family of arrays of the host on the GPU: copied there, computed, and copied back."""

from typing import Any

import numpy as np
from numba import cuda

from numbaexp.cuda import launch_rows
from numbaexp.cuda.host import elements_of


def run(name: str, dtype: str, operands: Any, axes: tuple[int, ...]) -> None:
    """Compute a function of ``numbaexp.cpu.row_functions`` on the current device, by its operands there.

    Raises
    ------
    TypeError
        If the function has no GPU kernels.
    """
    x, y, w = operands.x, operands.y, operands.w
    if name not in launch_rows.OPERANDS or y is None:
        raise TypeError(f"`{name}` has no GPU kernels: the target 'cuda' cannot compute it")
    inputs = [array for array in (x, w) if array is not None]
    there = [cuda.to_device(np.ascontiguousarray(array)) for array in (*inputs, y)]
    launch_rows.run(name, [elements_of(array, dtype) for array in there], axes, 0)
    np.copyto(y, there[-1].copy_to_host())
