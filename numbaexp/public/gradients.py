"""The gradients of the elementwise functions: the gradient of the result times the derivative."""

from collections.abc import Callable
from typing import Any

from numbaexp.engine.functions import make_function

# Common parts of the docstrings.
_ARGUMENTS = """Parameters
    ----------
    grad_output : array_like, or array of another library
        The gradient of the result.
    {saved} : array_like, or array of another library
        {meaning}
        In NumPy the two broadcast, and are promoted as the arguments of any ufunc. In another library both are its
        arrays, on one device, of one shape and float type.
    out : array, None or 1-tuple of them, optional
        Array for the gradient, which may be either argument.
    where : array_like of bool, optional
        Elements where it is false are left as they are in ``out``.
    casting, order, dtype, subok, signature : optional
        As of any NumPy ufunc; of arrays of NumPy alone, as is ``where``.

    Returns
    -------
    array or scalar
        The gradient of the argument of :func:`{forward}`.

    Raises
    ------
    TypeError
        If the types have no loop, ``out`` cannot hold the result, or the arrays are of different libraries.
    ValueError
        If the shapes do not broadcast, ``out`` is read-only or of another shape, or, in a library other than NumPy,
        the shapes differ, ``out`` overlaps an argument in part, or the arrays are on different devices.

    See Also
    --------
    {forward}"""
_MEANINGS = {
    "output": "The result of :func:`{forward}`.",
    "x": "The argument of :func:`{forward}`: the result is not enough for the derivative.",
}
_ROUNDED = """Accuracy: of the arguments as given, for float16, bfloat16 and float32 within 0.5001 ulp; for float64
    within 0.502 ulp, and for results below 2**-1022 within 0.752 ulp (evidence: derived, and sampled against MPFR).
    Nothing overflows or underflows on the way. Every target, thread count, stride and position gives the same bits."""


def _gradient(document: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function of a documented signature, with the common parts of the docstring filled in."""
    names = document.__code__.co_varnames
    saved, forward = names[1], document.__name__.removesuffix("_backward")
    text = document.__doc__ or ""
    for mark, part in (
        ("arguments", _ARGUMENTS),
        ("meaning", _MEANINGS[saved]),
        ("rounded", _ROUNDED),
        ("saved", saved),
        ("forward", forward),
    ):
        text = text.replace(f"{{{mark}}}", part)
    document.__doc__ = text
    return make_function(document)


@_gradient
def exp_backward(
    grad_output,
    output,
    /,
    out=None,
    *,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
    signature=None,
):
    """Compute the gradient of :func:`exp`: ``grad_output * output``.

    {arguments}

    Notes
    -----
    Accuracy: the product of the arguments as given, correctly rounded. Every target, thread count, stride and position
    gives the same bits.

    Special values: those of a multiplication: infinity times 0 gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> y = numbaexp.exp(np.array([0.0, 1.0]))
    >>> numbaexp.exp_backward(np.array([2.0, 1.0]), y)
    array([2.        , 2.71828183])
    """


@_gradient
def exp2_backward(
    grad_output,
    output,
    /,
    out=None,
    *,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
    signature=None,
):
    """Compute the gradient of :func:`exp2`: ``grad_output * output * log(2)``.

    {arguments}

    Notes
    -----
    {rounded}

    Special values: those of a multiplication: infinity times 0 gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.exp2_backward(1.0, numbaexp.exp2(np.array([0.0, 3.0])))
    array([0.69314718, 5.54517744])
    """


@_gradient
def exp10_backward(
    grad_output,
    output,
    /,
    out=None,
    *,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
    signature=None,
):
    """Compute the gradient of :func:`exp10`: ``grad_output * output * log(10)``.

    {arguments}

    Notes
    -----
    {rounded}

    Special values: those of a multiplication: infinity times 0 gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.exp10_backward(1.0, numbaexp.exp10(np.array([0.0, 1.0])))
    array([ 2.30258509, 23.02585093])
    """


@_gradient
def expm1_backward(
    grad_output, x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Compute the gradient of :func:`expm1`: ``grad_output * exp(x)``.

    {arguments}

    Notes
    -----
    {rounded}

    Special values: those of the product with the derivative, which is 0 at -inf, +inf at +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is finite and not 0, however large or small.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.expm1_backward(np.array([1.0, 1e-300]), np.array([-40.0, 750.0]))
    array([4.24835426e-18, 5.25849454e+25])
    """


@_gradient
def sigmoid_backward(
    grad_output, x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Compute the gradient of :func:`sigmoid`: ``grad_output * sigmoid(x) * sigmoid(-x)``.

    {arguments}

    Notes
    -----
    {rounded}

    Special values: those of the product with the derivative, which is 0 at -inf and +inf and NaN at NaN: infinity times
    0 gives NaN. At a finite ``x`` the derivative is not 0, however small.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.sigmoid_backward(1.0, np.array([0.0, 40.0]))
    array([2.50000000e-01, 4.24835426e-18])
    """


@_gradient
def softplus_backward(
    grad_output, x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Compute the gradient of :func:`softplus`: ``grad_output * sigmoid(x)``.

    {arguments}

    Notes
    -----
    {rounded}

    Special values: those of the product with the derivative, which is 0 at -inf, 1 at +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is not 0, however small.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.softplus_backward(1.0, np.array([-np.inf, 0.0, np.inf]))
    array([0. , 0.5, 1. ])
    """
