"""A cross entropy of arrays of another library on a device, from its arguments to what it returns."""

from typing import Any

import numpy as np

from numbaexp.losses_layout import Problem, check_grad, problem
from numbaexp.owners.adapter import Adapter, Elements
from numbaexp.owners.flow import library_of
from numbaexp.owners.needs import need_cuda
from numbaexp.owners.promotion import FLOATS
from numbaexp.owners.row_flow import stream_of
from numbaexp.owners.table import owner_of


def forward(logits: Any, targets: Any, weight: Any, **options: Any) -> Any:
    """The loss. All arrays are on one device."""
    owner = _owner(logits, targets=targets, weight=weight)
    given, arrays = _read(owner, logits, targets, weight, options)
    written = owner.new(Elements(arrays[0], given.x), given.dtype, given.loss_shape)
    from numbaexp.cuda import losses

    losses.forward(given, written.view, stream_of(owner, arrays))
    return owner.finish(arrays[0], None, written)


def backward(grad_output: Any, logits: Any, targets: Any, weight: Any, **options: Any) -> Any:
    """The gradient of the logits. That of the loss may be a number of the host."""
    is_number = np.isscalar(grad_output)
    owner = _owner(logits, targets=targets, weight=weight, grad_output=None if is_number else grad_output)
    given, arrays = _read(owner, logits, targets, weight, options)
    grad: Any = float(grad_output) if is_number else _floats(owner, grad_output, "grad_output", arrays)
    check_grad(given, () if is_number else grad.shape)
    written = owner.write(owner.read(logits, "logits")[0], None, given.dtype)
    if 0 not in given.x.shape:
        from numbaexp.cuda import losses

        losses.backward(given, grad, written.view, stream_of(owner, arrays))
    return owner.finish(arrays[0], None, written)


def _owner(logits: Any, **others: Any) -> Adapter:
    """The library of all of them."""
    owner = owner_of(logits)
    for argument, array in others.items():
        if array is not None and owner_of(array) is not owner:
            libraries = f"a {library_of(logits)} and a {library_of(array)}"
            raise TypeError(f"`logits` and `{argument}` must be arrays of one library; got {libraries}")
    need_cuda("logits")
    return owner  # type: ignore[return-value]


def _read(owner: Adapter, logits: Any, targets: Any, weight: Any, options: dict[str, Any]) -> tuple[Problem, list[Any]]:
    """The problem, and the arrays as they have been read, those of the logits first."""
    x, of_targets = owner.read(logits, "logits")[0], owner.read(targets, "targets")[0]
    arrays = [x.array, of_targets.array]
    factors = None if weight is None else _floats(owner, weight, "weight", arrays)
    return problem((x.view, x.view.dtype), (of_targets.view, of_targets.view.dtype), factors, **options), arrays


def _floats(owner: Adapter, array: Any, argument: str, arrays: list[Any]) -> Any:
    """The elements of an argument, which is added to the arrays that have been read."""
    elements, _ = owner.read(array, argument)
    if elements.view.dtype not in FLOATS:
        raise TypeError(f"`{argument}` must be of type {', '.join(FLOATS)} on a device; got {elements.view.dtype}")
    arrays.append(elements.array)
    return elements.view
