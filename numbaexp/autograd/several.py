"""Functions of several results, each a tensor of its own."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numbaexp.autograd.tensor import apply
from numbaexp.derivatives.custom import CustomRule, Several
from numbaexp.derivatives.rule import Rule


def apart(rule: CustomRule, arguments: Sequence[Any], compute: Callable[..., Any]) -> tuple[Any, ...]:
    """Compute and record a function of several results.

    All of them are recorded as one, whose parts are recorded in turn: gradients of parts meet there, before the
    function is gone through, once.
    """
    together = apply(rule, arguments, lambda *arrays: Several(compute(*arrays)))
    results = rule.operation.results
    return tuple(apply(_part(rule.name, k, results), (together,), lambda all, k=k: all[k]) for k in range(results))


@functools.cache
def _part(name: str, k: int, results: int) -> Rule:
    """Return the rule of taking one of several results."""
    return Rule(name, ("all",), {"all": lambda grad: Several(grad if i == k else None for i in range(results))}, {})
