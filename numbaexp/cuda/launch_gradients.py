"""Launch the kernels of gradients on arrays that lie on a device."""

import functools
import math
from typing import Any

from numba import cuda

from numbaexp.cuda import gradient_kernels, kernels, simulator
from numbaexp.cuda.compile import compile_kernel
from numbaexp.cuda.launch import _launcher, _on, _steps
from numbaexp.cuda.layout import find_gradient_layout, pieces
from numbaexp.cuda.memory import WIDTH
from numbaexp.layout import Strided
from numbaexp.scalar.family import SAVED
from numbaexp.scalar.forms import itemsize

_CONTIGUOUS_ARGUMENTS, _STRIDED_ARGUMENTS = 5, 19


def run(name: str, g: Strided, x: Strided, out: Strided, stream: int) -> None:
    """Compute a gradient on the device where its operands lie, asynchronously on a stream.

    Parameters
    ----------
    name : str
        Of the function.
    g, x, out : Strided
        The gradient of the result, what is saved, and the gradient of the argument, of one shape and float type.
        ``out`` is the same memory as one of the others, or does not overlap it.
    stream : int
        A CUstream of that device; 0 is the default one.

    Raises
    ------
    ValueError
        If an address or a step is not a multiple of the size of an element.
    """
    if 0 in x.shape:
        return
    operands = (g, x, out)
    labels = ("grad_output", SAVED[name], "out")
    steps = [_steps(of.pointer, of.strides, of.dtype, label) for of, label in zip(operands, labels, strict=True)]
    dimensions = find_gradient_layout(x.shape, *steps)
    size, count = itemsize(x.dtype), math.prod(x.shape)
    addresses = [operand.pointer for operand in operands]
    beside_each_other = all(row[1:] == (1, 1, 1) for row in dimensions) and len(dimensions) <= 1
    with _on(x.device):
        if beside_each_other and len({address % WIDTH for address in addresses}) == 1:
            first = min(-g.pointer % WIDTH // size, count)
            kernel = _contiguous(name, x.dtype, x.device)
            _launcher(kernel, x.device, count * size / WIDTH / kernels.VECTORS, stream)(*addresses, first, count)
            return
        kernel = _strided(name, x.dtype, x.device)
        for *begins, rows in pieces(dimensions, len(operands)):
            padded = [(1, 0, 0, 0)] * (kernels.DIMENSIONS - len(rows)) + list(rows)
            lengths, *steps_of_each = zip(*padded, strict=True)
            places = [address + begin * size for address, begin in zip(addresses, begins, strict=True)]
            of_piece = math.prod(lengths)
            arguments = (*places, of_piece, *lengths[1:], *(step for of in steps_of_each for step in of))
            _launcher(kernel, x.device, of_piece, stream)(*arguments)


_MODULES = (gradient_kernels.__name__,)


@functools.cache
def _contiguous(name: str, dtype: str, device: int) -> Any:
    make = functools.partial(gradient_kernels.make_contiguous, name, dtype)
    if simulator.is_on():
        return simulator.contiguous(make(), dtype)
    label = f"{name} {dtype} contiguous"
    return compile_kernel(make, label, _MODULES, _CONTIGUOUS_ARGUMENTS, cuda.gpus[device].compute_capability)


@functools.cache
def _strided(name: str, dtype: str, device: int) -> Any:
    make = functools.partial(gradient_kernels.make_strided, name, dtype)
    if simulator.is_on():
        return simulator.strided_gradient(make(), dtype)
    label = f"{name} {dtype} strided"
    return compile_kernel(make, label, _MODULES, _STRIDED_ARGUMENTS, cuda.gpus[device].compute_capability)
