"""The derivatives of the tensors' own operations, for the tape alone.

Formulas take arrays of NumPy or CuPy, or tensors where gradients are differentiated in turn. Besides the names that
those of :class:`~numbaexp.derivatives.rule.Rule` take, they have ``shape``: that of the argument.
"""
# ruff: noqa: PLW0108 - the names of a formula's parameters are the values that it needs

import math
from typing import Any

from numbaexp.derivatives.arrays import masked, module_of
from numbaexp.derivatives.rule import Formula, Rule
from numbaexp.layout import axes_of, reduced_shape

# Indices that name no element twice.
_UNIQUE = (int, slice, type(None), type(Ellipsis))


def log(a: Any) -> Any:
    """Compute the natural logarithm."""
    return a.log() if hasattr(a, "log") else module_of(a).log(a)


def broadcast(a: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast to a shape."""
    return a._broadcast(shape) if hasattr(a, "_broadcast") else module_of(a).broadcast_to(a, shape)


def scatter(a: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add the elements of ``a`` to zeros, at an index."""
    if hasattr(a, "_scatter"):
        return a._scatter(index, shape)
    zeros = module_of(a).zeros(shape, a.dtype)
    if all(isinstance(each, _UNIQUE) for each in (index if isinstance(index, tuple) else (index,))):
        zeros[index] = a
    else:
        module_of(a).add.at(zeros, index, a)
    return zeros


def _transposed(a: Any) -> Any:
    """Exchange the last two axes."""
    *others, rows, columns = range(a.ndim)
    return a.transpose((*others, columns, rows))


def _spread(grad: Any, axis: Any, shape: tuple[int, ...]) -> Any:
    """Repeat the gradient of a reduction along the axes that were reduced."""
    return broadcast(grad.reshape(reduced_shape(shape, axes_of(axis, len(shape)))), shape)


def _rule(name: str, **gradients: Formula) -> Rule:
    """Make a rule without tangents, for the tape has no forward mode."""
    return Rule(name, tuple(gradients), gradients, {})


ADD = _rule("add", a=lambda grad: grad, b=lambda grad: grad)
SUBTRACT = _rule("sub", a=lambda grad: grad, b=lambda grad: -grad)
MULTIPLY = _rule("mul", a=lambda grad, b: grad * b, b=lambda grad, a: grad * a)
DIVIDE = _rule("div", a=lambda grad, b: grad / b, b=lambda grad, a, b: -(grad * (a / b) / b))
# At an exponent or a base of 0, the derivative is its limit there, where it has one.
POWER = _rule(
    "pow",
    a=lambda grad, a, b: grad * (b * a ** (b - 1 + (b == 0))),
    b=lambda grad, a, result: grad * (result * log(a + (a == 0))),
)
MATRIX_PRODUCT = _rule("matmul", a=lambda grad, b: grad @ _transposed(b), b=lambda grad, a: _transposed(a) @ grad)
NEGATE = _rule("neg", a=lambda grad: -grad)
LOG = _rule("log", a=lambda grad, a: grad / a)
COPY = _rule("clone", a=lambda grad: grad)
# The walk fits each gradient to the shape and type of its argument.
CONVERT = _rule("astype", a=lambda grad: grad)
BROADCAST = _rule("broadcast", a=lambda grad: grad)
RESHAPE = _rule("reshape", a=lambda grad, shape: grad.reshape(shape))
TRANSPOSE = _rule("transpose", a=lambda grad, axes: grad.transpose(tuple(map(axes.index, range(len(axes))))))
INDEX = _rule("index", a=lambda grad, index, shape: scatter(grad, index, shape))
SCATTER = _rule("scatter", a=lambda grad, index: grad[index])
MASKED_FILL = _rule("masked_fill", a=lambda grad, mask: masked(grad, mask))
SUM = _rule("sum", a=lambda grad, axis, shape: _spread(grad, axis, shape))
MEAN = _rule("mean", a=lambda grad, axis, shape: _spread(grad / (math.prod(shape) // max(grad.size, 1)), axis, shape))
