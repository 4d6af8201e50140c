"""Fake results, from which PyTorch takes types, shapes and strides while it traces."""

from typing import Any

import torch

from numbaexp.backends.torch import float_type
from numbaexp.engine.checks import apart, check_per_row, check_shape
from numbaexp.engine.loss_problem import Problem, make_problem
from numbaexp.layout import axes_of, final_shape
from numbaexp.operations import Kind, Operation


def like_result(operation: Operation, given: dict[str, Any]) -> torch.Tensor:
    """Return a tensor of the type, shape and strides of the result; its elements have no meaning.

    Raise the errors of a call that do not depend on elements.
    """
    tensors = {argument: given[argument] for argument in operation.arrays if given[argument] is not None}
    first, x = operation.arrays[0], tensors[operation.like]
    for argument, tensor in tensors.items():
        float_type(tensor, argument)
        if tensor.device != tensors[first].device:
            raise apart(first, str(tensors[first].device), argument, str(tensor.device))
    if operation.kind is Kind.LOSS:
        problem = _problem(given)
        return torch.exp(x) if operation.is_gradient else x.new_empty(problem.loss_shape)
    axes, last = axes_of(given["axis"], x.ndim) if "axis" in given else (), list(tensors)[-1]
    for argument, tensor in tensors.items():
        if argument in operation.per_row:
            check_per_row(argument, tuple(tensor.shape), tuple(x.shape), axes)
        else:
            check_shape(argument, tuple(tensor.shape), last, tuple(tensors[last].shape))
    if operation.kind is Kind.REDUCTION:
        return _reduced(x, axes, given["keepdims"])
    return torch.exp(x)


def _problem(given: dict[str, Any]) -> Problem:
    """Check a cross entropy without its elements."""
    options = {name: value for name, value in given.items() if name not in ("grad_output", "logits", "targets")}
    logits, targets = ((given[name], str(given[name].dtype).removeprefix("torch.")) for name in ("logits", "targets"))
    return make_problem(logits, targets, **options)


def _reduced(x: torch.Tensor, axes: tuple[int, ...], keepdims: bool) -> torch.Tensor:
    """Return a tensor with one element for each row."""
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    return x.new_empty(final_shape(tuple(x.shape), axes, keepdims) if x.ndim else (), dtype=dtype)
