"""Partial sums of rows in pieces, for rows that are nowhere whole in memory.

The sum of a row, or of a piece of one, is a pair: the sum of the exponentials of the differences from its greatest
element, less the 1 that is the greatest's own, times 2**400. Without the 1 the sum of a row that one element dominates
keeps its relative accuracy.
"""

from math import ldexp

from numbaexp.scalar import double
from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import scalar

# The scale of a sum, and the scale left after the product of an exponential and a sum is scaled back.
SUM_SCALE = 1.0 / r.UNSCALE_SUM
UNSCALE_EXPONENTIAL = 1.0 / r.PAIR_SCALE

# Below this ``exponential_less_one`` holds; from this on subtracting 1 costs at most 4 of the exponential's 62 bits.
SMALL_LOGARITHM = ldexp(1.0, -4)


@scalar
def sum_less_one(log, log_low):
    """Return (high, low) with exp(log + log_low) - 1 = (high + low) 2**-400 to a relative error of 2**-57, log >= 0."""
    is_small = log < SMALL_LOGARITHM
    small, small_low = double.exponential_less_one(log if is_small else 0.0, log_low if is_small else 0.0)
    power, power_low = r.exponential_pair(log, log_low)
    high, error = r.two_sum(power, -r.PAIR_SCALE)
    high, low = double.fast_two_sum(high, error + power_low)
    return (
        small * SUM_SCALE if is_small else high * r.PAIR_SCALE,
        small_low * SUM_SCALE if is_small else low * r.PAIR_SCALE,
    )


@scalar
def whole_sum(others, others_low):
    """Add the 1 to a sum."""
    high, error = r.two_sum(SUM_SCALE, others)
    return double.fast_two_sum(high, error + others_low)
