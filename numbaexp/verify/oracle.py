"""Reference results by MPFR, through gmpy2, rounded once to the precision and range of each type."""

import itertools

import gmpy2
import numpy as np
from gmpy2 import mpfr

# Precision, and the exponents of the largest and the least positive number, in MPFR's convention.
_FORMATS = {
    "float16": (11, 16, -23),
    "bfloat16": (8, 128, -132),
    "float32": (24, 128, -148),
    "float64": (53, 1024, -1073),
}
# Precision that represents any float64 exactly.
_EXACT = 53
# Precision for measuring errors, to 2**-100 ulp.
_MEASURE = 160


def _sigmoid(x: mpfr) -> mpfr:
    return 1 / (1 + gmpy2.exp(-x))


def _softplus(x: mpfr) -> mpfr:
    return max(x, 0) + gmpy2.log1p(gmpy2.exp(-abs(x)))


def _log_sigmoid(x: mpfr) -> mpfr:
    return -_softplus(-x)


def _logit(x: mpfr) -> mpfr:
    if abs(x - 0.5) < 0.25:
        return gmpy2.log1p((2 * x - 1) / (1 - x))
    return gmpy2.log(x) - gmpy2.log1p(-x)


_ROUNDED_BY_MPFR = {
    name: getattr(gmpy2, name)
    for name in ("exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
}
# In a precision of p bits, at least 128, the relative error of these is below 2**(2-p). There are three roundings of
# 2**-p each. No sum has terms of unlike sign, so none is amplified, but in logit. There, near 1/2, the differences are
# exact, and log1p amplifies the error of the quotient by less than 2; elsewhere the result is at least 1.09 and the
# lesser logarithm at most 0.29, so 2.6 * 2**-p. Exponentials beyond MPFR's range, 2**(2**30) or its reciprocal, are
# infinity or 0, which rounds to the same in all of the types.
_COMPOSED = {"sigmoid": _sigmoid, "softplus": _softplus, "log_sigmoid": _log_sigmoid, "logit": _logit}
_FUNCTIONS = {**_ROUNDED_BY_MPFR, **_COMPOSED}


def correctly_rounded(function: str, arguments: np.ndarray, dtype_name: str) -> np.ndarray:
    """Return the correctly rounded results of a function.

    Parameters
    ----------
    function : str
        The name.
    arguments : array_like
        Numbers of the type, as any float type.
    dtype_name : {"float16", "bfloat16", "float32", "float64"}
        The type to round to.

    Returns
    -------
    ndarray of float64
        One result for each argument.
    """
    precision, emax, emin = _FORMATS[dtype_name]
    exact = _exact(arguments)
    rounding = gmpy2.context(precision=precision, emax=emax, emin=emin, subnormalize=True)
    if function in _COMPOSED:
        return np.array([_round_composed(function, x, rounding) for x in exact])
    evaluate = _ROUNDED_BY_MPFR[function]
    with rounding:
        return np.array([float(evaluate(x)) for x in exact])


def ulp_errors(function: str, arguments: np.ndarray, results: np.ndarray) -> np.ndarray:
    """Return the errors of float64 results.

    Parameters
    ----------
    function : str
        The name.
    arguments, results : ndarray of float64
        The arguments and the finite results.

    Returns
    -------
    ndarray of float64
        The distances of the results from the exact values, in ulps of the latter.
    """
    evaluate = _FUNCTIONS[function]
    errors = []
    exact_arguments = _exact(arguments)
    with gmpy2.context(precision=_MEASURE):
        for x, y in zip(exact_arguments, results.tolist(), strict=True):
            exact = evaluate(x)
            ulp = max(gmpy2.get_exp(exact) - 53, -1074) if exact else -1074
            errors.append(float(abs(exact - y) / gmpy2.exp2(ulp)))
    return np.array(errors)


def _exact(arguments: np.ndarray) -> list[mpfr]:
    with gmpy2.context(precision=_EXACT, emax=1024, emin=-1073, subnormalize=True):
        return [mpfr(x) for x in np.asarray(arguments, np.float64).tolist()]


def _round_composed(function: str, x: mpfr, rounding: gmpy2.context) -> float:
    """Evaluate in increasing precision until both ends of the error interval round to the same (Ziv's strategy).

    The loop ends: unless sigmoid is a power of 2, at 0, or logit is 0, at 1/2, the results are transcendental
    (Lindemann, Weierstrass), and so no midpoints.
    """
    for precision in itertools.count(128, 128):
        with gmpy2.context(precision=precision):
            value = _COMPOSED[function](x)
            error = gmpy2.exp2(3 - precision)
            low, high = value * (1 - error), value * (1 + error)
        with rounding:
            below, above = float(mpfr(low)), float(mpfr(high))
        if below == above or gmpy2.is_nan(value):
            break
    return below
