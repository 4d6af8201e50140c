"""The logarithms of sums of exponentials of two numbers."""

from typing import Any

from numbaexp.engine.custom_functions import make_own
from numbaexp.engine.ufunc_types import BinaryUfuncWithGradients

# Common parts of the docstrings.
_ARGUMENTS = """Parameters
    ----------
    x1, x2 : array_like, or arrays of another library
        Inputs that are broadcast together, computed on their own device. float16, bfloat16 (in NumPy that of
        ``ml_dtypes``), float32 and float64 are computed here; they are promoted to one of these, and integers and bool
        with them, as the library promotes them for its ``{name}``.
    out : array, None or 1-tuple of them, optional
        Array for the result, which may be ``x1`` or ``x2`` itself.
    where : array_like of bool, optional
        Elements where it is false are left as they are in ``out``.
    casting, order, dtype, subok, signature : optional
        As of any NumPy ufunc.

    Returns
    -------
    array or scalar
        Of the shape that both broadcast to, in the library that they belong to."""
_NOTES = """Accuracy: float16, bfloat16 and float32 within 0.501 ulp, float64 within 0.51 ulp (evidence: derived, and
    sampled against MPFR), also near 0, where the parts of the sum cancel: but where the result is below 2**-60 of the
    exponential of the lesser number, the error is up to 2**-119 of that. Nothing overflows, and results are right down
    to the least subnormal number. Every target, thread count, stride and position gives the same bits.

    Special values: NaN gives NaN. +inf gives +inf, two of -inf give -inf, and one gives the other number. No
    floating-point warning is given.

    The attribute ``backward`` computes both gradients in one pass, ``backward(grad_output, x1, x2)``. Of two infinities
    of one sign they are NaN, as in PyTorch.

    Inside ``@numba.njit``, ``@numba.vectorize``, ``@numba.guvectorize`` and ``@numba.cuda.jit`` code, and in functions
    that :func:`elementwise` decorates, the function takes numbers, and gives the same bits."""


def _documented(document: Any) -> BinaryUfuncWithGradients:
    """Make the function of a documented signature, with the common parts of the docstring filled in."""
    text = document.__doc__.replace("{arguments}", _ARGUMENTS).replace("{notes}", _NOTES)
    document.__doc__ = text.replace("{name}", document.__name__)
    return make_own(document)


@_documented
def logaddexp(
    x1, x2, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Compute the logarithm of the sum of the exponentials of two numbers, ``log(e**x1 + e**x2)``.

    A drop-in for :data:`numpy.logaddexp`.

    {arguments}

    See Also
    --------
    logaddexp2 : to base 2.
    logsumexp : of the elements of each row.
    softplus : where one number is 0.

    Notes
    -----
    {notes}

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.logaddexp(np.array([0.0, 1000.0]), [0.0, 1001.0])
    array([6.93147181e-01, 1.00131326e+03])
    """


@_documented
def logaddexp2(
    x1, x2, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Compute the logarithm to base 2 of the sum of two powers of 2, ``log2(2**x1 + 2**x2)``.

    A drop-in for :data:`numpy.logaddexp2`.

    {arguments}

    See Also
    --------
    logaddexp : to base e.

    Notes
    -----
    {notes}

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.logaddexp2(np.array([-1.0, 2000.0]), [-1.0, 2000.0])
    array([   0., 2001.])
    """
