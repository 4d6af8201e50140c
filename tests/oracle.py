"""The right answers: MPFR, through gmpy2, which rounds once to the precision and range of each type."""

import gmpy2
import numpy as np

# precision, and the exponents of the largest and the least positive number, as MPFR counts them
_FORMATS = {
    "float16": (11, 16, -23),
    "bfloat16": (8, 128, -132),
    "float32": (24, 128, -148),
    "float64": (53, 1024, -1073),
}

_FUNCTIONS = {"exp": gmpy2.exp}


def correctly_rounded(function, arguments, dtype_name):
    """The correctly rounded results, as float64, of a function at float arguments, for a type given by name."""
    precision, emax, emin = _FORMATS[dtype_name]
    evaluate = _FUNCTIONS[function]
    with gmpy2.context(precision=precision, emax=emax, emin=emin, subnormalize=True):
        return np.array([float(evaluate(_exact(x))) for x in np.asarray(arguments, np.float64).tolist()])


def _exact(x):
    with gmpy2.context(precision=53, emax=1024, emin=-1073, subnormalize=True):
        return gmpy2.mpfr(x)


def ulp_errors(function, arguments, results):
    """The distance of float64 results from the exact values, in ulps of the latter, finite results alone."""
    evaluate = _FUNCTIONS[function]
    errors = []
    with gmpy2.context(precision=160):
        for x, y in zip(arguments.tolist(), results.tolist(), strict=True):
            exact = evaluate(gmpy2.mpfr(x))
            exponent = max(gmpy2.get_exp(exact) - 53, -1074)
            errors.append(float(abs(exact - gmpy2.mpfr(y)) / gmpy2.exp2(exponent)))
    return np.array(errors)
