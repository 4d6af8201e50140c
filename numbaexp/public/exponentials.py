"""The elementwise functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.backends.registry import NUMPY, find, in_class
from numbaexp.engine.functions import Ufunc, make_function
from numbaexp.engine.tracing import traceable

# Common parts of the docstrings.
_ARGUMENTS = """Parameters
    ----------
    x : array_like, or array of another library
        Input of any shape, computed on its own device. float16, bfloat16 (in NumPy that of ``ml_dtypes``), float32 and
        float64 are computed here; integers and bool are promoted as the library promotes them for its ``exp``. {others}
    out : array, None or 1-tuple of them, optional
        Array for the result, which may be ``x`` itself. In NumPy of a shape that ``x`` broadcasts to; ``x`` may
        overlap. In another library an array of that library, on the device of ``x``, of the shape of ``x`` and of the
        type of the result (in PyTorch of any float type, or without elements, to be resized), and the only other
        argument.
    where : array_like of bool, optional
        Elements where it is false are left as they are in ``out``.
    casting, order, dtype, subok, signature : optional
        As of any NumPy ufunc.

    Returns
    -------
    array or scalar
        Of the shape of ``x``, and of its type if that is a float.

        ============================================  ==================================================
        ``x``                                         result
        ============================================  ==================================================
        NumPy array, sequence, scalar                 NumPy array; a scalar if ``x`` is one
        other array with ``__array_ufunc__``          by its ``__array_ufunc__`` (pandas, xarray, Dask)
        astropy Quantity without a dimension          Quantity without a unit
        unyt array without a dimension                NumPy array
        PyTorch tensor, on a CPU or CUDA              tensor, with the type and strides of ``torch.exp``
        JAX array, on a CPU or CUDA, or traced        JAX array, of the type of ``jax.numpy.exp``
        CuPy array, Numba device array                array of that library, of the type of ``numpy.exp``
        other with ``__cuda_array_interface__``       by ``from_dlpack`` of its library, or Numba device array
        other with ``__dlpack__``                     by ``from_dlpack`` of its library, or as NumPy or Numba
        ============================================  ==================================================

    Raises
    ------
    TypeError
        If the types have no loop, ``out`` cannot hold the result under ``casting``, or JAX compiles for another
        platform than the CPU.
    ValueError
        If ``out`` is read-only or of another shape, or, in a library other than NumPy, overlaps ``x`` in part, or is on
        another device: nothing is copied between devices."""
_HANDED_ON = """complex64, complex128, longdouble and object arrays are
        computed by NumPy's own loops, with NumPy's accuracy. Complex arrays of JAX are computed by JAX's function."""
_OF_COMPLEX = """ Complex tensors are
        computed by :func:`torch.{name}`, with its accuracy."""
_BY_FORMULAS = """longdouble and complex arrays of
        NumPy are computed by formulas over NumPy's functions. Objects are asked for their method of this name.
        {of_jax}"""
_OF_JAX = "Complex arrays of JAX are computed by JAX's function."
_OTHER_TYPES = """Longdouble is within 4 ulp, complex64 within 1 ulp and wider complex types are within 8
    ulp of the magnitude of the result (evidence: sampled against mpmath, with NumPy 2.4 and the C library of GNU, whose
    functions the formulas use); bits are not promised."""
_EXHAUSTIVE = """exhaustive, all 2**16 inputs against MPFR and all 2**32 against the C library's float64 and, where
    that cannot tell, MPFR"""
_ROUNDED = f"""correctly rounded. Evidence: for float16, bfloat16 and float32 {_EXHAUSTIVE}; for float64
    proved, but for how near a result can lie to a rounding boundary, which the published worst cases tell; all of these
    were run. Every target, thread count, stride and position gives the same bits."""
_COMPILED = """Inside ``@numba.njit``, ``@numba.vectorize`` and ``@numba.guvectorize`` code the functions of this
    package take numbers and arrays of float32 and float64, integers and bool as float64, and give the same bits as
    outside, whatever compiler flags are given; Numba has no float16 there. Arrays may have any layout, and so may
    ``out``, which may be ``x`` and must not overlap it otherwise. They are computed by the calling thread, numbers in
    its floating-point mode. ``@numba.cuda.jit`` kernels take numbers of all four float types. Code that Numba keeps on
    disk is compiled anew under another version of this package, but for kernels of ``@numba.cuda.jit``."""


def _function(document: Callable[..., Any]) -> Ufunc:
    """Make the function of a documented signature, with the common parts of the docstring filled in."""
    name, text = document.__name__, document.__doc__ or ""
    others = (
        _HANDED_ON
        if hasattr(np, name)
        else _BY_FORMULAS.format(of_jax=_OF_JAX if name != "exp10" else "JAX has no function of this name.")
    )
    if name in ("exp", "exp2", "expm1", "sigmoid"):
        others += _OF_COMPLEX.replace("{name}", name)
    for mark, part in (
        ("arguments", _ARGUMENTS),
        ("others", others),
        ("rounded", _ROUNDED),
        ("exhaustive", _EXHAUSTIVE),
        ("compiled", _COMPILED),
        ("other types", _OTHER_TYPES),
    ):
        text = text.replace(f"{{{mark}}}", part)
    document.__doc__ = text
    return make_function(document)


def _check_array(x: Any) -> None:
    """Raise if ``x`` cannot be changed in place."""
    if find(x) is NUMPY and (in_class(type(x), "__array_ufunc__") is None or isinstance(x, np.generic)):
        raise TypeError(f"`x` must be an array, to be changed in place; got {type(x).__name__}")


traceable(_check_array, lambda x: None)


def _in_place(function: Ufunc) -> Callable[[Any], Any]:
    """Make the in-place form of a function."""
    name = function.__name__

    def compute(x: Any, /) -> Any:
        _check_array(x)
        return function(x, out=x)

    compute.__name__ = compute.__qualname__ = f"{name}_"
    compute.__doc__ = f"""Compute ``{name}`` of each element of an array, in place.

    Parameters
    ----------
    x : array
        A writeable array of a float type, of NumPy or another library.

    Returns
    -------
    array
        ``x`` itself.

    Raises
    ------
    TypeError
        If ``x`` is no array, or its type cannot hold the result, or it cannot be changed, as in JAX.
    ValueError
        If ``x`` is read-only.

    See Also
    --------
    {name} : into another array.

    Notes
    -----
    Accuracy: as of :func:`{name}`.

    Special values: as of :func:`{name}`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> x = np.zeros(2)
    >>> numbaexp.{name}_(x) is x
    True
    """
    return compute


@_function
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


@_function
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


@_function
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


@_function
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


@_function
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


@_function
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
    within 1 ulp (evidence: sampled). Every target, thread count, stride and position gives the same bits. {other types}

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

exp_ = _in_place(exp)
exp2_ = _in_place(exp2)
exp10_ = _in_place(exp10)
expm1_ = _in_place(expm1)
sigmoid_ = _in_place(sigmoid)
softplus_ = _in_place(softplus)
