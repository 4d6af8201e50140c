"""log1p: log(1 + x), with small relative error where x is small."""

from math import ldexp

from numbaexp.scalar import accurate_logs
from numbaexp.scalar.domain import above_minus_one
from numbaexp.scalar.ieee import MAGNITUDE_F64, scalar
from numbaexp.scalar.log import make_inner, make_scalar
from numbaexp.scalar.log_pair import TINY, make_log1p_pair
from numbaexp.vector.operations import bits_of, where

# The bounds of ``numbaexp.scalar.log_pair``.
BIAS, WIDTH = ldexp(1.4375, -63), ldexp(3.1875, -63)

log1p_pair = make_log1p_pair(BIAS)
rounding_test = make_inner(log1p_pair, WIDTH)


@scalar
def log1p_f64_inner(x):
    below, above = rounding_test(x)
    tiny = (bits_of(x) & MAGNITUDE_F64) < TINY
    return where(tiny, x, below), where(tiny, x, above)


LOG1P = {"float64": make_scalar(log1p_f64_inner, above_minus_one("float64"), accurate_logs.log1p)}
