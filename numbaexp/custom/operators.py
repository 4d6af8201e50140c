"""Kinds of the results of operators and functions, by the kinds of their operands."""

import operator
from typing import Any

from numbaexp.custom.kinds import Kind, Literal, arithmetic, is_integer, is_numeric, variable

# How many numbers functions take that do not take one.
_COUNTS = {"min": range(2, 6), "max": range(2, 6), "logaddexp": range(2, 3), "logaddexp2": range(2, 3)}
_ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv}
_OF_INTEGERS = {operator.floordiv, operator.mod}
_OF_BOOLS = {operator.and_, operator.or_, operator.xor, operator.eq, operator.ne}
_COMPARISONS = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
SIGNS = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.lshift: "<<",
    operator.rshift: ">>",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
    operator.is_: "is",
    operator.is_not: "is not",
    operator.contains: "in",
}


def of_operator(function: Any, a: Any, b: Any) -> Any:
    """Return the kind of what an operator of two operands gives; None if it cannot be used of them."""
    if a is Kind.BOOL and b is Kind.BOOL:
        return Kind.BOOL if function in _OF_BOOLS else None
    if function in _OF_INTEGERS:
        return Kind.INTEGER if is_integer(a) and is_integer(b) else None
    if function is operator.pow:
        # An integer's power would be an integer.
        known = isinstance(b, Literal) and (b.value >= 0 or not is_integer(a))
        return variable(a) if known and is_numeric(a) else None
    of_numbers = all(is_numeric(kind) or kind is Kind.BOOL for kind in (a, b))
    if not of_numbers or function not in _ARITHMETIC | _COMPARISONS:
        return None
    kind = Kind.BOOL if function in _COMPARISONS else arithmetic([a, b])
    return Kind.FLOAT if function is operator.truediv and kind is Kind.INTEGER else kind


def result_of(name: str, kinds: list[Any]) -> Any:
    """Return the kind of what a function of the vocabulary gives; None if it cannot be used of them."""
    if name == "where":
        return arithmetic(kinds[1:]) if len(kinds) == 3 and all(map(is_numeric, kinds[1:])) else None
    if name == "range":
        return Kind.RANGE if 1 <= len(kinds) <= 3 and all(map(is_integer, kinds)) else None
    if len(kinds) not in _COUNTS.get(name, range(1, 2)) or not all(map(is_numeric, kinds)):
        return None
    kind = arithmetic(kinds)
    return kind if kind is Kind.NUMBER or name in {"abs", "min", "max"} else Kind.FLOAT
