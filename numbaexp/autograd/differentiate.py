"""Gradients of some tensors with respect to others."""

from collections.abc import Iterable
from typing import Any

from numbaexp.autograd.backward import gradients, start_of
from numbaexp.autograd.tensor import Tensor


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Compute the gradients of some tensors with respect to others, which may be leaves or not.

    Parameters
    ----------
    outputs : Tensor or sequence of them
        The tensors to differentiate; of several, their sum.
    inputs : Tensor or sequence of them
        The tensors to differentiate by.
    grad_outputs : array_like, Tensor, None or sequence of them, optional
        The gradient of each output, of its shape; None is 1, of an output with one element.
    retain_graph : bool or None, optional
        Whether saved values are kept, for another walk through the graph; None is as ``create_graph``.
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
        If an output or an input does not require grad, if an input is not used, or if a saved value has been released
        or changed in place.
    NotImplementedError
        If a function in between has no rule.

    See Also
    --------
    Tensor.backward : into ``.grad`` of the leaves.

    Notes
    -----
    Accuracy: gradients of the functions of this package are those of ``exp_backward`` and so on, given the gradient of
    the result; sums and products are NumPy's.

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
    if grad_outputs is None or isinstance(outputs, Tensor):
        grad_outputs = [grad_outputs] * len(tensors)
    if len(grad_outputs) != len(tensors):
        raise ValueError(f"`grad_outputs` must be as many as `outputs`, {len(tensors)}; got {len(grad_outputs)}")
    for tensor in by:
        if not tensor.requires_grad:
            raise RuntimeError("`inputs` must require grad; got a tensor that does not")
    starts = [
        start_of(tensor, gradient, "grad_outputs", create_graph)
        for tensor, gradient in zip(tensors, grad_outputs, strict=True)
    ]
    edges = [tensor._edge for tensor in by]
    found = gradients(starts, Tensor, retain_graph, create_graph, set(edges))
    for number, edge in enumerate(edges):
        if edge not in found and not allow_unused:
            raise RuntimeError(
                f"`inputs` must be used in `outputs`; got one, number {number}, that is not: give `allow_unused=True` "
                "to have None for its gradient"
            )
    return tuple(found.get(edge) for edge in edges)


def _tensors(given: Any, argument: str) -> list[Tensor]:
    """List one tensor or several, and refuse all else."""
    tensors = list(given) if isinstance(given, Iterable) and not isinstance(given, Tensor) else [given]
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"`{argument}` must be a tensor or a sequence of them; got {type(tensor).__name__}")
    if not tensors:
        raise ValueError(f"`{argument}` must have a tensor; got none")
    return tensors
