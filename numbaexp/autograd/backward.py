"""Gradients of tensors by the walk through their graph, for ``Tensor.backward`` and ``grad``."""

from typing import Any

from numbaexp.autograd.graph import walk
from numbaexp.autograd.recording import recording
from numbaexp.derivatives.arrays import module_of


def accumulate(tensor: Any, gradient: Any, retain_graph: bool | None, create_graph: bool) -> None:
    """Add the gradients of a tensor to those of the leaves that it depends on."""
    start = start_of(tensor, gradient, "gradient", create_graph)
    for leaf, grad in gradients([start], type(tensor), retain_graph, create_graph).items():
        before = leaf._grad
        if before is None:
            leaf._grad = grad
        else:
            leaf._grad = before + grad if create_graph else type(leaf)(before._elements + grad._elements)


def start_of(tensor: Any, gradient: Any, argument: str, create_graph: bool) -> tuple[Any, Any]:
    """Return the node or leaf that a walk begins at, and the gradient there: a tensor with ``create_graph``."""
    if not tensor._requires_grad:
        raise RuntimeError("a tensor that does not require grad has no gradients: nothing it was made of does")
    tensor._check_history()
    data = tensor._elements
    is_tensor = hasattr(gradient, "_elements")
    if gradient is None:
        if data.size != 1:
            raise RuntimeError(
                f"`{argument}` must be given where an output has not one element; got none for the shape {data.shape}"
            )
        gradient = module_of(data).ones_like(data)
    elif not is_tensor:
        gradient = module_of(data).asarray(gradient)
    elif not create_graph:
        gradient = gradient._elements
    if gradient.shape != data.shape:
        raise ValueError(f"`{argument}` must be of the shape of the output, {data.shape}; got {gradient.shape}")
    if gradient.dtype != data.dtype:
        gradient = gradient.astype(data.dtype)
    if create_graph and not is_tensor:
        gradient = type(tensor)(gradient)
    return tensor._edge, gradient


def gradients(
    starts: list[tuple[Any, Any]],
    kind: type,
    retain_graph: bool | None,
    create_graph: bool,
    ends: set[Any] | None = None,
) -> dict[Any, Any]:
    """Walk back from ``starts``, and return the gradients as tensors of the class ``kind``."""
    retain = create_graph if retain_graph is None else retain_graph
    if create_graph:
        with recording(True):
            return walk(starts, retain, ends, kind)
    return {edge: kind(grad) for edge, grad in walk(starts, retain, ends).items()}
