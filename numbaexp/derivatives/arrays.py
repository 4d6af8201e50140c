"""Array operations with different names in different libraries, for the formulas of derivatives."""

import sys
from typing import Any

import numpy as np

from numbaexp.layout import reduced_shape


def module_of(array: Any) -> Any:
    """Return CuPy for its arrays, and NumPy for all others."""
    cupy = sys.modules.get("cupy")
    return cupy if cupy is not None and isinstance(array, cupy.ndarray) else np


def masked(array: Any, mask: Any) -> Any:
    """Replace elements by 0 where the mask is true, so that no derivative is left there."""
    if hasattr(array, "masked_fill"):  # of PyTorch and of the tape
        return array.masked_fill(mask, 0)
    # The classes of JAX's arrays and tracers do not tell their module.
    namespace = array.__array_namespace__() if hasattr(array, "__array_namespace__") else module_of(array)
    return namespace.where(mask, 0, array)


def selected(array: Any, index: Any, axis: int) -> Any:
    """Select elements along an axis: one of each row, or as many as ``index`` has along the axis."""
    several = index if index.ndim == array.ndim else index.reshape(reduced_shape(tuple(array.shape), (axis,)))
    if hasattr(array, "gather"):  # of PyTorch
        return array.gather(axis, several.long()).reshape(index.shape)
    # NumPy's ``take_along_axis`` knows no tensors of the tape.
    grid = np.ogrid[tuple(slice(length) for length in array.shape)]
    return array[tuple(several if i == axis else places for i, places in enumerate(grid))].reshape(index.shape)
