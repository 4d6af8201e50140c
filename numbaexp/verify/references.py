"""References for the types below float64: the C library's functions in float64, and bounds for their errors."""

import math

import numpy as np
from numba import prange

from numbaexp.jit import jit

# Relative error far above that of any C library's functions, and of those here. References so near a rounding boundary
# are left to MPFR.
TRUST = 2.0**-47

# Arguments are clamped to this: exponentials are then 0 or infinite in float32, but not in float64, where C libraries
# are slow at such results.
FAR = 300.0


@jit
def _near(x):
    return math.copysign(FAR, x) if abs(x) > FAR else x


@jit
def _exp(x):
    return math.exp(_near(x))


@jit
def _exp2(x):
    return math.pow(2.0, _near(x))


@jit
def _exp10(x):
    return math.pow(10.0, _near(x))


@jit
def _sigmoid(x):
    return 1.0 / (1.0 + _exp(-x))


@jit
def _softplus(x):
    return max(x, 0.0) + math.log1p(_exp(-abs(x)))


@jit
def _sinh(x):
    return math.sinh(_near(x))


@jit
def _cosh(x):
    return math.cosh(_near(x))


@jit
def _log_sigmoid(x):
    return -_softplus(-x)


@jit
def _logit(x):
    # Near 1/2 the differences are exact, of float32; elsewhere the result is at least 1.09.
    if abs(x - 0.5) < 0.25:
        return math.log1p((2.0 * x - 1.0) / (1.0 - x))
    return math.log(x) - math.log1p(-x)


def _of_library(function):
    """Return one of the C library's functions as it is."""

    @jit
    def reference(x):
        return function(x)

    return reference


_REFERENCES = {
    "exp": _exp,
    "exp2": _exp2,
    "exp10": _exp10,
    "expm1": _of_library(math.expm1),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "log": _of_library(math.log),
    "log2": _of_library(math.log2),
    "log10": _of_library(math.log10),
    "log1p": _of_library(math.log1p),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _of_library(math.tanh),
    "log_sigmoid": _log_sigmoid,
    "logit": _logit,
}


def make_comparison(function):
    """Return a loop over float32 arrays, ``compare(x, y, wrong, undecided)``.

    Parameters
    ----------
    function : str
        Name of the function.

    Returns
    -------
    compare : callable
        ``wrong`` marks where ``y`` is not the correctly rounded result of ``x``, zeros with their signs, and
        ``undecided`` where the reference is too near a rounding boundary.
    """
    reference = _REFERENCES[function]

    @jit(forceinline=False, parallel=True)
    def compare(x, y, wrong, undecided):
        for i in prange(x.size):
            exact = reference(np.float64(x[i]))
            low, high = np.float32(exact * (1 - TRUST)), np.float32(exact * (1 + TRUST))
            undecided[i] = low != high and not np.isnan(low)
            same = low == y[i] and np.signbit(low) == np.signbit(y[i])
            wrong[i] = not same and not (np.isnan(low) and np.isnan(y[i]))

    return compare
