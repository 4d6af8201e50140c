"""softplus and log_sigmoid from the powers of a table: a pair of floats, of numbers and vectors alike.

log(1 + e), 0 <= e <= 1, is log(1 + p) + log(1 + z) with p the nearest of N points, z = (e - p) / (1 + p). The points
are such that the inverse of 1 + p is as good as a float32. The first is 0: there z is e itself.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np
from numba import types

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.expm1 import two_sum
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.tabled import Powers, horner
from numbaexp.scalar.tabled_sigmoid import ZERO, is_negative, make_decay
from numbaexp.vector.operations import bits_of, fma, where
from numbaexp.vector.table import make_table


class Points(NamedTuple):
    """Hold the points p, 1 / (1 + p), log(1 + p) as pairs, and (log(1 + z) - z + z**2 / 2) / z**3 as a polynomial."""

    points: tuple[float, ...]
    inverses: tuple[float, ...]
    logs: tuple[float, ...]
    logs_low: tuple[float, ...]
    cube: tuple[float, ...]


POINTS = {
    32: Points(c.POINTS_F32_32, c.INVERSES_F32_32, c.POINT_LOGS_F32_32, c.POINT_LOGS_LOW_F32_32, c.CUBE_F32_32),
    8: Points(c.POINTS_F32_8, c.INVERSES_F32_8, c.POINT_LOGS_F32_8, c.POINT_LOGS_LOW_F32_8, c.CUBE_F32_8),
}

MINUS_HALF = np.float32(-0.5)
# Adding this rounds to an integer in the low bits.
SHIFT = np.float32(ldexp(1.5, 23))


def make_softplus(powers: Powers) -> Any:
    """Return ``softplus(x)``, (high, low, size) within ``powers.error`` times size, |x| <= 43.

    With e = exp(-|x|) softplus is max(x, 0) + log(1 + e). The error of e passes on as at most ``powers.error`` e. z is
    a pair, and z - z**2 / 2 another, each with its rounding error, but for 2**-41 of the logarithm by the rounding of
    1 / (1 + p), for which the bound of e has room. The cube z**3 c(z) is a float: relatively, in 2**-24, the polynomial
    errs by 1 or less, and z**2, c(z), z c(z), their product and three sums of which the cube is the greatest term, with
    that of the rounding test, by 1 each: together 8. Its magnitude is below 0.36 z**2 / (2N - 2). Four more roundings,
    of terms below 2**-22 of the result, err by 2**-24 of these.
    """
    decay, table = make_decay(powers), POINTS[powers.entries]
    last = np.float32(powers.entries - 1)
    point_of, inverse_of, log_of, log_low_of = (
        make_table(values, types.float32) for values in (table.points, table.inverses, table.logs, table.logs_low)
    )
    cube = horner(tuple(map(np.float32, table.cube)))
    # The parts of the bound, relative to the table's.
    of_square = np.float32(ldexp(8.0, -24) * 0.36 / (2 * powers.entries - 2) / powers.error)
    of_result = np.float32(ldexp(1.0, -44) / powers.error)

    @scalar
    def softplus(x):
        e, e_low = decay(x)
        index = bits_of(fma(e, last, SHIFT))
        inverse = inverse_of(index)
        above = e - point_of(index)
        z = rounded_product(above, inverse)
        z_low = fma(e_low, inverse, fma(above, inverse, -z))
        half = z * MINUS_HALF
        square = z * z
        log = fma(z, half, z)
        # In this order: the cube of a small z, added to 0, would underflow.
        log_low = fma(square, z * cube(z), fma(-z, z_low, z_low) + fma(z, half, z - log))
        log, rest = fast_two_sum(log_of(index), log)
        total, total_rest = two_sum(where(is_negative(x), ZERO, x), log)
        low = (log_low + (rest + log_low_of(index))) + total_rest
        return total, low, fma(total, of_result, fma(square, of_square, e))

    return softplus


def make_log_sigmoid(powers: Powers) -> Any:
    """Return ``log_sigmoid(x)``, -softplus(-x), likewise."""
    softplus = make_softplus(powers)

    @scalar
    def log_sigmoid(x):
        high, low, size = softplus(-x)
        return -high, -low, size

    return log_sigmoid
