"""Arrays of the host on the GPU: copied there, computed in place, copied back."""

from typing import Any

import numpy as np
from numba import cuda

from numbaexp.cuda import launch_gradients, simulator
from numbaexp.cuda.launch import Strided
from numbaexp.cuda.launch import run as run_on_device


def run(name: str, x: np.ndarray, out: np.ndarray, dtype: str) -> None:
    """Compute a function of the family on the current device.

    Parameters
    ----------
    name : str
        Of the function.
    x, out : ndarray
        Of one shape and of the type that ``dtype`` names, or of its bit patterns as uint16 if that is "bfloat16".
    dtype : str
        Of a float.
    """
    if x.size == 0:
        return
    stored_as = np.uint16 if dtype == "bfloat16" else x.dtype
    there = cuda.to_device(np.ascontiguousarray(x).view(stored_as).reshape(-1))
    elements = elements_of(there, dtype)
    run_on_device(name, elements, elements, 0)
    np.copyto(out, there.copy_to_host().reshape(out.shape).view(out.dtype))


def run_gradient(name: str, g: np.ndarray, x: np.ndarray, out: np.ndarray, dtype: str) -> None:
    """Compute a gradient on the current device, as ``run`` does a function; ``g`` is the gradient of its result, ``x``
    what is saved."""
    if x.size == 0:
        return
    stored_as = np.uint16 if dtype == "bfloat16" else x.dtype
    there = [cuda.to_device(np.ascontiguousarray(array).view(stored_as).reshape(-1)) for array in (g, x)]
    of_g, of_x = (elements_of(array, dtype) for array in there)
    launch_gradients.run(name, of_g, of_x, of_g, 0)
    np.copyto(out, there[0].copy_to_host().reshape(out.shape).view(out.dtype))


def elements_of(there: Any, dtype: str) -> Strided:
    """A Numba device array, as the kernels are launched on it."""
    if simulator.is_on():
        address, device = there.ctypes.data, 0
    else:
        address, device = there.__cuda_array_interface__["data"][0], cuda.get_current_device().id
    return Strided(address, there.shape, there.strides, dtype, device)
