"""Gradients of tensors: into the leaves, and of what is asked for."""

from collections.abc import Iterable
from typing import Any

from numbaexp.autograd.graph import Arithmetic, Node, Saved, walk
from numbaexp.autograd.recording import Variable, module_of, recording


def accumulate(tensor: Variable, gradient: Any, retain_graph: bool | None, create_graph: bool) -> None:
    """Add the gradients of a tensor to those of the leaves that it was made of."""
    start = _start(tensor, gradient, "gradient", create_graph)
    for leaf, grad in _walk([start], type(tensor), retain_graph, create_graph, None).items():
        before = leaf._grad
        if before is None:
            leaf._grad = grad
        else:
            leaf._grad = before + grad if create_graph else type(leaf)(before._elements + grad._elements)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """The gradients of some tensors with respect to others, which may be leaves or made of them.

    Parameters
    ----------
    outputs : Tensor or sequence of them
        What is differentiated; of several the sum is.
    inputs : Tensor or sequence of them
        What it is differentiated by.
    grad_outputs : array_like, Tensor, None or sequence of them, optional
        The gradient of each output, of its shape; None is 1, of an output with one element.
    retain_graph : bool or None, optional
        Whether what was saved is kept, to go through it again; None is as ``create_graph``.
    create_graph : bool, optional
        Whether the computation of the gradients is recorded, so that they can be differentiated in turn.
    allow_unused : bool, optional
        Whether the gradient of an input that no output depends on is None; else that is an error.

    Returns
    -------
    tuple of Tensor
        The gradient of each input, of its shape and type. ``.grad`` of no tensor is changed.

    Raises
    ------
    TypeError
        If an output or an input is no tensor.
    ValueError
        If a gradient is not of the shape of its output, or there are not as many.
    RuntimeError
        If an output or an input does not require grad, an input is not used, what was saved has been released, or it
        has been changed in place.
    NotImplementedError
        If a function on the way has no rule.

    See Also
    --------
    Tensor.backward : into ``.grad`` of the leaves.

    Notes
    -----
    Accuracy: gradients of the functions of this package are those of ``exp_backward`` and so on, given what comes from
    above; sums and products are NumPy's.

    Special values: as of these.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0, 1.0], requires_grad=True)
    >>> (first,) = autograd.grad(numbaexp.exp(x).sum(), x, create_graph=True)
    >>> autograd.grad(first.sum(), x)
    (tensor([1.        , 2.71828183]),)
    """
    tensors, by = _tensors(outputs, "outputs"), _tensors(inputs, "inputs")
    if grad_outputs is None or isinstance(outputs, Variable):
        grad_outputs = [grad_outputs] * len(tensors)
    if len(grad_outputs) != len(tensors):
        raise ValueError(f"`grad_outputs` must be as many as `outputs`, {len(tensors)}; got {len(grad_outputs)}")
    for tensor in by:
        if not tensor._requires_grad:
            raise RuntimeError("`inputs` must require grad; got a tensor that does not")
    starts = [
        _start(tensor, gradient, "grad_outputs", create_graph)
        for tensor, gradient in zip(tensors, grad_outputs, strict=True)
    ]
    edges = [tensor.edge for tensor in by]
    found = _walk(starts, type(by[0]), retain_graph, create_graph, set(edges))
    for place, edge in enumerate(edges):
        if edge not in found and not allow_unused:
            raise RuntimeError(
                f"`inputs` must be used in `outputs`; got one, number {place}, that is not: give `allow_unused=True` "
                "to have None for its gradient"
            )
    return tuple(found.get(edge) for edge in edges)


def _tensors(given: Any, argument: str) -> list[Variable]:
    tensors = [given] if isinstance(given, Variable) else list(given) if isinstance(given, Iterable) else [given]
    for tensor in tensors:
        if not isinstance(tensor, Variable):
            raise TypeError(f"`{argument}` must be a tensor or a sequence of them; got {type(tensor).__name__}")
    if not tensors:
        raise ValueError(f"`{argument}` must have a tensor; got none")
    return tensors


def _start(tensor: Variable, gradient: Any, argument: str, create_graph: bool) -> tuple[Any, Any]:
    """Where to go from, with the gradient there."""
    if not tensor._requires_grad:
        raise RuntimeError("a tensor that does not require grad has no gradients: nothing it was made of does")
    tensor.check_history()
    data = tensor._elements
    if gradient is None:
        if data.size != 1:
            raise RuntimeError(
                f"`{argument}` must be given where an output has not one element; got none for the shape {data.shape}"
            )
        gradient = module_of(data).ones_like(data)
    elif not isinstance(gradient, Variable):
        gradient = module_of(data).asarray(gradient)
    elif not create_graph:
        gradient = gradient._elements
    if gradient.shape != data.shape:
        raise ValueError(f"`{argument}` must be of the shape of the output, {data.shape}; got {gradient.shape}")
    if gradient.dtype != data.dtype:
        gradient = gradient.astype(data.dtype)
    if create_graph and not isinstance(gradient, Variable):
        gradient = type(tensor)(gradient)
    return tensor.edge, gradient


def _walk(
    starts: list[tuple[Any, Any]], kind: type, retain_graph: bool | None, create_graph: bool, ends: set[Any] | None
) -> dict[Any, Any]:
    """What is found, as tensors of that kind."""
    retain = create_graph if retain_graph is None else retain_graph
    if create_graph:
        with recording(True):
            return walk(starts, Arithmetic(_restorer(kind), _fitted, _shares, lambda grad: grad.clone()), retain, ends)
    found = walk(starts, _OF_ARRAYS, retain, ends)
    return {edge: kind(grad) for edge, grad in found.items()}


def _restorer(kind: type) -> Any:
    def restore(saved: Saved) -> Any:
        """What was saved, with its history."""
        if type(saved.edge) is Node:
            return kind(saved.array, saved.edge, saved.version)
        return saved.array if saved.edge is None else saved.edge

    return restore


def _fitted(grad: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """What broadcasting has spread is summed back."""
    if grad.shape != shape:
        added = grad.ndim - len(shape)
        spread = [added + axis for axis, n in enumerate(shape) if n != grad.shape[added + axis]]
        grad = grad.sum(axis=(*range(added), *spread), keepdims=True).reshape(shape)
    return grad if grad.dtype == dtype else grad.astype(dtype)


def _shares(result: Any, others: Iterable[Any]) -> bool:
    arrays = [other._elements if isinstance(other, Variable) else other for other in (result, *others)]
    may_share = module_of(arrays[0]).may_share_memory
    return any(hasattr(other, "shape") and may_share(arrays[0], other) for other in arrays[1:])


_OF_ARRAYS = Arithmetic(lambda saved: saved.array, _fitted, _shares, lambda grad: grad.copy())
