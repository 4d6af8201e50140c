"""The public cross entropy and its gradient."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from numbaexp import rows_dispatch as rows
from numbaexp.owners.table import owner_of

REDUCTIONS = ("mean", "sum", "none")
# In the place of a class: the row's target has none, or the row counts for nothing; see ``numbaexp.cpu.row_losses``.
NOWHERE, IGNORED = -1, -2
_ARGUMENTS = """logits : array_like, or array of another library on the CPU
        Of shape (classes,), (batch, classes) or (batch, classes, ...), of a float type.
    targets : array_like, or array of that library
        Classes, integers of the shape of ``logits`` without the axis of the classes; or the classes' probabilities,
        floats of the shape of ``logits``.
    weight : array_like or None, optional
        A factor for each class.
    ignore_index : int, optional
        A class whose targets count for nothing. Without meaning for probabilities.
    reduction : {"mean", "sum", "none"}, optional
        Of the losses: the mean, weighted as the target classes are, over probabilities their sum over the number of
        rows; the sum; or none.
    label_smoothing : float, optional
        In [0, 1], the part of each target that is spread evenly over the classes.
    axis : int or None, optional
        That of the classes; None is 1, or 0 where ``logits`` has no other."""
_RAISES = """TypeError
        If a type is none of the above, or an array is on a device.
    ValueError
        If a shape, a class or an option is none of the above."""


def _documented(function: Callable[..., Any]) -> Callable[..., Any]:
    function.__doc__ = (function.__doc__ or "").replace("{arguments}", _ARGUMENTS).replace("{raises}", _RAISES)
    return function


@_documented
def cross_entropy(
    logits: Any,
    targets: Any,
    *,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    axis: int | None = None,
) -> Any:
    """The negative logarithm of the softmax of the target classes, by the rules of
    :func:`torch.nn.functional.cross_entropy`.

    Parameters
    ----------
    {arguments}

    Returns
    -------
    array or scalar
        The loss, of the type of ``logits``; without reduction of the shape of ``logits`` without the axis.

    Raises
    ------
    {raises}

    See Also
    --------
    cross_entropy_backward : its gradient.
    log_softmax : of all classes.

    Notes
    -----
    Accuracy: without weights and reduction, of target classes, as of :func:`log_softmax`; else within 1 ulp of the
    exact value for float16, bfloat16 and float32, 1.5 ulp for float64 (evidence: derived, and sampled against MPFR).
    ``logits`` are read once, and nothing of their size is made. Losses are added in pairs of float64, in the order in
    which a row is. Every target gives the same bits.

    Special values: as of :func:`log_softmax`, negative. The mean of nothing is NaN.

    References
    ----------
    .. [1] ONNX operator ``SoftmaxCrossEntropyLoss``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.cross_entropy(np.array([[0.0, 0.0], [100.0, 0.0]]), [0, 0], reduction="none")
    array([6.93147181e-01, 3.72007598e-44])
    """
    given = _read(logits, targets, weight, ignore_index, reduction, label_smoothing, axis)
    losses = _losses(given).reshape(*given.shape_of_rows, 2)
    if reduction != "none":
        losses = _total(losses.reshape(-1, 2))[0]
    if reduction == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            losses = np.array([losses.sum() / np.float64(_count(given)), 0.0])

    def write(result: np.ndarray) -> None:
        pairs, results = losses.reshape(-1, 2), result.reshape(-1)
        if results.size:
            rows.on_host("rounded", given.dtype, (1,), x=results[:, None], y=results[:, None], extra=pairs[:, :1])

    first = (slice(None),) * given.axis + (0,) if reduction == "none" else (0,) * given.x.ndim
    return given.result(lambda: logits[first], losses.shape[:-1], write)


@_documented
def cross_entropy_backward(
    grad_output: Any,
    logits: Any,
    targets: Any,
    *,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    axis: int | None = None,
) -> Any:
    """The gradient of :func:`cross_entropy` with respect to ``logits``.

    Parameters
    ----------
    grad_output : array_like or scalar, or array of the library of ``logits``
        The gradient of the loss, of its shape.
    {arguments}

    Returns
    -------
    array
        Of the shape and type of ``logits``.

    Raises
    ------
    {raises}

    See Also
    --------
    cross_entropy

    Notes
    -----
    Accuracy: of target classes without smoothing within 1 ulp of the exact value for float16, bfloat16 and float32, 1.5
    ulp for float64, the target's own gradient included, which is what its softmax lacks of 1; else to 2**-38, or
    2**-52, of the greater of the softmax and the target, whose difference the gradient is (evidence: derived, and
    sampled against MPFR). Every target gives the same bits.

    Special values: a row with NaN or +inf, or of -inf alone, gives NaN, but for a target that is ignored, which gives
    0.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.cross_entropy_backward(1.0, np.array([[0.0, 0.0], [100.0, 0.0]]), [0, 0], reduction="sum")
    array([[-5.00000000e-01,  5.00000000e-01],
           [-3.72007598e-44,  3.72007598e-44]])
    """
    given = _read(logits, targets, weight, ignore_index, reduction, label_smoothing, axis)
    shape = given.shape_of_rows if reduction == "none" else ()
    grad = _as_float64(grad_output, "grad_output")
    if grad.shape != shape:
        raise ValueError(f"`grad_output` must be of the shape of the loss, {shape}; got {grad.shape}")
    if reduction == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            grad = grad / np.float64(_count(given))
    numbers = np.zeros((*given.reduced, 3))
    numbers[..., 0] = grad.reshape(given.reduced) if reduction == "none" else grad
    numbers[..., 1] = NOWHERE if given.classes is None else np.where(given.ignored, IGNORED, given.classes)

    def write(result: np.ndarray) -> None:
        if given.classes is not None and not given.smoothing:
            # Where nothing counts the gradient of a mean is infinite, in rows of zeros.
            with np.errstate(invalid="ignore"):
                numbers[..., 0] *= np.where(given.ignored, 0.0, given.weights)
            given.run("class_gradients", y=result, extra=numbers[..., 0])
        else:
            numbers[..., 2] = (1.0 - given.smoothing) * given.weights
            given.run("expected_gradients", y=result, extra=numbers[..., 0], **_target(given))

    return given.result(lambda: logits, given.x.shape, write)


class _Given(NamedTuple):
    """The arguments, checked; bfloat16 is in uint16. For each row: ``classes`` has its class, or None where there are
    ``probabilities``; ``weights`` the weight of that, and 0 where the row counts for nothing, as ``ignored`` says.
    ``of_class`` are the weights of all classes."""

    logits: Any
    x: np.ndarray
    dtype: str
    axis: int
    classes: np.ndarray | None
    probabilities: np.ndarray | None
    ignored: np.ndarray
    weights: np.ndarray
    of_class: np.ndarray
    smoothing: float

    @property
    def reduced(self) -> tuple[int, ...]:
        return rows.reduced_shape(self.x.shape, (self.axis,))

    @property
    def shape_of_rows(self) -> tuple[int, ...]:
        return self.x.shape[: self.axis] + self.x.shape[self.axis + 1 :]

    def run(self, name: str, **operands: np.ndarray | None) -> None:
        """A kernel of the rows, of which there may be none."""
        if self.x.size:
            rows.on_host(name, self.dtype, (self.axis,), **{"x": self.x, **operands})

    def result(self, like: Callable[[], Any], shape: tuple[int, ...], compute: Callable[[np.ndarray], None]) -> Any:
        """An array of the library of ``logits``, into which ``compute`` writes; one of that shape is what ``like``
        gives."""
        owner = owner_of(self.logits)
        if owner is not None:
            elements, _ = owner.read(like())
            written = owner.write(elements, None, self.dtype)
            compute(written.view)
            return owner.finish(elements.array, None, written)
        made = np.empty(shape, rows.plain(self.logits, "logits").dtype.newbyteorder("="))
        compute(rows.stored(made))  # type: ignore[arg-type]
        return made[()]


def _read(
    logits: Any,
    targets: Any,
    weight: Any,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    axis: int | None,
) -> _Given:
    if reduction not in REDUCTIONS:
        raise ValueError(f"`reduction` must be one of {REDUCTIONS}; got {reduction!r}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"`label_smoothing` must be in [0, 1]; got {label_smoothing}")
    x, dtype = _view(logits, "logits")
    if dtype not in rows.FLOATS:
        raise TypeError(f"`logits` must be of type {', '.join(rows.FLOATS)}; got {dtype}")
    if x.ndim == 0:
        raise ValueError("`logits` must have an axis of classes; got a scalar")
    place = (0 if x.ndim == 1 else 1) if axis is None else axis
    place = int(np.lib.array_utils.normalize_axis_index(place, x.ndim))
    classes = x.shape[place]
    x = rows.read(x, x.dtype.newbyteorder("="), (place,))
    of_class = np.ones(classes) if weight is None else _as_float64(weight, "weight")
    if of_class.shape != (classes,):
        raise ValueError(f"`weight` must have the shape of the classes, {(classes,)}; got {of_class.shape}")
    of_class = np.ascontiguousarray(of_class)
    target, kind = _view(targets, "targets")
    reduced = rows.reduced_shape(x.shape, (place,))
    if kind in rows.FLOATS:
        if target.shape != x.shape:
            raise ValueError(
                f"`targets` must be, as probabilities, of the shape of `logits`, {x.shape}; got {target.shape}"
            )
        if kind != dtype:
            raise TypeError(f"`targets` must be, as probabilities, of the type of `logits`, {dtype}; got {kind}")
        nothing = np.zeros(reduced, bool)
        probabilities = rows.read(target, x.dtype, (place,))
        return _Given(
            logits, x, dtype, place, None, probabilities, nothing, np.ones(reduced), of_class, label_smoothing
        )
    if target.dtype.kind not in "iu":
        raise TypeError(f"`targets` must be integers, or probabilities of the type of `logits`; got {kind}")
    if target.shape not in (x.shape[:place] + x.shape[place + 1 :], reduced):
        wanted = x.shape[:place] + x.shape[place + 1 :]
        raise ValueError(f"`targets` must be, as classes, of the shape {wanted}; got {target.shape}")
    target = target.reshape(reduced)
    ignored = target == ignore_index
    outside = ~ignored & ((target < 0) | (target >= classes))
    if outside.any():
        raise ValueError(f"`targets` must be classes from 0 to {classes - 1}; got {target[outside][0]}")
    index = np.where(ignored, 0, target).astype(np.intp)
    weights = np.where(ignored, 0.0, of_class[index]) if classes else np.zeros(reduced)
    return _Given(logits, x, dtype, place, index, None, ignored, weights, of_class, label_smoothing)


def _view(array: Any, argument: str) -> tuple[np.ndarray, str]:
    """The elements of an argument in the host's memory, and the name of their type."""
    owner = owner_of(array)
    if owner is None:
        given = rows.plain(array, argument)
        return rows.stored(given), given.dtype.name  # type: ignore[return-value]
    place = owner.place(array, argument)
    if place != "cpu":
        raise TypeError(f"`{argument}` must be on the CPU; got an array on {place}")
    elements, dtype = owner.read(array, argument)
    return (
        elements.view,
        dtype if elements.view.dtype.kind in "fu" and dtype == "bfloat16" else elements.view.dtype.name,
    )


def _as_float64(array: Any, argument: str) -> np.ndarray:
    view, dtype = _view(array, argument)
    if dtype == "bfloat16":
        return (view.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return view.astype(np.float64)


def _losses(given: _Given) -> np.ndarray:
    """The loss of each row, as a pair: an array with a last axis of two."""
    known = np.zeros((*given.reduced, 4))
    given.run("statistics", extra=known[..., 0])
    parts = None if given.classes is not None and not given.smoothing else known.copy()
    if parts is not None:
        given.run("expected_losses", extra=parts[..., 0], **_target(given))
    if given.classes is None:
        return _without_low_of_infinity(parts[..., :2])  # type: ignore[index]
    known[..., 3] = given.weights * (1.0 - given.smoothing)
    if given.x.size:
        x = np.take_along_axis(given.x, given.classes, given.axis)
        rows.on_host("losses", given.dtype, (given.axis,), x=x, extra=known[..., 0])
    if parts is not None:
        with np.errstate(invalid="ignore"):
            high = known[..., 0] + parts[..., 0]
            part = high - known[..., 0]
            known[..., 1] += parts[..., 1] + ((known[..., 0] - (high - part)) + (parts[..., 0] - part))
        known[..., 0] = high
    known[given.ignored] = 0.0
    return _without_low_of_infinity(known[..., :2])


def _without_low_of_infinity(pairs: np.ndarray) -> np.ndarray:
    """The error of a sum that is infinite is NaN."""
    pairs[..., 1][np.isinf(pairs[..., 0])] = 0.0
    return pairs


def _target(given: _Given) -> dict[str, np.ndarray]:
    """What the kernels of expected losses know of the target; classes alone are in them as the even part."""
    even = given.smoothing / max(len(given.of_class), 1)
    w, one = given.probabilities, 1.0 - given.smoothing
    if w is None:
        w, one = np.broadcast_to(np.zeros((), given.x.dtype), given.x.shape), 0.0
    return {"w": w, "along": given.of_class, "constants": np.array([one, even])}


def _total(pairs: np.ndarray) -> np.ndarray:
    """Their sum, in the order of a row, as a pair."""
    total = np.zeros((1, 2))
    pairs = np.ascontiguousarray(pairs)
    if len(pairs):
        rows.on_host("total", "float64", (0,), x=pairs[:, 0], extra=total[:, 0])
    return _without_low_of_infinity(total)


def _count(given: _Given) -> float:
    """What a mean divides by."""
    if given.classes is None:
        return float(given.weights.size)
    pairs = np.zeros((given.weights.size, 2))
    pairs[:, 0] = given.weights.reshape(-1)
    return float(_total(pairs).sum())
