"""The sum of the exponentials of a row times factors, and its logarithm: in pairs in every type.

The order of the sum is that of ``numbaexp.scalar.rows``, and the reference the greatest element of each chunk.
"""

from math import ldexp

import numpy as np

from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.row_arithmetic import PAIRED

# Exponentials are held times 2**100 here, so that there is room for factors; sums of their products with pairs, times
# 2**400.
LESS_SCALE = ldexp(1.0, -200)
UNSCALE = r.UNSCALE_SUM / LESS_SCALE

_exponential, _one, _log_sum = PAIRED.exponential, PAIRED.one, PAIRED.log_sum


@scalar
def counted(x, factor):
    """Return an element as it counts: not at all, even a NaN, without a weight; as NaN where its factor is not
    finite."""
    return x + (factor - factor) if factor != 0.0 else -np.inf


@scalar
def term(x, factor, reference):
    """Return the pair that an element adds to the sum of its chunk."""
    e, e_low = _exponential(x, reference)
    # The logarithm of 1 alone is to be 0.
    e, e_low = (_one, 0.0) if x == reference else (e, e_low)
    high, low = r.product_of_pairs(e * LESS_SCALE, e_low * LESS_SCALE, factor, 0.0)
    none = e < r.NOTHING
    return 0.0 if none else high, 0.0 if none else low


@scalar
def log_and_sign(greatest, total, total_low, above, below):
    """Return the logarithm of the magnitude of a sum, and the sign of the sum.

    ``above`` and ``below`` tell whether there are infinite elements with positive and with negative factors.
    """
    # Where terms cancel, most of the sum may be in its low part.
    total, total_low = r.two_sum(total, total_low)
    sign = np.float64(total > 0.0) - np.float64(total < 0.0)
    sign = np.float64(above) - np.float64(below) if greatest == np.inf else sign
    # Infinite terms of both signs have no sum, and neither have numbers with NaN.
    known = sign != 0.0 or (total == 0.0 and greatest < np.inf)
    return _logarithm(greatest, total, total_low) if known else np.nan, sign if known else np.nan


@scalar
def _logarithm(greatest, total, total_low):
    z, z_low = r.two_sum(rounded_product(abs(total), UNSCALE), -1.0)
    z_low += rounded_product(total_low if total > 0.0 else -total_low, UNSCALE)
    log, log_low = r.log1p_pair(z, z_low)
    result = -np.inf if total == 0.0 else _log_sum(greatest, log, log_low)
    return result if abs(greatest) < np.inf else greatest
