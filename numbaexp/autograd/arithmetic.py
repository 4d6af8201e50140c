"""The arithmetic of tensors, and its rules."""
# ruff: noqa: PLW0108 - the names of a formula's parameters say what it takes

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from numbaexp.autograd.recording import Variable, apply, module_of
from numbaexp.autograd.rule import Formula, Rule
from numbaexp.layout import axes_of, reduced_shape


def _rule(name: str, *arguments: str, options: tuple[str, ...] = (), **gradients: Formula) -> Rule:
    """Of an operation of the tape alone, which has no forward mode."""
    return Rule(name, arguments, gradients, {}, options)


_ADD = _rule("add", "a", "b", a=lambda grad: grad, b=lambda grad: grad)
_SUBTRACT = _rule("sub", "a", "b", a=lambda grad: grad, b=lambda grad: -grad)
_MULTIPLY = _rule("mul", "a", "b", a=lambda grad, b: grad * b, b=lambda grad, a: grad * a)
_DIVIDE = _rule("div", "a", "b", a=lambda grad, b: grad / b, b=lambda grad, a, b: -(grad * (a / b) / b))
_NEGATE = _rule("neg", "a", a=lambda grad: -grad)
_LOG = _rule("log", "a", a=lambda grad, a: grad / a)
# Where an exponent or its base is 0, the derivative is what it is beside that, where it has a limit there.
_POWER = _rule(
    "pow",
    "a",
    "b",
    a=lambda grad, a, b: grad * (b * a ** (b - 1 + (b == 0))),
    b=lambda grad, a, result: grad * (result * log(a + (a == 0))),
)
_MATRIX_PRODUCT = _rule(
    "matmul", "a", "b", a=lambda grad, b: grad @ _transposed(b), b=lambda grad, a: _transposed(a) @ grad
)
_COPY = _rule("clone", "a", a=lambda grad: grad)
_CONVERT = _rule("astype", "a", a=lambda grad: grad)
_BROADCAST = _rule("broadcast", "a", a=lambda grad: grad)
_RESHAPE = _rule("reshape", "a", options=("before",), a=lambda grad, before: grad.reshape(before))
_TRANSPOSE = _rule("transpose", "a", options=("back",), a=lambda grad, back: grad.transpose(back))
_INDEX = _rule("index", "a", options=("index", "before"), a=lambda grad, index, before: scatter(grad, index, before))
_SCATTER = _rule("scatter", "a", options=("index",), a=lambda grad, index: grad[index])
_MASK = _rule("mask", "a", "mask", a=lambda grad, mask: masked(grad, mask))
_SUM = _rule(
    "sum",
    "a",
    options=("before", "kept"),
    a=lambda grad, before, kept: broadcast(grad.reshape(kept), before),
)
_MEAN = _rule(
    "mean",
    "a",
    options=("before", "kept", "count"),
    a=lambda grad, before, kept, count: broadcast((grad / count).reshape(kept), before),
)


# What formulas call, of arrays and of tensors.

# Indices that name no element twice.
_ONCE = (int, slice, type(None), type(Ellipsis))


def log(a: Any) -> Any:
    return apply(_LOG, (a,), log) if isinstance(a, Variable) else module_of(a).log(a)


def broadcast(a: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(a, Variable):
        return apply(_BROADCAST, (a,), lambda array: broadcast(array, shape), view=True)
    return module_of(a).broadcast_to(a, shape)


def scatter(a: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros, with the elements of ``a`` added where they are from."""
    if isinstance(a, Variable):
        return apply(_SCATTER, (a,), lambda array: scatter(array, index, shape), {"index": index})
    made = module_of(a).zeros(shape, a.dtype)
    if all(isinstance(each, _ONCE) for each in (index if isinstance(index, tuple) else (index,))):
        made[index] = a
    else:
        module_of(a).add.at(made, index, a)
    return made


def masked(a: Any, mask: Any) -> Any:
    """The elements, and 0 where the mask is true: no derivative is left there. Of arrays of any library."""
    if isinstance(a, Variable):
        return apply(_MASK, (a, mask), masked)
    if hasattr(a, "masked_fill"):
        return a.masked_fill(mask, 0)
    # JAX has no other way to tell of its module.
    module = a.__array_namespace__() if hasattr(a, "__array_namespace__") else module_of(a)
    return module.where(mask, 0, a)


def _transposed(a: Any) -> Any:
    """With the last two axes exchanged."""
    *others, rows, columns = range(a.ndim)
    return a.transpose((*others, columns, rows))


def _matrix_product(a: Any, b: Any) -> Any:
    """The product of matrices; what has one axis is a row on the left, and a column on the right."""
    row, column = a.ndim == 1, b.ndim == 1
    product = apply(
        _MATRIX_PRODUCT,
        (a.reshape(1, -1) if row else a, b.reshape(-1, 1) if column else b),
        operator.matmul,
    )
    shape = list(product.shape)
    if column:
        del shape[-1]
    if row:
        del shape[-1 if column else -2]
    return product.reshape(shape) if row or column else product


def _is_array(value: Any) -> bool:
    """Whether it is a tensor or an array of NumPy or CuPy. Subclasses have an arithmetic of their own."""
    return isinstance(value, Variable) or type(value) is np.ndarray or module_of(value) is not np


def _is_operand(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_)) or _is_array(value)


def _operators(rule: Rule, compute: Callable[[Any, Any], Any]) -> tuple[Callable[[Any, Any], Any], ...]:
    """An operator and its reflection."""

    def operate(self: Variable, other: Any) -> Any:
        return apply(rule, (self, other), compute) if _is_operand(other) else NotImplemented

    def reflected(self: Variable, other: Any) -> Any:
        return apply(rule, (other, self), compute) if _is_operand(other) else NotImplemented

    return operate, reflected


def _in_place(rule: Rule, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operate(self: Variable, other: Any) -> Any:
        return apply(rule, (self, other), compute, into=self) if _is_operand(other) else NotImplemented

    return operate


def _comparison(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Variable, other: Any) -> Any:
        return compute(self._elements, other._elements if isinstance(other, Variable) else other)

    return compare


class Arithmetic(Variable):
    """A variable to compute with, by NumPy's conventions."""

    __slots__ = ()
    # NumPy's arrays leave their operators to ours, and its functions refuse, rather than lose the history.
    __array_ufunc__ = None

    def __array_function__(self, *_: Any) -> Any:
        return NotImplemented

    __add__, __radd__ = _operators(_ADD, operator.add)
    __sub__, __rsub__ = _operators(_SUBTRACT, operator.sub)
    __mul__, __rmul__ = _operators(_MULTIPLY, operator.mul)
    __truediv__, __rtruediv__ = _operators(_DIVIDE, operator.truediv)
    __pow__, __rpow__ = _operators(_POWER, operator.pow)
    __iadd__ = _in_place(_ADD, operator.iadd)
    __isub__ = _in_place(_SUBTRACT, operator.isub)
    __imul__ = _in_place(_MULTIPLY, operator.imul)
    __itruediv__ = _in_place(_DIVIDE, operator.itruediv)
    __ipow__ = _in_place(_POWER, operator.ipow)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return apply(_NEGATE, (self,), operator.neg)

    def __matmul__(self, other: Any) -> Any:
        return _matrix_product(self, other) if _is_array(other) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return _matrix_product(other, self) if _is_array(other) else NotImplemented

    def __getitem__(self, index: Any) -> Any:
        each = index if isinstance(index, tuple) else (index,)
        plain = tuple(part._elements if isinstance(part, Variable) else part for part in each)
        options = {"index": plain, "before": self._elements.shape}
        return apply(_INDEX, (self,), lambda array: array[plain], options, view=True)

    def log(self) -> Any:
        """The natural logarithm of each element, as NumPy's."""
        return apply(_LOG, (self,), log)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """The sum along axes; None is all of them."""
        return apply(_SUM, (self,), lambda array: array.sum(axis=axis, keepdims=keepdims), self._reduction(axis))

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """The mean along axes; None is all of them."""
        options = self._reduction(axis)
        options["count"] = self._elements.size // max(math.prod(options["kept"]), 1)
        return apply(_MEAN, (self,), lambda array: array.mean(axis=axis, keepdims=keepdims), options)

    def _reduction(self, axis: Any) -> dict[str, Any]:
        shape = self._elements.shape
        return {"before": shape, "kept": reduced_shape(shape, axes_of(axis, len(shape)))}

    def reshape(self, *shape: Any) -> Any:
        """The elements in another shape, given as one tuple or as integers."""
        return apply(
            _RESHAPE, (self,), lambda array: array.reshape(*shape), {"before": self._elements.shape}, view=True
        )

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, given as one tuple or as integers; without any, reversed."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        ndim = self._elements.ndim
        order = normalize_axis_tuple(given, ndim) if given else tuple(reversed(range(ndim)))
        back = tuple(order.index(axis) for axis in range(ndim))
        return apply(_TRANSPOSE, (self,), lambda array: array.transpose(order), {"back": back}, view=True)

    @property
    def T(self) -> Any:  # noqa: N802
        """The axes reversed."""
        return self.transpose()

    def astype(self, dtype: Any) -> Any:
        """In another type."""
        return apply(_CONVERT, (self,), lambda array: array.astype(dtype))

    def clone(self) -> Any:
        """A copy, which gradients go through."""
        return apply(_COPY, (self,), lambda array: array.copy())
