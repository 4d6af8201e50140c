"""How operators are computed under ``torch.vmap``: of arguments with one axis more, which ``dims`` tells of each."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from numbaexp.layout import axes_of
from numbaexp.operations import Kind, Operation

Batched = Callable[..., tuple[torch.Tensor, int]]


def batched(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    """Return a function with the signature of ``torch.autograd.Function.vmap``."""
    make = _losses if operation.kind is Kind.LOSS else _rows if operation.options else _elementwise
    return make(operation, operator)


def _elementwise(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    def of_batch(info: Any, dims: Sequence[int | None], *arrays: torch.Tensor) -> tuple[torch.Tensor, int]:
        return operator(*_leading(info, dims, arrays)), 0

    return of_batch


def _rows(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    count, index = len(operation.arrays), list(operation.options).index("axis")
    like = operation.like_index

    def of_batch(info: Any, dims: Sequence[int | None], *given: Any) -> tuple[torch.Tensor, int]:
        arrays, options = _leading(info, dims, given[:count]), list(given[count:])
        ndim = arrays[like].ndim - 1
        options[index] = [axis + 1 for axis in axes_of(options[index], ndim)]
        if ndim:
            return operator(*arrays, *options), 0
        rows = [array if array is None else array[:, None] for array in arrays]
        return operator(*rows, *options).reshape(info.batch_size), 0

    return of_batch


def _losses(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    """Return a function that calls the operator of several calls: the bits of each depend on the order of its own
    reduction."""
    count = len(operation.arrays)

    def of_batch(info: Any, dims: Sequence[int | None], *given: Any) -> tuple[torch.Tensor, int]:
        options = dict(zip(operation.options, given[count:], strict=True))
        calls = options.pop("calls", 0) + 1
        return operator(*_leading(info, dims, given[:count]), *options.values(), calls), 0

    return of_batch


def _leading(info: Any, dims: Sequence[int | None], arrays: Sequence[Any]) -> list[Any]:
    """Return the arrays with the batch axis first; None stays."""
    return [
        None if array is None else array.expand(info.batch_size, *array.shape) if dim is None else array.movedim(dim, 0)
        for array, dim in zip(arrays, dims, strict=False)
    ]
