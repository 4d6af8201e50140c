"""Compiled functions over tuples, unrolled at compile time."""

from collections.abc import Callable, Sequence
from typing import Any

from numbaexp.jit import jit


def make_each(functions: Sequence[Any], decorate: Callable[..., Any] = jit) -> Any:
    """Return ``apply(operands, *rest)``, which maps each function to its operand and returns a tuple of the results.

    There may be more operands than functions. ``decorate`` compiles a Python function.
    """
    *others, function = functions
    last = len(others)
    if not others:

        @decorate
        def apply(operands, *rest):
            return (function(operands[0], *rest),)
    else:
        apply_others = make_each(others, decorate)

        @decorate
        def apply(operands, *rest):
            return apply_others(operands, *rest) + (function(operands[last], *rest),)  # noqa: RUF005

    return apply
