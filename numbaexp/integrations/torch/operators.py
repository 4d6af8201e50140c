"""The custom operators ``torch.ops.numbaexp``: one for each function with a rule for its derivatives."""

from typing import Any, NamedTuple

import torch

from numbaexp.derivatives.rule import Rule, needs
from numbaexp.derivatives.rules import RULES
from numbaexp.engine.call import compute_from_outside
from numbaexp.integrations.torch.batches import batched
from numbaexp.integrations.torch.calls import operation_of_calls, rule_of_calls
from numbaexp.integrations.torch.functions import Functions
from numbaexp.integrations.torch.shapes import like_result
from numbaexp.operations import OPERATIONS, Kind, Operation

# Schema types of options. Rows may have several axes.
_TYPES = {"keepdims": "bool", "ignore_index": "int", "reduction": "str", "label_smoothing": "float", "calls": "int"}


class Registered(NamedTuple):
    """Hold an operator, which goes through PyTorch's dispatcher, its autograd functions, and whether a gradient needs
    the first argument."""

    operation: Operation
    operator: Any
    functions: Functions
    saves_argument: bool


_library = torch.library.Library("numbaexp", "DEF")


def schema(operation: Operation) -> str:
    """Return the schema of the operator: the arrays, then the options.

    No argument has a default: PyTorch would drop arguments that equal it before calling the kernels.
    """
    arrays = [f"Tensor{'?' if name in operation.optional else ''} {name}" for name in operation.arrays]
    axis = "int?" if operation.kind is Kind.LOSS else "int[1]?"
    options = [f"{_TYPES.get(name, axis)} {name}" for name in operation.options]
    return f"{operation.name}({', '.join([*arrays, *options])}) -> Tensor"


def _register(operation: Operation, rule: Rule) -> Registered:
    name, count = operation.name, len(operation.arrays)

    def by_kernels(*arguments: Any) -> torch.Tensor:
        options = dict(zip(operation.options, arguments[count:], strict=True))
        return compute_from_outside(operation, arguments[:count], options)

    def fake(*arguments: Any) -> torch.Tensor:
        return like_result(operation, dict(zip((*operation.arrays, *operation.options), arguments, strict=True)))

    _library.define(schema(operation))
    operator = getattr(torch.ops.numbaexp, name).default
    of_batch = operator
    if operation.kind is Kind.LOSS and "calls" not in operation.options:
        of_batch = _register(operation_of_calls(operation), rule_of_calls(rule)).operator
    functions = Functions(operation, rule, operator, batched(operation, of_batch))
    for device in ("CPU", "CUDA"):
        _library.impl(name, by_kernels, device)
    torch.library.register_fake(f"numbaexp::{name}", fake, lib=_library)
    _library.impl(name, functions.of_operators, "Autograd")
    # The dispatch key of torch.func: every transformation, at any depth, must meet the function with its rules.
    _library.impl(name, functions.transformed, "FuncTorchDynamicLayerFrontMode")
    for device in operation.float32_under_autocast:
        torch.library.register_autocast(f"numbaexp::{name}", device, torch.float32, lib=_library)
    saves_argument = any(rule.arguments[0] in needs(formula) for formula in rule.gradients.values())
    return Registered(operation, operator, functions, saves_argument)


OPERATORS = {name: _register(operation, RULES[name]) for name, operation in OPERATIONS.items()}
