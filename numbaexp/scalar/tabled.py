"""Powers from a table of 2**(j/N), for one float type: what the fast phases of its functions are made of.

The argument is reduced to ``steps`` / N powers of two, of which ``steps`` modulo N is looked up, and a rest r. All
functions take numbers and vectors alike.

The table holds ``root``, 2**(j/N) rounded, and the logarithm of what that is short of 2**(j/N), which is added to r: no
product is needed with the low part of the root. So with r0 + r1 the reduced argument, r0 exact or a float,

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
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, scale
from numbaexp.vector.table import make_table


class Table(NamedTuple):
    """A table and what goes with it: constants of ``numbaexp.scalar.constants``.

    ``error`` bounds the pairs of ``Powers`` relatively, and the roundings of a rounding test.
    """

    number: Any
    roots: tuple[float, ...]
    logs: tuple[float, ...]
    tail: tuple[float, ...]
    error: float
    log2: tuple[float, float]
    ln2: tuple[float, float]
    log10_2: tuple[float, float]
    ln10: tuple[float, float]


# Stands for the logarithm 0, and half of it is added to r0 where that is a product and taken off again: so nothing
# underflows where the argument is close to 0. Where it cancels, r is a multiple of 2**-74 or 2**-152, with an exact
# square. It is nothing beside the bounds of errors.
TINY = {np.float32: ldexp(1.0, -49), np.float64: ldexp(1.0, -98)}

_F32 = (c.LOG2_F32, c.LN2_F32, c.LOG10_2_F32, c.LN10_F32)
_F64 = (c.LOG2_F64, c.LN2_F64, c.LOG10_2_F64, c.LN10_F64)
F32_32 = Table(np.float32, c.ROOTS_F32_32, c.ROOT_LOGS_F32_32, c.TAIL_F32_32, ldexp(1.125, -36), *_F32)
F32_8 = Table(np.float32, c.ROOTS_F32_8, c.ROOT_LOGS_F32_8, c.TAIL_F32_8, ldexp(1.25, -32), *_F32)
F64_16 = Table(np.float64, c.ROOTS_F64_16, c.ROOT_LOGS_F64_16, c.TAIL_F64_16, ldexp(1.5, -63), *_F64)


class Powers(NamedTuple):
    """Functions of one table.

    exp(x), exp2(x), exp10(x) : (root, r0, rest, steps, bits), the power being root (1 + r0 + r**2 q(r) + rest) 2**k
        with ``steps`` = k + j/N; the argument finite, within the range of normal results.
    pair(root, r0, rest) : (high, low), root exp(r0 + rest), which are not normalised: low may be 2**-10 of high.
    rounded(root, high, low) : (below, undecided): the pair rounded as if it were lower by the bound of its error, and
        whether it is rounded otherwise where it is higher by that, or is no number.
    scaled(value, steps, bits) : value 2**k, where that is normal, and value at most a power of two away from 1.
    tail(r) : the polynomial q.
    entries : N.
    """

    number: Any
    error: float
    exp: Any
    exp2: Any
    exp10: Any
    pair: Any
    rounded: Any
    scaled: Any
    tail: Any
    entries: int


def horner(coefficients):
    """``polynomial(r)`` of coefficients from the constant term up."""
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
    """Compose the functions of a table; ``scales`` says whether vectors are multiplied by powers of two in one
    instruction. With ``lowered`` pairs are lower by the bound of their error, at no cost: that is in the table."""
    number, entries = table.number, len(table.roots)
    dtype, integer = (types.float32, np.int32) if number is np.float32 else (types.float64, np.int64)
    # Bits of the fraction less those of an index. Adding ``shift`` rounds to a multiple of 1/N, of which the number
    # then stands in the low bits.
    places = np.finfo(number).nmant - (entries.bit_length() - 1)
    shift, whole_steps, up = number(ldexp(1.5, places)), integer(-entries), integer(places)
    (log2e, log2_10), (ln2, ln2_low), (log10_2, ln2_rest), (ln10, ln10_low) = (
        tuple(map(number, pair)) for pair in (table.log2, table.ln2, table.log10_2, table.ln10)
    )
    tiny = number(TINY[number] / 2)
    lower, higher = number(-table.error), number(2 * table.error if lowered else table.error)
    logs = [float(number(log - table.error)) if lowered else log or TINY[number] for log in table.logs]
    root_of, log_of = make_table(table.roots, dtype), make_table(logs, dtype)
    tail = horner(tuple(map(number, table.tail)))

    @scalar
    def exp(x):
        shifted = fma(x, log2e, shift)
        steps = shifted - shift
        bits = bits_of(shifted)
        # All of ln(2) may be used: the difference is exact.
        r0 = fma(-steps, ln2, x)
        return root_of(bits), r0, fma(-steps, ln2_low, log_of(bits)), steps, bits

    @scalar
    def exp2(x):
        shifted = x + shift
        steps = shifted - shift
        bits = bits_of(shifted)
        f = x - steps
        r0 = fma(f, ln2, tiny)
        return root_of(bits), r0, fma(f, ln2_low, fma(f, ln2, -r0)) + log_of(bits), steps, bits

    @scalar
    def exp10(x):
        shifted = fma(x, log2_10, shift)
        steps = shifted - shift
        bits = bits_of(shifted)
        # Exact, as in ``exp``.
        f = fma(-steps, log10_2, x)
        r0 = fma(f, ln10, tiny)
        rest = fma(f, ln10_low, fma(f, ln10, -r0))
        return root_of(bits), r0, fma(-steps, ln2_rest, rest) + log_of(bits), steps, bits

    @scalar
    def pair(root, r0, rest):
        r = r0 + rest
        high = fma(root, r0, root)
        return high, fma(root, fma(r * r, tail(r), rest), fma(root, r0, root - high))

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

    if scales:

        @scalar
        def scaled(value, steps, bits):
            return scale(value, steps)
    else:

        @scalar
        def scaled(value, steps, bits):
            return float_of(as_number(bits_of(value) + ((bits & whole_steps) << up), bits))

    return Powers(number, table.error, exp, exp2, exp10, pair, rounded, scaled, tail, entries)
