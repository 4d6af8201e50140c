"""References for the types below float64: the C library's functions in float64, and bounds for their errors."""

import math

import numpy as np
from numba import prange

from numbaexp.jit import jit

# Relative error far above that of any C library's exp, expm1, pow and log1p, and of the functions here. References so
# near a rounding boundary are left to MPFR.
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
def _expm1(x):
    return math.expm1(x)


@jit
def _sigmoid(x):
    return 1.0 / (1.0 + _exp(-x))


@jit
def _softplus(x):
    return max(x, 0.0) + math.log1p(_exp(-abs(x)))


_REFERENCES = {
    "exp": _exp,
    "exp2": _exp2,
    "exp10": _exp10,
    "expm1": _expm1,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
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
