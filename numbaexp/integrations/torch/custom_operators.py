"""The custom operators ``torch.ops.numbaexp`` of functions that users have written, made when they are needed."""

import re
from collections.abc import Callable
from typing import Any

import torch

from numbaexp.backends.torch import alike
from numbaexp.engine.call import compute_from_outside
from numbaexp.engine.functions import written_by_users
from numbaexp.integrations.torch.custom_functions import of_operator
from numbaexp.integrations.torch.functions import applied
from numbaexp.integrations.torch.schemas import library
from numbaexp.once import LOCK
from numbaexp.operations import Operation

# By the operation's ``kernel``, which no other has.
OPERATORS: dict[str, tuple[Operation, Callable[..., Any]]] = {}
_being_defined: set[str] = set()


def operator_name(operation: Operation) -> str:
    """Return the name of the operator; those of Python's functions may be of any letters."""
    return re.sub(r"\W", "_", operation.kernel, flags=re.ASCII)


def operator_of(operation: Operation) -> Callable[..., Any]:
    """Return the operator of tensors, which are broadcast and promoted."""
    if operation.kernel not in OPERATORS:
        with LOCK:
            if operation.kernel not in OPERATORS:
                OPERATORS[operation.kernel] = operation, _register(operation)
    return OPERATORS[operation.kernel][1]


def register_named(name: str) -> bool:
    """Register the operator of a name; tell whether there is a function that it is of."""
    with LOCK:
        # PyTorch asks for a name before it defines it.
        operation = None if name in _being_defined else _find(name)
        if operation is not None:
            operator_of(operation)
    return operation is not None


def _find(name: str) -> Operation | None:
    """Return the function whose operator has a name: one that users have written, or a derivative of one."""
    for root in written_by_users():
        _, kernel, path = name.rpartition(operator_name(root))
        if kernel:
            found: Any = root
            for which, indices in re.findall(r"_(backward|tangent)((?:_\d+)+)", path):
                found = getattr(found, which)(tuple(map(int, indices[1:].split("_"))))
            if operator_name(found) == name:
                return found
    return None


def _register(operation: Operation) -> Callable[..., Any]:
    name, results = operator_name(operation), ", ".join(["Tensor"] * operation.results)
    tensors = ", ".join(f"Tensor input_{index}" for index in range(len(operation.arrays)))
    _being_defined.add(name)
    library.define(f"{name}({tensors}) -> {results if operation.results == 1 else f'({results})'}")
    _being_defined.remove(name)
    operator = getattr(torch.ops.numbaexp, name).default
    function = of_operator(operation, operator)

    def by_kernels(*tensors: torch.Tensor) -> Any:
        return compute_from_outside(operation, tensors, {})

    def fake(*tensors: torch.Tensor) -> Any:
        return like_results(operation, tensors)

    for device in ("CPU", "CUDA"):
        library.impl(name, by_kernels, device)
    library.impl(name, applied(function), "Autograd")
    # The dispatch key of torch.func: every transformation, at any depth, must meet the function with its derivatives.
    library.impl(name, function.apply, "FuncTorchDynamicLayerFrontMode")
    torch.library.register_fake(f"numbaexp::{name}", fake, lib=library)
    return operator


def like_results(operation: Operation, tensors: tuple[torch.Tensor, ...]) -> Any:
    """Return tensors of the type, shape and strides of the results; their elements have no meaning."""
    broadcast = alike(operation.arrays, tensors)
    like = next((x for x in broadcast if 0 not in x.stride()), broadcast[0])
    made = tuple(torch.exp(like) for _ in range(operation.results))
    return made if operation.results > 1 else made[0]
