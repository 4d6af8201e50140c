"""The cross entropy of Dask's arrays and its gradient.

Chunks that cut the classes are put together. Each block gives the sums of its losses and of what they are divided by,
pairs of float64, which are added as in a tree.
"""

import math
from typing import Any

import dask.array as da
import numpy as np

from numbaexp.backends.numpy import as_stored
from numbaexp.cpu import losses as kernels
from numbaexp.default_mode import in_default_mode
from numbaexp.engine.loss_problem import Problem, check_grad, make_problem
from numbaexp.engine.losses import problem_on_host
from numbaexp.integrations.dask.blocks import called, known, of_blocks, of_numpys, of_whole_rows
from numbaexp.operations import Operation
from numbaexp.target import CPU

# Dask has threads of its own.
_ONE_THREAD = CPU

# The sum of losses, and of what they are divided by; a field for each number, so that an array of them has the shape of
# a reduction's result.
_TOTALS = np.dtype([(field, np.float64) for field in ("loss", "loss_low", "count", "count_low")])


def forward(operation: Operation, arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Return the loss."""
    problem, pairs = _given(arrays, options)
    dtype, options = pairs[0].dtype.newbyteorder("="), {**options, "axis": problem.axis}
    if problem.reduction == "none":
        of_rows = of_whole_rows(_losses, dtype, (problem.axis,), (problem.axis,), *pairs, options=options)
        return da.squeeze(of_rows, problem.axis)
    everywhere = tuple(range(len(problem.x.shape)))
    totals = of_whole_rows(_totals, _TOTALS, (problem.axis,), everywhere, *pairs, options=options)
    return of_blocks(_quotient, dtype, _added(totals), kind=dtype, reduction=problem.reduction)


def backward(operation: Operation, arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Return the gradient."""
    grad = of_numpys(arrays[0], "grad_output")
    problem, pairs = _given(arrays[1:], options)
    check_grad(problem, known(grad).shape)
    rows = tuple(i for i in range(len(problem.x.shape)) if i != problem.axis)
    options = {**options, "axis": problem.axis, "function": operation.name}
    if problem.reduction == "mean":
        # The gradient of a mean is that of the sum, but for a number.
        grad, options["reduction"] = _over_count(grad, problem, pairs), "sum"
    along = rows if problem.reduction == "none" else ()
    dtype = pairs[0].dtype.newbyteorder("=")
    return of_whole_rows(_gradient, dtype, (problem.axis,), (), grad, along, *pairs, options=options)


def _given(arrays: tuple[Any, ...], options: dict[str, Any]) -> tuple[Problem, list[Any]]:
    """Return the problem, of which nothing is computed, and its arrays with the axes that each lies along."""
    logits, targets, weight = arrays
    x, y = of_numpys(logits, "logits"), of_numpys(targets, "targets")
    factors = None if weight is None else of_numpys(weight, "weight")
    of_weight = None if factors is None else known(factors)
    problem = make_problem((known(x), x.dtype.name), (known(y), y.dtype.name), of_weight, **options)
    everywhere = tuple(range(x.ndim))
    along = everywhere if y.ndim == x.ndim else tuple(i for i in everywhere if i != problem.axis)
    pairs = [x, everywhere, y, along]
    return problem, pairs if factors is None else [*pairs, factors, (problem.axis,)]


def _over_count(grad: Any, problem: Problem, pairs: list[Any]) -> Any:
    """Return the gradient of a mean, divided by what that is divided by."""
    _, _, targets, along, *weight = pairs
    if problem.of_classes or math.isnan(problem.rows):
        everywhere = tuple(sorted({*along, *(weight[1] if weight else ())}))
        options = {"of_classes": problem.of_classes, "axis": problem.axis, "ignore_index": problem.ignore_index}
        options["ndim"] = len(everywhere)
        totals = of_whole_rows(_count, _TOTALS, (problem.axis,), everywhere, targets, along, *weight, **options)
        return da.map_blocks(_divided, grad, _added(totals), dtype=np.float64, meta=np.empty(()))
    return grad / np.float64(problem.rows)


def _added(totals: Any) -> Any:
    meta = np.empty((), _TOTALS)
    return da.reduction(totals, _as_they_are, _sum, dtype=_TOTALS, meta=meta, name="totals-of-losses")


# What follows is called with NumPy's arrays, of one block or of what is known of several.


def _losses(*arrays: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    x, targets, *weight = arrays
    losses = called(x, targets, weight[0] if weight else None, function="cross_entropy", **options)
    return np.expand_dims(losses, options["axis"])


def _gradient(*arrays: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    return called(*(arrays if len(arrays) == 4 else (*arrays, None)), **options)


@in_default_mode
def _totals(*arrays: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    x, targets, *weight = arrays
    given = {"logits": x, "targets": targets, "weight": weight[0] if weight else None}
    _, problem = problem_on_host(given, options)
    return _as_totals(kernels.totals_of(problem, _ONE_THREAD), x.ndim)


def _as_totals(numbers: np.ndarray, ndim: int) -> np.ndarray:
    return numbers.view(_TOTALS).reshape((1,) * ndim)


@in_default_mode
def _count(
    targets: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    of_classes: bool,
    axis: int,
    ignore_index: int,
    ndim: int,
) -> np.ndarray:
    """Return what the losses of a block are divided by, as totals of no losses."""
    made = np.zeros((1, 4))
    if of_classes:
        classes = targets[targets != ignore_index]
        addends = np.zeros((len(classes), 2))
        # A class that there is not is refused where the logits are.
        addends[:, 0] = 1.0 if weight is None else weight.take(classes, mode="clip")
        kernels.put_sum(addends[None], made[:, 2:], _ONE_THREAD)
    else:
        made[0, 2] = math.prod(n for i, n in enumerate(targets.shape) if i != axis)
    return _as_totals(made, ndim)


def _as_they_are(totals: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    return totals


@in_default_mode
def _sum(totals: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    numbers, made = totals.ravel().view(np.float64).reshape(-1, 4), np.zeros((1, 4))
    for first in (0, 2):
        kernels.put_sum(numbers[None, :, first:], made[:, first:], _ONE_THREAD)
    return _as_totals(made, totals.ndim if keepdims else 0)


def _quotient(totals: np.ndarray, kind: np.dtype, reduction: str) -> np.ndarray:
    numbers, result = totals.reshape(1).view(np.float64).reshape(1, 4), np.empty((), kind)
    if reduction == "sum":
        numbers = np.array([[*numbers[0, :2], 1.0, 0.0]])
    kernels.put_quotients(numbers, kind.name, as_stored(result), _ONE_THREAD)
    return result


def _divided(grad: np.ndarray, totals: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.float64(grad) / (totals["count"] + totals["count_low"])
