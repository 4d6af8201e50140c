"""Launch the kernels on arrays that lie on a device."""

import contextlib
import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, types
from numba.cuda.core import config

from numbaexp.cuda import kernels, simulator
from numbaexp.cuda.layout import find_layout, pieces
from numbaexp.cuda.memory import WIDTH
from numbaexp.cuda.vectors import STORED_AS
from numbaexp.scalar.family import FAMILY

# Blocks that are launched for each of a device's processors at most: as many threads as it can hold, and the blocks
# that follow them go on where they ended.
_BLOCKS_A_PROCESSOR = 8

_CONTIGUOUS = types.void(*[types.int64] * 4)
_STRIDED = types.void(*[types.int64] * 15)


class Strided(NamedTuple):
    """Elements in the memory of a device.

    ``pointer`` is the address of the first one, ``strides`` are in bytes, ``dtype`` is NumPy's name of the type, or
    "bfloat16", and ``device`` is the number that CUDA gives the device.
    """

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    device: int


def run(name: str, x: Strided, out: Strided, stream: int) -> None:
    """Compute a function of the family on the device where ``x`` and ``out`` lie, asynchronously on a stream.

    Parameters
    ----------
    name : str
        Of the function.
    x, out : Strided
        Of one shape. They are the same memory, or do not overlap. ``out`` has the float type that is computed in, and
        ``x`` the same, or is of integers or bool.
    stream : int
        A CUstream of that device; 0 is the default one.

    Raises
    ------
    ValueError
        If an address or a step is not a multiple of the size of an element.
    """
    if 0 in x.shape:
        return
    with _on(x.device):
        layout = find_layout(x.shape, _steps(x, "x"), _steps(out, "out"))
        x_low = x.pointer + layout.x_low * _itemsize(x.dtype)
        out_low = out.pointer + layout.y_low * _itemsize(out.dtype)
        if x.dtype == out.dtype and layout.is_contiguous() and (x_low - out_low) % WIDTH == 0:
            first = min(-x_low % WIDTH // _itemsize(x.dtype), layout.size)
            work = layout.size * _itemsize(x.dtype) / WIDTH / kernels.VECTORS
            kernel = _launcher(_contiguous(name, x.dtype), x.device, work, stream)
            kernel(x_low, out_low, first, layout.size)
            return
        strided = _strided(name, x.dtype, out.dtype)
        for x_place, out_place, dimensions in pieces(layout.dimensions):
            padded = [(1, 0, 0)] * (kernels.DIMENSIONS - len(dimensions)) + list(dimensions)
            lengths, x_steps, out_steps = zip(*padded, strict=True)
            size = math.prod(lengths)
            kernel = _launcher(strided, x.device, size, stream)
            out_begin = out_low + out_place * _itemsize(out.dtype)
            kernel(x_low, out_begin, layout.x_first + x_place, size, *lengths[1:], *x_steps, *out_steps)


@functools.cache
def _itemsize(dtype: str) -> int:
    return np.dtype(STORED_AS.get(dtype, dtype)).itemsize


def _steps(array: Strided, name: str) -> tuple[int, ...]:
    """The strides in elements."""
    size = _itemsize(array.dtype)
    if array.pointer % size or any(stride % size for stride in array.strides):
        raise ValueError(f"`{name}` must be aligned to its elements of {size} bytes, as every access on a GPU must be")
    return tuple(stride // size for stride in array.strides)


def _on(device: int) -> contextlib.AbstractContextManager[Any]:
    return cuda.gpus[device] if len(cuda.gpus) > 1 else contextlib.nullcontext()


@functools.cache
def _contiguous(name: str, dtype: str) -> Any:
    kernel = kernels.make_contiguous(FAMILY[name][dtype], dtype)
    if simulator.is_on():
        return simulator.contiguous(kernel, dtype)
    return _compile(kernel, _CONTIGUOUS)


@functools.cache
def _strided(name: str, source: str, dtype: str) -> Any:
    kernel = kernels.make_strided(FAMILY[name][dtype], source, dtype)
    if simulator.is_on():
        return simulator.strided(kernel, source, dtype)
    return _compile(kernel, _STRIDED)


def _compile(kernel: Any, signature: Any) -> Any:
    # By way of PTX, which the tests read, and for one signature, which then no call has to look for.
    return cuda.jit(signature, lto=False)(kernel)


def _launcher(kernel: Any, device: int, work: float, stream: int) -> Any:
    """The kernel, to be called with its arguments, for so many threads' worth of work."""
    if simulator.is_on():
        return kernel
    # In powers of 2, so that few different grids are made.
    blocks = 1 << max(math.ceil(work / kernels.THREADS) - 1, 0).bit_length()
    return _configured(kernel, min(blocks, _BLOCKS_A_PROCESSOR * _processors(device)), stream)


@functools.cache
def _processors(device: int) -> int:
    return cuda.gpus[device].MULTIPROCESSOR_COUNT


@functools.lru_cache(4096)
def _configured(kernel: Any, blocks: int, stream: int) -> Any:
    # Numba would warn of grids too small to fill the device: small arrays have them.
    kept, config.CUDA_LOW_OCCUPANCY_WARNINGS = config.CUDA_LOW_OCCUPANCY_WARNINGS, 0
    try:
        return kernel[blocks, kernels.THREADS, cuda.external_stream(stream) if stream else 0]
    finally:
        config.CUDA_LOW_OCCUPANCY_WARNINGS = kept
