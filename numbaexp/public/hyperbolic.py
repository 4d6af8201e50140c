"""The hyperbolic functions."""

from numbaexp.public.ufuncs import documented, in_place


@documented
def sinh(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the hyperbolic sine of each element, ``(e**x - e**-x) / 2``, correctly rounded.

    A drop-in for :data:`numpy.sinh`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    sinh_ : in place.
    cosh, tanh : the other two.
    expm1 : near 0 as precise.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, -inf gives -inf, +inf gives +inf, each without a warning; -0.0 gives -0.0. A
    finite ``x`` whose result is too large gives an infinity of its sign and is reported as "overflow", as
    :class:`numpy.errstate` says, but for arrays of other libraries. A subnormal ``x``, whose result is ``x`` itself, is
    returned without a warning, but for float16, where that is reported as "underflow".

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.
    .. [2] ONNX operator ``Sinh``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.sinh(np.array([-np.inf, 1e-20, 1]))
    array([           -inf, 1.00000000e-20, 1.17520119e+00])
    """


@documented
def cosh(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the hyperbolic cosine of each element, ``(e**x + e**-x) / 2``, correctly rounded.

    A drop-in for :data:`numpy.cosh`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    cosh_ : in place.
    sinh, tanh : the other two.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, either infinity gives +inf, each without a warning. A finite ``x`` whose result is
    too large gives +inf and is reported as "overflow", as :class:`numpy.errstate` says, but for arrays of other
    libraries. A zero gives 1.

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.
    .. [2] ONNX operator ``Cosh``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.cosh(np.array([-np.inf, 0, 1]))
    array([       inf, 1.        , 1.54308063])
    """


@documented
def tanh(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the hyperbolic tangent of each element, ``sinh(x) / cosh(x)``, correctly rounded.

    A drop-in for :data:`numpy.tanh`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    tanh_ : in place.
    sinh, cosh : the other two.
    sigmoid : ``(1 + tanh(x / 2)) / 2``.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, -inf gives -1, +inf gives 1, each without a warning; -0.0 gives -0.0. Nothing
    overflows. A subnormal ``x``, whose result is ``x`` itself, is returned without a warning, but for float16, where
    that is reported as "underflow".

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.
    .. [2] ONNX operator ``Tanh``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.tanh(np.array([-np.inf, 1e-20, 1]))
    array([-1.00000000e+00,  1.00000000e-20,  7.61594156e-01])
    """


sinh_ = in_place(sinh)
cosh_ = in_place(cosh)
tanh_ = in_place(tanh)
