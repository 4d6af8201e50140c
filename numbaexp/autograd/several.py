"""Functions of several results, each a tensor of its own."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from numbaexp.autograd.tensor import apply
from numbaexp.derivatives.custom import Several
from numbaexp.derivatives.rule import Rule


def apart(rule: Rule, arguments: Sequence[Any], compute: Callable[..., Any], results: int) -> tuple[Any, ...]:
    """Compute and record a function of several results.

    All of them are recorded as one, whose parts are recorded in turn: gradients of parts meet there, before the
    function is gone through, once.
    """
    together = apply(rule, arguments, lambda *arrays: Several(compute(*arrays)))
    return tuple(apply(_part(rule.name, k, results), (together,), operator.itemgetter(k)) for k in range(results))


@functools.cache
def _part(name: str, k: int, results: int) -> Rule:
    """Return the rule of taking one of several results."""

    def alone(grad: Any) -> Several:
        return Several(grad if i == k else None for i in range(results))

    return Rule(name, ("whole",), {"whole": alone}, {})
