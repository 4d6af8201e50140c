"""The gradient, by an element of a row, of a sum of logarithms of the row's softmax, each times a number."""

from math import ldexp

import numpy as np

from numbaexp.scalar import double
from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import rounded_product, scalar

UNSCALE = 1.0 / r.PAIR_SCALE
# Above this ``exponential_less_one`` holds; below it subtracting from 1 costs at most 4 of an exponential's 62 bits.
LARGE_LOGARITHM = -ldexp(1.0, -4)


@scalar
def lacking(log, log_low, power, power_low):
    """Return 1 - exp(log + log_low), log <= 0, as a pair, also given the exponential times ``PAIR_SCALE``."""
    is_large = log > LARGE_LOGARITHM
    less, less_low = double.exponential_less_one(log if is_large else 0.0, log_low if is_large else 0.0)
    high, error = r.two_sum(r.PAIR_SCALE, -power)
    high, low = double.fast_two_sum(high, error - power_low)
    return (
        -less if is_large else rounded_product(high, UNSCALE),
        -less_low if is_large else rounded_product(low, UNSCALE),
    )


@scalar
def gradient(x, greatest, logarithm, logarithm_low, own, total, total_low):
    """Compute own - p * total, yet to be rounded, where p is the softmax of x, and the total the sum of the numbers of
    all elements, a pair, of which x has its own.

    That is own * (1 - p) - p * (total - own): where x is most of its row, neither difference cancels. It is NaN where
    the greatest element is not finite.
    """
    own = own if abs(greatest) < np.inf else np.nan
    t, t_low = r.two_sum(x, -greatest)
    log, error = r.two_sum(t, -logarithm)
    log_low = 0.0 if log < r.LEAST_DIFFERENCE else error + (t_low - logarithm_low)
    power, power_low = r.exponential_pair(log, log_low)
    others, error = r.two_sum(total, -own)
    others, others_low = r.two_sum(others, error + total_low)
    gain, gain_low = r.product_of_pairs(own, 0.0, *lacking(log, log_low, power, power_low))
    loss, loss_low = r.product_of_pairs(power, power_low, others, others_low)
    high, error = r.two_sum(gain, -rounded_product(loss, UNSCALE))
    return high + (error + (gain_low - rounded_product(loss_low, UNSCALE)))
