"""Launch the kernels of rows on arrays that lie on a device."""

import contextlib
import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cuda.core import Device, Stream
from numba import cuda

from numbaexp.cuda import row_kernels, row_passes, simulator
from numbaexp.cuda.compile import compile_kernel
from numbaexp.cuda.kernels import THREADS
from numbaexp.cuda.launch import _BLOCKS_A_PROCESSOR, _configured, _launcher, _on, _processors, _steps
from numbaexp.cuda.row_kernels import ELEMENTS, KERNELS
from numbaexp.cuda.row_passes import ARGUMENTS, TYPES
from numbaexp.cuda.row_reductions import FIELDS
from numbaexp.layout import Rows, Strided, find_rows
from numbaexp.scalar.forms import itemsize
from numbaexp.scalar.loss_record import RECORD
from numbaexp.scalar.row_order import CHUNK, LANES

# Those of each function, by what they are called. "record", "sum" and "count" are several float64 beside each other.
OPERANDS = {
    "softmax": ("x", "out"),
    "log_softmax": ("x", "out"),
    "logsumexp": ("x", "out"),
    "statistics": ("x", "greatest", "logarithm", "low"),
    "softmax_backward": ("grad_output", "output", "out"),
    "log_softmax_backward": ("grad_output", "output", "out"),
    "logsumexp_backward": ("grad_output", "x", "out"),
    "expected_losses": ("x", "targets", "weight", "record"),
    "total": ("record", "sum"),
    "class_gradients": ("x", "record", "out"),
    "expected_gradients": ("x", "targets", "weight", "record", "out"),
}
# Of functions of one element of each row.
OPERANDS_OF_ELEMENTS = {
    "targets": ("targets", "weight", "record"),
    "losses": ("x", "record"),
    "means": ("out", "count", "record"),
    "numbers": ("grad_output", "count", "record"),
    "factors": ("x", "out"),
}
# Rows that are nearer to each other than their elements are taken together, by blocks of so many.
BESIDE_FROM = THREADS // LANES
# Chunks from which a row is shared out among blocks, where there are fewer rows than processors; and the kernels then.
MANY_CHUNKS = 32
OF_SHARED = ("sums", "totals", "finish")
_kept_of_row = row_passes.kept_of_row.py_func
_BESIDE_EACH_OTHER = {"record": RECORD, "sum": 2, "count": 2}
# Which operand has the type that a function is computed in, where it is not the first.
_COMPUTED_IN = {"logsumexp_backward": 1}


def run(
    name: str, operands: Sequence[Strided], axes: tuple[int, ...], stream: int, numbers: tuple[int, int] = (0, 0)
) -> None:
    """Compute a function of rows on the device where its operands lie, asynchronously on a stream.

    Parameters
    ----------
    name : str
        Of ``OPERANDS`` or ``OPERANDS_OF_ELEMENTS``, which say what the operands are.
    operands : sequence of Strided
        Of one number of dimensions and one float type, but for classes, which are integers; the results of
        "statistics", the gradient of "logsumexp_backward", weights and what is several numbers beside each other are of
        float64. Of one shape; what has one number for each row has length 1 along the axes, and what is the same for
        all rows along the others. What is written to is the same memory as another operand, or does not overlap it.
        Of rows without elements the functions with one result for each row are computed.
    axes : tuple of int
        Along which the rows lie, none of them negative. They are to be one dimension in the memory of every operand;
        what has others is the caller's to copy.
    stream : int
        A CUstream of that device; 0 is the default one.
    numbers : tuple of int
        That the function takes too, see ``numbaexp.cuda.row_losses``.

    Raises
    ------
    ValueError
        If the axes are no one dimension, or an address or a step is not a multiple of the size of an element.
    """
    of_axes = zip(*(operand.shape for operand in operands), strict=True)
    shape = tuple(0 if 0 in lengths else max(lengths) for lengths in of_axes)
    if 0 in (length for axis, length in enumerate(shape) if axis not in axes):
        return
    labels = {**OPERANDS, **OPERANDS_OF_ELEMENTS}[name]
    steps = [
        _steps(operand.pointer, operand.strides, operand.dtype, label)
        for operand, label in zip(operands, labels, strict=True)
    ]
    # Along an axis of length 1 an operand stays where it is.
    steps = [
        tuple(0 if length == 1 else step for length, step in zip(operand.shape, of_operand, strict=True))
        for operand, of_operand in zip(operands, steps, strict=True)
    ]
    found = find_rows(shape, tuple(steps), axes)
    if found is None:
        raise ValueError(f"`axes` must be one dimension in the memory of every operand; got {axes} of steps {steps}")
    device = operands[0].device
    with _on(device):
        for rows in found:
            _run_piece(name, operands, labels, rows, stream, numbers)


def run_scaled(grad: Strided, x: Strided, out: Strided, axes: tuple[int, ...], stream: int) -> None:
    """The gradient of a logarithm of a sum, of a gradient of any float type."""
    shape = grad.shape
    with _on(x.device), temporary(math.prod(shape), x.device, stream) as address:
        strides = tuple(8 * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        factors = Strided(address, shape, strides, "float64", x.device)
        run("factors", (grad, factors), (), stream)
        run("logsumexp_backward", (factors, x, out), axes, stream)


def absent(like: Strided) -> Strided:
    """What takes the place of an operand that is not given."""
    return Strided(0, (1,) * len(like.shape), (0,) * len(like.shape), "float64", like.device)


def _run_piece(
    name: str,
    operands: Sequence[Strided],
    labels: tuple[str, ...],
    rows: Rows,
    stream: int,
    numbers: tuple[int, int],
) -> None:
    # A row without elements is a chunk without elements.
    count, chunks = rows.outer * rows.inner, max(math.ceil(rows.length / CHUNK), 1)
    of_elements = name in OPERANDS_OF_ELEMENTS
    given = [0] * ARGUMENTS
    for i, (operand, start, steps) in enumerate(zip(operands, rows.starts, rows.steps, strict=True)):
        given[4 * i : 4 * i + 4] = operand.pointer + start * itemsize(operand.dtype), *steps
    given[-2:] = numbers
    device = operands[0].device
    lengths = count, rows.inner, rows.length
    kernel = functools.partial(_kernel, name, operands[_COMPUTED_IN.get(name, 0)].dtype, device=device)
    along_and_across = [(abs(along), abs(across)) for _, across, along in rows.steps if along]
    beside = not of_elements and rows.inner >= BESIDE_FROM and rows.length > 1
    beside = beside and all(across < along for along, across in along_and_across)
    shared = not beside and chunks >= MANY_CHUNKS and (simulator.is_on() or count < _processors(device))
    one = "of_threads" if of_elements else "of_columns" if beside else "of_warps" if chunks == 1 else "of_blocks"
    if simulator.is_on():
        widths = [
            (operand.dtype, _BESIDE_EACH_OTHER.get(label, 1)) for operand, label in zip(operands, labels, strict=True)
        ]
        # What is read without having been written is to be seen.
        most = max(count, simulator.BLOCKS * BESIDE_FROM)
        kept = None if of_elements else np.full(_kept_of_row(chunks) * most, np.nan)
        for way in OF_SHARED if shared else (one,):
            simulator.run_rows(kernel(way), widths, kept, *lengths, given)
    elif one in ("of_threads", "of_warps"):
        threads = count if of_elements else count * LANES
        _launcher(kernel(one), device, threads, stream)(*lengths, 0, *given)
    elif shared:
        with temporary(_kept_of_row(chunks) * count, device, stream) as address:
            for way in OF_SHARED:
                threads = count * THREADS if way == "totals" else count * chunks * LANES
                _launcher(kernel(way), device, threads, stream)(*lengths, address, *given)
    else:
        # Of a block a row, or as many as it has warps.
        groups, width = (rows.outer * -(-rows.inner // BESIDE_FROM), BESIDE_FROM) if beside else (count, 1)
        blocks = min(groups, _BLOCKS_A_PROCESSOR * _processors(device))
        with temporary(FIELDS * chunks * width * blocks, device, stream) as address:
            _configured(kernel(one), blocks, stream)(*lengths, address, *given)


@contextlib.contextmanager
def temporary(count: int, device: int, stream: int) -> Iterator[int]:
    """The address of so many float64 on the current device, for what is launched on the stream meanwhile."""
    if simulator.is_on():
        # What is read without having been written is to be seen.
        memory = np.full(count, np.nan)
        yield memory.ctypes.data
        return
    # cuda.core gives no memory of a device that it has not been told is the current one.
    there = Device(device)
    there.set_current()
    on_stream = Stream.from_handle(stream)
    kept = there.allocate(8 * count, stream=on_stream)
    try:
        yield int(kept.handle)
    finally:
        # As the stream has it, when what was launched has ended.
        kept.close(on_stream)


@functools.cache
def _kernel(name: str, dtype: str, way: str, device: int) -> Any:
    def make() -> Any:
        return ELEMENTS[name](dtype) if way == "of_threads" else getattr(KERNELS[name](dtype), way)

    if simulator.is_on():
        return make()
    label, modules = f"{name} {dtype} {way}", (row_kernels.__name__,)
    return compile_kernel(make, label, modules, TYPES, cuda.gpus[device].compute_capability)
