"""log, log2, log10, log1p and logit of float32 and narrower types from tables of logarithms, of numbers and vectors
alike.

The pair is that of ``numbaexp.scalar.log_pair``, in float32. There are 8 or 32 entries, multiples of 2**-17 make up H,
and the rest of an entry is up to 2**-18, so that the sum of all errors that may occur is far above those that do: the
bound E comes from all float32. The pair is lower than the logarithm by E, so one result of the rounding test is its
sum, and the other is high + (low + 2 E high).
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.domain import above_minus_one, between_zero_and_one, positive
from numbaexp.scalar.expm1 import two_sum
from numbaexp.scalar.forms import Fast
from numbaexp.scalar.ieee import INT32, MAGNITUDE_F32, highest, rounded_product, scalar
from numbaexp.scalar.log_pair import Table, make_half_inverse, make_logarithm, make_reduced
from numbaexp.scalar.tabled_half import CONVERSIONS, odd_of_pair
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, scale, split, where

# By the number of entries.
TABLES = {
    32: Table(np.float32, c.LOGS_F32_32, c.LOG_TAIL_F32_32),
    8: Table(np.float32, c.LOGS_F32_8, c.LOG_TAIL_F32_8),
}
# E by the number of entries, above the errors of all float32: 2**-34.95 and 2**-31.7; of log1p 2**-34.39 and 2**-31.7.
ERRORS, ERRORS_OF_LOG1P = {32: ldexp(1.125, -35), 8: ldexp(1.75, -32)}, {32: ldexp(1.75, -35), 8: ldexp(1.75, -32)}
# Of the functions whose domain is not that of log.
_DOMAINS = {"log1p": above_minus_one, "logit": between_zero_and_one}
# 1 / log(b) of the bases b as sums of two.
FACTORS = {"log2": c.LOG2_E_F32, "log10": c.LOG10_E_F32}

ZERO, MINUS_ZERO, HALF, ONE = (np.float32(value) for value in (0.0, -0.0, 0.5, 1.0))
EXPONENT, TWICE_BIAS = np.int32(0x7F800000), np.int32(254 << 23)
# Smaller arguments are their own log1p.
TINY = highest(np.float32(ldexp(1.0, -25)))
# Added to a square or a rest, this keeps that from underflowing, and is negligible next to any result.
LEAST = np.float32(ldexp(1.0, -90))


class Logs(NamedTuple):
    """Hold functions of some cells.

    log(x), log2(x), log10(x), log1p(x), logit(x) : (high, low, size), of float32, with size the ``high`` that may err,
        or the sum of all. NaN of arguments that are not inside the domain.
    """

    log: Any
    log2: Any
    log10: Any
    log1p: Any
    logit: Any


def make_logs(table: Table, error: float, scales: bool) -> Logs:
    """Compose the functions of a table, with E. ``scales`` tells whether an instruction multiplies by powers of two."""
    reduced, logarithm = make_reduced(table), make_logarithm(error, table)
    half_inverse_of = make_half_inverse(table)

    @scalar
    def log(x):
        m, k = split(x)
        r, half_r, index = reduced(m)
        high, low = logarithm(r, half_r, rounded_product(half_r, r), MINUS_ZERO, k, index)
        return high, low, high

    if scales:

        @scalar
        def over_power(value, k, x):
            return scale(value, -k)
    else:

        @scalar
        def over_power(value, k, x):
            return rounded_product(value, float_of(as_number(TWICE_BIAS - (bits_of(x) & EXPONENT), INT32)))

    @scalar
    def log1p(x):
        tiny = (bits_of(x) & MAGNITUDE_F32) < TINY
        # Steps of tiny arguments would underflow.
        some = where(tiny, ZERO, x)
        total = some + ONE
        of_x = total - ONE
        lost = (ONE - (total - of_x)) + (some - of_x)
        m, k = split(total)
        first, _, index = reduced(m)
        half_inverse = half_inverse_of(index)
        more = rounded_product(lost, over_power(half_inverse + half_inverse, k, total))
        r = first + more
        r_low, half_r = (first - r) + more, rounded_product(r, HALF)
        half_square = fma(half_r, r, LEAST)
        rest = fma(r_low, (half_square + half_square) - r, r_low + LEAST)
        high, low = logarithm(r, half_r, half_square, rest, k, index)
        return where(tiny, x, high), where(tiny, MINUS_ZERO, low), where(tiny, ZERO, high)

    in_base_2, in_base_10 = (_in_base(log, *FACTORS[name]) for name in ("log2", "log10"))
    return Logs(log, in_base_2, in_base_10, log1p, _difference(log, log1p, error))


def _difference(log, log1p, error):
    """Return log(x) - log1p(-x). Both logarithms are negative, and the pair of each is greater by up to 2 E of it: the
    difference is lowered by as much of the first. That of 1/2 is 0."""
    width = np.float32(2 * error)

    @scalar
    def logit(x):
        a, a_low, _ = log(x)
        b, b_low, _ = log1p(-x)
        high, rest = two_sum(a, -b)
        low = fma(a, width, rest + (a_low - b_low))
        is_zero = x == HALF
        return where(is_zero, ZERO, high), where(is_zero, ZERO, low), where(is_zero, ZERO, -(a + b))

    return logit


def _in_base(log, factor, factor_low):
    """Return the logarithm in another base, with 1 / log(b) as the sum of two."""
    factor, factor_low = np.float32(factor), np.float32(factor_low)

    @scalar
    def log_in_base(x):
        high, low, _ = log(x)
        product = rounded_product(high, factor)
        return product, fma(low, factor, fma(high, factor_low, fma(high, factor, -product))), product

    return log_in_base


def _rounded(pair, error):
    """Return ``compute(x)`` of a ``Fast`` in float32."""
    width = np.float32(2 * error)

    @scalar
    def compute(x):
        high, low, size = pair(x)
        below = high + low
        return below, below != high + fma(size, width, low)

    return compute


def _halves(pair, inside, dtype):
    """Return ``compute(x)`` of a ``Fast`` in a 16-bit type."""
    to_float, from_odd, _ = CONVERSIONS[dtype]
    odd = odd_of_pair(pair)

    @scalar
    def compute(x):
        return from_odd(odd(to_float(x))), ~inside(x)

    return compute


def make_fast(name: str, dtype: str, entries: int, scales: bool) -> Fast:
    """Return the fast phase of a function, of all arguments: undecided are those that are not inside its domain."""
    error = (ERRORS_OF_LOG1P if name in ("log1p", "logit") else ERRORS)[entries]
    pair = getattr(make_logs(TABLES[entries], error, scales), name)
    if dtype == "float32":
        return Fast(_rounded(pair, error), int(MAGNITUDE_F32))
    return Fast(_halves(pair, _DOMAINS.get(name, positive)(dtype).inside, dtype), 0x7FFF)
