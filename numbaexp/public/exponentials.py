"""The exponentials, the sigmoid and the softplus."""

from numbaexp.public.ufuncs import documented, in_place


@documented
def exp(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the exponential of each element, ``e**x``, correctly rounded.

    A drop-in for :data:`numpy.exp`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    exp_ : in place.
    expm1 : ``e**x - 1``, without loss where ``x`` is small.
    use_target : one thread or all.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, -inf gives 0, +inf gives +inf, each without a warning. A finite ``x`` whose result
    is too large gives +inf and is reported as "overflow", one whose result is subnormal or 0 as "underflow", as
    :class:`numpy.errstate` says, but for arrays of other libraries. Subnormal results are kept. Empty arrays give empty
    arrays.

    {compiled}

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


@documented
def exp2(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute two to the power of each element, ``2**x``, correctly rounded.

    A drop-in for :data:`numpy.exp2`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    exp2_ : in place.
    exp, exp10 : other bases.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, -inf gives 0, +inf gives +inf, each without a warning. Integers give exact powers,
    subnormal ones without a warning. Any other finite ``x`` whose result is subnormal or 0 is reported as "underflow",
    one whose result is too large gives +inf and is reported as "overflow".

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.exp2(np.array([-1074, 0, 0.5, 10]))
    array([4.94065646e-324, 1.00000000e+000, 1.41421356e+000, 1.02400000e+003])
    """


@documented
def exp10(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute ten to the power of each element, ``10**x``, correctly rounded.

    A ufunc like :data:`numpy.exp`, with all that one takes and does.

    {arguments}

    See Also
    --------
    exp10_ : in place.
    exp, exp2 : other bases.

    Notes
    -----
    Accuracy: {rounded} {other types} Of complex numbers this holds for imaginary parts up to 2**30.

    Special values: NaN gives NaN, -inf gives 0, +inf gives +inf, each without a warning. Integers give the float
    nearest to the power of ten, as a decimal literal does. A finite ``x`` whose result is too large gives +inf and is
    reported as "overflow", one whose result is subnormal or 0 as "underflow". Complex infinities give the results of
    C's ``cexp``.

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> bool((numbaexp.exp10(np.arange(-323, 309.0)) == [float(f"1e{n}") for n in range(-323, 309)]).all())
    True
    """


@documented
def expm1(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the exponential of each element less one, ``e**x - 1``, correctly rounded.

    A drop-in for :data:`numpy.expm1`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    expm1_ : in place.
    exp : without the subtraction.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, -inf gives -1, +inf gives +inf, each without a warning; -0.0 gives -0.0. A finite
    ``x`` whose result is too large gives +inf and is reported as "overflow". A subnormal ``x``, whose result is ``x``
    itself, is returned without a warning, but for float16, where that is reported as "underflow".

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.expm1(np.array([-np.inf, 1e-20, 1]))
    array([-1.00000000e+00,  1.00000000e-20,  1.71828183e+00])
    """


@documented
def sigmoid(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the logistic function of each element, ``1 / (1 + e**-x)``.

    A ufunc like :data:`numpy.exp`, with all that one takes and does. ``expit`` is another name of it.

    {arguments}

    See Also
    --------
    sigmoid_ : in place.
    softplus : its integral.

    Notes
    -----
    Accuracy: for float16, bfloat16 and float32 correctly rounded (evidence: {exhaustive}); for float64
    within 0.501 ulp (evidence: derived, and sampled), down to the subnormal results of the left tail. Every target,
    thread count, stride and position gives the same bits. {other types} Next to the poles, at odd multiples of pi*1j,
    complex results are as accurate.

    Special values: NaN gives NaN, -inf gives 0, +inf gives 1, each without a warning. Nothing overflows. A finite ``x``
    whose result is subnormal or 0 is reported as "underflow". A complex ``x`` with a real part of -inf gives 0, with
    +inf 1.

    {compiled}

    References
    ----------
    .. [1] ONNX operator ``Sigmoid``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.sigmoid(np.array([-1000, 0, 1000.0]))
    array([0. , 0.5, 1. ])
    """


@documented
def softplus(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the softplus of each element, ``log(1 + e**x)``.

    A ufunc like :data:`numpy.exp`, with all that one takes and does.

    {arguments}

    See Also
    --------
    softplus_ : in place.
    sigmoid : its derivative.

    Notes
    -----
    Accuracy: for float16, bfloat16 and float32 correctly rounded (evidence: {exhaustive}); for float64
    within 0.51 ulp (evidence: derived, and sampled). Every target, thread count, stride and position gives the same
    bits. {other types}

    Special values: NaN gives NaN, -inf gives 0, +inf gives +inf, each without a warning. Nothing overflows. A finite
    ``x`` whose result is subnormal or 0 is reported as "underflow". Of complex numbers the result is the principal
    value, with an imaginary part from -pi to pi, as of ``jax.nn.softplus``.

    {compiled}

    References
    ----------
    .. [1] ONNX operator ``Softplus``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.softplus(np.array([-1000, 0, 1000.0]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """


expit = sigmoid

exp_ = in_place(exp)
exp2_ = in_place(exp2)
exp10_ = in_place(exp10)
expm1_ = in_place(expm1)
sigmoid_ = in_place(sigmoid)
softplus_ = in_place(softplus)
