"""The cross entropy of arrays that lie on a device, by the kernels of ``numbaexp.cuda.row_losses``.

The statistics of rows stay on the device, and nothing waits for them.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from numbaexp.cuda import launch_rows
from numbaexp.cuda.runtime import launcher
from numbaexp.layout import Strided
from numbaexp.scalar.loss_record import GREATEST, LOGARITHM, LOGARITHM_LOW, LOSS, RECORD, WEIGHT, WEIGHT_LOW


class _Work(NamedTuple):
    """What launches a kernel of the rows; their records; the weights of the classes and the sum of those of the rows,
    either of which may be absent; the probabilities; a zero of their type for each row; and memory for a pair of each
    call."""

    run: Callable[..., None]
    records: Strided
    weight: Strided
    total_weight: Strided
    probabilities: Strided
    nothing: Strided
    pair: Strided


def forward(problem: Any, out: Strided, stream: int) -> None:
    """Compute a loss problem. ``out`` has the shape of the loss, with or without the axes over
    which there is one."""
    with _start(problem, stream) as work:
        records, numbers = work.records, (_bits(problem.parts[0]), _bits(problem.parts[1]))
        statistics = [_field(records, field) for field in (GREATEST, LOGARITHM, LOGARITHM_LOW)]
        work.run("statistics", (problem.x, *statistics))
        if problem.is_expected:
            work.run("expected_losses", (problem.x, work.probabilities, work.weight, records), numbers=numbers)
        # Of no classes none is looked at.
        work.run("losses", (problem.x if problem.classes else work.nothing, records), numbers=numbers)
        total = _field(records, LOSS)
        if problem.reduction != "none":
            _total(records, LOSS, work.pair, problem, stream)
            total = work.pair
        work.run("means", (_of_loss(out, problem), work.total_weight, total), numbers=(_bits(_divisor(problem)), 0))


def backward(problem: Any, grad: Strided | float, out: Strided, stream: int) -> None:
    """Compute its gradient, times that of the loss, which has the shape of the loss or is a number."""
    with _start(problem, stream) as work:
        given, number = (launch_rows.absent(out), grad) if isinstance(grad, float) else (_of_loss(grad, problem), 0.0)
        numbers = _bits(_divisor(problem)), _bits(number)
        work.run("numbers", (given, work.total_weight, work.records), numbers=numbers)
        if problem.is_expected:
            operands = problem.x, work.probabilities, work.weight, work.records, out
            work.run("expected_gradients", operands, numbers=(_bits(problem.parts[0]), _bits(problem.parts[1])))
        else:
            work.run("class_gradients", (problem.x, work.records, out))


@contextlib.contextmanager
def _start(problem: Any, stream: int) -> Iterator[_Work]:
    x, device = problem.x, problem.x.device
    run = functools.partial(launch_rows.run, axes=(problem.axis,), stream=stream)
    absent = launch_rows.absent(x)
    given, calls, of_rows = problem.weight, problem.count_of_calls, problem.rows * RECORD
    of_weight = (*[1] * problem.calls, problem.classes) if given is None else given.shape
    with (
        launcher.on(device),
        launcher.temporary(of_rows + 4 * calls + math.prod(of_weight), device, stream) as address,
    ):
        records = _new(address, problem.reduced, RECORD, device)
        count, pair = (_new(address + 8 * (of_rows + i * calls), problem.of_calls, 2, device) for i in (0, 2))
        weight = absent
        if given is not None or problem.is_expected:
            made = _new(address + 8 * (of_rows + 4 * calls), of_weight, 1, device)
            launch_rows.run("factors", (launch_rows.absent(made) if given is None else given, made), (), stream)
            weight = _along(made, problem)
        targets = _of_rows(problem.targets, problem) if problem.of_classes else absent._replace(dtype="int64")
        run("targets", (targets, weight, records), numbers=(problem.ignore_index, problem.classes))
        has_count = problem.of_classes and problem.reduction == "mean"
        if has_count:
            _total(records, WEIGHT, count, problem, stream)
        # Of a class the others have the probability 0, which is 0 in the bits of every type.
        nothing = _field(records, WEIGHT_LOW)._replace(dtype=problem.dtype)
        probabilities = nothing if problem.of_classes else problem.targets
        yield _Work(run, records, weight, count if has_count else absent, probabilities, nothing, pair)


def _divisor(problem: Any) -> float:
    """Return the divisor of a loss where that is known without the targets."""
    return float(problem.rows // problem.count_of_calls) if problem.reduction == "mean" else 1.0


def _total(records: Strided, field: int, pair: Strided, problem: Any, stream: int) -> None:
    """Sum the pairs at a field of each call's records, in the order of a row."""
    calls = problem.count_of_calls
    rows = problem.rows // calls
    pairs = _field(records, field)._replace(shape=(calls, rows), strides=(8 * RECORD * rows, 8 * RECORD))
    launch_rows.run("total", (pairs, pair._replace(shape=(calls, 1), strides=(16, 16))), (1,), stream)


def _field(records: Strided, field: int) -> Strided:
    return records._replace(pointer=records.pointer + 8 * field)


def _new(address: int, shape: tuple[int, ...], width: int, device: int) -> Strided:
    """Describe so many float64 for each element, in the order of C."""
    steps = [8 * width * int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]
    return Strided(address, shape, tuple(steps), "float64", device)


def _of_rows(array: Strided, problem: Any) -> Strided:
    """Return an array with the axis of the classes, of length 1."""
    if len(array.shape) == len(problem.x.shape):
        return array
    steps = (*array.strides[: problem.axis], 0, *array.strides[problem.axis :])
    return array._replace(shape=problem.reduced, strides=steps)


def _of_loss(array: Strided, problem: Any) -> Strided:
    """Return an array of the shape of the loss with all dimensions."""
    if problem.reduction == "none":
        return _of_rows(array, problem)
    kept = problem.kept_shape
    return array._replace(shape=kept, strides=(*array.strides[: problem.calls], *[0] * (len(kept) - problem.calls)))


def _along(weight: Strided, problem: Any) -> Strided:
    """Return the weights of the classes with all dimensions."""
    calls, axis, ndim = problem.calls, problem.axis, len(problem.x.shape)
    shape, steps = [1] * ndim, [0] * ndim
    shape[:calls], steps[:calls] = weight.shape[:calls], weight.strides[:calls]
    shape[axis], steps[axis] = weight.shape[calls], weight.strides[calls]
    return weight._replace(shape=tuple(shape), strides=tuple(steps))


def _bits(number: float) -> int:
    return int(np.float64(number).view(np.int64))
