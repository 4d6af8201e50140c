"""Logarithms as pairs, from a table of 16 entries in float64: the core of all functions that are made of a logarithm.

With x = m 2**k, 1 <= m < 2, and R a short number near 1/m, r = m R - 1 is exact, and

    log(x) = k ln(2) - log(R) + log1p(r) = H + r - r**2/2 + (r**3 q(r) + l)

where the multiples of 2**-43 in k ln(2) - log(R) make up H, which is exact, and the rest is l. Below 1, near 1, R is
1/2, and H and l are exactly 0, as they are above 1: the relative error is bounded everywhere.

As |H| > |r| or H is 0, the part that ``high`` lacks of H + r - r**2/2 is exact but for its last rounding. The error of
the pair is greatest where H is 0 and r at its greatest, 0.0354. There, in units of 2**-63 relatively to H + r:

    r**2 rounded, times q                                0.33
    q rounded, times r**2                                0.33
    r**2 q rounded                                       0.25
    the sum of r**3 q and the rest rounded               0.22
    the polynomial                                       0.21

together less than 1.36: the ``BIAS`` of a rounding test, whose ``WIDTH`` bounds, relatively to ``high``, the bias, the
error and the rounding of low, of the upper side. ``tests/test_logs.py`` sums up these for all r, k and entries.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np
from numba import types

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import INFINITY_F64, MAGNITUDE_F64, highest, rounded_product, scalar
from numbaexp.scalar.tabled import horner
from numbaexp.vector.operations import bits_of, float_of, fma, split, where
from numbaexp.vector.table import make_table


class Table(NamedTuple):
    """Hold a table of logarithms and its polynomial q, of one type of number."""

    number: Any
    logs: c.Logs
    tail: tuple[float, ...]


F64_16 = Table(np.float64, c.LOGS_F64_16, c.LOG_TAIL_F64)
LN2, LN2_REST = F64_16.logs.ln2
TAIL = horner(F64_16.tail)
LOG_OF, REST_OF = (make_table(values, types.float64) for values in (F64_16.logs.logs, F64_16.logs.rests))


def make_half_inverse(table: Table):
    """Return ``half_inverse_of(index)``, R / 2."""
    return make_table([0.5 * inverse for inverse in table.logs.inverses], _NUMBERS[table.number])


def make_reduced(table: Table):
    """Return ``reduced(m)``, which returns (r, r/2, index), r = m R - 1, exactly; the index is in the low bits.

    Some processors add while they multiply: so r is the sum of its halves.
    """
    number, half = table.number, table.number(0.5)
    # Adding this rounds to an integer in the low bits.
    cells, shift = number(table.logs.cells), number(ldexp(1.5, np.finfo(number).nmant))
    half_inverse_of = make_half_inverse(table)

    @scalar
    def reduced(m):
        index = bits_of(fma(m, cells, shift))
        half_r = fma(m, half_inverse_of(index), -half)
        return half_r + half_r, half_r, index

    return reduced


_NUMBERS = {np.float64: types.float64, np.float32: types.float32}
half_inverse_of, reduced = make_half_inverse(F64_16), make_reduced(F64_16)


def make_logarithm(bias: float = 0.0, table: Table = F64_16):
    """Return ``logarithm(r, half_r, half_square, rest, k, index)``, which returns (high, low), of (1 + r) / R 2**k.

    ``half_r`` is r/2, ``half_square`` is r**2/2, and ``rest`` is added to low. The pair is lower than the logarithm,
    relatively by ``bias``: the tables have that, at no cost.
    """
    number, logs = table.number, table.logs
    less = number(-bias)
    ln2, ln2_rest = number(logs.ln2[0]), number(logs.ln2[1] - bias * logs.ln2[0])
    rests = [rest - bias * log for rest, log in zip(logs.rests, logs.logs, strict=True)]
    log_of, rest_of = (make_table(values, _NUMBERS[number]) for values in (logs.logs, rests))
    twice_tail = horner(tuple(number(2.0 * coefficient) for coefficient in table.tail))

    @scalar
    def logarithm(r, half_r, half_square, rest, k, index):
        of_table = fma(k, ln2, log_of(index))
        high = of_table + (r - half_square)
        # The part that ``high`` lacks of H + r - r**2/2.
        lost = fma(-half_r, r, (of_table - high) + r)
        low = lost + (fma(k, ln2_rest, rest_of(index)) + rest)
        return high, fma(r, fma(half_square, twice_tail(r), less), low)

    return logarithm


def make_log_pair(bias: float = 0.0):
    """Return ``log_pair(m, k)``, which returns (high, low), of m 2**k, 1 <= m < 2, k an integer as a float."""
    logarithm = make_logarithm(bias)

    @scalar
    def log_pair(m, k):
        r, half_r, index = reduced(m)
        # The sum with -0 is left out.
        return logarithm(r, half_r, rounded_product(half_r, r), -0.0, k, index)

    return log_pair


# Added to a square, a rest or half an argument, this keeps that from underflowing, and is negligible beside results.
LEAST_SQUARE = ldexp(1.0, -200)
# Smaller arguments are their own result of log1p, without flags, as NumPy's are.
TINY = highest(np.float64(ldexp(1.0, -54)))
ONE = highest(np.float64(1.0))
# The bits of an exponent, and those of 2**k and 2**-k added up.
EXPONENT, BOTH_EXPONENTS = INFINITY_F64, np.int64(2 * ONE)


@scalar
def sum_with_one(x):
    """Return (sum, error) of 1 + x, exactly, of a finite float."""
    total = 1.0 + x
    is_greater = (bits_of(x) & MAGNITUDE_F64) > ONE
    greater, lesser = where(is_greater, x, 1.0), where(is_greater, 1.0, x)
    return total, lesser - (total - greater)


@scalar
def reduced_sum(total, error):
    """Return (r, r_low, k, index) of total + error, total >= 2**-53 and the error at most half an ulp of that:
    r + r_low is the reduced argument, and r that rounded.

    Of the total the reduced argument is exact; that of the error is error / 2**k R, and is left out where 2**-k is
    subnormal.
    """
    m, k = split(total)
    exact, _, index = reduced(m)
    half_inverse = half_inverse_of(index)
    inverse = half_inverse + half_inverse
    e = rounded_product(error, inverse * float_of(BOTH_EXPONENTS - (bits_of(total) & EXPONENT)))
    r = exact + e
    return r, (exact - r) + e, k, index


def make_log1p_of_sum(bias: float = 0.0):
    """Return ``log1p_of_sum(total, error)``, which returns (high, low), log(total + error), of arguments of
    :func:`reduced_sum`.

    The low part of the reduced argument is multiplied by the derivative of r - r**2/2 + r**3/3. Relatively to the
    result that leaves out 2**-53 |r|**3, less than 0.05 units of 2**-63.
    """
    logarithm = make_logarithm(bias)

    @scalar
    def log1p_of_sum(total, error):
        r, r_low, k, index = reduced_sum(total, error)
        half_r = fma(r, 0.5, LEAST_SQUARE)
        half_square = fma(half_r, r, LEAST_SQUARE)
        rest = fma(r_low, (half_square + half_square) - r, r_low + LEAST_SQUARE)
        return logarithm(r, half_r, half_square, rest, k, index)

    return log1p_of_sum


def make_log1p_pair(bias: float = 0.0):
    """Return ``log1p_pair(x)``, which returns (high, low), log(1 + x), of a float above -1 of at least 2**-54; of
    lesser ones a number. Nothing underflows."""
    log1p_of_sum = make_log1p_of_sum(bias)

    @scalar
    def log1p_pair(x):
        return log1p_of_sum(*sum_with_one(x))

    return log1p_pair
