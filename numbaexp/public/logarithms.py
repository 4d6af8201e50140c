"""The logarithms, and the logarithm and the inverse of the sigmoid."""

from numbaexp.public.ufuncs import documented, in_place


@documented
def log(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the natural logarithm of each element, correctly rounded.

    A drop-in for :data:`numpy.log`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    log_ : in place.
    log1p : of ``1 + x``, without loss where ``x`` is small.
    log2, log10 : other bases.
    use_target : one thread or all.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, +inf gives +inf, each without a warning. A zero of either sign gives -inf and is
    reported as "divide"; a number below 0, and -inf, gives NaN and is reported as "invalid", as :class:`numpy.errstate`
    says, but for arrays of other libraries. Subnormal arguments are kept. 1 gives 0.
    Empty arrays give empty arrays.

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.
    .. [2] ONNX operator ``Log``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.log(np.float32([0.5, 1, 2, np.inf]))
    array([-0.6931472,  0.       ,  0.6931472,        inf], dtype=float32)
    >>> numbaexp.log([1, 10])
    array([0.        , 2.30258509])
    """


@documented
def log2(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the logarithm to base 2 of each element, correctly rounded.

    A drop-in for :data:`numpy.log2`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    log2_ : in place.
    log, log10 : other bases.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, +inf gives +inf, each without a warning. A zero of either sign gives -inf and is
    reported as "divide"; a number below 0, and -inf, gives NaN and is reported as "invalid", as :class:`numpy.errstate`
    says, but for arrays of other libraries. Powers of two, subnormal ones too, give integers.

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.log2(np.array([5e-324, 0.5, 1, 10]))
    array([-1.07400000e+03, -1.00000000e+00,  0.00000000e+00,  3.32192809e+00])
    """


@documented
def log10(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the logarithm to base 10 of each element, correctly rounded.

    A drop-in for :data:`numpy.log10`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    log10_ : in place.
    log, log2 : other bases.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, +inf gives +inf, each without a warning. A zero of either sign gives -inf and is
    reported as "divide"; a number below 0, and -inf, gives NaN and is reported as "invalid", as :class:`numpy.errstate`
    says, but for arrays of other libraries. Powers of ten that are floats give integers.

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> bool((numbaexp.log10(10.0 ** np.arange(23)) == np.arange(23)).all())
    True
    """


@documented
def log1p(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the logarithm of one more than each element, ``log(1 + x)``, correctly rounded.

    A drop-in for :data:`numpy.log1p`, with all that a NumPy ufunc takes and does.

    {arguments}

    See Also
    --------
    log1p_ : in place.
    log : without the addition.
    expm1 : its inverse.

    Notes
    -----
    Accuracy: {rounded}

    Special values: NaN gives NaN, +inf gives +inf, each without a warning; -0.0 gives -0.0. -1 gives -inf and is
    reported as "divide"; a number below that, and -inf, gives NaN and is reported as "invalid", as
    :class:`numpy.errstate` says, but for arrays of other libraries. A subnormal ``x``, whose result is ``x`` itself, is
    returned without a warning, but for float16, where that is reported as "underflow".

    {compiled}

    References
    ----------
    .. [1] IEEE Std 754-2019, clause 9.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.log1p(np.array([-0.5, 1e-20, 1]))
    array([-6.93147181e-01,  1.00000000e-20,  6.93147181e-01])
    """


@documented
def log_sigmoid(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the logarithm of the logistic function of each element, ``-log(1 + e**-x)``.

    A ufunc like :data:`numpy.exp`, with all that one takes and does.

    {arguments}

    See Also
    --------
    log_sigmoid_ : in place.
    sigmoid : without the logarithm.
    softplus : ``-log_sigmoid(-x)``.

    Notes
    -----
    Accuracy: for float16, bfloat16 and float32 correctly rounded (evidence: {exhaustive}); for float64
    within 0.51 ulp (evidence: derived, and sampled), down to subnormal results. Every target, thread count, stride and
    position gives the same bits. {other types}

    Special values: NaN gives NaN, -inf gives -inf, +inf gives -0.0, each without a warning. Nothing overflows. A
    finite ``x`` whose result is subnormal or 0 is reported as "underflow". Of complex numbers the result is the
    principal value, with an imaginary part from -pi to pi, as of ``jax.nn.log_sigmoid``.

    {compiled}

    References
    ----------
    .. [1] :func:`torch.nn.functional.logsigmoid`, :data:`scipy.special.log_expit`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.log_sigmoid(np.array([-1000, 0, 40.0]))
    array([-1.00000000e+03, -6.93147181e-01, -4.24835426e-18])
    """


@documented
def logit(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Compute the logit of each element, ``log(x / (1 - x))``, the inverse of the logistic function.

    A ufunc like :data:`numpy.exp`, with all that one takes and does.

    {arguments}

    See Also
    --------
    logit_ : in place.
    sigmoid : its inverse.
    log1p : ``log1p(-x)`` is the part of the denominator.

    Notes
    -----
    Accuracy: for float16, bfloat16 and float32 correctly rounded (evidence: {exhaustive}); for float64
    within 0.51 ulp (evidence: derived, and sampled), next to 1/2, where the result is next to 0, as elsewhere. Every
    target, thread count, stride and position gives the same bits. {other types}

    Special values: NaN gives NaN without a warning, 1/2 gives 0. A zero of either sign gives -inf, 1 gives +inf, each
    reported as "divide"; any other ``x`` outside the interval, infinities too, gives NaN and is reported as "invalid".
    Of complex numbers the result is the principal value.

    Elementwise functions have no options, so there is no ``eps`` as of :func:`torch.logit`:
    ``logit(x.clip(eps, 1 - eps))`` is the same.

    {compiled}

    References
    ----------
    .. [1] :func:`torch.logit`, :data:`scipy.special.logit`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.logit(np.array([1e-300, 0.5, 0.75]))
    array([-690.7755279 ,    0.        ,    1.09861229])
    """


log_ = in_place(log)
log2_ = in_place(log2)
log10_ = in_place(log10)
log1p_ = in_place(log1p)
log_sigmoid_ = in_place(log_sigmoid)
logit_ = in_place(logit)
