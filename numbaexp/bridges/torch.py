"""Calls of the public functions on tensors that PyTorch has to know of: they become its operators.

``torch.ops.numbaexp`` has one for each line of the table of rules. It is computed by the kernels that the public
function has for plain tensors; what its gradient is, and how it is traced and batched, PyTorch is told here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from numbaexp.autograd.rules import RULES
from numbaexp.bridges.torch_batches import batched
from numbaexp.bridges.torch_functions import Functions
from numbaexp.bridges.torch_operators import Operator
from numbaexp.bridges.torch_record import is_without_out
from numbaexp.owners.flow import apart, library_of
from numbaexp.owners.row_flow import refuse
from numbaexp.owners.torch import check_out, float_type

# What PyTorch computes in float32 under ``torch.autocast``: on CUDA its own of these names, but for exp10, of which it
# has none; that is as exp.
_IN_FLOAT32 = {
    "cpu": ("cross_entropy",),
    "cuda": ("exp", "exp10", "expm1", "softplus", "softmax", "log_softmax", "logsumexp", "cross_entropy"),
}

_library = torch.library.Library("numbaexp", "DEF")
_known = {name: Operator(rule) for name, rule in RULES.items()}
_operators: dict[str, Any] = {}
_functions: dict[str, Functions] = {}


def _register(name: str, known: Operator) -> None:
    _library.define(known.schema)
    operator = _operators[name] = getattr(torch.ops.numbaexp, name).default
    functions = _functions[name] = Functions(known, operator, batched(known.rule, operator))
    for device in ("CPU", "CUDA"):
        _library.impl(name, known.compute, device)
    torch.library.register_fake(f"numbaexp::{name}", known.fake, lib=_library)
    _library.impl(name, functions.of_operators, "Autograd")
    # The key of torch.func: each of its transformations, at whatever depth, is to meet the function with its rules.
    _library.impl(name, functions.transformed, "FuncTorchDynamicLayerFrontMode")
    for device, names in _IN_FLOAT32.items():
        if name in names:
            torch.library.register_autocast(f"numbaexp::{name}", device, torch.float32, lib=_library)


for _name, _each in _known.items():
    _register(_name, _each)


def call(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The public function ``name`` by its operator, which all of PyTorch sees."""
    arguments, out = _arguments(name, args, kwargs)
    if out is None:
        return _operators[name](*arguments)
    x, *options = arguments
    if out is not x:
        _refuse_out(name, (*arguments, out))
        if out.device != x.device:
            raise apart(str(x.device), str(out.device))
        check_out(x, out, float_type(x, "x"))
    elif _known[name].saves_argument:
        x = x.clone()
    return out.copy_(_operators[name](x, *options))


def call_compiled(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The same in code that PyTorch compiles; what is no tensor there is computed outside of it."""
    if not any(isinstance(value, torch.Tensor) for value in (*args, *kwargs.values())):
        torch._dynamo.graph_break()
    if "reduction" in _known[name].parameters:
        return _call_of_losses(name, args, kwargs)
    return call(name, args, kwargs)


def _call_of_losses(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """With logits and probabilities in one type, as the public functions call the others."""
    arguments, _ = _arguments(name, args, kwargs)
    places = [_known[name].parameters.index(argument) for argument in ("logits", "targets")]
    logits, targets = (arguments[place] for place in places)
    if logits.is_floating_point() and targets.is_floating_point():
        wide = torch.promote_types(logits.dtype, targets.dtype)
        for place in places:
            arguments[place] = arguments[place].to(wide)
    result = _operators[name](*arguments)
    return result.to(logits.dtype) if name.endswith("_backward") else result


def call_recorded(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The same where PyTorch has nothing to know of but the gradient, without the way through its dispatcher."""
    arguments, out = _arguments(name, args, kwargs)
    if out is None:
        return _functions[name].plain(*arguments)
    x, *options = arguments
    if out is not x:
        _refuse_out(name, (*arguments, out))
    _refuse_leaf(x)
    if _known[name].saves_argument:
        return x.copy_(_functions[name].plain(x.clone(), *options))
    return _functions[name].in_place(x, *options)


def _arguments(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[list[Any], Any]:
    """Those of the operator, and ``out``."""
    known = _known[name]
    # An ordinary call of an elementwise function, for which the rest would take longer than the call.
    if not known.rule.options and is_without_out(kwargs) and all(isinstance(value, torch.Tensor) for value in args):
        return list(args), None
    if len(args) > len(known.positional):
        raise TypeError(f"`{name}` takes {len(known.positional)} arguments by position; got {len(args)}")
    given = {**known.defaults, **dict(zip(known.positional, args, strict=False)), **kwargs}
    out = given.pop("out", None)
    like = next(value for value in (*given.values(), out) if isinstance(value, torch.Tensor))
    others = {key: value for key, value in given.items() if key not in known.parameters}
    refuse(name, like, **{key: value or None if key in known.flags else value for key, value in others.items()})
    arguments = []
    for parameter in known.parameters:
        if parameter not in given:
            raise TypeError(f"`{name}` needs `{parameter}`")
        value = given[parameter]
        if parameter in known.rule.arguments and not isinstance(value, torch.Tensor) and value is not None:
            value = _tensor(name, parameter, value, like)
        arguments.append(value)
    if out is not None and not isinstance(out, torch.Tensor):
        raise TypeError(f"`out` must be a torch.Tensor, as `{known.rule.arguments[0]}` is; got a {library_of(out)}")
    return arguments, out


def _tensor(name: str, argument: str, value: Any, like: torch.Tensor) -> torch.Tensor:
    """An array that is given as something else, as the losses take them."""
    if "reduction" not in _known[name].parameters:
        raise TypeError(f"`{argument}` must be a torch.Tensor, as another argument is; got a {library_of(value)}")
    if isinstance(value, float):
        return like.new_full((), value, dtype=torch.float64)
    return torch.as_tensor(value, device=like.device)


def _refuse_out(name: str, tensors: Iterable[Any]) -> None:
    if torch.is_grad_enabled() and any(isinstance(each, torch.Tensor) and each.requires_grad for each in tensors):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )


def _refuse_leaf(x: torch.Tensor) -> None:
    """As PyTorch does, but before anything is computed; it would ask after."""
    if x.is_leaf and x.requires_grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if x._is_view() and x._base is not None and x._base.is_leaf and x._base.requires_grad:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
