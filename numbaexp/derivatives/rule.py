"""Rules of differentiation, in a form for all array libraries."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The first parameter is the gradient of the result, or the tangent of an argument. The others are named for their
# values: an argument of the function, "result" for its result, one of its options, or "options" for all of them.
Formula = Callable[..., Any]


def needs(formula: Formula) -> tuple[str, ...]:
    """Return the names of the parameters of a formula after the first."""
    code = inspect.unwrap(formula).__code__
    return code.co_varnames[1 : code.co_argcount]


@dataclass(frozen=True, eq=False)
class Rule:
    """Hold the derivatives of a function of the arrays ``arguments``, with ``options`` that are constant.

    For each argument that can be differentiated by, ``gradients`` has the formula of its gradient, of its shape but for
    broadcasting, and ``tangents`` that of its part of the tangent of the result. Both are linear in their first
    parameter.
    """

    name: str
    arguments: tuple[str, ...]
    gradients: Mapping[str, Formula]
    tangents: Mapping[str, Formula]
    options: tuple[str, ...] = field(default=())

    @property
    def saved(self) -> tuple[str, ...]:
        """List the arrays that the gradients need: arguments, or "result"."""
        needed = {name for formula in self.gradients.values() for name in needs(formula)}
        return tuple(name for name in (*self.arguments, "result") if name in needed)
