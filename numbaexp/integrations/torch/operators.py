"""The custom operators ``torch.ops.numbaexp``: one for each function with a rule for its derivatives."""

from typing import Any, NamedTuple

import torch

from numbaexp.derivatives.rule import Rule, needs
from numbaexp.derivatives.rules import RULES
from numbaexp.engine.call import compute_from_outside
from numbaexp.integrations.torch.batches import batched
from numbaexp.integrations.torch.calls import rule_of_calls
from numbaexp.integrations.torch.functions import Functions
from numbaexp.integrations.torch.schemas import OF_CALLS, library, until_used
from numbaexp.integrations.torch.shapes import like_result
from numbaexp.operations import OPERATIONS, Operation


class Registered(NamedTuple):
    """Hold an operator, which goes through PyTorch's dispatcher, its autograd functions, and whether a gradient needs
    the first argument."""

    operation: Operation
    operator: Any
    functions: Functions
    saves_argument: bool


def _register(operation: Operation, rule: Rule, of_batch: Any = None) -> Registered:
    name, count = operation.name, len(operation.arrays)

    def by_kernels(*arguments: Any) -> torch.Tensor:
        options = dict(zip(operation.options, arguments[count:], strict=True))
        return compute_from_outside(operation, arguments[:count], options)

    operator = getattr(torch.ops.numbaexp, name).default
    functions = Functions(operation, rule, operator, batched(operation, of_batch or operator))
    for device in ("CPU", "CUDA"):
        library.impl(name, by_kernels, device)
    library.impl(name, functions.of_operators, "Autograd")
    # The dispatch key of torch.func: every transformation, at any depth, must meet the function with its rules.
    library.impl(name, functions.transformed, "FuncTorchDynamicLayerFrontMode")
    for device in operation.float32_under_autocast:
        torch.library.register_autocast(f"numbaexp::{name}", device, torch.float32, lib=library)
    saves_argument = any(rule.arguments[0] in needs(formula) for formula in rule.gradients.values())
    return Registered(operation, operator, functions, saves_argument)


def _register_fake(operation: Operation) -> None:
    def fake(*arguments: Any) -> torch.Tensor:
        return like_result(operation, dict(zip((*operation.arrays, *operation.options), arguments, strict=True)))

    torch.library.register_fake(f"numbaexp::{operation.name}", fake, lib=library)


_of_calls = {name: _register(operation, rule_of_calls(RULES[name])).operator for name, operation in OF_CALLS.items()}
OPERATORS = {name: _register(operation, RULES[name], _of_calls.get(name)) for name, operation in OPERATIONS.items()}
# Beside those, PyTorch takes no fake results. Another thread that is calling meets the kernels above by now.
until_used._destroy()
for _operation in (*OPERATIONS.values(), *OF_CALLS.values()):
    _register_fake(_operation)
