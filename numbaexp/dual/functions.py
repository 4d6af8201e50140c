"""The package's functions of numbers, and their derivatives in terms of each other."""

import math
from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from numbaexp.dual import scalars
from numbaexp.dual.type import WEAK, Number
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


def _apply(name: str, x: Value) -> Value:
    """Return a function of a number."""
    return x.mapped(lambda real: _of_real(name, real), _DERIVATIVES[name])


def _of_real(name: str, x: Value) -> Value:
    """Return a function of a real, by a call of the scalar."""
    kind, number = x.number.kind, x.number.float
    if isinstance(number, Vector) and scalars.scalar_of(name, kind, "vectors") is None:
        raise TypingError(f"`{name}` has no form for vectors of the kind {kind}")
    if x.lowering is None:
        return x
    context, builder = x.lowering
    return Value(x.number, call_scalar(context, builder, name, kind, number, x.llvm), x.lowering)


def call_scalar(context: Any, builder: Any, name: str, kind: str, number: Any, argument: Any) -> Any:
    """Emit a call of the scalar of a function and a kind."""
    on_cuda = builder.module.triple.startswith("nvptx")
    target = "vectors" if isinstance(number, Vector) else "cuda" if on_cuda else "cpu"
    typing = context.typing_context
    scalar = typing.resolve_value_type(scalars.scalar_of(name, kind, target))
    called = scalar.get_call_type(typing, (number,), {})
    return context.get_function(scalar, called)(builder, (argument,))


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


# By name, what stands for each function in a user's code.
FUNCTIONS = {name: _make(name) for name in _DERIVATIVES}
