"""The entropy of a row's softmax and its gradient, in the arithmetics of ``numbaexp.scalar.row_arithmetic``.

Let m be the greatest element, S the sum of exp(x - m) and M, the moment, that of (m - x) exp(x - m). The entropy is
log(S) + M / S. Neither term is negative, so that they cannot cancel, and S is 1 plus the sum of the others, whose
logarithm keeps its accuracy where one element dominates. M / S is how far the mean, by the softmax, is below m; the
gradient of an element is its softmax times ((m - x) - M / S), where log(S) has gone out.
"""

import functools
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import double
from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.row_arithmetic import NARROW, Arithmetic
from numbaexp.vector.operations import as_number, where


class Entropy(NamedTuple):
    """Hold the functions of one arithmetic; each pair is two arguments.

    moment(x, greatest, exponential) : of one element.
    of_chunk(greatest, ones, others, moment, of_row) : (ones, others, moment) of a chunk as parts of those of its row,
        whose greatest element is the last argument.
    entropy(ones, others, moment) : of a row, yet to be rounded.
    shares(ones, others, moment, scale) : (share, spread) of a row, as pairs: what exponentials are multiplied by, times
        a float64, and M / S.
    gradient(x, greatest, exponential, share, spread) : of an element, yet to be rounded.
    """

    moment: Any
    of_chunk: Any
    entropy: Any
    shares: Any
    gradient: Any


@scalar
def narrow_below(x, greatest):
    """Return how far an element is below the greatest, as a pair; 0 of -infinity, whose exponential is 0."""
    distance = as_number(greatest, 0.0) - as_number(x, 0.0)
    return where(distance < np.inf, distance, 0.0), 0.0


@scalar
def paired_below(x, greatest):
    """Return the same, no more than where exponentials are clamped."""
    t, t_low = r.difference(x, greatest)
    return -where(t < r.LEAST_DIFFERENCE, r.LEAST_DIFFERENCE, t), -t_low


@scalar
def narrow_ratio(a, a_low, b, b_low):
    return a / b, 0.0


@scalar
def paired_ratio(a, a_low, b, b_low):
    return r.quotient_of_pairs(*double.fast_two_sum(a, a_low), *double.fast_two_sum(b, b_low))


@scalar
def narrow_gradient(exponential, exponential_low, share, share_low, distance, distance_low):
    return rounded_product(exponential, share) * distance


@scalar
def paired_gradient(exponential, exponential_low, share, share_low, distance, distance_low):
    high, low = r.product_of_pairs(exponential, exponential_low, share, share_low)
    high, low = r.product_of_pairs(high, low, distance, distance_low)
    # Subnormal products are slow.
    return where(abs(high) < r.LEAST_SHARED, 0.0, high + low) * r.UNSCALE_SHARED


@functools.cache
def entropy_of(arithmetic: Arithmetic) -> Entropy:
    narrow, one, nothing, value = arithmetic is NARROW, arithmetic.one, arithmetic.nothing, arithmetic.value
    add, weighted, weight_of, logarithm = arithmetic.add, arithmetic.weighted, arithmetic.weight, arithmetic.logarithm
    below, ratio, product = (
        (narrow_below, narrow_ratio, narrow_gradient) if narrow else (paired_below, paired_ratio, paired_gradient)
    )
    share_of, scaled = arithmetic.share, arithmetic.scaled
    # Sums of a row are scaled by the square of one.
    one_of_row, unscaled = one * one, 1.0 / one

    @scalar
    def moment(x, greatest, e, e_low):
        return weighted(e, e_low, *below(x, greatest))

    @scalar
    def of_chunk(greatest, ones, others, others_low, moment, moment_low, of_row):
        is_greatest = greatest == of_row
        own, of_all = value(greatest), value(of_row)
        whole, whole_low = add(rounded_product(ones, one), 0.0, others, others_low)
        moment, moment_low = add(moment, moment_low, *weighted(whole, whole_low, *below(own, of_all)))
        others, others_low = others if is_greatest else whole, others_low if is_greatest else whole_low
        weight, weight_low = weight_of(own, of_all)
        others, others_low = weighted(others, others_low, weight, weight_low)
        moment, moment_low = weighted(moment, moment_low, weight, weight_low)
        return ones if is_greatest else 0.0, others, others_low, moment, moment_low

    @scalar
    def sum_of(ones, others, others_low):
        return add(rounded_product(ones, one_of_row), 0.0, others, others_low)

    @scalar
    def entropy(ones, others, others_low, moment, moment_low):
        log, log_low = logarithm(ones, others, others_low)
        high, low = ratio(moment, moment_low, *sum_of(ones, others, others_low))
        result, error = r.two_sum(log, high)
        return result + (error + (log_low + low))

    @scalar
    def shares(ones, others, others_low, moment, moment_low, scale):
        total, total_low = sum_of(ones, others, others_low)
        share, share_low = share_of(rounded_product(total, unscaled), rounded_product(total_low, unscaled))
        share, share_low = scaled(share, share_low, scale)
        spread, spread_low = ratio(moment, moment_low, total, total_low)
        return share, share_low, spread, spread_low

    @scalar
    def gradient(x, greatest, e, e_low, share, share_low, spread, spread_low):
        distance, distance_low = below(x, greatest)
        high, error = r.two_sum(distance, -spread)
        high, low = r.two_sum(high, error + (distance_low - spread_low))
        # A scale may be so great that something would become of what stands for 0; of a spread that is NaN all is NaN.
        return where(e < nothing, 0.0 * spread, product(e, e_low, share, share_low, high, low))

    return Entropy(moment, of_chunk, entropy, shares, gradient)
