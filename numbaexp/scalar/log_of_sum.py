"""float64: logarithms of sums of floats, of 1 and more, as pairs: by the core of ``numbaexp.scalar.log_pair``."""

from math import ldexp

from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.log_pair import half_inverse_of, make_logarithm, reduced
from numbaexp.vector.operations import fma

# Of the logarithms below, relatively: less than 1.36 2**-63 of the core, and 2**-65 of the rest.
LOG_OF_SUM_ERROR = ldexp(1.75, -63)

logarithm = make_logarithm()


@scalar
def log_of_sum(s, s_low, s_rest, exponent):
    """Return (high, low), the logarithm of (s + s_low + s_rest) 2**exponent, within ``LOG_OF_SUM_ERROR``, relatively.

    1 <= s <= 2, and 0 <= exponent < 1100, an integer in a float. s_low is as small as the error of a rounded sum, and
    s_rest as that of s_low; where s is 1, s_low is 0 or at least 2**-400.

    With the cell's number R, and r = s R - 1 exactly, z is r + s_low R rounded; what z loses, at most half an ulp, is
    multiplied by z**2 - z in place of 1 / (1 + z) - 1: less than 2**-66 of the result. If s_low is greater than r, that
    is z's error, below 2**-106, where the result is above 2**-5, or r is 0.
    """
    r, _, index = reduced(s)
    inverse = half_inverse_of(index)
    inverse = inverse + inverse
    r_low = rounded_product(s_low, inverse)
    z = r + r_low
    lost = fma(s_rest, inverse, (r - z) + r_low)
    half_z = rounded_product(z, 0.5)
    half_square = rounded_product(half_z, z)
    rest = fma(lost, (half_square + half_square) - z, lost)
    return logarithm(z, half_z, half_square, rest, exponent, index)
