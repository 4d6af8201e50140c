"""Interception of calls that PyTorch differentiates, transforms, traces or compiles."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.autograd import forward_ad

from numbaexp.backends import torch as backend
from numbaexp.backends.promotion import float_named
from numbaexp.backends.torch import check_out, convert, float_type, small
from numbaexp.engine import masks
from numbaexp.engine.call import shortcuts
from numbaexp.engine.checks import apart, library_of, refuse
from numbaexp.integrations.torch import custom
from numbaexp.integrations.torch.operators import OPERATORS, Registered
from numbaexp.integrations.torch.refusals import refuse_leaf, refuse_out
from numbaexp.integrations.torch.watching import (
    ORDINARY,
    are_transforms_active,
    dispatch_modes,
    function_modes,
    is_tracing,
    is_watched,
)
from numbaexp.operations import Kind, Operation

_Tensor, _is_grad_enabled = torch.Tensor, torch.is_grad_enabled

# Functions that PyTorch has of complex numbers too.
_OF_COMPLEX = frozenset(("exp", "exp2", "expm1", "sigmoid", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh"))


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call the operator or the autograd function where PyTorch must see the call; else return NotImplemented."""
    requires_grad, ordinary = False, not is_watched()
    for array in (*arrays, *out) if type(out) is tuple else (*arrays, out):
        if isinstance(array, _Tensor):
            ordinary = ordinary and type(array) in ORDINARY and not array.is_meta
            requires_grad = requires_grad or (ordinary and array.requires_grad)
        elif array is not None and hasattr(type(array), "__torch_function__"):
            return NotImplemented
    if operation.is_custom:
        return custom.intercept(operation, arrays, out, options, ordinary, requires_grad)
    if _is_complex(operation, arrays):
        return _by_torch(operation, arrays[0], out, options)
    if "dtype" in options and (not ordinary or requires_grad):
        arrays, options = _converted(arrays, **options)
    if not ordinary:
        return _by_operator(OPERATORS[operation.name], arrays, out, options)
    if requires_grad and torch.is_grad_enabled():
        return _with_gradient(OPERATORS[operation.name], arrays, out, options)
    return NotImplemented


def _converted(arrays: tuple[Any, ...], dtype: Any, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Convert the argument to the type that is asked for, in a way that PyTorch sees."""
    return (convert(arrays[0], float_named(dtype)),), options


def _shortcut(known: Registered) -> Callable[..., Any]:
    """Return the short form of ``intercept`` and of what follows it, for tensors in host memory without a behaviour of
    their own."""
    compute, differentiable = small(known.operation), known.functions.direct

    # No elementwise function is cast by autocast on a CPU; tensors that the older ``vmap`` batches have no address.
    def of_one(x: torch.Tensor) -> Any:
        if (
            are_transforms_active()
            or is_tracing()
            or dispatch_modes()
            or function_modes()
            or forward_ad._current_level >= 0
        ):
            return NotImplemented
        if x.requires_grad and _is_grad_enabled():
            return differentiable(x) if x.is_cpu and not x.is_complex() else NotImplemented
        return compute(x)

    def of_two(x: torch.Tensor, y: Any) -> Any:
        if type(y) not in ORDINARY or is_watched():
            return NotImplemented
        if (x.requires_grad or y.requires_grad) and _is_grad_enabled():
            return differentiable(x, y) if x.is_cpu and y.is_cpu else NotImplemented
        return compute(x, y)

    return of_two if known.operation.is_gradient else of_one


for _name, _of in shortcuts.items():
    _of.update(dict.fromkeys(ORDINARY, _shortcut(OPERATORS[_name])))


def _is_complex(operation: Operation, arrays: tuple[Any, ...]) -> bool:
    x = arrays[0]
    is_of_one = operation.kind is Kind.ELEMENTWISE and not operation.is_gradient
    return is_of_one and isinstance(x, torch.Tensor) and x.is_complex()


def _by_torch(operation: Operation, x: torch.Tensor, out: Any, options: Mapping[str, Any]) -> Any:
    """Compute an elementwise function of complex numbers by PyTorch's own."""
    name = operation.name
    refuse(operation, x, options)
    if name not in _OF_COMPLEX:
        raise TypeError(f"`x` must be of a real type, as PyTorch has no complex `{name}`; got {x.dtype}")
    return getattr(x, f"{name}_")() if out is x else getattr(torch, name)(x, out=out)


def _by_operator(known: Registered, arrays: tuple[Any, ...], out: Any, options: Mapping[str, Any]) -> Any:
    """Call the operator through PyTorch's dispatcher."""
    arguments = _arguments(known.operation, arrays, out, options)
    if out is None:
        return known.operator(*arguments)
    x, *rest = arguments
    if out is not x:
        refuse_out(known.operation.name, (*arguments, out))
        if out.device != x.device:
            raise apart(known.operation.arrays[0], str(x.device), "out", str(out.device))
        check_out(x, out, float_type(x, "x"))
    elif known.saves_argument:
        x = x.clone()
    return out.copy_(known.operator(x, *rest))


def _with_gradient(known: Registered, arrays: tuple[Any, ...], out: Any, options: Mapping[str, Any]) -> Any:
    """Compute with autograd alone, without PyTorch's dispatcher."""
    arguments = _arguments(known.operation, arrays, out, options)
    if out is None:
        return known.functions.direct(*arguments)
    x, *rest = arguments
    if out is not x:
        refuse_out(known.operation.name, (*arguments, out))
    refuse_leaf(x)
    if known.saves_argument:
        return x.copy_(known.functions.direct(x.clone(), *rest))
    return known.functions.in_place(x, *rest)


def run_traceable(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call the operator in code that PyTorch compiles; break the graph where no argument is a tensor."""
    if name not in OPERATORS:
        return custom.run_traceable(name, arrays, out, options)
    if not any(isinstance(value, torch.Tensor) for value in (*arrays, out, *options.values())):
        torch._dynamo.graph_break()
    known = OPERATORS[name]
    if _is_complex(known.operation, arrays):
        return _by_torch(known.operation, arrays[0], out, options)
    if known.operation.kind is not Kind.LOSS:
        has_more = bool(known.operation.optional) or len(options) > len(known.operation.options)
        if known.operation.kind is not Kind.ELEMENTWISE and has_more:
            return masks.compute(_run_unmasked, backend, known.operation, arrays, out, options)
        return _by_operator(known, arrays, out, options)
    # Logits and probabilities are promoted to one type.
    *before, logits, targets, weight = arrays
    dtype = logits.dtype
    if logits.is_floating_point() and targets.is_floating_point():
        wide = torch.promote_types(logits.dtype, targets.dtype)
        logits, targets = logits.to(wide), targets.to(wide)
    result = _by_operator(known, (*before, logits, targets, weight), out, options)
    return result.to(dtype) if before else result


def _run_unmasked(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call the operator of a function of rows in code that PyTorch compiles."""
    if "dtype" in options:
        arrays, options = _converted(arrays, **options)
    return _by_operator(OPERATORS[name], arrays, out, options)


def _arguments(operation: Operation, arrays: tuple[Any, ...], out: Any, options: Mapping[str, Any]) -> list[Any]:
    """Return the arguments of the operator."""
    like = next(value for value in (*arrays, out) if isinstance(value, torch.Tensor))
    if not options.keys() <= operation.options.keys():
        refuse(operation, like, options)
    arguments = list(arrays)
    for i, array in enumerate(arrays):
        if not isinstance(array, torch.Tensor) and array is not None:
            arguments[i] = _as_tensor(operation, operation.arrays[i], array, like)
    if out is not None and not isinstance(out, torch.Tensor):
        raise TypeError(f"`out` must be a torch.Tensor, as `{operation.arrays[0]}` is; got a {library_of(out)}")
    return [*arguments, *(options[option] for option in operation.options)]


def _as_tensor(operation: Operation, argument: str, value: Any, like: torch.Tensor) -> torch.Tensor:
    """Convert an argument of a loss, or an index, to a tensor; raise for others."""
    if operation.kind is not Kind.LOSS and argument != "index":
        raise TypeError(f"`{argument}` must be a torch.Tensor, as another argument is; got a {library_of(value)}")
    if isinstance(value, float):
        return like.new_full((), value, dtype=torch.float64)
    return torch.as_tensor(value, device=like.device)
