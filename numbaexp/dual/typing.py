"""Numbers in Numba: operators, and casts where branches join. Typing and code come from the same formulas."""

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core.imputils import lower_cast
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from numbaexp.dual.type import WEAK, Number, real
from numbaexp.dual.value import Value
from numbaexp.vector.type import element, spread


def value_of(kind: Any, llvm: Any, like: Number, lowering: Any) -> Value:
    """Return an argument of a type of Numba's as a number; a constant or counter has the kind of ``like``."""
    if isinstance(kind, Number):
        return Value(kind, llvm, lowering)
    number = real(like.kind, like.lanes)
    if lowering is None:
        return Value(number)
    context, builder = lowering
    (converted,) = spread(builder, number.float, [context.cast(builder, llvm, kind, element(number.float))])
    return Value(number, converted, lowering)


def values_of(kinds: Any, llvm: Any, lowering: Any) -> list[Value]:
    """Return arguments as numbers, one of which is a number."""
    like = next(kind for kind in kinds if isinstance(kind, Number))
    return [value_of(kind, each, like, lowering) for kind, each in zip(kinds, llvm, strict=True)]


def are_numbers(kinds: Any) -> bool:
    """Tell whether one of the types is a number, and the others that of the same kind, constants or counters."""
    numbers = {(kind.kind, kind.lanes) for kind in kinds if isinstance(kind, Number)}
    return len(numbers) == 1 and all(isinstance(kind, (Number, *WEAK)) for kind in kinds)


def define(function: Any, count: int, formula: Callable[..., Value]) -> None:
    """Implement a function of so many numbers by a formula of values."""

    def result_of(args: Any) -> Any:
        return formula(*values_of(args, [None] * count, None)).number

    _implement(function, count, result_of, lambda values: formula(*values).llvm)


def _define_condition(function: Any, count: int, formula: Callable[..., Any]) -> None:
    """Implement a function to a boolean."""

    def result_of(args: Any) -> Any:
        return next(kind for kind in args if isinstance(kind, Number)).condition

    _implement(function, count, result_of, lambda values: formula(*values))


def _implement(function: Any, count: int, result_of: Callable[..., Any], code_of: Callable[..., Any]) -> None:
    class _Typed(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            if kws or len(args) != count or not are_numbers(args):
                return None
            return signature(result_of(args), *map(types.unliteral, args))

    # With its type, as a function need be no attribute of its module.
    infer_global(function, types.Function(_Typed))

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return code_of(values_of(sig.args, args, (context, builder)))

    for kinds in itertools.product((Number, types.Any), repeat=count):
        if Number in kinds:
            lower_builtin(function, *kinds)(lower)


for _name, _step in (
    ("add", Value.__add__),
    ("sub", Value.__sub__),
    ("mul", Value.__mul__),
    ("truediv", Value.__truediv__),
):
    define(getattr(operator, _name), 2, _step)
    define(getattr(operator, f"i{_name}"), 2, _step)
define(operator.neg, 1, Value.__neg__)
define(operator.pos, 1, lambda x: x)
for _function, _formula in (
    (abs, Value.__abs__),
    (math.fabs, Value.__abs__),
    (np.abs, Value.__abs__),
    (math.sqrt, Value.square_root),
    (np.sqrt, Value.square_root),
):
    define(_function, 1, _formula)
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _define_condition(getattr(operator, _name), 2, lambda a, b, sign=_sign: a.compare(sign, b))
_define_condition(bool, 1, lambda x: x.compare("!=", x.constant(0.0)))
_define_condition(operator.not_, 1, lambda x: x.compare("==", x.constant(0.0)))


def _lesser(first: Value, *others: Value) -> Value:
    """Return the first, unless another is less, as Python does."""
    for other in others:
        first = other.chosen(other.compare("<", first), first)
    return first


def _greater(first: Value, *others: Value) -> Value:
    for other in others:
        first = other.chosen(other.compare(">", first), first)
    return first


# NumPy's limit of operands apart, more are seldom written.
for _count in range(2, 6):
    define(min, _count, _lesser)
    define(max, _count, _greater)


def _define_power(function: Any) -> None:
    """Implement ``**`` with a literal integer."""

    @infer_global(function)
    class _Power(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            number, exponent = args
            if not isinstance(number, Number) or not isinstance(exponent, types.IntegerLiteral):
                return None
            return signature((Value(number) ** exponent.literal_value).number, number, exponent)

    @lower_builtin(function, Number, types.IntegerLiteral)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return (Value(sig.args[0], args[0], (context, builder)) ** sig.args[1].literal_value).llvm


_define_power(operator.pow)
_define_power(operator.ipow)


@lower_cast(Number, Number)
@lower_cast(types.Float, Number)
@lower_cast(types.Integer, Number)
def _cast(context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    return value_of(source, value, target, (context, builder)).to(target).llvm
