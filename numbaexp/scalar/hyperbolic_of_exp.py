"""sinh, cosh and tanh in float64 arithmetic from an exponential, for results that are rounded to narrower types.

Errors are relative, in units of 2**-53.
"""

from math import ldexp

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import MAGNITUDE_F64, scalar
from numbaexp.scalar.single import clamped
from numbaexp.scalar.tabled import horner
from numbaexp.scalar.tabled_hyperbolic import with_sign
from numbaexp.vector.operations import bits_of, fma, where

# Smaller arguments are their own result of sinh and tanh.
TINY = ldexp(1.0, -27)
# From here on tanh rounds to 1.
ONE_FROM = 20.0

SINH_TAIL = horner(c.WIDE_SINH)
SIGN = ~MAGNITUDE_F64


@scalar
def sinh_below_1(magnitude):
    """Compute sinh of a magnitude below 1, by its series. Of the result at most 0.15 is the cube times the polynomial,
    which err by 3.5: with the sum, 1.6."""
    near = clamped(magnitude, TINY, 1.0)
    square = near * near
    return fma(near * square, SINH_TAIL(square), near)


@scalar
def sinh_from(x, half_exp):
    """Compute sinh(x) from exp(|x|) / 2. From 1 on, 1.32 of the error of that is passed on, the reciprocal errs by 0.2,
    and the difference by 1."""
    magnitude = abs(x)
    result = where(magnitude < 1.0, sinh_below_1(magnitude), half_exp - 0.25 / half_exp)
    return where(magnitude < TINY, x, with_sign(result, bits_of(x) & SIGN))


@scalar
def cosh_from(half_exp):
    """Compute cosh(x) from exp(|x|) / 2. At most the error of that is passed on, the reciprocal errs by 0.5, and the
    sum by 1."""
    return half_exp + 0.25 / half_exp


@scalar
def tanh_from(x, exp):
    """Compute tanh(x) from e = exp(|x|), of |x| clamped to ``ONE_FROM``.

    Below 1, as 2 sinh(|x|) e / (e**2 + 1): 0.77 of the error of e is passed on, the sinh errs by 1.6, and the product,
    the sum and the quotient by 1 each. From 1 on, as 1 - 2 / (e**2 + 1), where the quotient is at most 0.32 of the
    result: 0.64 of the error of e, twice 0.32, and 1 by the difference.
    """
    magnitude = abs(x)
    is_small = magnitude < 1.0
    quotient = where(is_small, 2.0 * sinh_below_1(magnitude) * exp, 2.0) / fma(exp, exp, 1.0)
    result = where(is_small, quotient, 1.0 - quotient)
    return where(magnitude < TINY, x, with_sign(result, bits_of(x) & SIGN))
