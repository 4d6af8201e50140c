"""References for the types below float64: the C library's functions in float64, and how far to trust them."""

import math

import numpy as np
from numba import prange

from numbaexp.jit import jit

# Relative error that no C library's exp, expm1, pow and log1p comes near, nor what is made of them here. A reference so
# near a rounding boundary that this could carry it over is left to MPFR.
TRUST = 2.0**-47

# So far from 0 an exponential is 0 or infinite for float32, but neither for float64, where C libraries are slow at it.
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
    """A loop over float32 arrays, ``compare(x, y, wrong, undecided)``.

    Parameters
    ----------
    function : str
        Name of the function.

    Returns
    -------
    compare : callable
        It marks where ``y`` is not the correctly rounded result of ``x``, zeros with their signs, and where the
        reference cannot tell.
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
