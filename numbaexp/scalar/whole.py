"""Functions of every argument, for vector loops: results that may be subnormal, special values and flags.

These are separate parts, so that rare arguments cost the others nothing: a loop first computes the results of clamped
arguments, and then, if any argument needs that, sets special values and raises flags.

Order is compared on bit patterns, as comparing a NaN as a float raises "invalid".
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar.ieee import highest, lowest, scalar
from numbaexp.scalar.tabled import Powers
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, where


class Range(NamedTuple):
    """Describe where results are finite and normal, in one type.

    greatest : the bits, as a signed integer, of the greatest argument with a finite result.
    least : the bits, as an unsigned integer, of the least one; of a function that is finite below, those of -infinity.
    subnormal_below : the bits, as an unsigned integer, of the least one with a normal result; of a function whose
        results are never subnormal, those of -infinity.
    special(x, result) : (result, overflow): the result, replaced where x is NaN, infinite or too great.
    underflow(x) : whether the result is subnormal or 0, and inexact.
    """

    greatest: Any
    least: Any
    subnormal_below: Any
    special: Any
    underflow: Any


def range_of(number: Any, x_max: float, x_normal: float, exact_from: float = np.inf) -> Range:
    """Return the range of a function that tends to a finite limit at -infinity and has no greatest value.

    ``x_max`` is the greatest argument whose result is finite, ``x_normal`` the least whose result is normal. Integers
    from ``exact_from`` on have exact results.
    """
    integer, unsigned = (np.int32, np.uint32) if number is np.float32 else (np.int64, np.uint64)
    info = np.finfo(number)
    greatest, subnormal_below = highest(number(x_max)), lowest(number(x_normal))
    infinity, minus_infinity = highest(number(np.inf)), lowest(number(-np.inf))
    magnitude, inf = integer(np.iinfo(integer).max), number(np.inf)
    exact_to, to_integer = lowest(number(exact_from)), number(ldexp(1.5, info.nmant))

    @scalar
    def special(x, result):
        bits = bits_of(x)
        too_great = bits > greatest
        overflow = too_great & (bits < infinity)
        return where(too_great | ((bits & magnitude) > infinity), where(overflow, inf, x), result), overflow

    @scalar
    def below(x):
        bits = as_number(bits_of(x), unsigned(0))
        return (bits > subnormal_below) & (bits < minus_infinity)

    if exact_from == np.inf:
        underflow = below
    else:

        @scalar
        def underflow(x):
            exact = (as_number(bits_of(x), unsigned(0)) <= exact_to) & ((x + to_integer) - to_integer == x)
            return below(x) & ~exact

    return Range(greatest, minus_infinity, subnormal_below, special, underflow)


def range_of_symmetric(number: Any, x_max: float) -> Range:
    """Return the range of an even or odd function that gives special values itself, and of which no result but the
    argument itself is subnormal. ``x_max`` is the greatest argument whose result is finite; infinity if all are."""
    greatest, least, infinity = highest(number(x_max)), lowest(number(-x_max)), highest(number(np.inf))
    magnitude = type(infinity)(np.iinfo(infinity.dtype).max)

    @scalar
    def special(x, result):
        bits = bits_of(x) & magnitude
        return result, (bits > greatest) & (bits < infinity)

    @scalar
    def underflow(x):
        return bits_of(x) != bits_of(x)

    return Range(greatest, least, lowest(number(-np.inf)), special, underflow)


def whole_power(powers: Powers, name: str, x_max: float, x_normal: float, x_zero: float) -> Any:
    """Return ``compute(x)``: (result, undecided) of a power, by a table whose pairs are lower by the bound of their
    error. Infinity and NaN are clamped too.

    ``x_max`` and ``x_normal`` as in ``range_of``; ``x_zero`` is an argument whose power rounds to 0.

    The spacing of subnormal numbers is fixed. Where a result is subnormal the pair is added to ``unit``, whose ulp
    times 2**k is that spacing, at which the sum is rounded. The part that ``high`` loses by the addition, at most half
    an ulp of the unit, is added to low with an error of half an ulp of that part: ``lost_error``, in units of the unit.
    """
    number, info = powers.number, np.finfo(powers.number)
    integer, unsigned = (np.int32, np.uint32) if number is np.float32 else (np.int64, np.uint64)
    power, exponent_bits = getattr(powers, name), powers.exponent_bits
    greatest, least, subnormal_below = highest(number(x_max)), lowest(number(x_zero)), lowest(number(x_normal))
    least_normal, none = highest(info.smallest_normal), integer(0)
    twice_the_error, lost_error = number(2 * powers.error), number(ldexp(1.0, -2 * info.nmant - 1))

    @scalar
    def compute(x):
        bits = bits_of(x)
        above_least = where(as_number(bits, unsigned(0)) > least, integer(least), bits)
        clamped = where(above_least > greatest, greatest, above_least)
        root, high, low, _, shifted = power(float_of(clamped))
        exponent = exponent_bits(shifted)
        subnormal = as_number(clamped, unsigned(0)) > subnormal_below
        unit = float_of(where(subnormal, as_number(least_normal - exponent, bits), none))
        total = unit + high
        kept = (high - (total - unit)) + low
        below = total + fma(unit, -lost_error, kept)
        above = total + fma(unit, lost_error, fma(root, twice_the_error, kept))
        # The bit patterns of subnormal numbers count spacings, as those of floats from the unit on count its ulps.
        counted_from = where(subnormal, least_normal, none)
        return float_of(as_number(bits_of(below) + (exponent - counted_from), bits)), below != above

    return compute
