"""log1p: log(1 + x), with small relative error where x is small."""

from math import ldexp

import numpy as np

from numbaexp.scalar import accurate_logs
from numbaexp.scalar.domain import above_minus_one
from numbaexp.scalar.ieee import MAGNITUDE_F64, highest, scalar
from numbaexp.scalar.log import make_scalar
from numbaexp.scalar.log_pair import make_log1p_pair
from numbaexp.vector.operations import bits_of, fma, where

# The bounds of errors, relative to ``high``: ``BIAS`` of the pair, and ``WIDTH`` of both sides of the rounding test.
BIAS, WIDTH = ldexp(1.375, -63), ldexp(1.5, -62)

# Smaller arguments are their own result, without flags, as NumPy's are.
TINY = highest(np.float64(ldexp(1.0, -54)))

log1p_pair = make_log1p_pair(BIAS)


@scalar
def log1p_f64_inner(x):
    high, low = log1p_pair(x)
    tiny = (bits_of(x) & MAGNITUDE_F64) < TINY
    return where(tiny, x, high + low), where(tiny, x, high + fma(high, WIDTH, low))


LOG1P = {"float64": make_scalar(log1p_f64_inner, above_minus_one("float64"), accurate_logs.log1p)}
