"""Launch the kernels of rows on arrays that lie on a device."""

import functools
import math
from collections.abc import Sequence
from typing import Any

from numbaexp.cuda import row_kernels, row_passes
from numbaexp.cuda.kernels import THREADS
from numbaexp.cuda.launch import BLOCKS_A_PROCESSOR, for_threads, steps_of
from numbaexp.cuda.row_kernels import ELEMENTS, KERNELS
from numbaexp.cuda.row_passes import ARGUMENTS, TYPES
from numbaexp.cuda.row_reductions import FIELDS
from numbaexp.cuda.runtime import launcher
from numbaexp.layout import Rows, Strided, find_rows
from numbaexp.operations import OPERATIONS, Kind, named
from numbaexp.scalar.forms import itemsize, mixed
from numbaexp.scalar.row_order import CHUNK, LANES

# The operands of each function, by what errors call them. Of "record", "sum" and "count" an element is several float64,
# one after another.
OPERANDS = {
    **{name: (*OPERATIONS[name].required, "out") for name in (*named(Kind.ROWS), *named(Kind.REDUCTION))},
    # The last may be left out.
    "weighted_logsumexp": ("a", "b", "out", "sign"),
    "statistics": ("x", "greatest", "logarithm", "low"),
    "expected_losses": ("x", "targets", "weight", "record"),
    "total": ("record", "sum"),
    "class_gradients": ("x", "record", "out"),
    "expected_gradients": ("x", "targets", "weight", "record", "out"),
}
# Those of functions of one element of each row.
OPERANDS_OF_ELEMENTS = {
    "targets": ("targets", "weight", "record"),
    "losses": ("x", "record"),
    "means": ("out", "count", "record"),
    "numbers": ("grad_output", "count", "record"),
    "factors": ("x", "out"),
    "parts": ("grad_output", "record"),
    "selections": ("record",),
    "selected_logs": ("logits", "index", "record", "out"),
    "selected_gradients": ("logits", "records", "index", "record", "out"),
}
# Rows that are nearer to each other than their elements are batched: a block takes so many.
BATCHED_FROM = THREADS // LANES
# Chunks from which a row is shared out among blocks, where there are fewer rows than processors; and the kernels then.
MANY_CHUNKS = 32
OF_SHARED = ("sums", "totals", "finish")
_kept_of_row = row_passes.kept_of_row.py_func
# Which operand has the type that a function is computed in, where it is not the first.
_COMPUTED_IN = {"logsumexp_backward": 1, "entropy_backward": 1}
# The functions whose result may be of a wider type.
_WIDENING = ("softmax", "log_softmax")


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
        "statistics", the gradients of reductions, signs, weights and what has several numbers for an element
        are of float64, and the result of "softmax" and "log_softmax" may be of a wider type than ``x``, in which it is
        computed. Of one shape; what has one number for each row has length 1 along the axes, and what is the same for
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
    labels = {**OPERANDS, **OPERANDS_OF_ELEMENTS}[name][: len(operands)]
    steps = [
        steps_of(operand.strides, operand.dtype, operand.pointer, label)
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
    with launcher.on(operands[0].device):
        for rows in found:
            _run_piece(name, operands, rows, stream, numbers)


def run_scaled(name: str, grad: Strided, x: Strided, out: Strided, axes: tuple[int, ...], stream: int) -> None:
    """Compute the gradient of a reduction, of a gradient of any float type."""
    shape = grad.shape
    with launcher.on(x.device), launcher.temporary(math.prod(shape), x.device, stream) as address:
        strides = tuple(8 * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        factors = Strided(address, shape, strides, "float64", x.device)
        run("factors", (grad, factors), (), stream)
        run(name, (factors, x, out), axes, stream)


def absent(like: Strided) -> Strided:
    """Return the null pointer that stands for an operand that is not given."""
    return Strided(0, (1,) * len(like.shape), (0,) * len(like.shape), "float64", like.device)


def _run_piece(name: str, operands: Sequence[Strided], rows: Rows, stream: int, numbers: tuple[int, int]) -> None:
    # A row without elements is a chunk without elements.
    count, chunks = rows.outer * rows.inner, max(math.ceil(rows.length / CHUNK), 1)
    given = [0] * ARGUMENTS
    for i, (operand, start, steps) in enumerate(zip(operands, rows.starts, rows.steps, strict=True)):
        given[4 * i : 4 * i + 4] = operand.pointer + start * itemsize(operand.dtype), *steps
    given[-2:] = numbers
    device = operands[0].device
    lengths = count, rows.inner, rows.length
    dtype = operands[_COMPUTED_IN.get(name, 0)].dtype
    dtype = mixed(dtype, operands[-1].dtype) if name in _WIDENING else dtype
    kernel = functools.partial(compiled, name, dtype, device=device)
    batched = rows.inner >= BATCHED_FROM and rows.length > 1
    batched = batched and all(abs(across) < abs(along) for _, across, along in rows.steps if along)
    if name in OPERANDS_OF_ELEMENTS:
        for_threads(kernel("of_threads"), device, count, stream)(*lengths, 0, *given)
    elif chunks == 1 and not batched:
        for_threads(kernel("of_warps"), device, count * LANES, stream)(*lengths, 0, *given)
    elif chunks >= MANY_CHUNKS and not batched and count < launcher.processors(device):
        with launcher.temporary(_kept_of_row(chunks) * count, device, stream) as address:
            for variant in OF_SHARED:
                threads = count * THREADS if variant == "totals" else count * chunks * LANES
                for_threads(kernel(variant), device, threads, stream)(*lengths, address, *given)
    else:
        # Of a block a row, or as many as it has warps.
        groups, width = (rows.outer * -(-rows.inner // BATCHED_FROM), BATCHED_FROM) if batched else (count, 1)
        blocks = min(groups, BLOCKS_A_PROCESSOR * launcher.processors(device))
        variant = "of_columns" if batched else "of_blocks"
        with launcher.temporary(FIELDS * chunks * width * blocks, device, stream) as address:
            launcher.configured(kernel(variant), blocks, stream)(*lengths, address, *given)


@functools.cache
def compiled(name: str, dtype: str, variant: str, device: int) -> Any:
    """Return the compiled kernel of a function of rows."""

    def make() -> Any:
        return ELEMENTS[name](dtype) if variant == "of_threads" else getattr(KERNELS[name](dtype), variant)

    return launcher.compiled(make, f"{name} {dtype} {variant}", (row_kernels.__name__,), TYPES, device)
