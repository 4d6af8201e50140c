"""What calculus knows of a function, in a form that every library of arrays can go by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The first parameter is the gradient of the result, or the tangent of an argument. The others are named for what they
# take: an argument of the function, "result" for what it returned, one of its options, or "options" for all of them.
Formula = Callable[..., Any]


def needs(formula: Formula) -> tuple[str, ...]:
    """The names of what a formula takes after its first parameter."""
    code = formula.__code__
    return code.co_varnames[1 : code.co_argcount]


@dataclass(frozen=True, eq=False)
class Rule:
    """A function: ``arguments`` are its arrays and ``options`` what else it is differentiated under.

    ``gradients`` has, for each argument that it can be differentiated by, the gradient of that argument, of its shape
    but for broadcasting; ``tangents`` what the tangent of that argument adds to the tangent of the result. Both are
    linear in their first parameter.
    """

    name: str
    arguments: tuple[str, ...]
    gradients: Mapping[str, Formula]
    tangents: Mapping[str, Formula]
    options: tuple[str, ...] = field(default=())

    @property
    def saved(self) -> tuple[str, ...]:
        """The arrays that the gradients need: arguments, or "result"."""
        needed = {name for formula in self.gradients.values() for name in needs(formula)}
        return tuple(name for name in (*self.arguments, "result") if name in needed)
