"""The making of the elementwise functions: common parts of their docstrings, and the forms in place."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.backends.registry import NUMPY, find, in_class
from numbaexp.engine.functions import make_function
from numbaexp.engine.tracing import traceable
from numbaexp.engine.ufunc_types import InPlace, UnaryUfunc

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
_COMPLEX_IN_TORCH = frozenset(
    ("exp", "exp2", "expm1", "sigmoid", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
)
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


def documented(document: Callable[..., Any]) -> UnaryUfunc:
    """Make the function of a documented signature, with the common parts of the docstring filled in."""
    name, text = document.__name__, document.__doc__ or ""
    others = (
        _HANDED_ON
        if hasattr(np, name)
        else _BY_FORMULAS.format(of_jax=_OF_JAX if name != "exp10" else "JAX has no function of this name.")
    )
    if name in _COMPLEX_IN_TORCH:
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


def in_place(function: UnaryUfunc) -> InPlace:
    """Make the in-place form of a function."""
    name = function.__name__

    def compute(x: Any, /) -> Any:
        _check_array(x)
        return function(x, out=x)

    compute.__name__ = compute.__qualname__ = f"{name}_"
    # pickle looks for the function there.
    compute.__module__ = function.__module__
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
    >>> x = np.full(2, 0.5)
    >>> numbaexp.{name}_(x) is x
    True
    """
    return compute
