"""The arithmetic of rows of each type: NARROW, in float64, for float32 and below, and PAIRED, in pairs, for float64.

Both have the same functions, of pairs (high, low); in NARROW low is 0.
"""

from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import double
from numbaexp.scalar import rows as r
from numbaexp.scalar.forms import result_of
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.operations import as_number, fma, where


class Arithmetic(NamedTuple):
    """Hold the functions of one arithmetic; each pair is two arguments.

    value : the type that elements are converted to.
    one, nothing : the exponential of 0 as represented, and a bound of numbers that represent 0.
    least_rank : the rank of -infinity.
    of_rank(rank) : the value of a rank.
    exponential(x, reference) : of x - reference, values or float64; far below 0 a number below ``nothing``, which is
        negligible in a sum or in a quotient.
    from_zero(x) : the same with the reference 0.
    addend(x, greatest) : whether a value is the greatest, and if not its exponential; 0 of -infinity.
    weight(greatest, of_row) : the exponential of a chunk's greatest element, by that of its row; 0 of -infinity.
    add(a, b) : of pairs.
    weighted(total, weight) : the product of a chunk's sum and the exponential of its greatest element.
    usable(total) : whether a sum of exponentials with the reference 0, of which this is the high part, can be used.
    share(total) : the reciprocal of such a sum, as a factor of exponentials.
    scaled(share, scale) : such a factor times a float64.
    shared(exponential, share) : the softmax quotient as that product, a float64 yet to be rounded.
    quotient(a, b, scale) : of two sums, times a float64, yet to be rounded.
    logarithm(ones, others) : of the sum of so many ones, one at least, and of weighted exponentials.
    log_share(x, greatest, logarithm), log_sum(greatest, logarithm) : results, yet to be rounded.
    """

    value: Any
    one: float
    nothing: float
    least_rank: Any
    of_rank: Any
    exponential: Any
    from_zero: Any
    addend: Any
    weight: Any
    add: Any
    weighted: Any
    usable: Any
    share: Any
    scaled: Any
    shared: Any
    quotient: Any
    logarithm: Any
    log_share: Any
    log_sum: Any


_MINUS_INFINITY = np.float32(-np.inf)


@scalar
def narrow_exponential(x, reference):
    return r.exponential(as_number(x, 0.0) - as_number(reference, 0.0)), 0.0


@scalar
def narrow_from_zero(x):
    return r.exponential(as_number(x, 0.0)), 0.0


@scalar
def narrow_addend(x, greatest):
    is_one = x == greatest
    return is_one, where(is_one | (x == _MINUS_INFINITY), 0.0, narrow_exponential(x, greatest)[0]), 0.0


@scalar
def narrow_weight(greatest, of_row):
    return 0.0 if greatest == -np.inf else narrow_exponential(greatest, of_row)[0], 0.0


@scalar
def narrow_add(a, a_low, b, b_low):
    return a + b, 0.0


@scalar
def narrow_weighted(total, total_low, weight, weight_low):
    return rounded_product(total, weight), 0.0


@scalar
def narrow_usable(total):
    return r.LEAST_SUM < total < r.GREATEST_SUM


@scalar
def narrow_share(total, total_low):
    return 1.0 / total, 0.0


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
    """Subtract; no difference cancels, as both of its terms have one sign."""
    return (as_number(x, 0.0) - as_number(greatest, 0.0)) - logarithm


@scalar
def narrow_log_sum(greatest, logarithm, logarithm_low):
    return np.float64(greatest) + logarithm


NARROW = Arithmetic(
    np.float32,
    1.0,
    r.NOTHING,
    np.uint32(0),
    r.of_rank_f32,
    narrow_exponential,
    narrow_from_zero,
    narrow_addend,
    narrow_weight,
    narrow_add,
    narrow_weighted,
    narrow_usable,
    narrow_share,
    narrow_scaled,
    narrow_shared,
    narrow_quotient,
    narrow_logarithm,
    narrow_log_share,
    narrow_log_sum,
)


@scalar
def paired_exponential(x, reference):
    return r.loose_exponential_pair(*r.difference(x, reference))


@scalar
def paired_from_zero(x):
    return r.loose_exponential_pair(x, 0.0)


@scalar
def paired_addend(x, greatest):
    is_one = x == greatest
    nothing = is_one | (x == -np.inf)
    e, e_low = paired_exponential(x, greatest)
    return is_one, where(nothing, 0.0, e), where(nothing, 0.0, e_low)


@scalar
def paired_weight(greatest, of_row):
    e, e_low = r.exponential_pair(*r.difference(greatest, of_row))
    nothing = greatest == -np.inf
    return 0.0 if nothing else e, 0.0 if nothing else e_low


@scalar
def paired_usable(total):
    return r.LEAST_SUM_OF_PAIRS < total < r.GREATEST_SUM


@scalar
def paired_share(total, total_low):
    return r.quotient_of_pairs(r.SHARE_SCALE, 0.0, *double.fast_two_sum(total, total_low))


@scalar
def paired_scaled(share, share_low, scale):
    return r.product_of_pairs(share, share_low, scale, 0.0)


@scalar
def paired_shared(exponential, exponential_low, share, share_low):
    low = fma(exponential, share_low, exponential_low * share)
    product = fma(exponential, share, low)
    # Subnormal products are slow.
    return where(abs(product) < r.LEAST_SHARED, 0.0, product) * r.UNSCALE_SHARED


@scalar
def paired_quotient(a, a_low, b, b_low, scale):
    high, low = r.quotient_of_pairs(*double.fast_two_sum(a, a_low), *double.fast_two_sum(b, b_low))
    return fma(high, scale, low * scale)


@scalar
def paired_logarithm(ones, others, others_low):
    z, z_low = r.two_sum(ones - 1.0, rounded_product(others, r.UNSCALE_SUM))
    return r.log1p_pair(*double.fast_two_sum(z, z_low + rounded_product(others_low, r.UNSCALE_SUM)))


@scalar
def paired_log_share(x, greatest, logarithm, logarithm_low):
    t, t_low = r.two_sum(x, -greatest)
    result, error = r.two_sum(t, -logarithm)
    return result + where(result == -np.inf, 0.0, error + (t_low - logarithm_low))


@scalar
def paired_log_sum(greatest, logarithm, logarithm_low):
    result, error = r.two_sum(greatest, logarithm)
    return result + (error + logarithm_low)


PAIRED = Arithmetic(
    np.float64,
    r.PAIR_SCALE,
    r.NOTHING,
    np.uint64(0),
    r.of_rank_f64,
    paired_exponential,
    paired_from_zero,
    paired_addend,
    paired_weight,
    r.add_pair,
    r.product_of_pairs,
    paired_usable,
    paired_share,
    paired_scaled,
    paired_shared,
    paired_quotient,
    paired_logarithm,
    paired_log_share,
    paired_log_sum,
)


def arithmetic_of(dtype: str) -> Arithmetic:
    """Return the arithmetic of rows by the name of their type; of two types it is that of the results."""
    return PAIRED if result_of(dtype) == "float64" else NARROW
