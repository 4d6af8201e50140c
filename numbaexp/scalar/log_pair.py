"""float64: logarithms as pairs, from a table of 16 entries: the core of all functions that are made of a logarithm.

With x = m 2**k, 1 <= m < 2, and R a short number near 1/m, r = m R - 1 is exact, and

    log(x) = k ln(2) - log(R) + log1p(r) = H + r - r**2/2 + (r**3 q(r) + l)

where the multiples of 2**-43 in k ln(2) - log(R) make up H, which is exact, and the rest is l. Below 1, near 1, R is
1/2, and H and l are exactly 0 as they are above 1: the relative error is the same everywhere.
"""

from math import ldexp

from numba import types

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import ROUND_TO_INTEGER
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.tabled import horner
from numbaexp.vector.operations import bits_of, fma
from numbaexp.vector.table import make_table

_TABLE = c.LOGS_F64_16
CELLS = _TABLE.cells
TWICE_LN2 = 2.0 * _TABLE.ln2[0]
INVERSE_OF = make_table(_TABLE.inverses, types.float64)
TWICE_LOG_OF = make_table([2.0 * log for log in _TABLE.logs], types.float64)
TAIL = horner(c.LOG_TAIL_F64)


@scalar
def index_of(m):
    """Return the index of the entries for m, in the low bits."""
    return bits_of(fma(m, CELLS, ROUND_TO_INTEGER))


@scalar
def reduced(m):
    """Return (r, index), r = m R - 1, exactly."""
    index = index_of(m)
    return fma(m, INVERSE_OF(index), -1.0), index


def make_logarithm(bias: float = 0.0):
    """Return ``logarithm(r, square, rest, k, index)``, which returns (high, low), of an argument (1 + r) / R 2**k.

    ``square`` is r**2, and ``rest`` is added to low. The pair is lower than the logarithm, relatively by ``bias``: the
    tables have that, at no cost.
    """
    less = -bias
    ln2_rest = _TABLE.ln2[1] - bias * _TABLE.ln2[0]
    rest_of = make_table(
        [rest - bias * log for rest, log in zip(_TABLE.rests, _TABLE.logs, strict=True)], types.float64
    )

    @scalar
    def logarithm(r, square, rest, k, index):
        twice = fma(k, TWICE_LN2, TWICE_LOG_OF(index))
        first = fma(square, -0.5, r)
        high = fma(twice, 0.5, first)
        # Twice the part that ``high`` lacks of H + r - r**2/2.
        lost = fma(-r, r, fma(r, 2.0, fma(high, -2.0, twice)))
        low = fma(lost, 0.5, fma(k, ln2_rest, rest_of(index)) + rest)
        return high, fma(r, fma(square, TAIL(r), less), low)

    return logarithm


def make_log_pair(bias: float = 0.0):
    """Return ``log_pair(m, k)``, which returns (high, low), of m 2**k, 1 <= m < 2, k an integer as a float."""
    logarithm = make_logarithm(bias)

    @scalar
    def log_pair(m, k):
        r, index = reduced(m)
        return logarithm(r, r * r, 0.0, k, index)

    return log_pair
