"""Classes ``torch.autograd.Function`` of functions that users have written."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from numbaexp.backends.torch import small
from numbaexp.engine.call import call, compute
from numbaexp.integrations.torch.functions import applied


class _Derivatives:
    """Implement the methods of a ``torch.autograd.Function``; its inputs may be numbers too."""

    def __init__(self, operation: Any):
        self._operation = operation

    def save(self, ctx: Any, inputs: tuple[Any, ...]) -> None:
        ctx.save_for_backward(*[x for x in inputs if isinstance(x, torch.Tensor)])
        ctx.numbers = [None if isinstance(x, torch.Tensor) else x for x in inputs]
        # One kernel computes all gradients: those of results that nobody has used are a number to it.
        ctx.set_materialize_grads(False)

    def setup_context(self, ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        self.save(ctx, inputs)
        ctx.save_for_forward(*inputs)

    def backward(self, ctx: Any, *grads: torch.Tensor | None) -> Any:
        gradients: list[Any] = [None] * len(ctx.needs_input_grad)
        wrt = tuple(i for i, needed in enumerate(ctx.needs_input_grad) if needed)
        if all(grad is None for grad in grads):
            return tuple(gradients)
        inputs = _restored(ctx)
        made = call(self._operation.backward(wrt), *[0.0 if grad is None else grad for grad in grads], *inputs)
        for i, gradient in zip(wrt, made if len(wrt) > 1 else (made,), strict=True):
            gradients[i] = gradient.sum_to_size(inputs[i].shape).to(inputs[i].dtype)
        return tuple(gradients)

    def jvp(self, ctx: Any, *tangents: torch.Tensor | None) -> Any:
        wrt = tuple(i for i, tangent in enumerate(tangents) if tangent is not None)
        return call(self._operation.tangent(wrt), *[tangents[i] for i in wrt], *_restored(ctx))


def _restored(ctx: Any) -> list[Any]:
    """Return the inputs as they were given."""
    tensors = iter(ctx.saved_tensors)
    return [next(tensors) if number is None else number for number in ctx.numbers]


def _batched(operator: Callable[..., Any], results: int) -> Callable[..., Any]:
    """Return a function with the signature of ``torch.autograd.Function.vmap``: the operator broadcasts by itself."""

    def of_batch(info: Any, dims: Sequence[int | None], *tensors: torch.Tensor) -> Any:
        ndim = max(x.ndim - (dim is not None) for x, dim in zip(tensors, dims, strict=True))
        given = [x if dim is None else _leading(x, dim, ndim) for x, dim in zip(tensors, dims, strict=True)]
        return operator(*given), 0 if results == 1 else (0,) * results

    return of_batch


def _leading(x: torch.Tensor, dim: int, ndim: int) -> torch.Tensor:
    """Return a tensor with the batch axis before as many others as the result has."""
    x = x.movedim(dim, 0)
    return x.reshape(x.shape[0], *[1] * (ndim - x.ndim + 1), *x.shape[1:])


@functools.cache
def direct(operation: Any) -> Callable[..., Any]:
    """Return the autograd function that calls the kernels on ordinary tensors and numbers."""
    derivatives = _Derivatives(operation)

    def forward(ctx: Any, *arrays: Any) -> Any:
        result = small(operation)(*arrays)
        if result is NotImplemented:
            with torch._C._AutoDispatchBelowAutograd():
                result = compute(operation, arrays, None, {})
        derivatives.save(ctx, arrays)
        return result

    return applied(_function(operation, forward=forward, backward=derivatives.backward))


def of_operator(operation: Any, operator: Callable[..., Any]) -> Any:
    """Return the autograd function that calls the operator through PyTorch's dispatcher."""
    derivatives = _Derivatives(operation)

    def forward(*tensors: torch.Tensor) -> Any:
        with torch._C._AutoDispatchBelowAutograd():
            return operator(*tensors)

    return _function(
        operation,
        forward=forward,
        setup_context=derivatives.setup_context,
        backward=derivatives.backward,
        jvp=derivatives.jvp,
        vmap=_batched(operator, operation.results),
    )


def _function(operation: Any, **methods: Callable[..., Any]) -> Any:
    return type(
        operation.name, (torch.autograd.Function,), {key: staticmethod(method) for key, method in methods.items()}
    )
