"""Rules of differentiation, in a form for all array libraries."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
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

    def needed_by(self, argument: str) -> tuple[str, ...]:
        """List the values that the gradient of an argument needs."""
        if argument not in self.gradients:
            raise NotImplementedError(f"`{self.name}` has no rule for its gradient with respect to `{argument}`")
        return needs(self.gradients[argument])

    def derive(
        self, wanted: Sequence[tuple[str, tuple[int, ...]]], grad: Any, values: Mapping[str, Any]
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Compute the gradients of arguments of some shapes, each with the values that its formula was given."""
        for argument, shape in wanted:
            known = {**values, "shape": shape}
            given = [grad, *[known[name] for name in self.needed_by(argument)]]
            yield self.gradients[argument](*given), given
