"""The rules of the cross entropy, for the table in ``rules.py``.

The loss of a row is ``-sum(w * t * log_softmax(x))``, where ``w`` are the weights of the classes and ``t`` what the
target expects of each, smoothed. Its gradient is ``W * softmax(x) - w * t``, where ``W`` is ``sum(w * t)``.
"""

import math
from typing import Any, NamedTuple

from numbaexp.autograd.arithmetic import masked
from numbaexp.autograd.rule import Rule
from numbaexp.layout import reduced_shape
from numbaexp.losses import cross_entropy_backward
from numbaexp.softmax_family import log_softmax, softmax, softmax_backward


class _Target(NamedTuple):
    """What is known of the rows without their logits, in shapes that broadcast to theirs.

    Of each row ``total`` is W, and of each class ``weights`` what w is to a target of probabilities: both times what a
    row counts for in the result. ``ignored`` are the rows that count for nothing, whatever their logits.
    """

    axis: int
    total: Any
    weights: Any
    ignored: Any


def _axis(logits: Any, options: dict[str, Any]) -> int:
    axis = options["axis"]
    return (0 if logits.ndim == 1 else 1) if axis is None else axis % logits.ndim


def _rows(logits: Any, options: dict[str, Any]) -> tuple[int, ...]:
    """The shape of the rows, with the axis kept."""
    return reduced_shape(tuple(logits.shape), (_axis(logits, options),))


def _float64(counted: Any) -> Any:
    """Zeros and ones; PyTorch's of bool times 1.0 would be of its default type."""
    return counted.double() if hasattr(counted, "double") else counted * 1.0


def _places(index: Any) -> Any:
    """What PyTorch takes as places, of whatever integers."""
    return index.long() if hasattr(index, "long") else index


def _target(logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> _Target:
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
        of_targets = _float64(counted) if weight is None else masked(weight[_places(index * counted)], ignored)
        count = of_targets.sum()
    total = of_targets * (1.0 - smoothing)
    if smoothing > 0.0:
        even = smoothing if weight is None else smoothing / max(classes, 1) * weight.sum()
        total = total + counted * even
    if ignored is not None:
        total = masked(total, ignored)
    # Where nothing counts, nothing depends on the logits.
    share = 1.0 / (count + (count == 0)) if options["reduction"] == "mean" else 1.0
    return _Target(axis, total * share, weights * (share * (1.0 - smoothing)), ignored)


def _product(values: Any, factor: Any) -> Any:
    """``values * factor``, and 0 where the factor is, of infinite values too."""
    infinite = (values == math.inf) | (values == -math.inf)
    return masked(values, infinite & (factor == 0)) * factor


def _softmax(logits: Any, known: _Target) -> Any:
    """Of the rows that count for something; it is finite in the others."""
    return softmax(logits if known.ignored is None else masked(logits, known.ignored), known.axis)


def _of_rows(grad_output: Any, logits: Any, options: dict[str, Any]) -> Any:
    """The gradient of the result, in a shape that broadcasts to that of the logits, as a number does."""
    if isinstance(grad_output, float):
        return grad_output
    return grad_output.reshape(_rows(logits, options) if options["reduction"] == "none" else (1,) * logits.ndim)


def _reduced(values: Any, logits: Any, options: dict[str, Any]) -> Any:
    """The sums over what goes into each element of the result."""
    return values.sum(_axis(logits, options)) if options["reduction"] == "none" else values.sum()


def _jacobian(logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> Any:
    """The gradient of the element of the result that each logit goes into."""
    reduction = "mean" if options["reduction"] == "mean" else "sum"
    return cross_entropy_backward(1.0, logits, targets, weight=weight, **{**options, "reduction": reduction})


def _by_targets(logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> Any:
    """The same, with respect to the probabilities."""
    known = _target(logits, targets, weight, options)
    return -_product(log_softmax(logits, known.axis), known.weights)


def _curved(grad: Any, grad_output: Any, logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> Any:
    """The Hessian with respect to the logits, which is symmetric, times ``grad``."""
    known = _target(logits, targets, weight, options)
    scale = _of_rows(grad_output, logits, options) * known.total
    # The scale may be of a wider type.
    return softmax_backward(grad, _softmax(logits, known), known.axis) * scale


def _mixed_gradient(
    grad: Any, grad_output: Any, logits: Any, targets: Any, weight: Any, options: dict[str, Any]
) -> Any:
    """The gradient of the gradient with respect to the probabilities."""
    known = _target(logits, targets, weight, options)
    mean = (grad * softmax(logits, known.axis)).sum(known.axis, keepdims=True)
    return (mean - grad) * known.weights * _of_rows(grad_output, logits, options)


def _mixed_tangent(
    tangent: Any, grad_output: Any, logits: Any, targets: Any, weight: Any, options: dict[str, Any]
) -> Any:
    known = _target(logits, targets, weight, options)
    change = tangent * known.weights
    total = change.sum(known.axis, keepdims=True)
    return (softmax(logits, known.axis) * total - change) * _of_rows(grad_output, logits, options)


_OPTIONS = ("ignore_index", "reduction", "label_smoothing", "axis")

LOSSES = [
    Rule(
        "cross_entropy",
        ("logits", "targets", "weight"),
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
        ("grad_output", "logits", "targets", "weight"),
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
