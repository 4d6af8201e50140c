"""float64: logarithms of pairs, numbers that are the sum of two floats, of 1 and more.

[1, 2] is divided into 16 cells, with a number c of few bits in each: log(s) = -log(c) + log(1 + r), where r = c s - 1
is exact. Next to 1, c is 1, and the logarithm is as precise as s - 1.
"""

from math import ldexp

from numba import types

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import ROUND_TO_INTEGER, fast_two_sum
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.tabled import horner
from numbaexp.vector.operations import bits_of, fma
from numbaexp.vector.table import make_table

INVERSE_OF = make_table(c.PAIR_LOG_INVERSES, types.float64)
LOG_OF = make_table(c.PAIR_LOGS, types.float64)
LOG_LOW_OF = make_table(c.PAIR_LOGS_LOW, types.float64)
CUBE = horner(c.PAIR_CUBE)

# Of the logarithms below, relatively; derived in ``log_of_scaled``.
PAIR_LOG_ERROR = ldexp(1.0, -61)


@scalar
def log_in_cell(s, s_low, s_rest, inverse, log, log_low):
    """Return (high, low), log + log_low + log((s + s_low + s_rest) inverse), as ``log_of_scaled``."""
    r = fma(s, inverse, -1.0)
    r_low = rounded_product(s_low, inverse)
    z = r + r_low
    z_low = fma(s_rest, inverse, (r - z) + r_low)
    half = -0.5 * z
    less_square = fma(half, z, z)
    rest = fma(half, z, z - less_square)
    high, high_low = fast_two_sum(log, less_square)
    low = (fma(-z_low, less_square, z_low) + rest) + (high_low + log_low)
    return high, fma((z * z) * z, CUBE(z), low)


@scalar
def log_of_sum(s, s_low, s_rest):
    """Return (high, low), log(s + s_low + s_rest), as ``log_of_scaled``."""
    cell = bits_of(fma(s, c.PAIR_LOG_CELLS, ROUND_TO_INTEGER))
    return log_in_cell(s, s_low, s_rest, INVERSE_OF(cell), LOG_OF(cell), LOG_LOW_OF(cell))


@scalar
def log_of_scaled(s, s_low, exponent):
    """Return (high, low), the logarithm of (s + s_low) 2**exponent, within ``PAIR_LOG_ERROR`` of it, relatively.

    1 <= s <= 2, and 0 <= exponent < 1100, an integer in a float64. s_low, and of ``log_of_sum`` the rest, are as small
    as the errors of rounded sums; where s is 1, they are not below 0, and the greater one may have any magnitude.

    The logarithm is H + z - z**2/2 + z**3 t(z), H = exponent log(2) - log(c), z = c (s + s_low) - 1, |z| < 0.0428. H is
    the sum of multiples of 2**-43 below 2**10, which is exact, and of what these lack. H is 0, or greater than z: so
    H + z - z**2/2 is a pair, whose rounding errors are exact too, but those of the low parts: 2**-104 of the result.
    (1 + z) in the quotient of z_low is replaced with an error of z**2 / 2, less than 2**-64 in all.

    z**2, z**3, t(z) and the sum that the cube is added to err by 2**-53 each, of |z|**3 / 3, and so by less than
    2**-62.2 of the result where H is 0 and |z| < 0.0355, where that is greatest. The polynomial t errs by 2**-52.4
    |z|**3 there, less than 2**-62 of the result. Together that is less than 2**-61.
    """
    cell = bits_of(fma(s, c.PAIR_LOG_CELLS, ROUND_TO_INTEGER))
    log = fma(exponent, c.PAIR_LN2_HI, LOG_OF(cell))
    log_low = fma(exponent, c.PAIR_LN2_LO, LOG_LOW_OF(cell))
    return log_in_cell(s, s_low, 0.0, INVERSE_OF(cell), log, log_low)
