"""The logarithms of a softmax at selected places, of arrays in the host's memory, by ``numbaexp.cpu.row_selection``."""

import numpy as np

from numbaexp.cpu.row_functions import Operands, run
from numbaexp.cpu.row_job import SHARED_FROM
from numbaexp.layout import reduced_shape
from numbaexp.scalar import loss_record as selected
from numbaexp.scalar.selection_record import COUNT, GREATEST, NEGATED, RECORD, STEP, TOTAL, TOTAL_LOW
from numbaexp.target import AUTO, CPU


def forward(x: np.ndarray, dtype: str, index: np.ndarray, axis: int, out: np.ndarray, target: str) -> None:
    """Compute them, of places along an axis, on a target of the CPU; nothing is empty."""
    of_rows = np.zeros((*reduced_shape(x.shape, (axis,)), RECORD))[..., GREATEST]
    run("statistics", dtype, Operands(x, extra=of_rows), (axis,), target)
    elements = np.take_along_axis(x, index, axis)
    run("selected_logs", dtype, Operands(elements, out, extra=of_rows), (axis,), target)


def backward(
    grad: np.ndarray, x: np.ndarray, dtype: str, index: np.ndarray, axis: int, out: np.ndarray, target: str
) -> None:
    """Compute the gradient by all elements, of that by the results, in float64; of no places too."""
    records, chosen = np.zeros((*reduced_shape(x.shape, (axis,)), RECORD)), np.zeros((*index.shape, selected.RECORD))
    chosen[..., selected.PLACE], chosen[..., selected.PART] = index, grad
    parts, of_rows = chosen[..., selected.PART], records[..., GREATEST]
    if index.size:
        run("total", "float64", Operands(parts, extra=records[..., TOTAL]), (axis,), target)
    records[..., NEGATED] = -(records[..., TOTAL] + records[..., TOTAL_LOW])
    records[..., COUNT], records[..., STEP] = index.shape[axis], parts.strides[axis] // parts.itemsize
    run("statistics", dtype, Operands(x, extra=of_rows), (axis,), target)
    run("scaled_softmax", dtype, Operands(x, out, extra=records[..., NEGATED]), (axis,), target)
    # By the size of the logits it would be shared out.
    alone = CPU if target == AUTO and index.size < SHARED_FROM else target
    run("selected_gradients", dtype, Operands(x, out, chosen[..., 0], of_rows), (axis,), alone)
