"""Launch the elementwise kernels on arrays that lie on a device."""

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from numbaexp.cuda import kernels
from numbaexp.cuda.layout import find_layout, pieces
from numbaexp.cuda.memory import WIDTH
from numbaexp.cuda.runtime import launcher
from numbaexp.layout import Strided
from numbaexp.scalar.family import modules_of
from numbaexp.scalar.forms import itemsize

# Blocks that are launched for each of a device's multiprocessors at most: as many threads as it can hold, and the
# blocks that follow them go on where they ended.
BLOCKS_A_PROCESSOR = 8

# Of an operand: strides, type, and address modulo ``WIDTH``.
_Alignment = tuple[tuple[int, ...], str, int]


def run(name: str, operands: Sequence[Strided], labels: tuple[str, ...], stream: int) -> None:
    """Compute a function of numbers on the device where its operands lie, asynchronously on a stream.

    Parameters
    ----------
    name : str
        Of the function.
    operands : sequence of Strided
        The inputs and the result, of one shape. The result is the same memory as an input, or does not overlap it. It
        has the float type that is computed in, and each input the same, or is of integers or bool.
    labels : tuple of str
        What errors call the operands.
    stream : int
        A CUstream of that device; 0 is the default one.

    Raises
    ------
    ValueError
        If an address or a step is not a multiple of the size of an element.
    """
    out = operands[-1]
    if 0 in out.shape:
        return
    pointers, alignments = [], []
    for pointer, _, strides, dtype, _ in operands:
        pointers.append(pointer)
        alignments.append((strides, dtype, pointer % WIDTH))
    with launcher.on(out.device):
        known = _contiguous_launch(name, out.shape, tuple(alignments), labels, out.device, stream)
        if known is None:
            kernel = strided(name, tuple([each.dtype for each in operands[:-1]]), out.dtype, out.device)
            run_strided(kernel, operands, labels, stream)
        else:
            launch, offsets, first, size = known
            launch(*map(operator.add, pointers, offsets), first, size)


@functools.lru_cache(4096)
def _contiguous_launch(
    name: str,
    shape: tuple[int, ...],
    operands: tuple[_Alignment, ...],
    labels: tuple[str, ...],
    device: int,
    stream: int,
) -> tuple[Callable[..., None], tuple[int, ...], int, int] | None:
    """Return what launches the contiguous kernel, the bytes from each first element to the lowest one, and the further
    arguments of the kernel; None where it cannot take the operands."""
    steps = [steps_of(*each, label) for each, label in zip(operands, labels, strict=True)]
    layout = find_layout(shape, tuple(steps))
    dtypes = {dtype for _, dtype, _ in operands}
    if len(dtypes) > 1 or not layout.is_contiguous():
        return None
    (dtype,) = dtypes
    size = itemsize(dtype)
    offsets = tuple(start * size for start in layout.starts)
    remainders = {(address + offset) % WIDTH for (*_, address), offset in zip(operands, offsets, strict=True)}
    if len(remainders) > 1:
        return None
    first = min(-remainders.pop() % WIDTH // size, layout.size)
    kernel = contiguous(name, dtype, device)
    launch = for_threads(kernel, device, layout.size * size / WIDTH / kernels.VECTORS, stream)
    return launch, offsets, first, layout.size


def run_strided(kernel: Any, operands: Sequence[Strided], labels: tuple[str, ...], stream: int) -> None:
    """Launch a kernel of ``numbaexp.cuda.kernels.over_elements``; see ``run``."""
    out = operands[-1]
    steps = [
        steps_of(each.strides, each.dtype, each.pointer, label) for each, label in zip(operands, labels, strict=True)
    ]
    for begins, dimensions in pieces(find_layout(out.shape, tuple(steps))):
        padding = kernels.DIMENSIONS - len(dimensions)
        lengths = [1] * padding + [row.length for row in dimensions]
        size = math.prod(lengths)
        views: list[int] = []
        for i, (each, begin) in enumerate(zip(operands, begins, strict=True)):
            views += each.pointer + begin * itemsize(each.dtype), *[0] * padding, *(row.steps[i] for row in dimensions)
        for_threads(kernel, out.device, size, stream)(*views, size, *lengths[1:])


def steps_of(strides: tuple[int, ...], dtype: str, address: int, label: str) -> tuple[int, ...]:
    """Return strides in elements."""
    size = itemsize(dtype)
    if address % size or any(stride % size for stride in strides):
        raise ValueError(f"`{label}` must be aligned to its elements of {size} bytes, as every access on a GPU must be")
    return tuple(stride // size for stride in strides)


@functools.cache
def contiguous(name: str, dtype: str, device: int) -> Any:
    """Return the compiled contiguous kernel of a function."""
    make = functools.partial(kernels.make_contiguous, name, dtype)
    label, arguments = f"{name} {dtype} contiguous", kernels.contiguous_types(name)
    return launcher.compiled(make, label, (kernels.__name__, *modules_of(name)), arguments, device)


@functools.cache
def strided(name: str, sources: tuple[str, ...], dtype: str, device: int) -> Any:
    """Return the compiled strided kernel of a function, for inputs of the types ``sources``."""
    make = functools.partial(kernels.make_strided, name, sources, dtype)
    label, arguments = f"{name} {dtype} strided from {' '.join(sources)}", kernels.strided_types(len(sources))
    return launcher.compiled(make, label, (kernels.__name__, *modules_of(name)), arguments, device)


def for_threads(kernel: Any, device: int, threads: float, stream: int) -> Callable[..., None]:
    """Return what launches a kernel, called with its arguments, with work for so many threads."""
    # In powers of 2, so that few different grids are made.
    blocks = 1 << max(math.ceil(threads / kernels.THREADS) - 1, 0).bit_length()
    return launcher.configured(kernel, min(blocks, BLOCKS_A_PROCESSOR * launcher.processors(device)), stream)
