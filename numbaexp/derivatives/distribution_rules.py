"""The rules of ``log_prob`` and ``entropy``, for the table in ``rules.py``."""

from typing import Any

from numbaexp.derivatives.arrays import selected
from numbaexp.derivatives.rows import kept, total
from numbaexp.derivatives.rule import Rule
from numbaexp.layout import axes_of
from numbaexp.operations import OPERATIONS
from numbaexp.public.distributions import entropy_backward, log_prob_backward
from numbaexp.public.rows import softmax, softmax_backward


def _pushed(tangent: Any, logits: Any, index: Any, axis: Any) -> Any:
    """Push a tangent of the logits on to the selected logarithms: their own, less its mean by the softmax."""
    (of_classes,) = axes_of(axis, logits.ndim)
    mean = (softmax(logits, axis) * tangent).sum(of_classes, keepdims=index.ndim == logits.ndim)
    return selected(tangent, index, of_classes) - mean


def _curved(grad: Any, grad_output: Any, logits: Any, axis: Any) -> Any:
    """Multiply the Hessian of the sum of selected logarithms, each times its gradient, by ``grad``."""
    of_rows = grad_output.sum(axes_of(axis, logits.ndim)) if grad_output.ndim == logits.ndim else grad_output
    return -(softmax_backward(grad, softmax(logits, axis), axis) * kept(of_rows, logits, axis))


def _entropy_gradient(of_rows: Any, logits: Any, axis: Any) -> Any:
    """Differentiate ``entropy``, given anything of the shape of its result."""
    return entropy_backward((of_rows == 0) * 0.0 + 1.0, logits, axis)


def _entropy_curved(grad: Any, grad_output: Any, logits: Any, axis: Any) -> Any:
    """Multiply the Hessian of ``entropy``, which is symmetric, by ``grad``."""
    shares, gradient = softmax(logits, axis), _entropy_gradient(grad_output, logits, axis)
    moved = grad - total(shares * grad, axis)
    curved = moved * gradient - shares * (moved + total(gradient * grad, axis))
    return curved * kept(grad_output, logits, axis)


_ARRAYS = {name: OPERATIONS[name].arrays for name in ("log_prob", "log_prob_backward", "entropy", "entropy_backward")}

DISTRIBUTIONS = [
    Rule(
        "log_prob",
        _ARRAYS["log_prob"],
        gradients={"logits": log_prob_backward},
        tangents={"logits": _pushed},
        options=("axis",),
    ),
    Rule(
        "log_prob_backward",
        _ARRAYS["log_prob_backward"],
        gradients={"grad_output": _pushed, "logits": _curved},
        tangents={
            "grad_output": log_prob_backward,
            "logits": _curved,
        },
        options=("axis",),
    ),
    Rule(
        "entropy",
        _ARRAYS["entropy"],
        gradients={"logits": entropy_backward},
        tangents={
            "logits": lambda tangent, logits, result, axis: total(
                _entropy_gradient(result, logits, axis) * tangent, axis
            ).reshape(result.shape)
        },
        options=("axis", "keepdims"),
    ),
    Rule(
        "entropy_backward",
        _ARRAYS["entropy_backward"],
        gradients={
            "grad_output": lambda grad, grad_output, logits, axis: total(
                grad * _entropy_gradient(grad_output, logits, axis), axis
            ).reshape(grad_output.shape),
            "logits": _entropy_curved,
        },
        tangents={
            "grad_output": entropy_backward,
            "logits": _entropy_curved,
        },
        options=("axis",),
    ),
]
