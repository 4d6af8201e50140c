"""Memory and streams of a CUDA device, through numba.cuda."""

from typing import Any

import numpy as np
from numba import cuda

from numbaexp.backends.adapter import Elements
from numbaexp.cuda import usable
from numbaexp.layout import Strided


def device_of(pointer: int) -> int:
    """Return the number of the device that an address belongs to."""
    if usable.simulated() or not pointer:  # an empty array has no address
        return 0
    from cuda.bindings import driver

    attribute = driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
    error, number = driver.cuPointerGetAttribute(attribute, pointer)
    if error != driver.CUresult.CUDA_SUCCESS:
        raise ValueError(f"no device has memory at the address {pointer:#x} ({error.name})")
    return int(number)


def allocate(x: Strided, dtype: str, stored_as: np.dtype, stream: Any = 0) -> Elements:
    """Return a new Numba device array of the shape of ``x``, its dimensions in the same memory order."""
    strides = dense_strides(x.shape, x.strides, stored_as.itemsize)
    with cuda.gpus[x.device]:
        made = cuda.device_array(x.shape, stored_as, strides=strides, stream=stream)
    return Elements(made, Strided(address(made), x.shape, strides, dtype, x.device))


def of_shape(x: Strided, shape: tuple[int, ...]) -> Strided:
    """Describe an array of another shape in C order, on the device of ``x``."""
    return x._replace(shape=shape, strides=(0,) * len(shape))


def address(array: Any) -> int:
    """Return the address of a Numba device array; the simulator's are ndarrays."""
    return array.ctypes.data if usable.simulated() else array.device_ctypes_pointer.value or 0


def dense_strides(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return strides without gaps, the dimensions in the memory order of those given."""
    made = list(strides)
    for axis in sorted(range(len(shape)), key=lambda axis: (abs(strides[axis]), -axis)):
        made[axis] = itemsize
        itemsize *= max(shape[axis], 1)
    return tuple(made)


def synchronize(stream: int, device: int) -> None:
    """Wait until a stream has finished."""
    if not usable.simulated():
        with cuda.gpus[device]:
            cuda.external_stream(stream).synchronize()
