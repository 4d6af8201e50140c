"""The cross entropy of a row and its gradient, as pairs, high + low, in every type."""

import functools
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import rows as r
from numbaexp.scalar.ieee import INFINITY_F64, MAGNITUDE_F64, rounded_product, scalar
from numbaexp.scalar.loss_record import IGNORED, NOWHERE
from numbaexp.scalar.row_arithmetic import NARROW, Arithmetic
from numbaexp.scalar.row_gradients import product
from numbaexp.vector.operations import bits_of, fma


@scalar
def expected(weight, probability, one, even):
    """Compute a class's part of the target: smoothed, and times the weight of the class."""
    return rounded_product(weight, rounded_product(one, probability) + even)


@scalar
def settled(high, low):
    """Return a sum of pairs, with 0 for the NaN error of an infinite one."""
    return high, 0.0 if abs(high) == np.inf else low


@scalar
def over(number, count, count_low):
    return number / (count + count_low)


@scalar
def mean(total, total_low, count, count_low):
    return over(total + total_low, count, count_low)


class Losses(NamedTuple):
    """Hold the functions of one arithmetic; each pair is two arguments.

    addend(x, greatest, logarithm, weight) : the negative logarithm of an element's softmax, times a weight, as a pair;
        0 where that logarithm is infinite and the weight 0, and NaN where the greatest element is not finite.
    loss(x, greatest, logarithm, weight, part, place) : that plus a part, as a pair; the part alone where ``place`` is
        not a class, and 0 where the row is ignored.
    gradient(exponential, share, part) : the product of the first two, less the third, yet to be rounded.
    """

    addend: Any
    loss: Any
    gradient: Any


@scalar
def narrow_gradient(exponential, exponential_low, share, share_low, part):
    return fma(exponential, share, -part)


@scalar
def paired_gradient(exponential, exponential_low, share, share_low, part):
    low = fma(exponential, share_low, exponential_low * share)
    return fma(fma(exponential, share, low), r.UNSCALE_SHARED, -part)


@functools.cache
def losses_of(arithmetic: Arithmetic) -> Losses:
    log_share = arithmetic.log_share

    @scalar
    def addend(x, greatest, logarithm, logarithm_low, weight):
        log = log_share(x, greatest, logarithm, logarithm_low)
        # -weight log(softmax) goes to 0 with the weight, however small the softmax.
        is_infinite = (bits_of(log) & MAGNITUDE_F64) == INFINITY_F64
        log = 0.0 if is_infinite & ((bits_of(weight) & MAGNITUDE_F64) == np.int64(0)) else log
        return product(-(log if abs(greatest) < np.inf else np.nan), weight)

    @scalar
    def loss(x, greatest, logarithm, logarithm_low, weight, part, part_low, place):
        high, low = r.add_pair(*addend(x, greatest, logarithm, logarithm_low, weight), part, part_low)
        high, low = settled(part if place == NOWHERE else high, part_low if place == NOWHERE else low)
        return 0.0 if place == IGNORED else high, 0.0 if place == IGNORED else low

    return Losses(addend, loss, narrow_gradient if arithmetic is NARROW else paired_gradient)
