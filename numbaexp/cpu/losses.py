"""The cross entropy of arrays in the host's memory, by the kernels of ``numbaexp.cpu.row_losses``."""

from typing import Any

import numpy as np

from numbaexp.cpu.row_functions import Operands, run
from numbaexp.scalar.loss_record import BEHIND, GREATEST, IGNORED, LOSS, NOWHERE, NUMBER, PLACE, RECORD, WEIGHT


def forward(problem: Any, out: np.ndarray, target: str) -> None:
    """Compute a ``numbaexp.engine.loss_problem.Problem`` on a target of the CPU. Of classes that count for nothing
    there is ``IGNORED``."""
    put_quotients(totals_of(problem, target), problem.dtype, out, target)


def totals_of(problem: Any, target: str) -> np.ndarray:
    """Return the losses, each or their sum, and what they are divided by: pairs, beside each other."""
    x, dtype, axis, reduction = problem.x, problem.dtype, problem.axis, problem.reduction
    records, of_rows = _start(problem)
    rows = records.reshape(problem.count_of_calls, -1, RECORD)
    calls, count, _ = rows.shape
    totals = np.zeros((calls * count if reduction == "none" else calls, 4))
    _put_count(problem, rows, totals, target)
    of_loss = {"extra": records[..., GREATEST]}
    if x.size:
        run("statistics", dtype, Operands(x, **of_loss), (axis,), target)
        if problem.is_expected:
            run("expected_losses", dtype, Operands(x, **of_loss, **of_rows), (axis,), target)
        elements = np.take_along_axis(x, np.maximum(records[..., PLACE], 0).astype(np.intp), axis)
        run("losses", dtype, Operands(elements, **of_loss, constants=of_rows["constants"]), (axis,), target)
    if reduction == "none":
        totals[:, :2] = rows[..., LOSS : LOSS + 2].reshape(-1, 2)
    else:
        put_sum(rows[..., LOSS:], totals, target)
    return totals


def put_sum(pairs: np.ndarray, into: np.ndarray, target: str) -> None:
    """Put the sums of pairs, of each call those that begin rows of float64, at the beginning of its row of ``into``."""
    if pairs.size:
        run("total", "float64", Operands(pairs[..., 0], extra=into[:, :1]), (1,), target)


def put_quotients(totals: np.ndarray, dtype: str, out: np.ndarray, target: str) -> None:
    """Put what ``totals_of`` gives, divided, as elements of a type."""
    results = out.reshape(-1, 1)
    # Of the one dimension of the results each is a row.
    if results.size:
        run("rounded", dtype, Operands(results, results, extra=totals[:, :1]), (1,), target)


def backward(problem: Any, grad: np.ndarray, out: np.ndarray, target: str) -> None:
    """Compute the gradient, times that of the loss, of float64; ``out`` is not empty."""
    records, of_rows = _start(problem)
    rows = records.reshape(problem.count_of_calls, -1, RECORD)
    totals = np.zeros((len(rows), 4))
    _put_count(problem, rows, totals, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = (totals[:, 2] + totals[:, 3]).reshape(problem.of_calls)
        records[..., NUMBER] = grad.reshape(problem.kept_shape) / counts
    is_expected = problem.is_expected
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
    first: Any = 0
    if problem.calls and problem.weight is not None:
        # Each call has weights of its own.
        first = classes * np.arange(problem.count_of_calls).reshape(problem.of_calls)
        if problem.is_expected:
            records[..., BEHIND] = 8 * first
    probabilities = problem.targets
    if problem.of_classes:
        records[..., PLACE] = index = problem.targets.reshape(reduced)
        probabilities = np.broadcast_to(np.zeros((), problem.x.dtype), shape)
        counts = index != IGNORED
        if problem.weight is not None and classes:
            counts = np.where(counts, weight.reshape(-1)[np.maximum(index, 0) + first], 0.0)
        records[..., WEIGHT] = counts
    parts = np.array([1.0 - problem.smoothing, problem.smoothing / max(classes, 1)])
    return records, {"w": probabilities, "along": weight, "constants": parts}


def _put_count(problem: Any, rows: np.ndarray, totals: np.ndarray, target: str) -> None:
    """Put what losses are divided by, as a pair, behind them."""
    if problem.reduction != "mean":
        totals[:, 2] = 1.0
    elif not problem.of_classes:
        totals[:, 2] = float(rows.shape[1])
    else:
        put_sum(rows[..., WEIGHT:], totals[:, 2:], target)
