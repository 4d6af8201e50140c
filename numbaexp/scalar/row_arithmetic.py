"""How the rows of each type are computed: NARROW, in float64, for float32 and below, and PAIRED, in pairs, for float64.

Both have the same functions, of pairs (high, low); in NARROW low is 0.
"""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import double
from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.operations import fma


class Arithmetic(NamedTuple):
    """Functions of one arithmetic; each pair is two arguments.

    value : the type that elements are converted to.
    one : what the exponential of 0 is held as.
    of_rank(rank) : the value of a rank.
    exponential(x, greatest) : of x - greatest, both values; or 0 where that is nothing in a
        quotient times any number of the type, or in a logarithm.
    add(a, b) : of pairs.
    weighted(total, weight) : the product of a chunk's sum and the exponential of its greatest element.
    share(weight, total) : what an exponential of that chunk is to be multiplied by, to be divided by the row's sum.
    scaled(share, scale) : a share times a float64.
    shared(exponential, share) : that product, a float64 that is yet to be rounded.
    quotient(a, b, scale) : of two sums, times a float64, yet to be rounded.
    logarithm(ones, others) : of the sum of so many ones, one at least, and of weighted exponentials.
    log_share(x, greatest, logarithm), log_sum(greatest, logarithm) : results, yet to be rounded.
    """

    value: Any
    one: float
    of_rank: Any
    exponential: Any
    add: Any
    weighted: Any
    share: Any
    scaled: Any
    shared: Any
    quotient: Any
    logarithm: Any
    log_share: Any
    log_sum: Any


@scalar
def narrow_exponential(x, greatest):
    return r.exponential_from(np.float64(x) - np.float64(greatest), r.LEAST_ADDEND), 0.0


@scalar
def narrow_add(a, a_low, b, b_low):
    return a + b, 0.0


@scalar
def narrow_weighted(total, total_low, weight, weight_low):
    return rounded_product(total, weight), 0.0


@scalar
def narrow_share(weight, weight_low, total, total_low):
    return weight / total, 0.0


@scalar
def narrow_scaled(share, share_low, scale):
    return share * scale, 0.0


@scalar
def narrow_shared(exponential, exponential_low, share, share_low):
    return exponential * share


@scalar
def narrow_quotient(a, a_low, b, b_low, scale):
    return a / b * scale


@scalar
def narrow_logarithm(ones, others, others_low):
    return r.log1p((ones - 1.0) + others), 0.0


@scalar
def narrow_log_share(x, greatest, logarithm, logarithm_low):
    """Neither difference cancels: both of its terms have one sign."""
    return (np.float64(x) - np.float64(greatest)) - logarithm


@scalar
def narrow_log_sum(greatest, logarithm, logarithm_low):
    return np.float64(greatest) + logarithm


NARROW = Arithmetic(
    np.float32,
    1.0,
    r.of_rank_f32,
    narrow_exponential,
    narrow_add,
    narrow_weighted,
    narrow_share,
    narrow_scaled,
    narrow_shared,
    narrow_quotient,
    narrow_logarithm,
    narrow_log_share,
    narrow_log_sum,
)


@scalar
def paired_exponential(x, greatest):
    t, t_low = r.difference(x, greatest)
    return r.exponential_pair(t, t_low)


@scalar
def paired_share(weight, weight_low, total, total_low):
    return r.quotient_of_pairs(weight * r.SHARE_SCALE, weight_low * r.SHARE_SCALE, total, total_low)


@scalar
def paired_scaled(share, share_low, scale):
    return r.product_of_pairs(share, share_low, scale, 0.0)


@scalar
def paired_shared(exponential, exponential_low, share, share_low):
    low = fma(exponential, share_low, exponential_low * share)
    return fma(exponential, share, low) * r.UNSCALE_SHARED


@scalar
def paired_quotient(a, a_low, b, b_low, scale):
    high, low = r.quotient_of_pairs(a, a_low, b, b_low)
    return fma(high, scale, low * scale)


@scalar
def paired_logarithm(ones, others, others_low):
    z, z_low = r.two_sum(ones - 1.0, rounded_product(others, r.UNSCALE_SUM))
    return r.log1p_pair(*double.fast_two_sum(z, z_low + rounded_product(others_low, r.UNSCALE_SUM)))


@scalar
def paired_log_share(x, greatest, logarithm, logarithm_low):
    t, t_low = r.two_sum(x, -greatest)
    result, error = r.two_sum(t, -logarithm)
    return result + (0.0 if result == -np.inf else error + (t_low - logarithm_low))


@scalar
def paired_log_sum(greatest, logarithm, logarithm_low):
    result, error = r.two_sum(greatest, logarithm)
    return result + (error + logarithm_low)


PAIRED = Arithmetic(
    np.float64,
    r.PAIR_SCALE,
    r.of_rank_f64,
    paired_exponential,
    r.add_pair,
    r.product_of_pairs,
    paired_share,
    paired_scaled,
    paired_shared,
    paired_quotient,
    paired_logarithm,
    paired_log_share,
    paired_log_sum,
)


def arithmetic_of(dtype: str) -> Arithmetic:
    """That of the rows of a float type, by its name."""
    return PAIRED if dtype == "float64" else NARROW
