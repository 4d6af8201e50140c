"""The cross entropy of arrays in the host's memory, by the kernels of ``numbaexp.cpu.row_losses``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.cpu import row_functions
from numbaexp.scalar.loss_record import GREATEST, IGNORED, LOSS, NOWHERE, NUMBER, PLACE, RECORD, WEIGHT

Run = Callable[..., None]


def forward(problem: Any, out: np.ndarray, target: str) -> None:
    """Compute a ``numbaexp.losses_layout.Problem`` on a target of the CPU. Of classes that count for nothing there is
    ``IGNORED``."""
    run, of_rows, records = _start(problem, target)
    run("statistics", x=problem.x, extra=records[..., GREATEST])
    if problem.is_expected:
        run("expected_losses", x=problem.x, extra=records[..., GREATEST], **of_rows)
    index = np.maximum(records[..., PLACE], 0).astype(np.intp)
    elements = np.take_along_axis(problem.x, index, problem.axis) if problem.classes else problem.x
    run("losses", x=elements, extra=records[..., GREATEST], constants=of_rows["constants"])
    totals = np.zeros((problem.rows if problem.reduction == "none" else 1, 4))
    if problem.reduction == "none":
        totals[:, :2] = records.reshape(-1, RECORD)[:, LOSS : LOSS + 2]
    else:
        totals[0, :2] = _total(records, LOSS, target)
    totals[:, 2:] = _count(problem, records, target)
    # Of the one dimension of the results each is a row.
    results = out.reshape(-1, 1)
    if results.size:
        means = row_functions.Operands(x=results, y=results, extra=totals[:, :1])
        row_functions.run("rounded", problem.dtype, means, (1,), target)


def backward(problem: Any, grad: np.ndarray, out: np.ndarray, target: str) -> None:
    """Its gradient, times that of the loss, of float64."""
    run, of_rows, records = _start(problem, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = grad / _count(problem, records, target).sum()
    records[..., NUMBER] = number.reshape(problem.reduced) if problem.reduction == "none" else number
    name = "expected_gradients" if problem.is_expected else "class_gradients"
    run(name, x=problem.x, y=out, extra=records[..., NUMBER], **(of_rows if problem.is_expected else {}))


def _start(problem: Any, target: str) -> tuple[Run, dict[str, np.ndarray], np.ndarray]:
    """What runs a kernel of the rows, of which there may be none; what kernels of expected losses are given besides;
    and records of the rows with their targets."""

    def run(name: str, **operands: np.ndarray) -> None:
        if problem.x.size:
            row_functions.run(name, problem.dtype, row_functions.Operands(**operands), (problem.axis,), target)

    weight = np.ones(problem.classes) if problem.weight is None else problem.weight
    records = np.zeros((*problem.reduced, RECORD))
    records[..., PLACE] = NOWHERE
    probabilities = problem.targets
    if problem.of_classes:
        records[..., PLACE] = place = problem.targets.reshape(problem.reduced)
        probabilities = np.broadcast_to(np.zeros((), problem.x.dtype), problem.x.shape)
        if problem.classes:
            records[..., WEIGHT] = np.where(place == IGNORED, 0.0, weight[np.maximum(place, 0)])
    return run, {"w": probabilities, "along": weight, "constants": np.array(problem.parts)}, records


def _count(problem: Any, records: np.ndarray, target: str) -> np.ndarray:
    """What a loss is divided by, as a pair."""
    if problem.reduction != "mean":
        return np.array([1.0, 0.0])
    return _total(records, WEIGHT, target) if problem.of_classes else np.array([float(problem.rows), 0.0])


def _total(records: np.ndarray, field: int, target: str) -> np.ndarray:
    """The sum of the pairs that begin at a place of the records, in the order of a row."""
    total, pairs = np.zeros((1, 2)), records.reshape(-1, RECORD)[:, field]
    if len(pairs):
        given = row_functions.Operands(x=pairs, extra=total[:, 0])
        row_functions.run("total", "float64", given, (0,), target)
    return total[0]
