"""A cross entropy on whatever memory its arrays lie: the checks of its arguments, and its shapes."""

import math
from typing import Any, NamedTuple

import numpy as np

from numbaexp.layout import reduced_shape
from numbaexp.scalar.forms import FLOATS

REDUCTIONS = ("mean", "sum", "none")


class Problem(NamedTuple):
    """The arguments, checked.

    x, targets : the logits, of the float type ``dtype``, and classes, or probabilities of that type. All arrays are
        ndarrays, bfloat16 in uint16, or all of them ``numbaexp.layout.Strided`` of one device.
    weight : of the classes, or None; in the host's memory float64.
    axis : that of the classes, not negative.
    calls : how many axes of every array, the first ones, are batch axes of separate calls. Each call has the bits that
        it has alone.
    """

    x: Any
    dtype: str
    axis: int
    targets: Any
    of_classes: bool
    weight: Any
    ignore_index: int
    reduction: str
    smoothing: float
    loss_shape: tuple[int, ...]
    calls: int

    @property
    def classes(self) -> int:
        return self.x.shape[self.axis]

    @property
    def reduced(self) -> tuple[int, ...]:
        """The shape with the axis, of length 1."""
        return reduced_shape(self.x.shape, (self.axis,))

    @property
    def rows(self) -> int:
        return math.prod(self.reduced)

    @property
    def count_of_calls(self) -> int:
        return math.prod(self.x.shape[: self.calls])

    @property
    def of_calls(self) -> tuple[int, ...]:
        """The shape of one element for each call, with all dimensions."""
        return (*self.x.shape[: self.calls], *[1] * (len(self.x.shape) - self.calls))

    @property
    def kept_shape(self) -> tuple[int, ...]:
        """The shape of the loss with all dimensions."""
        return self.reduced if self.reduction == "none" else self.of_calls

    @property
    def is_expected(self) -> bool:
        """Whether targets have parts in all classes."""
        return not self.of_classes or self.smoothing > 0.0

    @property
    def parts(self) -> tuple[float, float]:
        """What smoothing leaves of a target, and what it gives each class."""
        return 1.0 - self.smoothing, self.smoothing / max(self.classes, 1)


def default_axis(ndim: int) -> int:
    """Return the axis of the classes where none is given."""
    return 0 if ndim == 1 else 1


def make_problem(
    x: tuple[Any, str],
    targets: tuple[Any, str],
    weight: Any,
    *,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    axis: int | None,
    calls: int = 0,
) -> Problem:
    """Return the problem of arrays, with the names of their types where they are needed; ``axis`` is that of a single
    call."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"`reduction` must be one of {REDUCTIONS}; got {reduction!r}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"`label_smoothing` must be in [0, 1]; got {label_smoothing}")
    (logits, dtype), (target, kind) = x, targets
    batch, shape, given = tuple(logits.shape[:calls]), tuple(logits.shape[calls:]), tuple(target.shape[calls:])
    if dtype not in FLOATS:
        raise TypeError(f"`logits` must be of type {', '.join(FLOATS)}; got {dtype}")
    if not shape:
        raise ValueError("`logits` must have an axis of classes; got a scalar")
    index = default_axis(len(shape)) if axis is None else axis
    index = int(np.lib.array_utils.normalize_axis_index(index, len(shape)))
    if weight is not None and tuple(weight.shape[calls:]) != (shape[index],):
        got = tuple(weight.shape[calls:])
        raise ValueError(f"`weight` must have the shape of the classes, {(shape[index],)}; got {got}")
    of_classes, of_rows = kind not in FLOATS, shape[:index] + shape[index + 1 :]
    if of_classes:
        _check_classes(given, kind, shape, index, of_rows)
    elif given != shape:
        raise ValueError(f"`targets` must be, as probabilities, of the shape of `logits`, {shape}; got {given}")
    elif kind != dtype:
        raise TypeError(f"`targets` must be, as probabilities, of the type of `logits`, {dtype}; got {kind}")
    loss_shape, smoothing = (*batch, *(of_rows if reduction == "none" else ())), float(label_smoothing)
    options = ignore_index, reduction, smoothing
    return Problem(logits, dtype, calls + index, target, of_classes, weight, *options, loss_shape, calls)


def check_grad(given: Problem, shape: tuple[int, ...]) -> None:
    """Raise where a gradient of the loss is not of its shape."""
    if tuple(shape) != given.loss_shape:
        raise ValueError(f"`grad_output` must be of the shape of the loss, {given.loss_shape}; got {tuple(shape)}")


def _check_classes(
    given: tuple[int, ...], kind: str, shape: tuple[int, ...], axis: int, of_rows: tuple[int, ...]
) -> None:
    integral = np.dtype(kind).kind
    has_shape = given in (of_rows, (*shape[:axis], 1, *shape[axis + 1 :]))
    if given == shape and not has_shape and integral in "biu":
        raise TypeError(
            f"`targets` must be, as probabilities of the shape of `logits`, {shape}, of a float type; got {kind}: "
            f"convert one-hot targets to a float type, or give their classes, `targets.argmax({axis})`"
        )
    if integral not in "iu":
        raise TypeError(f"`targets` must be integers, or probabilities of a float type; got {kind}")
    if not has_shape:
        raise ValueError(f"`targets` must be, as classes, of the shape {of_rows}; got {given}")
