"""Launch the kernels on arrays that lie on a device."""

import contextlib
import functools
import math
from typing import Any

from cuda.core import LaunchConfig, Stream, launch
from numba import cuda

from numbaexp.cuda import kernels, simulator
from numbaexp.cuda.compile import compile_kernel
from numbaexp.cuda.layout import find_layout, pieces
from numbaexp.cuda.memory import WIDTH
from numbaexp.layout import Strided
from numbaexp.scalar.family import modules_of
from numbaexp.scalar.forms import itemsize

# Blocks that are launched for each of a device's processors at most: as many threads as it can hold, and the blocks
# that follow them go on where they ended.
_BLOCKS_A_PROCESSOR = 8

_CONTIGUOUS_ARGUMENTS, _STRIDED_ARGUMENTS = 4, 15


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
        places = x.pointer % WIDTH, out.pointer % WIDTH
        known = _one_row(name, x.shape, x.strides, x.dtype, out.strides, out.dtype, *places, x.device, stream)
        if known is None:
            _run_strided(name, x, out, stream)
        else:
            kernel, x_low, out_low, first, size = known
            kernel(x.pointer + x_low, out.pointer + out_low, first, size)


@functools.lru_cache(4096)
def _one_row(
    name: str,
    shape: tuple[int, ...],
    x_strides: tuple[int, ...],
    x_dtype: str,
    out_strides: tuple[int, ...],
    out_dtype: str,
    x_place: int,
    out_place: int,
    device: int,
    stream: int,
) -> tuple[Any, int, int, int, int] | None:
    """How the contiguous kernel is launched, where it can be: itself, the bytes from the first elements to the lowest
    ones, and its further arguments. Of the addresses their remainders by ``WIDTH`` are given."""
    size = itemsize(x_dtype)
    layout = find_layout(
        shape, _steps(x_place, x_strides, x_dtype, "x"), _steps(out_place, out_strides, out_dtype, "out")
    )
    x_low, out_low = layout.x_low * size, layout.y_low * size
    misaligned = (x_place + x_low - out_place - out_low) % WIDTH
    if x_dtype != out_dtype or misaligned or not layout.is_contiguous():
        return None
    first = min(-(x_place + x_low) % WIDTH // size, layout.size)
    kernel = _launcher(_contiguous(name, x_dtype, device), device, layout.size * size / WIDTH / kernels.VECTORS, stream)
    return kernel, x_low, out_low, first, layout.size


def _run_strided(name: str, x: Strided, out: Strided, stream: int) -> None:
    x_size, out_size = itemsize(x.dtype), itemsize(out.dtype)
    layout = find_layout(
        x.shape, _steps(x.pointer, x.strides, x.dtype, "x"), _steps(out.pointer, out.strides, out.dtype, "out")
    )
    x_low, out_low = x.pointer + layout.x_low * x_size, out.pointer + layout.y_low * out_size
    kernel = _strided(name, x.dtype, out.dtype, x.device)
    for x_begin, out_begin, dimensions in pieces(layout.dimensions):
        padded = [(1, 0, 0)] * (kernels.DIMENSIONS - len(dimensions)) + list(dimensions)
        lengths, x_steps, out_steps = zip(*padded, strict=True)
        size = math.prod(lengths)
        rest = (layout.x_first + x_begin, size, *lengths[1:], *x_steps, *out_steps)
        _launcher(kernel, x.device, size, stream)(x_low, out_low + out_begin * out_size, *rest)


def _steps(address: int, strides: tuple[int, ...], dtype: str, name: str) -> tuple[int, ...]:
    """The strides in elements."""
    size = itemsize(dtype)
    if address % size or any(stride % size for stride in strides):
        raise ValueError(f"`{name}` must be aligned to its elements of {size} bytes, as every access on a GPU must be")
    return tuple(stride // size for stride in strides)


def _on(device: int) -> contextlib.AbstractContextManager[Any]:
    """The device as the current one of this thread."""
    if len(cuda.gpus) > 1:
        return cuda.gpus[device]
    cuda.current_context()
    return contextlib.nullcontext()


@functools.cache
def _contiguous(name: str, dtype: str, device: int) -> Any:
    make = functools.partial(kernels.make_contiguous, name, dtype)
    if simulator.is_on():
        return simulator.contiguous(make(), dtype)
    label, modules = f"{name} {dtype} contiguous", (kernels.__name__, *modules_of(name))
    return compile_kernel(make, label, modules, _CONTIGUOUS_ARGUMENTS, cuda.gpus[device].compute_capability)


@functools.cache
def _strided(name: str, source: str, dtype: str, device: int) -> Any:
    make = functools.partial(kernels.make_strided, name, source, dtype)
    if simulator.is_on():
        return simulator.strided(make(), source, dtype)
    label, modules = f"{name} {dtype} strided from {source}", (kernels.__name__, *modules_of(name))
    return compile_kernel(make, label, modules, _STRIDED_ARGUMENTS, cuda.gpus[device].compute_capability)


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
    return functools.partial(
        launch, Stream.from_handle(stream), LaunchConfig(grid=blocks, block=kernels.THREADS), kernel
    )
