"""The cross entropy and its gradient."""

from typing import Any

from numbaexp.engine.call import dispatch
from numbaexp.engine.ufunc_types import Function

_ARGUMENTS = """logits : array_like, or array of another library
        Of shape (classes,), (batch, classes) or (batch, classes, ...), of a float type, computed on its own device,
        where the other arrays must be too; on a device they must be of the same library.
    targets : array_like, or array of that library
        Classes, integers of the shape of ``logits`` without the axis of the classes; or the classes' probabilities,
        floats of the shape of ``logits``. Where their type is another one, both are taken in the type that they
        promote to; on a device, if their library has an ``astype``. Classes are taken by position, whatever their
        labels.
    weight : array_like or None, or array of that library, optional
        A factor for each class; on a device of a float type. The result's type does not depend on that.
    ignore_index : int, optional
        A class whose targets count for nothing. Without meaning for probabilities.
    reduction : {"mean", "sum", "none"}, optional
        Of the losses: the mean, weighted as the target classes are, over probabilities their sum over the number of
        rows; the sum; or none.
    label_smoothing : float, optional
        In [0, 1], the part of each target that is spread evenly over the classes.
    axis : int or None, optional
        That of the classes; None is 1, or 0 where ``logits`` has no other."""
_RAISES = """TypeError
        If a type is none of the above.
    ValueError
        If a shape, a class or an option is none of the above, or arrays are on different devices. On a device, which
        computes asynchronously, an invalid class does not raise: the loss and the gradient of its row are NaN, and so
        are reductions of them."""


def _documented(function: Function) -> Function:
    function.__doc__ = (function.__doc__ or "").replace("{arguments}", _ARGUMENTS).replace("{raises}", _RAISES)
    return function


@_documented
def cross_entropy(
    logits: Any,
    targets: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    axis: int | None = None,
) -> Any:
    """Compute the negative logarithm of the softmax of the target classes, by the rules of
    :func:`torch.nn.functional.cross_entropy`.

    Parameters
    ----------
    {arguments}

    Returns
    -------
    array or scalar
        The loss, of the type of ``logits``, or of that which they and probabilities promote to; without reduction of
        the shape of ``logits`` without the axis.

    Raises
    ------
    {raises}

    See Also
    --------
    cross_entropy_backward : its gradient.
    log_softmax : of all classes.

    Notes
    -----
    Accuracy: without weights and reduction, of target classes, as of :func:`log_softmax`; else within 1 ulp of the
    exact value for float16, bfloat16 and float32, 1.5 ulp for float64 (evidence: derived, and sampled against MPFR).
    ``logits`` are read once, and nothing of their size is made. Losses are added in pairs of float64, in the order in
    which a row is. Every target gives the same bits. Arrays of Dask stay lazy: chunks that split classes are rechunked,
    and losses of chunks are added in pairs of float64, in the order of Dask's tree.

    Special values: as of :func:`log_softmax`, negative. Classes of probability or weight 0 count for nothing, even if
    their logit is -inf; with ``label_smoothing`` every class counts, and the loss is infinite there. Without rows the
    sum is 0 and the mean NaN; a row without classes has the loss 0.

    References
    ----------
    .. [1] ONNX operator ``SoftmaxCrossEntropyLoss``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.cross_entropy(np.array([[0.0, 0.0], [100.0, 0.0]]), [0, 0], reduction="none")
    array([6.93147181e-01, 3.72007598e-44])
    """
    options = {
        "ignore_index": ignore_index,
        "reduction": reduction,
        "label_smoothing": label_smoothing,
        "axis": axis,
    }
    return dispatch("cross_entropy", (logits, targets, weight), None, options)


@_documented
def cross_entropy_backward(
    grad_output: Any,
    logits: Any,
    targets: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    axis: int | None = None,
) -> Any:
    """Compute the gradient of :func:`cross_entropy` with respect to ``logits``.

    Parameters
    ----------
    grad_output : array_like or scalar, or array of the library of ``logits``
        The gradient of the loss, of its shape.
    {arguments}

    Returns
    -------
    array
        Of the shape and type of ``logits``.

    Raises
    ------
    {raises}

    See Also
    --------
    cross_entropy

    Notes
    -----
    Accuracy: of target classes without smoothing within 1 ulp of the exact value for float16, bfloat16 and float32, 1.5
    ulp for float64, the target's own gradient included, whose softmax is subtracted from 1; else to 2**-38, or 2**-52,
    of the greater of the softmax and the target, whose difference the gradient is (evidence: derived, and sampled
    against MPFR). Every target gives the same bits.

    Special values: a row with NaN or +inf, or of -inf alone, gives NaN, but for a target that is ignored, which gives
    0.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.cross_entropy_backward(1.0, np.array([[0.0, 0.0], [100.0, 0.0]]), [0, 0], reduction="sum")
    array([[-5.00000000e-01,  5.00000000e-01],
           [-3.72007598e-44,  3.72007598e-44]])
    """
    options = {
        "ignore_index": ignore_index,
        "reduction": reduction,
        "label_smoothing": label_smoothing,
        "axis": axis,
    }
    return dispatch("cross_entropy_backward", (grad_output, logits, targets, weight), None, options)
