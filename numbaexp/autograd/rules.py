"""The one table of what each function saves, and what its gradient and its tangent are.

The formulas are written in the public functions of this package and in what arrays of NumPy, CuPy, PyTorch, JAX and the
tape have in common: ``*``, ``+``, ``-``, ``.sum``, ``.reshape``. So what they make of arrays that record is recorded in
its turn, and there are derivatives of every order. A function whose name ends in ``_backward`` is linear in
``grad_output``; its gradient with respect to that is its transpose.
"""
# ruff: noqa: PLW0108 - the names of a formula's parameters say what it takes

from typing import Any

from numbaexp.autograd.loss_rules import LOSSES
from numbaexp.autograd.rule import Formula, Rule
from numbaexp.functions import exp, sigmoid
from numbaexp.gradients import (
    exp2_backward,
    exp10_backward,
    exp_backward,
    expm1_backward,
    sigmoid_backward,
    softplus_backward,
)
from numbaexp.layout import axes_of, reduced_shape
from numbaexp.softmax_family import log_softmax_backward, logsumexp_backward, softmax_backward


def _elementwise(name: str, *arguments: str, **gradients: Formula) -> Rule:
    """Where an element depends on one element, the gradient and the tangent are the same product."""
    return Rule(name, arguments, gradients, gradients)


_ELEMENTWISE = [
    _elementwise("exp", "x", x=lambda grad, result: exp_backward(grad, result)),
    _elementwise("exp2", "x", x=lambda grad, result: exp2_backward(grad, result)),
    _elementwise("exp10", "x", x=lambda grad, result: exp10_backward(grad, result)),
    _elementwise("expm1", "x", x=lambda grad, x: expm1_backward(grad, x)),
    _elementwise("sigmoid", "x", x=lambda grad, x: sigmoid_backward(grad, x)),
    _elementwise("softplus", "x", x=lambda grad, x: softplus_backward(grad, x)),
    _elementwise(
        "exp_backward",
        "grad_output",
        "output",
        grad_output=lambda grad, output: exp_backward(grad, output),
        output=lambda grad, grad_output: exp_backward(grad, grad_output),
    ),
    _elementwise(
        "exp2_backward",
        "grad_output",
        "output",
        grad_output=lambda grad, output: exp2_backward(grad, output),
        output=lambda grad, grad_output: exp2_backward(grad, grad_output),
    ),
    _elementwise(
        "exp10_backward",
        "grad_output",
        "output",
        grad_output=lambda grad, output: exp10_backward(grad, output),
        output=lambda grad, grad_output: exp10_backward(grad, grad_output),
    ),
    _elementwise(
        "expm1_backward",
        "grad_output",
        "x",
        grad_output=lambda grad, x: expm1_backward(grad, x),
        x=lambda grad, grad_output, x: expm1_backward(grad * grad_output, x),
    ),
    _elementwise(
        "sigmoid_backward",
        "grad_output",
        "x",
        grad_output=lambda grad, x: sigmoid_backward(grad, x),
        x=lambda grad, grad_output, x: sigmoid_backward(grad * grad_output, x) * (sigmoid(-x) - sigmoid(x)),
    ),
    _elementwise(
        "softplus_backward",
        "grad_output",
        "x",
        grad_output=lambda grad, x: softplus_backward(grad, x),
        x=lambda grad, grad_output, x: sigmoid_backward(grad * grad_output, x),
    ),
]


def _total(values: Any, axis: Any) -> Any:
    """The sum along the axes, which are kept. A scalar has one axis here, and none elsewhere."""
    return values.sum(axes_of(axis, values.ndim), keepdims=True) if values.ndim else values


def _kept(of_rows: Any, x: Any, axis: Any) -> Any:
    """What belongs to the rows of ``x``, with the axes kept."""
    return of_rows.reshape(reduced_shape(tuple(x.shape), axes_of(axis, x.ndim)))


def _shares(of_rows: Any, x: Any, axis: Any) -> Any:
    """The derivative of the logarithm of a sum, given anything that has its shape: the softmax, but 0 in a row of -inf
    alone."""
    return logsumexp_backward((of_rows == 0) * 0.0 + 1.0, x, axis)


_ROWS = [
    Rule(
        "softmax",
        ("x",),
        gradients={"x": lambda grad, result, axis: softmax_backward(grad, result, axis)},
        tangents={"x": lambda tangent, result, axis: softmax_backward(tangent, result, axis)},
        options=("axis",),
    ),
    Rule(
        "log_softmax",
        ("x",),
        gradients={"x": lambda grad, result, axis: log_softmax_backward(grad, result, axis)},
        tangents={"x": lambda tangent, result, axis: tangent - _total(exp(result) * tangent, axis)},
        options=("axis",),
    ),
    Rule(
        "logsumexp",
        ("a",),
        gradients={"a": lambda grad, a, axis: logsumexp_backward(grad, a, axis)},
        tangents={
            "a": lambda tangent, a, result, axis: _total(_shares(result, a, axis) * tangent, axis).reshape(result.shape)
        },
        options=("axis", "keepdims"),
    ),
    Rule(
        "softmax_backward",
        ("grad_output", "output"),
        gradients={
            "grad_output": lambda grad, output, axis: softmax_backward(grad, output, axis),
            "output": lambda grad, grad_output, output, axis: (
                grad * (grad_output - _total(grad_output * output, axis)) - grad_output * _total(grad * output, axis)
            ),
        },
        tangents={
            "grad_output": lambda tangent, output, axis: softmax_backward(tangent, output, axis),
            "output": lambda tangent, grad_output, output, axis: (
                tangent * (grad_output - _total(grad_output * output, axis))
                - output * _total(grad_output * tangent, axis)
            ),
        },
        options=("axis",),
    ),
    Rule(
        "log_softmax_backward",
        ("grad_output", "output"),
        gradients={
            "grad_output": lambda grad, output, axis: grad - _total(grad * exp(output), axis),
            "output": lambda grad, grad_output, output, axis: -(grad * exp(output) * _total(grad_output, axis)),
        },
        tangents={
            "grad_output": lambda tangent, output, axis: log_softmax_backward(tangent, output, axis),
            "output": lambda tangent, grad_output, output, axis: -(tangent * exp(output) * _total(grad_output, axis)),
        },
        options=("axis",),
    ),
    Rule(
        "logsumexp_backward",
        ("grad_output", "x"),
        gradients={
            "grad_output": lambda grad, grad_output, x, axis: _total(
                grad * _shares(grad_output, x, axis), axis
            ).reshape(grad_output.shape),
            "x": lambda grad, grad_output, x, axis: softmax_backward(
                grad * _kept(grad_output, x, axis), _shares(grad_output, x, axis), axis
            ),
        },
        tangents={
            "grad_output": lambda tangent, x, axis: logsumexp_backward(tangent, x, axis),
            "x": lambda tangent, grad_output, x, axis: softmax_backward(
                tangent * _kept(grad_output, x, axis), _shares(grad_output, x, axis), axis
            ),
        },
        options=("axis",),
    ),
]

RULES = {rule.name: rule for rule in (*_ELEMENTWISE, *_ROWS, *LOSSES)}


def rule_of(name: str) -> Rule:
    """The rule of a function, or :class:`NotImplementedError`."""
    try:
        return RULES[name]
    except KeyError:
        raise NotImplementedError(f"`{name}` has no rule for its gradient") from None
