"""How operators are computed under ``torch.vmap``: of arguments with one axis more, which ``dims`` tells of each."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from numbaexp.layout import axes_of
from numbaexp.operations import Kind, Operation

Batched = Callable[..., tuple[torch.Tensor, int]]


def batched(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    """Return a function with the signature of ``torch.autograd.Function.vmap``."""
    make = _one_by_one if operation.kind is Kind.LOSS else _rows if operation.options else _elementwise
    return make(operation, operator)


def _elementwise(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    def of_batch(info: Any, dims: Sequence[int | None], *arrays: torch.Tensor) -> tuple[torch.Tensor, int]:
        return operator(*_leading(info, dims, arrays)), 0

    return of_batch


def _rows(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    count, index = len(operation.arrays), list(operation.options).index("axis")

    def of_batch(info: Any, dims: Sequence[int | None], *given: Any) -> tuple[torch.Tensor, int]:
        arrays, options = _leading(info, dims, given[:count]), list(given[count:])
        ndim = arrays[operation.like_index].ndim - 1
        options[index] = [axis + 1 for axis in axes_of(options[index], ndim)]
        if ndim:
            return operator(*arrays, *options), 0
        return operator(*[array[:, None] for array in arrays], *options).reshape(info.batch_size), 0

    return of_batch


def _one_by_one(operation: Operation, operator: Callable[..., torch.Tensor]) -> Batched:
    """Return a function that calls the operator for each loss: its bits depend on the order of the reduction."""

    def of_batch(info: Any, dims: Sequence[int | None], *given: Any) -> tuple[torch.Tensor, int]:
        parts = [
            operator(*[each if dim is None else each.select(dim, i) for each, dim in zip(given, dims, strict=True)])
            for i in range(info.batch_size)
        ]
        if not parts:
            like = operator(*map(_without_data, given, dims))
            return like.new_empty((0, *like.shape), device=given[0].device), 0
        return torch.stack(parts), 0

    return of_batch


def _without_data(given: Any, dim: int | None) -> Any:
    """Return an argument without the batch axis; a tensor on the device "meta"."""
    if not isinstance(given, torch.Tensor):
        return given
    return given.new_empty(given.shape if dim is None else given.movedim(dim, 0).shape[1:], device="meta")


def _leading(info: Any, dims: Sequence[int | None], arrays: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the arrays with the batch axis first."""
    return [
        array.expand(info.batch_size, *array.shape) if dim is None else array.movedim(dim, 0)
        for array, dim in zip(arrays, dims, strict=False)
    ]
