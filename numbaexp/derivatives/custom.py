"""Derivatives of functions that users have written: those by all arguments in one call."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numbaexp.custom.operation import CustomOperation
from numbaexp.derivatives.rule import Rule
from numbaexp.engine.call import call


class Several(tuple):
    """The results of a call, or their gradients, of which those that are not known are None and count as 0. Each of
    those that are added up has what the others have not."""

    __slots__ = ()
    # As a tensor of the tape has them, so that its gradient is taken as it is.
    shape = dtype = None

    def __add__(self, other: Any) -> "Several":
        return Several(b if a is None else a for a, b in zip(self, other, strict=True))


@dataclass(frozen=True, eq=False)
class CustomRule(Rule):
    """The rule of a function that a user has written, whose gradients one formula gives."""

    operation: CustomOperation = field(kw_only=True)

    def needed_by(self, argument: str) -> tuple[str, ...]:
        return self.arguments

    def derive(
        self, wanted: Sequence[tuple[str, tuple[int, ...]]], grad: Any, values: Mapping[str, Any]
    ) -> Iterator[tuple[Any, list[Any]]]:
        grads = grad if isinstance(grad, Several) else (grad,)
        given = [0.0 if each is None else each for each in grads] + [values[name] for name in self.arguments]
        indices = tuple(self.arguments.index(argument) for argument, _ in wanted)
        made = call(self.operation.backward(indices), *given)
        yield from ((each, given) for each in (made if len(indices) > 1 else (made,)))


@functools.cache
def rule_of(operation: CustomOperation) -> CustomRule:
    """Return the rule of a function that a user has written, or of a derivative of one."""
    # Among saved values that name is the result's.
    arguments = tuple("result_" if name == "result" else name for name in operation.arrays)
    return CustomRule(operation.name, arguments, {}, {}, operation=operation)
