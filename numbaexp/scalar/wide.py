"""The functions of float64, of every argument, for results that are rounded to narrower types: without the phases that
would round them correctly, and without a branch.

Relatively, in units of 2**-53, exp, exp2 and exp10 err by less than 3, the others by less than 7, and a subnormal
result by half its last place more: within ``WIDE_ERROR``.

Of a power 2**(n + j/16) exp(r), |r| <= ln(2) / 32, the root 2**(j/16) errs by 1, and so does the sum that the root
times exp(r) is rounded to. The reduced argument r and exp(r) - 1 are rounded thrice, each by |r|: by 0.07. The rest, of
the constants and the polynomial, is below 0.01. That is less than 2.1.
"""

from math import ldexp
from typing import Any

import numpy as np
from numba import types

from numbaexp.scalar import constants as c
from numbaexp.scalar import single, wide_logs
from numbaexp.scalar.double import ROUND_TO_INTEGER, TINY
from numbaexp.scalar.hyperbolic_of_exp import ONE_FROM, cosh_from, sinh_from, tanh_from
from numbaexp.scalar.ieee import MAGNITUDE_F64, highest, scalar
from numbaexp.scalar.logit import logit_f64
from numbaexp.scalar.single import clamped
from numbaexp.scalar.softplus import atanh_tail
from numbaexp.scalar.tabled import horner
from numbaexp.vector.operations import bits_of, float_of, fma, times_power, where
from numbaexp.vector.table import make_table

# Relative to normal results.
WIDE_ERROR = ldexp(1.0, -50)

EXPONENT = np.int64(52)
# Smaller arguments are their own result of expm1.
TINY_EXPM1 = highest(np.float64(ldexp(1.0, -54)))


# Adding this rounds to a multiple of 1/16, of which the low bits are an integer.
TO_SIXTEENTHS = np.float64(ldexp(1.5, 48))
# Of those bits the number of the integer's whole powers, by shifts that keep the sign.
ABOVE, BELOW = np.int64(13), np.int64(17)
SIXTEEN = np.int64(16)
ROOT_OF = make_table(c.ROOTS_F64_16.rounded, types.float64)
TAIL = horner(c.TAIL_F64_16)


@scalar
def reduced(x, log2_base):
    """Return (steps, bits), x log2(b) rounded to a multiple of 1/16, and bits that end with 16 times that."""
    shifted = fma(x, log2_base, TO_SIXTEENTHS)
    return shifted - TO_SIXTEENTHS, bits_of(shifted)


@scalar
def scaled(r, steps, bits):
    """Compute 2**steps exp(r), |r| <= ln(2) / 32. A NaN for r gives NaN, whatever the steps are."""
    root = ROOT_OF(bits)
    power = fma(root, fma(r * r, TAIL(r), r), root)
    return times_power(power, steps, (bits << ABOVE) >> BELOW)


@scalar
def exp_of_normal(x):
    """Compute exp(x) of arguments that :func:`scaled` takes."""
    steps, bits = reduced(x, c.LOG2_F64[0])
    return scaled(fma(-steps, c.LN2_F64[1], fma(-steps, c.LN2_F64[0], x)), steps, bits)


@scalar
def exp(x):
    return exp_of_normal(clamped(x, -746.0, 710.0))


@scalar
def exp2(x):
    x = clamped(x, -1076.0, 1025.0)
    steps, bits = reduced(x, 1.0)
    return scaled((x - steps) * c.LN2_F64[0], steps, bits)


@scalar
def exp10(x):
    x = clamped(x, -324.0, 309.0)
    steps, bits = reduced(x, c.LOG2_F64[1])
    f = fma(-steps, c.LOG10_2_F64[0], x)
    return scaled(fma(-steps, c.LOG10_2_F64[1], f * c.LN10_F64[0]), steps, bits)


@scalar
def decay(x):
    """Compute exp(-|x|)."""
    return exp_of_normal(clamped(-abs(x), -746.0, 0.0))


@scalar
def expm1(x):
    """Compute 2**n r q(r) + (2**n - 1), halved in between, as 2**1024 is no float64.

    Relatively, where n is 0, r errs by 2, q, at least 0.58, by 2 / 0.58, and the product by 1: less than 7. Where n is
    1, 2**n r q errs by 2 + 0.5, with a result of at least 0.41, and the sum by 1; elsewhere less.
    """
    x_near = clamped(x, -40.0, 710.0)
    shifted = fma(x_near, c.SINGLE_LOG2E, ROUND_TO_INTEGER)
    r = fma(x_near, c.SINGLE_LOG2E_LOW, fma(x_near, c.SINGLE_LOG2E, ROUND_TO_INTEGER - shifted))
    half_power = float_of(bits_of(0.5) + (bits_of(shifted) << EXPONENT))
    half = fma(half_power * r, single.exp2_quotient(r), half_power - 0.5)
    return where((bits_of(x) & MAGNITUDE_F64) < TINY_EXPM1, x, half + half)


@scalar
def sigmoid(x):
    """Compute 1 / (1 + e) or e / (1 + e), e = exp(-|x|), where the sum and the quotient err by 1 each."""
    e = decay(x)
    return where(x < 0.0, e, 1.0) / (1.0 + e)


@scalar
def softplus(x):
    """Compute max(x, 0) + 2 atanh(s), s = e / (2 + e), e = exp(-|x|), where the sum, the quotient and the last two sums
    err by 1 each. If x is positive, 0.72 of the error of e is passed on; if not, the last sum is exact."""
    e = decay(x)
    doubled = (e + e) / (2.0 + e)
    u = fma(0.25 * doubled, doubled, TINY)
    return where(x > 0.0, x, 0.0) + fma(doubled * u, atanh_tail(u), doubled)


@scalar
def half_exp(x):
    """Compute exp(|x|) / 2, which may be finite where exp(|x|) is not."""
    magnitude = clamped(abs(x), 0.0, 711.0)
    steps, bits = reduced(magnitude, c.LOG2_F64[0])
    r = fma(-steps, c.LN2_F64[1], fma(-steps, c.LN2_F64[0], magnitude))
    return scaled(r, steps - 1.0, bits - SIXTEEN)


@scalar
def sinh(x):
    return sinh_from(x, half_exp(x))


@scalar
def cosh(x):
    return cosh_from(half_exp(x))


@scalar
def tanh(x):
    return tanh_from(x, exp_of_normal(clamped(abs(x), 0.0, ONE_FROM)))


@scalar
def log_sigmoid(x):
    return -softplus(-x)


WIDE: dict[str, Any] = {
    "exp": exp,
    "exp2": exp2,
    "exp10": exp10,
    "expm1": expm1,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "log_sigmoid": log_sigmoid,
    "logit": logit_f64,
    "log": wide_logs.log,
    "log2": wide_logs.log2,
    "log10": wide_logs.log10,
    "log1p": wide_logs.log1p,
}
