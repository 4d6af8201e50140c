"""Compiled functions over tuples, of a length that is known when compiling."""

from collections.abc import Callable, Sequence
from typing import Any

from numbaexp.jit import jit


def make_each(functions: Sequence[Any], decorate: Callable[..., Any] = jit) -> Any:
    """Return ``apply(operands, *rest)``: a tuple of ``function(operand, *rest)``, of each function its operand.

    There may be more operands than functions. ``decorate`` makes a Python function a compiled one.
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
