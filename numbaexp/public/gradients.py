"""The gradients of the elementwise functions: the gradient of the result times the derivative."""

import inspect

from numbaexp.engine.functions import make_function
from numbaexp.engine.ufunc_types import BinaryUfunc
from numbaexp.operations import OPERATIONS

_DOCSTRING = """Compute the gradient of :func:`{forward}`: ``{formula}``.

    Parameters
    ----------
    grad_output : array_like, or array of another library
        The gradient of the result.
    {saved} : array_like, or array of another library
        {meaning}
        In NumPy the two broadcast, and are promoted as the arguments of any ufunc, to longdouble and complex types too.
        In another library both are its arrays, on one device, of one shape and float type.
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
    {forward}

    Notes
    -----
    Accuracy: {accuracy} {others}

    Special values: {special}

    Inside code that Numba compiles two numbers, on the CPU also two arrays of one shape and float type, give the same
    bits.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    {example}
    """
_OTHERS = """NumPy's longdouble is within 8 ulp, complex64 within 2 ulp and wider complex types are within 12
    ulp of the magnitude of the result (evidence: sampled against mpmath, with NumPy 2.4 and the C library of GNU, whose
    functions the formulas use). The derivative of complex numbers is the holomorphic one, as in JAX; PyTorch's
    convention is the conjugate of that."""
_MEANINGS = {
    "output": "The result of :func:`{forward}`.",
    "x": "The argument of :func:`{forward}`: the result is not enough for the derivative.",
}
_OF_A_QUOTIENT = """those of a division by {divisor}: at {poles} the result is infinite and reported as "divide"; 0
    over 0, and infinity over infinity, give NaN. Where the function is not real the formula holds all the same."""
_ROUNDED = """of the arguments as given, for float16, bfloat16 and float32 within 0.5001 ulp; for float64
    within 0.502 ulp, and for results below 2**-1022 within 0.752 ulp (evidence: derived, and sampled against MPFR).
    Nothing overflows or underflows on the way. Every target, thread count, stride and position gives the same bits."""


def _signature(
    grad_output,
    saved,
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
    """Stand for the signature of all."""


def _gradient(name: str, *, formula: str, special: str, example: str, accuracy: str = _ROUNDED) -> BinaryUfunc:
    """Make a function; the keywords are parts of its docstring."""
    saved, forward = OPERATIONS[name].arrays[1], name.removesuffix("_backward")

    def document() -> None:
        """Describe the function."""

    document.__name__ = document.__qualname__ = name
    signature = inspect.signature(_signature)
    parameters = [each.replace(name=saved) if each.name == "saved" else each for each in signature.parameters.values()]
    document.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    meaning = _MEANINGS[saved].format(forward=forward)
    document.__doc__ = _DOCSTRING.format(
        forward=forward,
        formula=formula,
        saved=saved,
        meaning=meaning,
        accuracy=accuracy,
        others=_OTHERS,
        special=special,
        example=example.strip(),
    )
    return make_function(document)


exp_backward = _gradient(
    "exp_backward",
    formula="grad_output * output",
    special="those of a multiplication: infinity times 0 gives NaN.",
    example="""
    >>> y = numbaexp.exp(np.array([0.0, 1.0]))
    >>> numbaexp.exp_backward(np.array([2.0, 1.0]), y)
    array([2.        , 2.71828183])
    """,
    accuracy="""the product of the arguments as given, correctly rounded. Every target, thread count, stride and
    position gives the same bits.""",
)

exp2_backward = _gradient(
    "exp2_backward",
    formula="grad_output * output * log(2)",
    special="those of a multiplication: infinity times 0 gives NaN.",
    example="""
    >>> numbaexp.exp2_backward(1.0, numbaexp.exp2(np.array([0.0, 3.0])))
    array([0.69314718, 5.54517744])
    """,
)

exp10_backward = _gradient(
    "exp10_backward",
    formula="grad_output * output * log(10)",
    special="those of a multiplication: infinity times 0 gives NaN.",
    example="""
    >>> numbaexp.exp10_backward(1.0, numbaexp.exp10(np.array([0.0, 1.0])))
    array([ 2.30258509, 23.02585093])
    """,
)

expm1_backward = _gradient(
    "expm1_backward",
    formula="grad_output * exp(x)",
    special="""those of the product with the derivative, which is 0 at -inf, +inf at +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is finite and not 0, however large or small.""",
    example="""
    >>> numbaexp.expm1_backward(np.array([1.0, 1e-300]), np.array([-40.0, 750.0]))
    array([4.24835426e-18, 5.25849454e+25])
    """,
)

sigmoid_backward = _gradient(
    "sigmoid_backward",
    formula="grad_output * sigmoid(x) * sigmoid(-x)",
    special="""those of the product with the derivative, which is 0 at -inf and +inf and NaN at NaN: infinity times
    0 gives NaN. At a finite ``x`` the derivative is not 0, however small.""",
    example="""
    >>> numbaexp.sigmoid_backward(1.0, np.array([0.0, 40.0]))
    array([2.50000000e-01, 4.24835426e-18])
    """,
)

softplus_backward = _gradient(
    "softplus_backward",
    formula="grad_output * sigmoid(x)",
    special="""those of the product with the derivative, which is 0 at -inf, 1 at +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is not 0, however small.""",
    example="""
    >>> numbaexp.softplus_backward(1.0, np.array([-np.inf, 0.0, np.inf]))
    array([0. , 0.5, 1. ])
    """,
)

log_backward = _gradient(
    "log_backward",
    formula="grad_output / x",
    special=_OF_A_QUOTIENT.format(divisor="``x``", poles="a zero"),
    example="""
    >>> numbaexp.log_backward(1.0, np.array([0.5, 4.0]))
    array([2.  , 0.25])
    """,
    accuracy="""the quotient of the arguments as given, correctly rounded. Every target, thread count, stride and
    position gives the same bits.""",
)

log2_backward = _gradient(
    "log2_backward",
    formula="grad_output / (x * log(2))",
    special=_OF_A_QUOTIENT.format(divisor="``x``", poles="a zero"),
    example="""
    >>> numbaexp.log2_backward(1.0, np.array([0.5, 4.0]))
    array([2.88539008, 0.36067376])
    """,
)

log10_backward = _gradient(
    "log10_backward",
    formula="grad_output / (x * log(10))",
    special=_OF_A_QUOTIENT.format(divisor="``x``", poles="a zero"),
    example="""
    >>> numbaexp.log10_backward(1.0, np.array([0.5, 4.0]))
    array([0.86858896, 0.10857362])
    """,
)

log1p_backward = _gradient(
    "log1p_backward",
    formula="grad_output / (1 + x)",
    special=_OF_A_QUOTIENT.format(divisor="``1 + x``", poles="-1"),
    example="""
    >>> numbaexp.log1p_backward(1.0, np.array([-0.5, 1e-20]))
    array([2., 1.])
    """,
)

sinh_backward = _gradient(
    "sinh_backward",
    formula="grad_output * cosh(x)",
    special="""those of the product with the derivative, which is +inf at either infinity and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is finite, however large.""",
    example="""
    >>> numbaexp.sinh_backward(np.array([1.0, 1e-300]), np.array([0.0, 750.0]))
    array([1.00000000e+00, 2.62924727e+25])
    """,
)

cosh_backward = _gradient(
    "cosh_backward",
    formula="grad_output * sinh(x)",
    special="""those of the product with the derivative, which is -inf at -inf, +inf at +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is finite, however large.""",
    example="""
    >>> numbaexp.cosh_backward(np.array([1.0, 1e-300]), np.array([1e-20, 750.0]))
    array([1.00000000e-20, 2.62924727e+25])
    """,
)

tanh_backward = _gradient(
    "tanh_backward",
    formula="grad_output / cosh(x)**2",
    special="""those of the product with the derivative, which is 0 at -inf and +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is not 0, however small.""",
    example="""
    >>> numbaexp.tanh_backward(1.0, np.array([0.0, 20.0]))
    array([1.0000000e+00, 1.6993417e-17])
    """,
)

log_sigmoid_backward = _gradient(
    "log_sigmoid_backward",
    formula="grad_output * sigmoid(-x)",
    special="""those of the product with the derivative, which is 1 at -inf, 0 at +inf and NaN at NaN: infinity
    times 0 gives NaN. At a finite ``x`` the derivative is not 0, however small.""",
    example="""
    >>> numbaexp.log_sigmoid_backward(1.0, np.array([-np.inf, 0.0, np.inf]))
    array([1. , 0.5, 0. ])
    """,
)

logit_backward = _gradient(
    "logit_backward",
    formula="grad_output / (x * (1 - x))",
    special=_OF_A_QUOTIENT.format(divisor="``x * (1 - x)``", poles="0 and 1"),
    example="""
    >>> numbaexp.logit_backward(1.0, np.array([0.5, 0.75]))
    array([4.        , 5.33333333])
    """,
)
