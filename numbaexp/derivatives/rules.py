"""The table of derivatives: the values that each function saves, its gradients and its tangents.

The formulas use the public functions of this package and the common operations of NumPy's, CuPy's, PyTorch's, JAX's and
the tape's arrays: ``*``, ``+``, ``-``, ``.sum``, ``.reshape``. So the tape records them in turn, and there are
derivatives of every order. A function whose name ends in ``_backward`` is linear in
``grad_output``; its gradient with respect to that is its transpose.
"""
# ruff: noqa: PLW0108 - the names of a formula's parameters are the values that it needs

import math
from collections.abc import Mapping
from typing import Any

from numbaexp.derivatives.arrays import masked
from numbaexp.derivatives.distribution_rules import DISTRIBUTIONS
from numbaexp.derivatives.loss_rules import LOSSES
from numbaexp.derivatives.rows import kept, total
from numbaexp.derivatives.rule import Formula, Rule
from numbaexp.operations import OPERATIONS
from numbaexp.public.exponentials import exp, sigmoid
from numbaexp.public.gradients import (
    cosh_backward,
    exp2_backward,
    exp10_backward,
    exp_backward,
    expm1_backward,
    log1p_backward,
    log2_backward,
    log10_backward,
    log_backward,
    log_sigmoid_backward,
    logit_backward,
    sigmoid_backward,
    sinh_backward,
    softplus_backward,
    tanh_backward,
)
from numbaexp.public.hyperbolic import tanh
from numbaexp.public.rows import log_softmax_backward, logsumexp_backward, softmax_backward


def _rule(name: str, gradients: Mapping[str, Formula], tangents: Mapping[str, Formula]) -> Rule:
    operation = OPERATIONS[name]
    return Rule(name, operation.arrays, gradients, tangents, tuple(operation.options))


def _elementwise(name: str, **gradients: Formula) -> Rule:
    """Make a rule whose tangents are its gradients: each element depends on one element, and both are one product."""
    return _rule(name, gradients, gradients)


_ELEMENTWISE = [
    _elementwise("exp", x=lambda grad, result: exp_backward(grad, result)),
    _elementwise("exp2", x=lambda grad, result: exp2_backward(grad, result)),
    _elementwise("exp10", x=lambda grad, result: exp10_backward(grad, result)),
    _elementwise("expm1", x=lambda grad, x: expm1_backward(grad, x)),
    _elementwise("sigmoid", x=lambda grad, x: sigmoid_backward(grad, x)),
    _elementwise("softplus", x=lambda grad, x: softplus_backward(grad, x)),
    _elementwise("log", x=lambda grad, x: log_backward(grad, x)),
    _elementwise("log2", x=lambda grad, x: log2_backward(grad, x)),
    _elementwise("log10", x=lambda grad, x: log10_backward(grad, x)),
    _elementwise("log1p", x=lambda grad, x: log1p_backward(grad, x)),
    _elementwise("sinh", x=lambda grad, x: sinh_backward(grad, x)),
    _elementwise("cosh", x=lambda grad, x: cosh_backward(grad, x)),
    _elementwise("tanh", x=lambda grad, x: tanh_backward(grad, x)),
    _elementwise("log_sigmoid", x=lambda grad, x: log_sigmoid_backward(grad, x)),
    _elementwise("logit", x=lambda grad, x: logit_backward(grad, x)),
    _elementwise(
        "exp_backward",
        grad_output=lambda grad, output: exp_backward(grad, output),
        output=lambda grad, grad_output: exp_backward(grad, grad_output),
    ),
    _elementwise(
        "exp2_backward",
        grad_output=lambda grad, output: exp2_backward(grad, output),
        output=lambda grad, grad_output: exp2_backward(grad, grad_output),
    ),
    _elementwise(
        "exp10_backward",
        grad_output=lambda grad, output: exp10_backward(grad, output),
        output=lambda grad, grad_output: exp10_backward(grad, grad_output),
    ),
    _elementwise(
        "expm1_backward",
        grad_output=lambda grad, x: expm1_backward(grad, x),
        x=lambda grad, grad_output, x: expm1_backward(grad * grad_output, x),
    ),
    _elementwise(
        "sigmoid_backward",
        grad_output=lambda grad, x: sigmoid_backward(grad, x),
        x=lambda grad, grad_output, x: sigmoid_backward(grad * grad_output, x) * (sigmoid(-x) - sigmoid(x)),
    ),
    _elementwise(
        "softplus_backward",
        grad_output=lambda grad, x: softplus_backward(grad, x),
        x=lambda grad, grad_output, x: sigmoid_backward(grad * grad_output, x),
    ),
    # Of a quotient the second derivative is the first over the argument: powers of that could overflow.
    _elementwise(
        "log_backward",
        grad_output=lambda grad, x: log_backward(grad, x),
        x=lambda grad, grad_output, x: -log_backward(log_backward(grad * grad_output, x), x),
    ),
    _elementwise(
        "log2_backward",
        grad_output=lambda grad, x: log2_backward(grad, x),
        x=lambda grad, grad_output, x: -log_backward(log2_backward(grad * grad_output, x), x),
    ),
    _elementwise(
        "log10_backward",
        grad_output=lambda grad, x: log10_backward(grad, x),
        x=lambda grad, grad_output, x: -log_backward(log10_backward(grad * grad_output, x), x),
    ),
    _elementwise(
        "log1p_backward",
        grad_output=lambda grad, x: log1p_backward(grad, x),
        x=lambda grad, grad_output, x: -log1p_backward(log1p_backward(grad * grad_output, x), x),
    ),
    _elementwise(
        "sinh_backward",
        grad_output=lambda grad, x: sinh_backward(grad, x),
        x=lambda grad, grad_output, x: cosh_backward(grad * grad_output, x),
    ),
    _elementwise(
        "cosh_backward",
        grad_output=lambda grad, x: cosh_backward(grad, x),
        x=lambda grad, grad_output, x: sinh_backward(grad * grad_output, x),
    ),
    _elementwise(
        "tanh_backward",
        grad_output=lambda grad, x: tanh_backward(grad, x),
        x=lambda grad, grad_output, x: tanh_backward(grad * grad_output, x) * tanh(x) * -2.0,
    ),
    _elementwise(
        "log_sigmoid_backward",
        grad_output=lambda grad, x: log_sigmoid_backward(grad, x),
        x=lambda grad, grad_output, x: -sigmoid_backward(grad * grad_output, x),
    ),
    _elementwise(
        "logit_backward",
        grad_output=lambda grad, x: logit_backward(grad, x),
        x=lambda grad, grad_output, x: logit_backward(logit_backward(grad * grad_output, x), x) * (x + (x - 1.0)),
    ),
]


def _logsumexp_derivative(of_rows: Any, x: Any, axis: Any) -> Any:
    """Differentiate ``logsumexp``, given anything of the shape of its result: the softmax, but 0 in rows of -inf."""
    return logsumexp_backward((of_rows == 0) * 0.0 + 1.0, x, axis)


def _by_factor(a: Any, result: Any, axis: Any, hidden: Any = False) -> Any:
    """Differentiate ``logsumexp`` by its factors; 0 in rows of nothing, whose logarithm has no derivative."""
    of_rows = kept(result, a, axis)
    nothing = of_rows == -math.inf
    hidden = hidden | nothing
    # Before the difference, which would be NaN, and after the exponential, which is 1.
    return masked(exp(masked(a, hidden) - masked(of_rows, nothing)), hidden)


def _by_argument(a: Any, b: Any, result: Any, axis: Any) -> Any:
    """Differentiate ``logsumexp`` with factors by its argument; 0 where the factor is 0, whatever the argument is."""
    return _by_factor(a, result, axis, b == 0) * b


_ROWS = [
    _rule(
        "softmax",
        gradients={"x": lambda grad, result, axis: softmax_backward(grad, result, axis)},
        tangents={"x": lambda tangent, result, axis: softmax_backward(tangent, result, axis)},
    ),
    _rule(
        "log_softmax",
        gradients={"x": lambda grad, result, axis: log_softmax_backward(grad, result, axis)},
        tangents={"x": lambda tangent, result, axis: tangent - total(exp(result) * tangent, axis)},
    ),
    _rule(
        "logsumexp",
        gradients={
            "a": lambda grad, a, b, result, axis: (
                logsumexp_backward(grad, a, axis)
                if b is None
                else kept(grad, a, axis) * _by_argument(a, b, result, axis)
            ),
            "b": lambda grad, a, result, axis: kept(grad, a, axis) * _by_factor(a, result, axis),
        },
        tangents={
            "a": lambda tangent, a, b, result, axis: total(
                tangent * (_logsumexp_derivative(result, a, axis) if b is None else _by_argument(a, b, result, axis)),
                axis,
            ).reshape(result.shape),
            "b": lambda tangent, a, result, axis: total(tangent * _by_factor(a, result, axis), axis).reshape(
                result.shape
            ),
        },
    ),
    _rule(
        "softmax_backward",
        gradients={
            "grad_output": lambda grad, output, axis: softmax_backward(grad, output, axis),
            "output": lambda grad, grad_output, output, axis: (
                grad * (grad_output - total(grad_output * output, axis)) - grad_output * total(grad * output, axis)
            ),
        },
        tangents={
            "grad_output": lambda tangent, output, axis: softmax_backward(tangent, output, axis),
            "output": lambda tangent, grad_output, output, axis: (
                tangent * (grad_output - total(grad_output * output, axis))
                - output * total(grad_output * tangent, axis)
            ),
        },
    ),
    _rule(
        "log_softmax_backward",
        gradients={
            "grad_output": lambda grad, output, axis: grad - total(grad * exp(output), axis),
            "output": lambda grad, grad_output, output, axis: -(grad * exp(output) * total(grad_output, axis)),
        },
        tangents={
            "grad_output": lambda tangent, output, axis: log_softmax_backward(tangent, output, axis),
            "output": lambda tangent, grad_output, output, axis: -(tangent * exp(output) * total(grad_output, axis)),
        },
    ),
    _rule(
        "logsumexp_backward",
        gradients={
            "grad_output": lambda grad, grad_output, x, axis: total(
                grad * _logsumexp_derivative(grad_output, x, axis), axis
            ).reshape(grad_output.shape),
            "x": lambda grad, grad_output, x, axis: softmax_backward(
                grad * kept(grad_output, x, axis), _logsumexp_derivative(grad_output, x, axis), axis
            ),
        },
        tangents={
            "grad_output": lambda tangent, x, axis: logsumexp_backward(tangent, x, axis),
            "x": lambda tangent, grad_output, x, axis: softmax_backward(
                tangent * kept(grad_output, x, axis), _logsumexp_derivative(grad_output, x, axis), axis
            ),
        },
    ),
]

RULES = {rule.name: rule for rule in (*_ELEMENTWISE, *_ROWS, *DISTRIBUTIONS, *LOSSES)}


def rule_of(name: str) -> Rule:
    """Look up the rule of a function, or raise :class:`NotImplementedError`."""
    try:
        return RULES[name]
    except KeyError:
        raise NotImplementedError(f"`{name}` has no rule for its gradient") from None
