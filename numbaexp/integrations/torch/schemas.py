"""The schemas of the operators, and what is registered for them before their kernels are."""

import torch

from numbaexp.operations import OPERATIONS, Kind, Operation, named

# Schema types of options. Rows may have several axes.
_TYPES = {"keepdims": "bool", "ignore_index": "int", "reduction": "str", "label_smoothing": "float", "calls": "int"}


def schema(operation: Operation) -> str:
    """Return the schema of the operator: the arrays, then the options.

    No argument has a default: PyTorch would drop arguments that equal it before calling the kernels.
    """
    arrays = [f"Tensor{'?' if name in operation.optional else ''} {name}" for name in operation.arrays]
    axis = "int?" if operation.kind is Kind.LOSS else "int[1]?"
    options = [f"{_TYPES.get(name, axis)} {name}" for name in operation.options]
    return f"{operation.name}({', '.join([*arrays, *options])}) -> Tensor"


def operation_of_calls(operation: Operation) -> Operation:
    """Describe a loss of several calls, which the plan of losses computes."""
    return Operation(
        f"{operation.name}_of_calls",
        operation.kind,
        operation.arrays,
        operation.like,
        optional=operation.optional,
        options={**operation.options, "calls": 0},
    )


# The losses, of several calls each.
OF_CALLS = {name: operation_of_calls(OPERATIONS[name]) for name in named(Kind.LOSS)}
NAMES = (*OPERATIONS, *(operation.name for operation in OF_CALLS.values()))

library = torch.library.Library("numbaexp", "DEF")
for _operation in (*OPERATIONS.values(), *OF_CALLS.values()):
    library.define(schema(_operation))
# What ``first_use`` registers, for ``operators`` to remove.
until_used = torch.library.Library("numbaexp", "IMPL")
