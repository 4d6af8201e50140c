"""Functions of the distribution that logits stand for, their softmax, and their gradients."""

from typing import Any

from numbaexp.engine.call import dispatch
from numbaexp.engine.ufunc_types import Function

_LOGITS = """array_like, or array of another library
        Of any shape, computed on its own device. float16, bfloat16 (in NumPy that of ``ml_dtypes``), float32 and
        float64 are computed in their own type, integers and bool of NumPy's in float64."""
_INDEX = """array_like, or array of that library
        Classes, integers: one for each row, of the shape of ``logits`` without the axis; or several, with as many
        dimensions as ``logits`` and any length along the axis, as in :func:`numpy.take_along_axis`. Negative ones do
        not count from the end: most are padding."""
_RAISES = """TypeError
        If a type is none of the above.
    ValueError
        If a shape, a class or the axis is none of the above, or arrays are on different devices. On a device, which
        computes asynchronously, an invalid class does not raise: {invalid}.
    numpy.exceptions.AxisError
        If there is no such axis."""


def _documented(function: Function) -> Function:
    """Fill the common parts into the docstring of a function, and return the function."""
    text = function.__doc__ or ""
    invalid = "its result is NaN" if function.__name__ == "log_prob" else "the gradient of its row is NaN"
    for mark, part in (("logits", _LOGITS), ("index", _INDEX), ("raises", _RAISES), ("invalid", invalid)):
        text = text.replace(f"{{{mark}}}", part)
    function.__doc__ = text
    return function


@_documented
def log_prob(logits: Any, index: Any, axis: Any = -1) -> Any:
    """Compute the logarithm of the softmax of chosen classes: :func:`log_softmax` at an index.

    Parameters
    ----------
    logits : {logits}
    index : {index}
    axis : int, optional
        That of the classes.

    Returns
    -------
    array or scalar
        Of the shape of ``index`` and the type of ``log_softmax(logits)``.

    Raises
    ------
    {raises}

    See Also
    --------
    log_softmax : of all classes.
    cross_entropy : with weights, classes that count for nothing, and a reduction.
    log_prob_backward : its gradient.

    Notes
    -----
    Accuracy: as of :func:`log_softmax`, whose bits the results have. ``logits`` are read once, and nothing of their
    size is made. Every target gives the same bits.

    Special values: as of :func:`log_softmax`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> logits = np.array([[0.0, 0.0], [100.0, 0.0]])
    >>> numbaexp.log_prob(logits, [0, 0])
    array([-6.93147181e-01, -3.72007598e-44])
    >>> numbaexp.log_prob(logits, [[0, 1], [1, 1]])
    array([[  -0.69314718,   -0.69314718],
           [-100.        , -100.        ]])
    """
    return dispatch("log_prob", (logits, index), None, {"axis": axis})


@_documented
def log_prob_backward(grad_output: Any, logits: Any, index: Any, axis: Any = -1) -> Any:
    """Compute the gradient of :func:`log_prob` with respect to ``logits``.

    That is the sum of what ``grad_output`` has for a class, less the softmax times the sum of ``grad_output`` of the
    row.

    Parameters
    ----------
    grad_output : array_like, or array of the library of ``logits``
        The gradient of the result, of the shape of ``index``.
    logits : {logits}
    index : {index}
    axis : int, optional
        That of the classes.

    Returns
    -------
    array
        Of the shape of ``logits``, and of the type of ``log_softmax(logits)``.

    Raises
    ------
    {raises}

    See Also
    --------
    log_prob

    Notes
    -----
    Accuracy: where no class of a row is chosen but the element's own, or the element is not chosen, within 0.5001 ulp
    of the exact value for float16, bfloat16 and float32, 0.6 ulp for float64, for ``grad_output`` below 2**500, and
    results below 2**-960 within 1 ulp; the gradient of a class that is most of its row too. Else with an error of
    2**-38, in float64 2**-52, of the sum of the magnitudes of the gradients of the row besides, where these cancel
    (evidence: derived, and sampled against MPFR). Every target gives the same bits.

    Special values: a row with NaN or +inf gives NaN, as do, of a row of -inf alone, the chosen classes; the others of
    such a row give 0.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.log_prob_backward([1.0, 1.0], np.array([[0.0, 0.0], [100.0, 0.0]]), [0, 0])
    array([[ 5.00000000e-01, -5.00000000e-01],
           [ 3.72007598e-44, -3.72007598e-44]])
    """
    return dispatch("log_prob_backward", (grad_output, logits, index), None, {"axis": axis})


@_documented
def entropy(logits: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    """Compute the entropy of the softmax along an axis, ``-sum(p * log(p))`` with ``p = softmax(logits)``, in nats.

    Parameters
    ----------
    logits : {logits}
    axis : int, tuple of int or None, optional
        The axes of the classes; None is all of them.
    keepdims : bool, optional
        Whether the axes are kept, with length 1.

    Returns
    -------
    array or scalar
        Of the shape of ``logits`` without the axes, and of the type of ``softmax(logits)``.

    Raises
    ------
    TypeError
        If a type is none of the above.
    numpy.exceptions.AxisError
        If there is no such axis.

    See Also
    --------
    log_prob : of single classes.
    entropy_backward : its gradient.

    Notes
    -----
    Accuracy: float16, bfloat16 and float32 within 0.5001 ulp of the exact value, float64 within 0.6 ulp, results below
    2**-960 within 1 ulp (evidence: derived, and sampled against MPFR), for rows that one element dominates too. With m
    the greatest element and S the sum of ``exp(x - m)``, the entropy is ``log(S) + sum((m - x) * exp(x - m)) / S``,
    whose terms are not negative. ``logits`` are read once, and nothing of their size is made. Every target gives the
    same bits.

    Special values: -inf counts for nothing. A row with NaN or +inf, or of -inf alone, gives NaN, as of
    :func:`softmax`. A row of one element, or without elements, gives 0.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.entropy(np.array([[0.0, 0.0], [100.0, 0.0], [0.0, -np.inf]]))
    array([6.93147181e-01, 3.75727674e-42, 0.00000000e+00])
    """
    return dispatch("entropy", (logits,), None, {"axis": axis, "keepdims": keepdims})


@_documented
def entropy_backward(grad_output: Any, logits: Any, axis: Any = -1) -> Any:
    """Compute the gradient of :func:`entropy`: ``-grad_output * p * (log(p) + entropy(logits))``.

    Parameters
    ----------
    grad_output : array_like, or array of the library of ``logits``
        The gradient of the result, with the axes or without them.
    logits : {logits}
    axis : int, tuple of int or None, optional
        That of the function.

    Returns
    -------
    array
        Of the shape of ``logits``, and of the type of ``softmax(logits)``.

    Raises
    ------
    TypeError
        If a type is none of the above, or the arguments are not of one library.
    ValueError
        If ``grad_output`` is not of the shape of the result, or on another device.

    See Also
    --------
    entropy

    Notes
    -----
    Accuracy: within 0.5001 ulp of the exact value for float16, bfloat16 and float32, 0.51 ulp for float64, for
    ``grad_output`` below 2**500, and results below 2**-960 within 1 ulp; but for an error of 2**-38, in float64 2**-58,
    of ``grad_output`` times the softmax and the distance from the greatest element to the mean, where the element is so
    near to the mean that the difference cancels (evidence: derived, and sampled against MPFR). Every target gives the
    same bits.

    Special values: -inf gives 0. A row with NaN or +inf, or of -inf alone, gives NaN. A row of equal elements gives
    zeros.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.entropy_backward([1.0, 1.0], np.array([[0.0, 0.0], [2.0, 0.0]]))
    array([[ 0.        ,  0.        ],
           [-0.20998717,  0.20998717]])
    """
    return dispatch("entropy_backward", (grad_output, logits), None, {"axis": axis})
