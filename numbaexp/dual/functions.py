"""The package's functions of numbers, and their derivatives in terms of each other."""

import functools
import math
from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from numbaexp.dual import scalars
from numbaexp.dual.type import WEAK, Number
from numbaexp.dual.typing import define
from numbaexp.dual.value import Value
from numbaexp.vector.type import Vector

# The derivative of each function at x, where its result is y.
_DERIVATIVES: dict[str, Callable[[Value, Value], Value]] = {
    "exp": lambda x, y: y,
    "exp2": lambda x, y: y * y.constant(math.log(2.0)),
    "exp10": lambda x, y: y * y.constant(math.log(10.0)),
    "expm1": lambda x, y: _apply("exp", x),
    # Not y (1 - y), which cancels where y is near 1.
    "sigmoid": lambda x, y: y * _apply("sigmoid", -x),
    "softplus": lambda x, y: _apply("sigmoid", x),
    "log": lambda x, y: x.constant(1.0) / x,
    "log2": lambda x, y: x.constant(1.0 / math.log(2.0)) / x,
    "log10": lambda x, y: x.constant(1.0 / math.log(10.0)) / x,
    "log1p": lambda x, y: x.constant(1.0) / (x.constant(1.0) + x),
    "sinh": lambda x, y: _apply("cosh", x),
    "cosh": lambda x, y: _apply("sinh", x),
    # Not 1 - y y, which cancels where y is near 1, and not 1 / cosh(x)**2, whose derivatives would be 0 times infinity.
    "tanh": lambda x, y: x.constant(4.0) * _apply("sigmoid", x + x) * _apply("sigmoid", -(x + x)),
    "log_sigmoid": lambda x, y: _apply("sigmoid", -x),
    "logit": lambda x, y: x.constant(1.0) / (x * (x.constant(1.0) - x)),
}


# The derivatives of each function of two numbers.
_DERIVATIVES_OF_TWO: dict[str, Callable[[Value, Value], tuple[Value, Value]]] = {
    "logaddexp": lambda a, b: (_apply("sigmoid", a - b), _apply("sigmoid", b - a)),
    "logaddexp2": lambda a, b: (_sigmoid2(a - b), _sigmoid2(b - a)),
}


def _sigmoid2(x: Value) -> Value:
    """Return 1 / (1 + 2**-x)."""
    return _apply("sigmoid", x * x.constant(math.log(2.0)))


def _apply(name: str, x: Value) -> Value:
    """Return a function of a number."""
    return x.mapped(lambda real: _of_reals(name, real), _DERIVATIVES[name])


def _apply_to_two(name: str, a: Value, b: Value) -> Value:
    """Return a function of two numbers."""
    return a.mapped_with(b, lambda *reals: _of_reals(name, *reals), _DERIVATIVES_OF_TWO[name])


def _of_reals(name: str, *reals: Value) -> Value:
    """Return a function of reals of one kind, by a call of the scalar."""
    x = reals[0]
    kind, number = x.number.kind, x.number.float
    if isinstance(number, Vector) and scalars.scalar_of(name, kind, "vectors") is None:
        raise TypingError(f"`{name}` has no form for vectors of the kind {kind}")
    if x.lowering is None:
        return x
    context, builder = x.lowering
    return Value(
        x.number, call_scalar(context, builder, name, kind, number, *(each.llvm for each in reals)), x.lowering
    )


def call_scalar(context: Any, builder: Any, name: str, kind: str, number: Any, *arguments: Any) -> Any:
    """Emit a call of the scalar of a function and a kind."""
    on_cuda = builder.module.triple.startswith("nvptx")
    target = "vectors" if isinstance(number, Vector) else "cuda" if on_cuda else "cpu"
    typing = context.typing_context
    scalar = typing.resolve_value_type(scalars.scalar_of(name, kind, target))
    called = scalar.get_call_type(typing, (number,) * len(arguments), {})
    return context.get_function(scalar, called)(builder, arguments)


def _make(name: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        """Stand for the function of a number, and of a constant or counter, in compiled code."""

    function.__name__ = function.__qualname__ = name

    class Typed(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            if kws or len(args) != 1:
                return None
            if isinstance(args[0], Number):
                return signature(_apply(name, Value(args[0])).number, args[0])
            return signature(types.float64, types.float64) if isinstance(args[0], WEAK) else None

    infer_global(function, types.Function(Typed))

    @lower_builtin(function, Number)
    def of_number(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _apply(name, Value(sig.args[0], args[0], (context, builder))).llvm

    @lower_builtin(function, types.float64)
    def of_constant(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_scalar(context, builder, name, "float64", types.float64, args[0])

    return function


def _make_of_two(name: str) -> Callable[[Any, Any], Any]:
    def function(a: Any, b: Any) -> Any:
        """Stand for the function of two numbers, and of constants and counters, in compiled code."""

    function.__name__ = function.__qualname__ = name
    define(function, 2, functools.partial(_apply_to_two, name))

    class OfConstants(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            weak = not kws and len(args) == 2 and all(isinstance(each, WEAK) for each in args)
            return signature(types.float64, types.float64, types.float64) if weak else None

    infer_global(function, types.Function(OfConstants))

    @lower_builtin(function, types.float64, types.float64)
    def of_constants(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_scalar(context, builder, name, "float64", types.float64, *args)

    return function


# By name, what stands for each function in a user's code.
FUNCTIONS: dict[str, Any] = {
    **{name: _make(name) for name in _DERIVATIVES},
    **{name: _make_of_two(name) for name in _DERIVATIVES_OF_TWO},
}
