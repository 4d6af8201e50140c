"""The public functions."""

from typing import Any

import numpy as np

from numbaexp.dispatch import elementwise


@elementwise
def exp(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """The exponential of each element, ``e**x``, correctly rounded.

    A drop-in for :data:`numpy.exp`, with all that a NumPy ufunc takes and does.

    Parameters
    ----------
    x : array_like
        Input of any shape. float16, bfloat16 (of ``ml_dtypes``), float32 and float64 are computed here; integers and
        bool are promoted as ``numpy.exp`` promotes them. complex64, complex128, longdouble and object arrays are
        handed on to NumPy's own loops, whose accuracy is theirs.
    out : ndarray, None or 1-tuple of them, optional
        Where the result is stored, of a shape that ``x`` broadcasts to. It may be ``x`` itself or overlap it.
    where : array_like of bool, optional
        Elements where it is false are left as they are in ``out``.
    casting, order, dtype, subok, signature : optional
        As of any NumPy ufunc.

    Returns
    -------
    ndarray or scalar
        Of the shape of ``x``, and of its type if that is a float. A scalar if ``x`` is one.

    Raises
    ------
    TypeError
        If the types have no loop, or ``out`` cannot hold the result under ``casting``.
    ValueError
        If ``out`` is read-only or of another shape.

    See Also
    --------
    exp_ : in place.
    use_target : one thread or all.

    Notes
    -----
    Accuracy: correctly rounded for every float16, bfloat16 and float32 (evidence: exhaustive, all 2**16 and 2**32
    inputs against MPFR); within 0.51 ulp for float64 (evidence: sampled, and the published hard cases). Every target,
    thread count, stride and position gives the same bits.

    Special values: NaN gives NaN, -inf gives 0, +inf gives +inf, each without a warning. A finite ``x`` whose result
    is too large gives +inf and is reported as "overflow", one whose result is subnormal or 0 as "underflow", as
    :class:`numpy.errstate` says. Subnormal results are kept. Empty arrays give empty arrays.

    The functions of this package can be called on scalars inside ``@numba.njit``, ``@numba.vectorize`` and
    ``@numba.guvectorize`` code too, and give the same bits there.

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.
    .. [2] ONNX operator ``Exp``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.exp(np.float32([-np.inf, 0, 1, np.inf]))
    array([0.       , 1.       , 2.7182817,       inf], dtype=float32)
    >>> numbaexp.exp([0, 1])
    array([1.        , 2.71828183])
    """


def exp_(x: Any, /) -> Any:
    """The exponential of each element of an array, in place.

    Parameters
    ----------
    x : ndarray, or another owner of ``__array_ufunc__``
        A writeable array of a float type.

    Returns
    -------
    ndarray
        ``x`` itself.

    Raises
    ------
    TypeError
        If ``x`` is no array, or its type cannot hold the result.
    ValueError
        If ``x`` is read-only.

    See Also
    --------
    exp : into another array.

    Notes
    -----
    Accuracy: as of :func:`exp`.

    Special values: as of :func:`exp`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> x = np.zeros(2)
    >>> numbaexp.exp_(x) is x
    True
    >>> x
    array([1., 1.])
    """
    if not hasattr(x, "__array_ufunc__") or isinstance(x, np.generic):
        raise TypeError(f"`x` must be an array, to be changed in place; got {type(x).__name__}")
    return exp(x, out=x)
