"""The logarithms of a softmax at selected places, of arrays on a device, by ``numbaexp.cuda.row_selection``.

The statistics of rows stay on the device, and nothing waits for them.
"""

import contextlib
import functools
import math
from collections.abc import Iterator

import numpy as np

from numbaexp.cuda import launch_rows
from numbaexp.cuda.losses import field_of, new_records
from numbaexp.cuda.runtime import launcher
from numbaexp.layout import Strided, reduced_shape
from numbaexp.scalar import loss_record as selected
from numbaexp.scalar import selection_record as record
from numbaexp.scalar.forms import itemsize


def forward(x: Strided, index: Strided, axis: int, out: Strided, stream: int) -> None:
    """Compute them, of classes along an axis; nothing is empty."""
    with _start(x, index, axis, stream) as (records, chosen):
        operands = _at_first(x, axis), chosen, records, out
        launch_rows.run("selected_logs", operands, (), stream, (_step(x, axis), 0))


def backward(grad: Strided, x: Strided, index: Strided, axis: int, out: Strided, stream: int) -> None:
    """Compute the gradient by all elements, of that by the results; of no classes too."""
    with _start(x, index, axis, stream) as (records, chosen):
        launch_rows.run("parts", (grad, chosen), (), stream)
        total = field_of(records, record.TOTAL)
        launch_rows.run("total", (field_of(chosen, selected.PART), total), (axis,), stream)
        step = chosen.strides[axis] // itemsize("float64")
        launch_rows.run("selections", (records,), (), stream, (index.shape[axis], step))
        launch_rows.run("logsumexp_backward", (field_of(records, record.NEGATED), x, out), (axis,), stream)
        first, *others = (_at_first(each, axis) for each in (x, chosen, out))
        operands = first, others[0], chosen, records, others[1]
        launch_rows.run("selected_gradients", operands, (), stream, (_step(x, axis), _step(out, axis)))


@contextlib.contextmanager
def _start(x: Strided, index: Strided, axis: int, stream: int) -> Iterator[tuple[Strided, Strided]]:
    """Give the records of the rows, with their statistics, and of the selected elements, with their places."""
    reduced = reduced_shape(x.shape, (axis,))
    rows, places = math.prod(reduced), math.prod(index.shape)
    run = functools.partial(launch_rows.run, stream=stream)
    with (
        launcher.on(x.device),
        launcher.temporary(rows * record.RECORD + places * selected.RECORD, x.device, stream) as address,
    ):
        records = new_records(address, reduced, record.RECORD, x.device)
        chosen = new_records(address + 8 * rows * record.RECORD, index.shape, selected.RECORD, x.device)
        fields = record.GREATEST, record.LOGARITHM, record.LOGARITHM_LOW
        run("statistics", (x, *(field_of(records, field) for field in fields)), axes=(axis,))
        # No class is ignored.
        none = int(np.iinfo(np.int64).min)
        run("targets", (index, launch_rows.absent(x), chosen), axes=(), numbers=(none, x.shape[axis]))
        yield records, chosen


def _at_first(array: Strided, axis: int) -> Strided:
    """Return of each row the first element."""
    return array._replace(shape=reduced_shape(array.shape, (axis,)))


def _step(array: Strided, axis: int) -> int:
    return array.strides[axis] // itemsize(array.dtype)
