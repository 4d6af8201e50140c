"""The rules of the cross entropy, for the table in ``rules.py``.

The loss of a row is ``-sum(w * t * log_softmax(x))``, where ``w`` are the weights of the classes and ``t`` their
probabilities by the target, smoothed. Its gradient is ``W * softmax(x) - w * t``, where ``W`` is ``sum(w * t)``.
"""

import math
from typing import Any, NamedTuple

from numbaexp.derivatives.arrays import masked
from numbaexp.derivatives.rule import Rule
from numbaexp.engine.loss_problem import default_axis
from numbaexp.layout import reduced_shape
from numbaexp.operations import OPERATIONS
from numbaexp.public.losses import cross_entropy_backward
from numbaexp.public.rows import log_softmax, softmax, softmax_backward


class _Target(NamedTuple):
    """Hold the sums over the targets of each row, in shapes that broadcast to that of the logits.

    ``total`` is W of each row, and ``weights`` is w of each class, for targets that are probabilities: both times the
    weight of a row in the result. ``ignored`` marks the rows that count for nothing, whatever their logits.
    """

    axis: int
    total: Any
    weights: Any
    ignored: Any


def _axis(logits: Any, options: dict[str, Any]) -> int:
    """Return the axis of the classes, from the front."""
    axis = options["axis"]
    return default_axis(logits.ndim) if axis is None else axis % logits.ndim


def _rows(logits: Any, options: dict[str, Any]) -> tuple[int, ...]:
    """Return the shape of the rows, with the axis kept."""
    return reduced_shape(tuple(logits.shape), (_axis(logits, options),))


def _float64(counted: Any) -> Any:
    """Convert a mask to zeros and ones; PyTorch's mask times 1.0 would be of its default type."""
    return counted.double() if hasattr(counted, "double") else counted * 1.0


def _int64(index: Any) -> Any:
    """Convert integers to PyTorch's type of indices."""
    return index.long() if hasattr(index, "long") else index


def _target(logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> _Target:
    """Add up the targets of each row."""
    axis, smoothing = _axis(logits, options), options["label_smoothing"]
    classes = logits.shape[axis]
    weights = 1.0 if weight is None else weight.reshape([-1 if i == axis else 1 for i in range(logits.ndim)])
    if "float" in str(targets.dtype):
        counted, ignored = 1.0, None
        of_targets = (targets * weights).sum(axis, keepdims=True)
        count = float(math.prod(_rows(logits, options)))
    else:
        index = targets.reshape(_rows(logits, options))
        counted, ignored = index != options["ignore_index"], index == options["ignore_index"]
        of_targets = _float64(counted) if weight is None else masked(weight[_int64(index * counted)], ignored)
        count = of_targets.sum()
    total = of_targets * (1.0 - smoothing)
    if smoothing > 0.0:
        even = smoothing if weight is None else smoothing / max(classes, 1) * weight.sum()
        total = total + counted * even
    if ignored is not None:
        total = masked(total, ignored)
    # Where nothing counts, nothing depends on the logits.
    scale = 1.0 / (count + (count == 0)) if options["reduction"] == "mean" else 1.0
    return _Target(axis, total * scale, weights * (scale * (1.0 - smoothing)), ignored)


def _product(values: Any, factor: Any) -> Any:
    """Multiply, with 0 where the factor is 0, for infinite values too."""
    infinite = (values == math.inf) | (values == -math.inf)
    return masked(values, infinite & (factor == 0)) * factor


def _softmax(logits: Any, target: _Target) -> Any:
    """Compute the softmax of the rows that count for something, and finite numbers in the others."""
    return softmax(logits if target.ignored is None else masked(logits, target.ignored), target.axis)


def _of_rows(grad_output: Any, logits: Any, options: dict[str, Any]) -> Any:
    """Reshape the gradient of the result so that it broadcasts to the logits, as a number does."""
    if isinstance(grad_output, float):
        return grad_output
    return grad_output.reshape(_rows(logits, options) if options["reduction"] == "none" else (1,) * logits.ndim)


def _reduced(values: Any, logits: Any, options: dict[str, Any]) -> Any:
    """Sum over all that goes into each element of the result."""
    return values.sum(_axis(logits, options)) if options["reduction"] == "none" else values.sum()


def _jacobian(logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> Any:
    """Differentiate the element of the result that each logit goes into, by that logit."""
    reduction = "mean" if options["reduction"] == "mean" else "sum"
    return cross_entropy_backward(1.0, logits, targets, weight=weight, **{**options, "reduction": reduction})


def _by_targets(logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> Any:
    """Differentiate the element of the result that each probability goes into, by that probability."""
    target = _target(logits, targets, weight, options)
    return -_product(log_softmax(logits, target.axis), target.weights)


def _curved(grad: Any, grad_output: Any, logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> Any:
    """Multiply the Hessian with respect to the logits, which is symmetric, by ``grad``."""
    target = _target(logits, targets, weight, options)
    scale = _of_rows(grad_output, logits, options) * target.total
    # The scale may be of a wider type.
    return softmax_backward(grad, _softmax(logits, target), target.axis) * scale


def _mixed_gradient(
    grad: Any, grad_output: Any, logits: Any, targets: Any, weight: Any, options: dict[str, Any]
) -> Any:
    """Pull ``grad``, of the gradient with respect to the logits, back to the probabilities."""
    target = _target(logits, targets, weight, options)
    mean = (grad * softmax(logits, target.axis)).sum(target.axis, keepdims=True)
    return (mean - grad) * target.weights * _of_rows(grad_output, logits, options)


def _mixed_tangent(
    tangent: Any, grad_output: Any, logits: Any, targets: Any, weight: Any, options: dict[str, Any]
) -> Any:
    """Push the tangent of the probabilities on to the gradient with respect to the logits."""
    target = _target(logits, targets, weight, options)
    change = tangent * target.weights
    total = change.sum(target.axis, keepdims=True)
    return (softmax(logits, target.axis) * total - change) * _of_rows(grad_output, logits, options)


_OPTIONS = tuple(OPERATIONS["cross_entropy"].options)

LOSSES = [
    Rule(
        "cross_entropy",
        OPERATIONS["cross_entropy"].arrays,
        gradients={
            "logits": lambda grad, logits, targets, weight, options: cross_entropy_backward(
                grad, logits, targets, weight=weight, **options
            ),
            "targets": lambda grad, logits, targets, weight, options: _product(
                _by_targets(logits, targets, weight, options), _of_rows(grad, logits, options)
            ),
        },
        tangents={
            "logits": lambda tangent, logits, targets, weight, options: _reduced(
                tangent * _jacobian(logits, targets, weight, options), logits, options
            ),
            "targets": lambda tangent, logits, targets, weight, options: _reduced(
                _product(_by_targets(logits, targets, weight, options), tangent), logits, options
            ),
        },
        options=_OPTIONS,
    ),
    Rule(
        "cross_entropy_backward",
        OPERATIONS["cross_entropy_backward"].arrays,
        gradients={
            "grad_output": lambda grad, logits, targets, weight, options: _reduced(
                grad * _jacobian(logits, targets, weight, options), logits, options
            ),
            "logits": _curved,
            "targets": _mixed_gradient,
        },
        tangents={
            "grad_output": lambda tangent, logits, targets, weight, options: cross_entropy_backward(
                tangent, logits, targets, weight=weight, **options
            ),
            "logits": _curved,
            "targets": _mixed_tangent,
        },
        options=_OPTIONS,
    ),
]
