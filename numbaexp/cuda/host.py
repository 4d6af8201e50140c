"""Arrays of the host on the GPU: copied there, computed in place, copied back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import cuda

from numbaexp.cuda import launch, launch_gradients, simulator
from numbaexp.layout import Strided


def run(name: str, operands: Sequence[np.ndarray], out: np.ndarray, dtype: str) -> None:
    """Compute a function of the family, or a gradient, on the current device.

    Parameters
    ----------
    name : str
        Of the function.
    operands : sequence of ndarray
        Its one argument; of a gradient two. With ``out`` of one shape and of the type that ``dtype`` names, or of its
        bit patterns as uint16 if that is "bfloat16".
    out : ndarray
        For the result.
    dtype : str
        Of a float.
    """
    if out.size == 0:
        return
    stored_as = np.uint16 if dtype == "bfloat16" else out.dtype
    there = [cuda.to_device(np.ascontiguousarray(array).view(stored_as).reshape(-1)) for array in operands]
    elements = [elements_of(array, dtype) for array in there]
    if len(elements) == 1:
        launch.run(name, elements[0], elements[0], 0)
    else:
        launch_gradients.run(name, elements[0], elements[1], elements[0], 0)
    np.copyto(out, there[0].copy_to_host().reshape(out.shape).view(out.dtype))


def elements_of(there: Any, dtype: str) -> Strided:
    """A Numba device array, as the kernels are launched on it."""
    if simulator.is_on():
        address, device = there.ctypes.data, 0
    else:
        address, device = there.__cuda_array_interface__["data"][0], cuda.get_current_device().id
    return Strided(address, there.shape, there.strides, dtype, device)
