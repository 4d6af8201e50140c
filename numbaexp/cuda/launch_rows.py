"""Launch the kernels of rows on arrays that lie on a device."""

import functools
import math
from collections.abc import Sequence
from typing import Any

from cuda.core import Device, Stream
from numba import cuda

from numbaexp.cuda import simulator
from numbaexp.cuda.compile import compile_kernel
from numbaexp.cuda.launch import _BLOCKS_A_PROCESSOR, Strided, _configured, _launcher, _on, _processors, _steps
from numbaexp.cuda.row_kernels import KERNELS
from numbaexp.cuda.row_passes import OPERANDS as MOST_OPERANDS
from numbaexp.cuda.row_reductions import FIELDS
from numbaexp.rows_layout import Rows, find_rows
from numbaexp.scalar.forms import itemsize
from numbaexp.scalar.rows import CHUNK, LANES

# Those of each function, of which the last is written to, and of "statistics" the last three.
OPERANDS = {
    "softmax": ("x", "out"),
    "log_softmax": ("x", "out"),
    "logsumexp": ("x", "out"),
    "statistics": ("x", "greatest", "logarithm", "low"),
    "softmax_backward": ("grad_output", "output", "out"),
    "log_softmax_backward": ("grad_output", "output", "out"),
    "logsumexp_backward": ("grad_output", "x", "out"),
}

_ARGUMENTS = 4 + 4 * MOST_OPERANDS


def run(name: str, operands: Sequence[Strided], axes: tuple[int, ...], stream: int) -> None:
    """Compute a function of rows on the device where its operands lie, asynchronously on a stream.

    Parameters
    ----------
    name : str
        Of ``OPERANDS``, which says what the operands are.
    operands : sequence of Strided
        Of one number of dimensions and one float type, but for those of "statistics" that are written to, which are of
        float64. Of one shape; what has one number for each row has length 1 along the axes. What is written to is the
        same memory as another operand, or does not overlap it. A row has an element at least.
    axes : tuple of int
        Along which the rows lie, none of them negative. They are to be one dimension in the memory of every operand;
        what has others is the caller's to copy.
    stream : int
        A CUstream of that device; 0 is the default one.

    Raises
    ------
    ValueError
        If the axes are no one dimension, or an address or a step is not a multiple of the size of an element.
    """
    shape = tuple(max(lengths) for lengths in zip(*(operand.shape for operand in operands), strict=True))
    if any(0 in operand.shape for operand in operands):
        return
    steps = [
        _steps(operand.pointer, operand.strides, operand.dtype, label)
        for operand, label in zip(operands, OPERANDS[name], strict=True)
    ]
    # Along an axis of length 1 an operand stays where it is.
    steps = [
        tuple(0 if length == 1 else step for length, step in zip(operand.shape, of_operand, strict=True))
        for operand, of_operand in zip(operands, steps, strict=True)
    ]
    found = find_rows(shape, tuple(steps), axes)
    if found is None:
        raise ValueError(f"`axes` must be one dimension in the memory of every operand; got {axes} of steps {steps}")
    dtype, device = operands[0].dtype, operands[0].device
    with _on(device):
        for rows in found:
            _run_piece(name, dtype, operands, rows, device, stream)


def _run_piece(name: str, dtype: str, operands: Sequence[Strided], rows: Rows, device: int, stream: int) -> None:
    count, chunks = rows.outer * rows.inner, math.ceil(rows.length / CHUNK)
    way = "of_warps" if chunks == 1 else "of_blocks"
    arguments = [0] * (_ARGUMENTS - 4)
    for i, (operand, start, steps) in enumerate(zip(operands, rows.starts, rows.steps, strict=True)):
        arguments[4 * i : 4 * i + 4] = operand.pointer + start * itemsize(operand.dtype), *steps
    kernel = _kernel(name, dtype, way, device)
    if simulator.is_on():
        dtypes = tuple(operand.dtype for operand in operands)
        simulator.run_rows(kernel, dtypes, FIELDS * chunks, count, rows.inner, rows.length, *arguments)
    elif chunks == 1:
        _launcher(kernel, device, count * LANES, stream)(count, rows.inner, rows.length, 0, *arguments)
    else:
        blocks = min(count, _BLOCKS_A_PROCESSOR * _processors(device))
        # cuda.core gives no memory of a device that it has not been told is the current one.
        there = Device(device)
        there.set_current()
        on_stream = Stream.from_handle(stream)
        kept = there.allocate(8 * FIELDS * chunks * blocks, stream=on_stream)
        _configured(kernel, blocks, stream)(count, rows.inner, rows.length, int(kept.handle), *arguments)
        # As the stream has it, when the kernel has ended.
        kept.close(on_stream)


@functools.cache
def _kernel(name: str, dtype: str, way: str, device: int) -> Any:
    def make() -> Any:
        return getattr(KERNELS[name](dtype), way)

    if simulator.is_on():
        return make()
    return compile_kernel(make, f"{name} {dtype} {way}", _ARGUMENTS, cuda.gpus[device].compute_capability)
