"""Several calls of a loss as one: the first ``calls`` axes of every array are batch axes of separate calls."""

import functools
from typing import Any

import torch

from numbaexp.derivatives.rule import Formula, Rule, needs


def rule_of_calls(rule: Rule) -> Rule:
    """Return the rule of several calls; errors name the function."""
    gradients, tangents = (
        {argument: _mapped(formula) for argument, formula in formulas.items()}
        for formulas in (rule.gradients, rule.tangents)
    )
    return Rule(rule.name, rule.arguments, gradients, tangents, (*rule.options, "calls"))


def _mapped(formula: Formula) -> Formula:
    """Return a formula of a loss, mapped over the axes of the calls."""
    names = needs(formula)

    @functools.wraps(formula)
    def of_calls(first: torch.Tensor, *values: Any) -> torch.Tensor:
        known = dict(zip(names, values, strict=True))
        options = dict(known.pop("options"))
        calls = options.pop("calls")

        def of_one(first: torch.Tensor, *arrays: Any) -> torch.Tensor:
            return formula(first, **dict(zip(known, arrays, strict=True)), options=options)

        apply, dims = of_one, (0, *(None if array is None else 0 for array in known.values()))
        for _ in range(calls):
            apply = torch.vmap(apply, dims)
        return apply(first, *known.values())

    return of_calls
