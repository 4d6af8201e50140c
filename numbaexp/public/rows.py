"""The functions of rows: softmax, its logarithm, the logarithm of a sum of exponentials, and their gradients."""

from typing import Any

import numpy as np

from numbaexp.cpu.fast_rows import fast_rows
from numbaexp.engine.call import dispatch
from numbaexp.engine.ufunc_types import Function

# Common parts of the docstrings.
_ARRAY = """array_like, or array of another library
        Of any shape. float16, bfloat16 (in NumPy that of ``ml_dtypes``), float32 and float64 are computed in their own
        type, integers and bool of NumPy's in float64, longdouble and complex arrays of NumPy's by formulas over NumPy's
        functions. For devices and libraries see :func:`numbaexp.exp`. Results keep the labels of pandas and xarray that
        are left, and arrays of Dask stay lazy; other labelled arguments of that shape must have the same labels."""
_OPTIONS = """axis : int, tuple of int or None, optional
        The axes of a row, counted in the result; None is all of them. The default is the last one, as in JAX and ONNX;
        that of :func:`scipy.special.softmax` is None.
    out : array, None or 1-tuple of them, optional
        Array for the result, of its shape, which may be ``x`` itself.
    dtype : dtype, optional
        A float type that ``x`` is converted to before, of the library or of NumPy, or its name; of NumPy's arrays also
        longdouble or a complex type. Arrays that only lend their memory, and Numba's, are converted to a wider type
        alone.
    where : array_like of bool, or array of the library of ``x``, optional
        Which elements take part; ``x`` and the mask broadcast together, as the arguments of a NumPy ufunc do.
        {masked} Their gradients are 0.
    dim : int, tuple of int or None, optional
        PyTorch's name of ``axis``."""
_RAISES = """TypeError
        If a type is none of the above, ``out`` cannot hold the result, or both ``axis`` and ``dim`` are given.
    ValueError
        If ``out`` is read-only or of another shape, or ``where`` does not broadcast or is on another device; in a
        library other than NumPy, if ``out`` overlaps ``x`` in part or is on another device.
    numpy.exceptions.AxisError
        If there is no such axis."""
_ORDER = """The order of the sum is fixed by the length of the row, so that its result depends on its values alone, not
    on threads, target, batch, position or strides: a row is summed in chunks of 4096 elements, each in 32 lanes,
    element i in lane i mod 32, that are then added by halves, lane i + 16 to lane i, i + 8 to i and so on, and the
    chunks' sums in the same way. In ``@numba.njit`` code ``axis`` is an integer or None, and ``out``, of the softmax
    functions, the only other option."""
_OTHERS = """Longdouble is within {ulps} ulp{of_what}, complex numbers are within as many of the
    magnitude, times the ratio of the sum of the magnitudes of the exponentials to the magnitude of their sum (evidence:
    sampled against mpmath, rows of up to 3000 elements, with NumPy 2.4 and the C library of GNU, whose functions the
    formulas use). Bits of these types are not promised."""
_OTHER_GRADIENTS = "Longdouble and complex numbers are computed as the formula says, complex ones without conjugates."


def _documented(function: Function) -> Function:
    """Fill the common parts into the docstring of a function, and return the function."""
    text = function.__doc__ or ""
    for mark, part in (
        ("array", _ARRAY),
        ("options", _OPTIONS),
        ("raises", _RAISES),
        ("order", _ORDER),
    ):
        text = text.replace(f"{{{mark}}}", part)
    of_what = " of the greater of the result and the greatest element" if function.__name__ == "logsumexp" else ""
    others = _OTHERS.format(ulps=4 if of_what else 8, of_what=of_what)
    text = text.replace("{other types}", _OTHER_GRADIENTS if "_backward" in function.__name__ else others)
    masked = "The others give -inf." if function.__name__ == "log_softmax" else "The others give 0."
    function.__doc__ = text.replace("{masked}", masked)
    return function


_softmax, _log_softmax = fast_rows("softmax"), fast_rows("log_softmax")
_softmax_backward, _log_softmax_backward = fast_rows("softmax_backward"), fast_rows("log_softmax_backward")


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _axis_of(axis: Any, default: Any, dim: Any) -> Any:
    """Return the axis that is given by PyTorch's name."""
    if axis != default:
        raise TypeError(f"`axis` and `dim` must not both be given; got {axis} and {dim}")
    return dim


@_documented
def softmax(x: Any, axis: Any = -1, *, out: Any = None, dtype: Any = None, where: Any = None, dim: Any = None) -> Any:
    """Compute the exponential of each element over their sum along an axis, ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : {array}
    {options}

    Returns
    -------
    array or scalar
        Of the shape of ``x``, broadcast with ``where``, and of its library. Along the axis its sum is 1, but for
        rounding.

    Raises
    ------
    {raises}

    See Also
    --------
    log_softmax : its logarithm.
    softmax_backward : its gradient.

    Notes
    -----
    Accuracy: float16, bfloat16 and float32 within 0.5001 ulp of the exact value, whatever the length of the row
    (evidence: derived, and sampled against MPFR); float64 within 0.54 ulp (derived and sampled), results below 2**-960,
    down to the subnormal ones, within 1 ulp. Every target gives the same bits.

    {other types}

    {order} An array of Dask whose chunks cut rows is the one exception: its results are within 1 ulp of those of the
    whole row. There its blocks are kept in memory from the sum to the quotient, if they are not files mapped to it.

    Special values: a row with NaN or +inf gives NaN throughout, as does a row of -inf alone, in which there is no
    greatest element to compare with; any other -inf gives 0. A row that is masked altogether gives 0. A row of one
    finite element gives 1. Subnormal results are kept, nothing overflows, and no floating-point warnings are given. An
    empty array gives an empty array.

    References
    ----------
    .. [1] ONNX operator ``Softmax``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.softmax(np.float32([[1, 2, 3], [1000, 1000, -np.inf]]))
    array([[0.09003057, 0.24472848, 0.66524094],
           [0.5       , 0.5       , 0.        ]], dtype=float32)
    """
    axis = axis if dim is None else _axis_of(axis, -1, dim)
    if type(x) is np.ndarray and dtype is None and where is None and (axis == -1 or axis == x.ndim - 1):
        result = np.empty_like(x) if out is None else out
        if _softmax.compute(x, result):
            return result
    return dispatch("softmax", (x,), out, {"axis": axis, **_given(dtype=dtype, where=where)})


@_documented
def log_softmax(
    x: Any, axis: Any = -1, *, out: Any = None, dtype: Any = None, where: Any = None, dim: Any = None
) -> Any:
    """Compute the logarithm of the softmax of each element, ``x - log(sum(exp(x)))``.

    Parameters
    ----------
    x : {array}
    {options}

    Returns
    -------
    array or scalar
        Of the shape of ``x``, broadcast with ``where``, and of its library.

    Raises
    ------
    {raises}

    See Also
    --------
    softmax : without the logarithm.
    logsumexp : the sum alone.
    log_softmax_backward : its gradient.

    Notes
    -----
    Accuracy: float16, bfloat16 and float32 within 0.5001 ulp of the exact value, whatever the length of the row;
    float64 within 0.6 ulp, results below 2**-960 within 1 ulp (evidence: derived, and sampled against MPFR). An element
    that dominates its row, whose result is next to 0, keeps this accuracy down to subnormal results. Every target gives
    the same bits.

    {other types}

    {order}

    Special values: a row with NaN or +inf gives NaN throughout, as does a row of -inf alone; any other -inf gives -inf.
    A row of one finite element gives 0. Nothing overflows, and no floating-point warnings are given. An empty array
    gives an empty array.

    References
    ----------
    .. [1] ONNX operator ``LogSoftmax``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.log_softmax(np.array([0.0, -40.0]))
    array([-4.24835426e-18, -4.00000000e+01])
    """
    axis = axis if dim is None else _axis_of(axis, -1, dim)
    if type(x) is np.ndarray and dtype is None and where is None and (axis == -1 or axis == x.ndim - 1):
        result = np.empty_like(x) if out is None else out
        if _log_softmax.compute(x, result):
            return result
    return dispatch("log_softmax", (x,), out, {"axis": axis, **_given(dtype=dtype, where=where)})


@_documented
def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    *,
    where: Any = None,
    dim: Any = None,
) -> Any:
    """Compute the logarithm of the sum of exponentials along an axis, ``log(sum(b * exp(a)))``.

    The signature is that of :func:`scipy.special.logsumexp`, with ``where`` by keyword.

    Parameters
    ----------
    a : {array}
    axis : int, tuple of int or None, optional
        The axes of the sum, counted in the broadcast shape of ``a``, ``b`` and ``where``; None, the default, is all of
        them.
    b : array_like, or array of the library of ``a``, optional
        Factors of the exponentials, of any sign. ``a``, ``b`` and ``where`` broadcast together, so each may be the
        widest. An element with the factor 0 counts for nothing, whatever its ``a``, and the gradient of its ``a`` is 0.
    keepdims : bool, optional
        Whether the axes are kept, with length 1.
    return_sign : bool, optional
        Whether the sign of the sum is returned too. Without it the result of a negative sum is NaN. Of NumPy's arrays
        alone: operators of PyTorch and JAX have one result here.
    where : array_like of bool, or array of the library of ``a``, optional
        Which elements take part; of the others neither ``a`` nor ``b`` counts, and the gradients of both are 0.
    dim : int, tuple of int or None, optional
        PyTorch's name of ``axis``.

    Returns
    -------
    array or scalar
        The logarithm, of the type of ``a`` if that is a float. With ``b`` of the type of ``a * b`` in their library, if
        that is a float: float32 with factors of float64 gives float64, and with a number of Python's float32. Arrays of
        Numba, and those that only lend their memory, are to be of one shape and type.
    array or scalar
        With ``return_sign``: 1, 0 or -1, of the same type; of a complex sum the phase, ``sum / abs(sum)``, with a real
        logarithm. Without ``return_sign`` a complex logarithm has an imaginary part from -pi to pi.

    Raises
    ------
    TypeError
        If a type is none of the above, or both ``axis`` and ``dim`` are given.
    ValueError
        If ``a``, ``b`` and ``where`` do not broadcast.
    numpy.exceptions.AxisError
        If there is no such axis.

    See Also
    --------
    log_softmax : the difference of each element from it.
    logsumexp_backward : its gradient.

    Notes
    -----
    Accuracy: float16, bfloat16 and float32 within 0.5001 ulp of the exact value, float64 within 0.6 ulp, results below
    2**-960 within 1 ulp (evidence: derived, and sampled against MPFR); where the greatest element and the logarithm of
    the others' sum cancel, so that the result is below 2**-20, in float64 2**-4, of them, the error is larger by up to
    2**-57 of the greatest element. The same of ``b`` with one sign and magnitudes from 2**-500 to 2**500; terms of both
    signs cancel, and leave an error of 2**-57 of the greatest of them. Gradients with ``b`` are made by arithmetic of
    the library, of ``exp(a - result)``. Every target gives the same bits.

    {other types}

    {order}

    Special values: a row with NaN gives NaN, any other with +inf gives +inf, a row of -inf alone, or with no element
    that takes part, or an empty one, gives -inf. With ``b``, +inf has the sign of its factor, and of both signs gives
    NaN; so does a factor that is NaN or infinite. Nothing overflows, and no floating-point warnings are given.

    References
    ----------
    .. [1] ONNX operator ``ReduceLogSumExp``.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.logsumexp(np.array([1000.0, 1000.0]))
    np.float64(1000.6931471805599)
    >>> numbaexp.logsumexp([0.0, 0.0], b=[1, -3], return_sign=True)
    (np.float64(0.6931471805599453), np.float64(-1.0))
    """
    axis = axis if dim is None else _axis_of(axis, None, dim)
    further = _given(return_sign=return_sign or None, where=where)
    return dispatch("logsumexp", (a, b), None, {"axis": axis, "keepdims": keepdims, **further})


@_documented
def softmax_backward(grad_output: Any, output: Any, axis: Any = -1) -> Any:
    """Compute the gradient of :func:`softmax`: ``(grad_output - sum(grad_output * output)) * output``.

    Parameters
    ----------
    grad_output : array_like, or array of another library
        The gradient of the result.
    output : array_like, or array of another library
        The result, of the same shape and type.
    axis : int, tuple of int or None, optional
        That of the softmax.

    Returns
    -------
    array
        The gradient of the argument, of that shape and type.

    Raises
    ------
    TypeError
        If a type is none of those of :func:`softmax`.
    ValueError
        If the shapes differ.

    See Also
    --------
    softmax

    Notes
    -----
    Accuracy: of the arguments as given, within 0.5001 ulp for float16, bfloat16 and float32, 0.51 ulp for float64,
    results below 2**-960 within 1 ulp (evidence: derived, and sampled against MPFR), unless the sum cancels beyond
    2**-45 of its terms. The sum is one of pairs of float64. Every target gives the same bits.
    {other types}

    Special values: a row in which either has NaN or infinity gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> y = numbaexp.softmax(np.array([0.0, 0.0]))
    >>> numbaexp.softmax_backward(np.array([1.0, 0.0]), y)
    array([ 0.25, -0.25])
    """
    if type(output) is np.ndarray and (axis == -1 or axis == output.ndim - 1):
        result = np.empty_like(output)
        if _softmax_backward.compute(grad_output, output, result):
            return result
    return dispatch("softmax_backward", (grad_output, output), None, {"axis": axis})


@_documented
def log_softmax_backward(grad_output: Any, output: Any, axis: Any = -1) -> Any:
    """Compute the gradient of :func:`log_softmax`: ``grad_output - exp(output) * sum(grad_output)``.

    Parameters
    ----------
    grad_output : array_like, or array of another library
        The gradient of the result.
    output : array_like, or array of another library
        The result, of the same shape and type.
    axis : int, tuple of int or None, optional
        That of the function.

    Returns
    -------
    array
        The gradient of the argument, of that shape and type.

    Raises
    ------
    TypeError
        If a type is none of those of :func:`softmax`.
    ValueError
        If the shapes differ.

    See Also
    --------
    log_softmax

    Notes
    -----
    Accuracy: of the arguments as given, within 0.5001 ulp for float16, bfloat16 and float32, 0.51 ulp for float64, but
    for an error of 2**-50, in float64 2**-61, of the product where the difference cancels, and for results below
    2**-960, within 1 ulp (evidence: derived, and sampled against MPFR). Every target gives the same bits.
    {other types}

    Special values: a row in which ``grad_output`` has NaN or infinity gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> y = numbaexp.log_softmax(np.array([0.0, 0.0]))
    >>> numbaexp.log_softmax_backward(np.array([1.0, 0.0]), y)
    array([ 0.5, -0.5])
    """
    if type(output) is np.ndarray and (axis == -1 or axis == output.ndim - 1):
        result = np.empty_like(output)
        if _log_softmax_backward.compute(grad_output, output, result):
            return result
    return dispatch("log_softmax_backward", (grad_output, output), None, {"axis": axis})


@_documented
def logsumexp_backward(grad_output: Any, x: Any, axis: Any = None) -> Any:
    """Compute the gradient of :func:`logsumexp`: ``grad_output * softmax(x)``.

    Parameters
    ----------
    grad_output : array_like, or array of another library
        The gradient of the result, with the axes or without them.
    x : array_like, or array of the same library
        The argument.
    axis : int, tuple of int or None, optional
        That of the function.

    Returns
    -------
    array
        The gradient of the argument, of its shape and type.

    Raises
    ------
    TypeError
        If a type is none of those of :func:`softmax`, or the arguments are not of one library.
    ValueError
        If ``grad_output`` is not of the shape of the result, or on another device.

    See Also
    --------
    logsumexp

    Notes
    -----
    Accuracy: of the arguments as given, within 0.5001 ulp for float16, bfloat16 and float32, 0.54 ulp for float64, for
    ``grad_output`` below 2**500, and results below 2**-960 within 1 ulp (evidence: derived, and sampled against MPFR).
    Every target gives the same bits. {other types}

    Special values: a row with NaN or +inf gives NaN, a row of -inf alone gives 0.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> numbaexp.logsumexp_backward(2.0, np.array([0.0, 0.0]))
    array([1., 1.])
    """
    return dispatch("logsumexp_backward", (grad_output, x), None, {"axis": axis})
