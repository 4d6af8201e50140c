"""Calls of functions that users have written, with tensors among the arguments."""

from collections.abc import Callable
from typing import Any

import torch

from numbaexp.backends.torch import check_out, float_type, promoted, small
from numbaexp.engine.call import shortcuts_of_custom
from numbaexp.engine.checks import apart, library_of, outs_of, refuse
from numbaexp.integrations.torch.custom_functions import direct
from numbaexp.integrations.torch.custom_operators import OPERATORS, operator_of
from numbaexp.integrations.torch.refusals import refuse_out
from numbaexp.integrations.torch.watching import ORDINARY, is_watched
from numbaexp.operations import Operation

_is_grad_enabled = torch.is_grad_enabled


def intercept(
    operation: Operation,
    arrays: tuple[Any, ...],
    out: Any,
    options: dict[str, Any],
    ordinary: bool,
    requires_grad: bool,
) -> Any:
    """Call the operator or the autograd function where PyTorch must see the call; else return NotImplemented."""
    shortcuts = shortcuts_of_custom.get(operation)
    if shortcuts == {}:
        shortcuts.update(dict.fromkeys(ORDINARY, _shortcut(operation)))
    if ordinary and not (requires_grad and _is_grad_enabled()):
        return NotImplemented
    if not any(isinstance(x, torch.Tensor) for x in arrays):
        return NotImplemented
    return _call(operation, None if ordinary else operator_of(operation), arrays, out, options)


def run_traceable(kernel: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call the operator in code that PyTorch compiles; break the graph where no argument is a tensor."""
    if not any(isinstance(x, torch.Tensor) for x in arrays):
        torch._dynamo.graph_break()
    operation, operator = OPERATORS[kernel]
    return _call(operation, operator, arrays, out, options)


def _shortcut(operation: Operation) -> Callable[..., Any]:
    """Return the short form of ``intercept`` and of what follows it, for tensors in host memory without a behaviour of
    their own."""
    compute, differentiable, inputs = small(operation), direct(operation), len(operation.arrays)

    def shortcut(*arrays: Any) -> Any:
        requires_grad = False
        for x in arrays:
            if type(x) in ORDINARY:
                requires_grad = requires_grad or x.requires_grad
            elif type(x) is not float and type(x) is not int:
                return NotImplemented
        if len(arrays) != inputs or is_watched():
            return NotImplemented
        if requires_grad and _is_grad_enabled():
            return NotImplemented if arrays[0].is_meta else differentiable(*arrays)
        return compute(*arrays)

    return shortcut


def _call(operation: Operation, operator: Any, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call the operator, or else compute with autograd alone, without PyTorch's dispatcher."""
    like = next(x for x in arrays if isinstance(x, torch.Tensor))
    if options:
        refuse(operation, like, options)
    outs = outs_of(operation, out)
    for one in outs:
        if one is not None:
            _check_out(operation, arrays, one, like)
    # What is overwritten is computed from first, and again for the gradient.
    given = [x.clone() if any(x is one for one in outs if one is not None) else x for x in arrays]
    made = direct(operation)(*given) if operator is None else operator(*promoted(operation.arrays, given))
    results = (made,) if operation.results == 1 else made
    finished = tuple(x if one is None else _stored(x, one) for x, one in zip(results, outs, strict=True))
    return finished if operation.results > 1 else finished[0]


def _check_out(operation: Operation, arrays: tuple[Any, ...], out: Any, like: torch.Tensor) -> None:
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"`out` must be a torch.Tensor, as another argument is; got a {library_of(out)}")
    if out.device != like.device:
        raise apart(operation.arrays[0], str(like.device), "out", str(out.device))
    if not any(out is x for x in arrays):
        refuse_out(operation.name, (*arrays, out))


def _stored(result: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    check_out(result, out, float_type(result, "out"))
    return out.copy_(result)
