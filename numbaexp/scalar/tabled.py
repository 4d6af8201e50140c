"""Powers from a table of 2**(j/N), for the fast phases of one float type.

The argument is reduced to ``steps`` / N powers of two, of which ``steps`` modulo N is looked up, and a rest r. All
functions take numbers and vectors alike.

The table holds ``root``, 2**(j/N) rounded, and the logarithm of 2**(j/N) / root, which is added to r: no product is
needed with the low part of the root. So with r0 + r1 the reduced argument, r0 exact or a float,

    2**(j/N) exp(r0 + r1) = root (1 + r0 + (r**2 q(r) + rest)),   rest = r1 + the logarithm,   r = r0 + rest

of which root (1 + r0) is taken as a pair and the rest, below 2**-14, 2**-10 or 2**-12 for 32, 8 and 16 entries, as one
float. The errors of the pair relative to the result, in units of u = 2**-38 for 32 entries in float32 and of 2**-64 for
16 in float64:

    r rounded, 2**-31 |r| | 2**-59 |r|            1.39 | 0.70
    r**2 rounded                                   0.5 | 0.25
    q rounded                                     0.96 | 0.48
    coefficients, and the polynomial               0.1 | 0.41
    r**2 q + rest rounded                          0.5 | 0.25
    low rounded, at most 2**-14 | 2**-12             1 | 0.5

together 4.45 u and 2.6 u. With 8 entries in float32 r is four times as large, r**2 16 times: in u = 2**-34 the same but
for r, 2**-29 |r| in place of 2**-31 |r|, and the polynomial, 0.05.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np
from numba import types

from numbaexp.scalar import constants as c
from numbaexp.scalar.constants import Roots
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, scale
from numbaexp.vector.table import make_table


class Table(NamedTuple):
    """Hold the tables of one number of entries, and constants.

    ``error`` bounds the pairs of ``Powers`` relatively, with the roundings of a rounding test.
    """

    number: Any
    error: float
    roots: Roots
    tail: tuple[float, ...]
    tail_of_2: tuple[float, ...]
    log2: tuple[float, float]
    ln2: tuple[float, float]
    log10_2: tuple[float, float]
    ln10: tuple[float, float]


_F32 = (c.LOG2_F32, c.LN2_F32, c.LOG10_2_F32, c.LN10_F32)
_F64 = (c.LOG2_F64, c.LN2_F64, c.LOG10_2_F64, c.LN10_F64)
F32_32 = Table(np.float32, ldexp(1.125, -36), c.ROOTS_F32_32, c.TAIL_F32_32, c.TAIL_OF_2_F32_32, *_F32)
F32_8 = Table(np.float32, ldexp(1.25, -32), c.ROOTS_F32_8, c.TAIL_F32_8, c.TAIL_OF_2_F32_8, *_F32)
F64_16 = Table(np.float64, ldexp(1.5, -63), c.ROOTS_F64_16, c.TAIL_F64_16, c.TAIL_OF_2_F64_16, *_F64)


class Powers(NamedTuple):
    """Hold functions of one table. Arguments are finite, and within the range of normal results.

    exp(x), exp2(x), exp10(x) : (root, high, low, steps, bits), the power being (high + low) 2**k with ``steps`` = k +
        j/N. The pair is not normalised: low may be 2**-10 of high.
    reduced(x) : (root, r0, rest, steps, bits), exp(x) being root (1 + r0 + r**2 q(r) + rest) 2**k.
    pair(root, r0, rest) : (high, low), root exp(r0 + rest).
    tail(r) : the polynomial q.
    rounded(root, high, low) : (below, undecided): the pair less the bound of its error, rounded; and whether the pair
        plus that bound rounds differently, or is NaN.
    scaled(value, steps, bits) : value 2**k, where that is normal, and value at most a power of two away from 1.
    exponent_bits(bits) : 2**k, to be added to the bits of a float.
    entries : N.
    """

    number: Any
    error: float
    exp: Any
    exp2: Any
    exp10: Any
    reduced: Any
    pair: Any
    tail: Any
    rounded: Any
    scaled: Any
    exponent_bits: Any
    entries: int


def horner(coefficients):
    """Return ``polynomial(r)``, of coefficients from the constant term up."""
    first, *others = coefficients
    if len(others) == 1:
        last = others[0]

        @scalar
        def polynomial(r):
            return fma(r, last, first)
    else:
        rest = horner(others)

        @scalar
        def polynomial(r):
            return fma(rest(r), r, first)

    return polynomial


def make_powers(table: Table, scales: bool, lowered: bool = False) -> Powers:
    """Compose the functions of a table. ``scales`` tells whether one instruction multiplies vectors by powers of two.
    With ``lowered`` pairs are lower by the bound of their error, at no cost: the bound is in the table."""
    number = table.number
    dtype, integer = (types.float32, np.int32) if number is np.float32 else (types.float64, np.int64)
    # Bits of the fraction less those of an index.
    places = np.finfo(number).nmant - (len(table.roots.rounded).bit_length() - 1)
    whole_steps, up = integer(-len(table.roots.rounded)), integer(places)
    lower, higher = number(-table.error), number(2 * table.error if lowered else table.error)
    reduced_by_e, reduced_by_10 = _make_reductions(table, dtype, places, lowered)
    tail = horner(tuple(map(number, table.tail)))

    @scalar
    def pair(root, r0, rest):
        r = r0 + rest
        high = fma(root, r0, root)
        return high, fma(root, fma(r * r, tail(r), rest), fma(root, r0, root - high))

    def of_reduced(reduced):
        @scalar
        def power(x):
            root, r0, rest, steps, bits = reduced(x)
            high, low = pair(root, r0, rest)
            return root, high, low, steps, bits

        return power

    if lowered:

        @scalar
        def rounded(root, high, low):
            below = high + low
            return below, below != high + fma(root, higher, low)
    else:

        @scalar
        def rounded(root, high, low):
            below = high + fma(root, lower, low)
            return below, below != high + fma(root, higher, low)

    @scalar
    def exponent_bits(bits):
        return as_number((bits & whole_steps) << up, bits)

    if scales:

        @scalar
        def scaled(value, steps, bits):
            return scale(value, steps)
    else:

        @scalar
        def scaled(value, steps, bits):
            return float_of(as_number(bits_of(value) + exponent_bits(bits), bits))

    powers = of_reduced(reduced_by_e), _make_exp2(table, dtype, places, lowered), of_reduced(reduced_by_10)
    return Powers(
        number, table.error, *powers, reduced_by_e, pair, tail, rounded, scaled, exponent_bits, len(table.roots.rounded)
    )


# Stands for the logarithm 0, so that the square of r does not underflow; far below the bounds of errors.
TINY = {np.float32: ldexp(1.0, -49), np.float64: ldexp(1.0, -98)}


def _lowered(values, table, lowered):
    if lowered:
        return [float(table.number(value - table.error)) for value in values]
    return [value or TINY[table.number] for value in values]


def _make_reductions(table, dtype, places, lowered):
    """Return the reductions of exp and exp10: x to (root, r0, rest, steps, bits)."""
    number = table.number
    # Adding this rounds to a multiple of 1/N, as an integer in the low bits.
    shift = number(ldexp(1.5, places))
    (log2e, log2_10), (ln2, ln2_low), (log10_2, ln2_rest), (ln10, ln10_low) = (
        tuple(map(number, pair)) for pair in (table.log2, table.ln2, table.log10_2, table.ln10)
    )
    root_of = make_table(table.roots.rounded, dtype)
    log_of = make_table(_lowered(table.roots.logs, table, lowered), dtype)

    @scalar
    def reduced_by_e(x):
        shifted = fma(x, log2e, shift)
        steps = shifted - shift
        bits = bits_of(shifted)
        # All of ln(2) may be used: the difference is exact.
        r0 = fma(-steps, ln2, x)
        return root_of(bits), r0, fma(-steps, ln2_low, log_of(bits)), steps, bits

    @scalar
    def reduced_by_10(x):
        shifted = fma(x, log2_10, shift)
        steps = shifted - shift
        bits = bits_of(shifted)
        # Exact, too.
        f = fma(-steps, log10_2, x)
        r0 = rounded_product(f, ln10)
        rest = fma(f, ln10_low, fma(f, ln10, -r0))
        return root_of(bits), r0, fma(-steps, ln2_rest, rest) + log_of(bits), steps, bits

    return reduced_by_e, reduced_by_10


def _make_exp2(table, dtype, places, lowered):
    """Return ``exp2(x)`` of ``Powers``. The reduced argument f is exact. The factor is the root times ln(2), from
    tables of the rounded product and its error. So the reduction is exact, and the other errors are as those of exp."""
    number, roots = table.number, table.roots
    shift = number(ldexp(1.5, places))
    root_of, rest_of, slope_of, slope_rest_of = (
        make_table(values, dtype)
        for values in (roots.rounded, _lowered(roots.rests, table, lowered), roots.slopes, roots.slope_rests)
    )
    tail = horner(tuple(map(number, table.tail_of_2)))
    # Operations that underflow are slow.
    least_square = number(TINY[number] ** 2)

    @scalar
    def exp2(x):
        shifted = x + shift
        steps = shifted - shift
        bits = bits_of(shifted)
        f = x - steps
        root, slope = root_of(bits), slope_of(bits)
        rest = fma(f, slope_rest_of(bits), rest_of(bits))
        high = fma(slope, f, root)
        square = fma(f, f, least_square)
        return root, high, fma(root, fma(square, tail(f), rest), fma(slope, f, root - high)), steps, bits

    return exp2
