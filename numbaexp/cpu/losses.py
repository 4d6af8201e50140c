"""The cross entropy of arrays in the host's memory, by the kernels of ``numbaexp.cpu.row_losses``."""

from typing import Any

import numpy as np

from numbaexp.cpu.row_functions import Operands, run
from numbaexp.scalar.loss_record import GREATEST, IGNORED, LOSS, NOWHERE, NUMBER, PLACE, RECORD, WEIGHT


def forward(problem: Any, out: np.ndarray, target: str) -> None:
    """Compute a ``numbaexp.engine.loss_problem.Problem`` on a target of the CPU. Of classes that count for nothing
    there is ``IGNORED``."""
    put_quotients(totals_of(problem, target), problem.dtype, out, target)


def totals_of(problem: Any, target: str) -> np.ndarray:
    """Return the losses, each or their sum, and what they are divided by: pairs, beside each other."""
    x, dtype, axis, reduction = problem.x, problem.dtype, problem.axis, problem.reduction
    records, of_rows = _start(problem)
    rows = records.reshape(-1, RECORD)
    totals = np.zeros((len(rows) if reduction == "none" else 1, 4))
    _put_count(problem, rows, totals, target)
    of_loss = {"extra": records[..., GREATEST]}
    if x.size:
        run("statistics", dtype, Operands(x, **of_loss), (axis,), target)
        if not problem.of_classes or problem.smoothing > 0.0:
            run("expected_losses", dtype, Operands(x, **of_loss, **of_rows), (axis,), target)
        elements = np.take_along_axis(x, np.maximum(records[..., PLACE], 0).astype(np.intp), axis)
        run("losses", dtype, Operands(elements, **of_loss, constants=of_rows["constants"]), (axis,), target)
    if reduction == "none":
        totals[:, :2] = rows[:, LOSS : LOSS + 2]
    else:
        put_sum(rows[:, LOSS:], totals, target)
    return totals


def put_sum(pairs: np.ndarray, into: np.ndarray, target: str) -> None:
    """Put the sum of pairs, which begin rows of float64, at the beginning of the one row of ``into``."""
    if len(pairs):
        run("total", "float64", Operands(pairs[:, 0], extra=into[:, 0]), (0,), target)


def put_quotients(totals: np.ndarray, dtype: str, out: np.ndarray, target: str) -> None:
    """Put what ``totals_of`` gives, divided, as elements of a type."""
    # Of the one dimension of the results each is a row.
    results = out.reshape(-1, 1)
    if results.size:
        run("rounded", dtype, Operands(results, results, extra=totals[:, :1]), (1,), target)


def backward(problem: Any, grad: np.ndarray, out: np.ndarray, target: str) -> None:
    """Compute the gradient, times that of the loss, of float64."""
    records, of_rows = _start(problem)
    totals = np.zeros((1, 4))
    _put_count(problem, records.reshape(-1, RECORD), totals, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = grad / totals[0, 2:].sum()
    records[..., NUMBER] = number.reshape(records.shape[:-1]) if problem.reduction == "none" else number
    if problem.x.size:
        is_expected = not problem.of_classes or problem.smoothing > 0.0
        name = "expected_gradients" if is_expected else "class_gradients"
        given = Operands(problem.x, out, extra=records[..., NUMBER], **(of_rows if is_expected else {}))
        run(name, problem.dtype, given, (problem.axis,), target)


def _start(problem: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return records of the rows with their targets, and what kernels of expected losses are given besides."""
    shape, axis = problem.x.shape, problem.axis
    classes, reduced = shape[axis], (*shape[:axis], 1, *shape[axis + 1 :])
    weight = np.ones(classes) if problem.weight is None else problem.weight
    records = np.zeros((*reduced, RECORD))
    records[..., PLACE] = NOWHERE
    probabilities = problem.targets
    if problem.of_classes:
        records[..., PLACE] = index = problem.targets.reshape(reduced)
        probabilities = np.broadcast_to(np.zeros((), problem.x.dtype), shape)
        if classes:
            records[..., WEIGHT] = np.where(index == IGNORED, 0.0, weight[np.maximum(index, 0)])
    parts = np.array([1.0 - problem.smoothing, problem.smoothing / max(classes, 1)])
    return records, {"w": probabilities, "along": weight, "constants": parts}


def _put_count(problem: Any, rows: np.ndarray, totals: np.ndarray, target: str) -> None:
    """Put what losses are divided by, as a pair, behind them."""
    if problem.reduction != "mean":
        totals[:, 2] = 1.0
    elif not problem.of_classes:
        totals[:, 2] = float(len(rows))
    else:
        put_sum(rows[:, WEIGHT:], totals[:, 2:], target)
