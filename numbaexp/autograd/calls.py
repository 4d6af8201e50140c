"""Calls of the public functions on tensors."""

import functools
from typing import Any

import numpy as np

import numbaexp
from numbaexp.autograd.recording import Variable, apply, is_recording
from numbaexp.autograd.rules import rule_of


def record(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The public function ``name``, where an array among its arguments is a tensor."""
    rule, kwargs = rule_of(name), dict(kwargs)
    out = kwargs.pop("out", None)
    by_keyword = rule.arguments[len(args) :]
    arguments = [_array(argument) for argument in (*args, *(kwargs.pop(argument) for argument in by_keyword))]
    options = {option: kwargs.pop(option) for option in rule.options if option in kwargs}
    for option, value in kwargs.items():
        if value is not None:
            raise TypeError(f"of a tensor of `numbaexp.autograd` `{name}` does not take `{option}`")

    function = functools.partial(getattr(numbaexp, name), **options)

    def compute(*arrays: Any, **into: Any) -> Any:
        if by_keyword:
            into.update(zip(by_keyword, arrays[len(args) :], strict=True))
        return function(*arrays[: len(args)], **into)

    if out is None:
        return apply(rule, arguments, compute, options)
    if not isinstance(out, Variable):
        raise TypeError(f"`out` must be a tensor of `numbaexp.autograd`, as an argument is; got {type(out).__name__}")
    if out is arguments[0]:
        return apply(rule, arguments, lambda *arrays: compute(*arrays, out=arrays[0]), options, into=out)
    tensors = [argument for argument in (*arguments, out) if isinstance(argument, Variable)]
    if is_recording() and any(tensor._requires_grad for tensor in tensors):
        raise RuntimeError(
            f"`out` must be `{rule.arguments[0]}` itself where `{name}` is recorded: another tensor has a history of "
            "its own. Leave `out` away, or call it under `no_grad()`"
        )
    compute(
        *(argument._elements if isinstance(argument, Variable) else argument for argument in arguments),
        out=out._elements,
    )
    out.change(None)
    return out


def _array(value: Any) -> Any:
    """Formulas take arrays, and no sequences."""
    return np.asarray(value) if isinstance(value, (list, tuple)) else value
