"""log1p: log(1 + x), with small relative error where x is small."""

from math import ldexp

import numpy as np

from numbaexp.scalar import accurate_logs, middle_logs
from numbaexp.scalar.domain import above_minus_one
from numbaexp.scalar.ieee import MAGNITUDE_F64, highest, scalar
from numbaexp.scalar.log import make_inner, make_scalar
from numbaexp.scalar.log_pair import TINY, make_log1p_pair
from numbaexp.scalar.narrow_logs import make_scalars, rounded_to_odd
from numbaexp.vector.operations import bits_of, where

# The bounds of ``numbaexp.scalar.log_pair``.
BIAS, WIDTH = ldexp(1.4375, -63), ldexp(3.1875, -63)

# Smaller float32 are their own result, without flags.
TINY_F32 = highest(np.float64(ldexp(1.0, -25)))

# The one float32 whose result is nearer to a midpoint than the pair errs, 2**-66 of it above, and a greater float64,
# whose result is rounded to the same float32.
HARD_F32, ABOVE_HARD = float.fromhex("0x1.800006p-21"), float.fromhex("0x1.8000060001p-21")

log1p_pair = make_log1p_pair(BIAS)
rounding_test = make_inner(log1p_pair, WIDTH)


@scalar
def log1p_f64_inner(x):
    below, above = rounding_test(x)
    tiny = (bits_of(x) & MAGNITUDE_F64) < TINY
    return where(tiny, x, below), where(tiny, x, above)


@scalar
def log1p_odd(x):
    """Compute log1p of what is a float32, rounded to odd, or x itself where tiny."""
    x = where(x == HARD_F32, ABOVE_HARD, x)
    tiny = (bits_of(x) & MAGNITUDE_F64) < TINY_F32
    return where(tiny, x, rounded_to_odd(*log1p_pair(x)))


LOG1P = {
    **make_scalars(log1p_odd, above_minus_one),
    "float64": make_scalar(log1p_f64_inner, above_minus_one("float64"), middle_logs.log1p, accurate_logs.log1p),
}
