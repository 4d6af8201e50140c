"""sinh, cosh and tanh from the powers of a table: pairs of floats, of numbers and vectors alike.

With the magnitude of the argument n ln(2) / N + r, a = 2**(n/N) / 2 and b = 2**(-n/N) / 2,

    sinh = (a - b) cosh(r) + (a + b) sinh(r),   cosh = (a + b) cosh(r) + (a - b) sinh(r)

where the difference and the sum are pairs, which take in what a table adds to r. sinh(r) is r and a rest, so for small
arguments, of which the difference is 0, sinh is the argument and that rest.
"""

from math import ldexp
from typing import Any, NamedTuple

import numpy as np

from numbaexp.scalar import constants as c
from numbaexp.scalar.double import fast_two_sum
from numbaexp.scalar.ieee import (
    INFINITY_F32,
    INFINITY_F64,
    MAGNITUDE_F32,
    MAGNITUDE_F64,
    highest,
    reciprocal,
    rounded_product,
    scalar,
)
from numbaexp.scalar.tabled import Powers, horner
from numbaexp.vector.operations import as_number, bits_of, float_of, fma, where


class Tails(NamedTuple):
    """Hold (cosh(r) - 1) / r**2, (sinh(r) - r) / r**3 and (tanh(r) - r) / r**3, as polynomials in r**2."""

    cosh: tuple[float, ...]
    sinh: tuple[float, ...]
    tanh: tuple[float, ...]


# By the entries of a table.
TAILS = {
    32: Tails(c.COSH_F32_32, c.SINH_F32_32, c.TANH_F32_32),
    8: Tails(c.COSH_F32_8, c.SINH_F32_8, c.TANH_F32_8),
    16: Tails(c.COSH_F64_16, c.SINH_F64_16, c.TANH_F64_16),
}


class Form(NamedTuple):
    """Hold what depends on the float type, as patterns.

    least : the least magnitude that sinh and tanh are computed of. Smaller ones are their own results.
    least_cosh : the same of cosh. The sum of 1 and a smaller one is 1, as is the result.
    one_from : a magnitude whose result of tanh rounds to 1, as do those of greater ones.
    """

    least: Any
    least_cosh: Any
    one_from: Any
    magnitude: Any
    infinity: Any
    unsigned: Any


FORMS = {
    np.float32: Form(
        highest(np.float32(ldexp(1.0, -12))),
        highest(np.float32(ldexp(1.0, -25))),
        highest(np.float32(10.0)),
        MAGNITUDE_F32,
        INFINITY_F32,
        np.uint32,
    ),
    np.float64: Form(
        highest(np.float64(ldexp(1.0, -27))),
        highest(np.float64(ldexp(1.0, -60))),
        highest(np.float64(20.0)),
        MAGNITUDE_F64,
        INFINITY_F64,
        np.uint64,
    ),
}

# The reciprocal of the exponential of this is negligible next to the exponential. In place of smaller reciprocals,
# which may be subnormal, stands this one.
FAR = 40.0
# What is left out in ``_make_combined``, relative to the result.
OTHER = {32: ldexp(1.0, -40), 8: ldexp(1.0, -37), 16: ldexp(1.0, -67)}
# The errors in ``_make_combined``, in half ulps of the low part.
OF_LOW = 8.0
# The errors in ``make_tanh``, in half ulps of R**2, and what is left out there.
OF_SQUARE = 4.2
OTHER_TANH = {32: ldexp(1.0, -40), 8: ldexp(1.0, -39), 16: ldexp(1.0, -70)}


def half_ulp(powers: Powers) -> float:
    """Return half an ulp of 1."""
    return ldexp(1.0, -np.finfo(powers.number).nmant - 1)


@scalar
def with_sign(value, sign):
    """Change the sign of a float where a bit pattern has the sign bit."""
    return float_of(as_number(bits_of(value) ^ sign, sign))


def make_split(form: Form, least: Any, greatest: Any) -> Any:
    """Return ``split(x)``: (ordinary, magnitude, sign bit). Of NaN and of a magnitude below ``least`` or above
    ``greatest``, which are not ordinary, the magnitude is ``least``."""
    all_but_sign, sign, zero = form.magnitude, ~form.magnitude, form.unsigned(0)
    # The differences of lesser patterns are greater than this.
    span = form.unsigned(greatest - least)

    @scalar
    def split(x):
        bits = as_number(bits_of(x) & all_but_sign, least)
        ordinary = as_number(bits - least, zero) <= span
        return ordinary, float_of(where(ordinary, bits, least)), as_number(bits_of(x) & sign, least)

    return split


def _make_sums(powers, unit):
    """Return ``sums(x)`` of a magnitude: (difference, low part, sum, low part, r), a and b being times 2 ``unit``.

    exp(x) / 2 is a (1 + rest) exp(r), but for the square of the rest: 2**-90 in float64, 2**-44 in float32. exp(-x) / 2
    likewise.
    """
    number, reduced, scaled = powers.number, powers.reduced, powers.scaled
    far, unit = highest(number(FAR)), number(unit)

    @scalar
    def sums(x):
        root, r, rest, steps, bits = reduced(x)
        near = float_of(where(bits_of(x) > far, far, bits_of(x)))
        inverse_root, _, inverse_rest, inverse_steps, inverse_bits = reduced(-near)
        a = scaled(rounded_product(root, unit), steps, bits)
        b = scaled(rounded_product(inverse_root, unit), inverse_steps, inverse_bits)
        a_low = rounded_product(a, rest)
        difference, difference_low = fast_two_sum(a, -b)
        total, total_low = fast_two_sum(a, b)
        difference_low = difference_low + fma(-b, inverse_rest, a_low)
        return difference, difference_low, total, total_low + fma(b, inverse_rest, a_low), r

    return sums


def _make_combined(powers):
    """Return ``combined(u, u_low, v, v_low, r)``: (high, low, size), with (u + u_low) cosh(r) + (v + v_low) sinh(r)
    within ``powers.error`` times size of high + low, where v r is at most the result, and if r is negative u / 2.

    Let h be half an ulp of 1. c = cosh(r) - 1 errs by r**2, the polynomial and the product, 3 h, and u c is rounded in
    a sum. s = sinh(r) - r errs by r**2, r**3, the polynomial, its first coefficient and the product, 5 h. The last sum
    and that of the rounding test round both. But for low parts, low is u c + v s. Where s is positive the errors are at
    most 7 h of that. Else v s is at least -1/6 of u c, and they are at most (4 + 5/6) 6/5 + 2 = 7.8 h of that.
    ``OF_LOW`` has room for terms of higher order.

    For the rest the bound has ``OTHER`` of the result: the polynomials, 2**-67.7 in float64, 2**-51 with 32 entries and
    2**-39.6 with 8. In float32 v_low s is left out, 2**-22 of the result times 2**-22 with 32 entries and 2**-16.2 with
    8, and six low parts are rounded: for small arguments they are at most 2**-25, and the result is at least ln(2) /
    (2 N), so that is 2**-40.9 with 32 entries and 2**-42.9 with 8; for great ones 2**-22 of the result, 2**-43.4.
    """
    tails, number = TAILS[powers.entries], powers.number
    cosh_tail, sinh_tail = (horner(tuple(map(number, tail))) for tail in (tails.cosh, tails.sinh))
    of_low = number(OF_LOW * half_ulp(powers) / powers.error)
    of_high = number(OTHER[powers.entries] / powers.error)
    sinh_of = _sum if number is np.float64 else _first

    @scalar
    def combined(u, u_low, v, v_low, r):
        square = r * r
        cosh_less_1 = square * cosh_tail(square)
        cube = rounded_product(square * r, sinh_tail(square))
        high = fma(v, r, u)
        low = fma(v_low, sinh_of(r, cube), fma(u_low, cosh_less_1, u_low)) + fma(v, r, u - high)
        low = fma(v, cube, fma(u, cosh_less_1, low))
        return high, low, fma(low, of_low, rounded_product(high, of_high))

    return combined


@scalar
def _sum(r, cube):
    return r + cube


@scalar
def _first(r, cube):
    return r


def make_sinh_of_magnitude(powers: Powers, unit: float = 0.5) -> Any:
    """Return ``sinh(x)``, as the pairs of ``powers``, times 2 ``unit``, for ``least`` <= x <= 710 (88.5 in float32), or
    with a ``unit`` of 1/4 wherever the result is finite."""
    sums, combined = _make_sums(powers, unit), _make_combined(powers)

    @scalar
    def sinh(x):
        difference, difference_low, total, total_low, r = sums(x)
        return combined(difference, difference_low, total, total_low, r)

    return sinh


def make_cosh_of_magnitude(powers: Powers, unit: float = 0.5) -> Any:
    """Return ``cosh(x)`` as ``make_sinh_of_magnitude``."""
    sums, combined = _make_sums(powers, unit), _make_combined(powers)

    @scalar
    def cosh(x):
        difference, difference_low, total, total_low, r = sums(x)
        return combined(total, total_low, difference, difference_low, r)

    return cosh


def _make_odd(powers, of_magnitude):
    """Return ``odd(x)``, (high, low, size), of a function of magnitudes; NaN and what is below ``least`` is its own
    result."""
    number, form = powers.number, FORMS[powers.number]
    split, zero, minus_zero = make_split(form, form.least, form.infinity), number(0.0), number(-0.0)

    @scalar
    def odd(x):
        ordinary, magnitude, sign = split(x)
        high, low, size = of_magnitude(magnitude)
        return (
            where(ordinary, with_sign(high, sign), x),
            # Negative, so that -0 gives -0.
            where(ordinary, with_sign(low, sign), minus_zero),
            where(ordinary, size, zero),
        )

    return odd


def make_sinh(powers: Powers) -> Any:
    """Return ``sinh(x)``, (high, low, size) within ``powers.error`` times size."""
    return _make_odd(powers, make_sinh_of_magnitude(powers))


def make_cosh(powers: Powers) -> Any:
    """Return ``cosh(x)``, (high, low, size) within ``powers.error`` times size."""
    number, form = powers.number, FORMS[powers.number]
    split, of_magnitude = make_split(form, form.least_cosh, form.infinity), make_cosh_of_magnitude(powers)
    one, zero = number(1.0), number(0.0)

    @scalar
    def cosh(x):
        ordinary, magnitude, _ = split(x)
        high, low, size = of_magnitude(magnitude)
        return where(ordinary, high, one + abs(x)), where(ordinary, low, zero), where(ordinary, size, zero)

    return cosh


@scalar
def _reciprocal_f64(value):
    return 1.0 / value


def make_tanh(powers: Powers) -> Any:
    """Return ``tanh(x)``, (high, low, size) within ``powers.error`` times size.

    With q = 2**(-n/N), 2 x = n ln(2) / N + 2 r, the result is ((1 - q) + (1 + q) t) / ((1 + q) + (1 - q) t), t =
    tanh(r). Let h be half an ulp of 1, and R = ln(2) / (4 N), the bound of r. t - r, at most R**2 / 3 of r, errs by
    r**2, r**3, the polynomial, its first coefficient and the product, 5 h, and is rounded in a sum. (1 + q) r is at
    most the numerator, so that errs by 6/3 h R**2. The denominator errs by less than R of that. The quotient's low part
    is at most R**2 / 3, but for h: two products, two sums, the reciprocal and the sum of the rounding test round it, by
    6/3 h R**2. Together that is 4 h R**2, with terms of higher order below ``OF_SQUARE`` h R**2.

    For the rest the bound has ``OTHER_TANH``: the polynomial, 2**-79 in float64, 2**-52 with 32 entries and 2**-40.3
    with 8; and in float32 three roundings of low parts of 2**-25 in a numerator of at least 2 R, 2**-40.8 and 2**-42.8.
    Where n is 0 there are none of these, but ``tabled.TINY``, 2**-50 / x, which is at most 2**-38, and 2**-40 where
    r**2 h is more than a tenth of the bound.
    """
    number, form, reduced, scaled = powers.number, FORMS[powers.number], powers.reduced, powers.scaled
    tail = horner(tuple(map(number, TAILS[powers.entries].tanh)))
    reach = np.log(2.0) / (4 * powers.entries)
    of_high = number((OF_SQUARE * half_ulp(powers) * reach**2 + OTHER_TANH[powers.entries]) / powers.error)
    one, one_from, minus_half, minus_two = number(1.0), form.one_from, number(-0.5), number(-2.0)
    inverse_of = reciprocal if number is np.float32 else _reciprocal_f64

    @scalar
    def of_magnitude(x):
        bits = bits_of(x)
        near = float_of(where(bits > one_from, one_from, bits))
        root, minus_2_r, rest, steps, bits = reduced(near * minus_two)
        q, r = scaled(root, steps, bits), minus_2_r * minus_half
        difference, difference_low = fast_two_sum(one, -q)
        total, total_low = fast_two_sum(one, q)
        difference_low, total_low = fma(-q, rest, difference_low), fma(q, rest, total_low)
        square = r * r
        t_low = (square * r) * tail(square)
        numerator, denominator = fma(total, r, difference), fma(difference, r, total)
        numerator_low = fma(total_low, r, difference_low) + fma(total, r, difference - numerator)
        denominator_low = fma(difference_low, r, total_low) + fma(difference, r, total - denominator)
        numerator_low, denominator_low = fma(total, t_low, numerator_low), fma(difference, t_low, denominator_low)
        denominator, denominator_low = fast_two_sum(denominator, denominator_low)
        inverse = inverse_of(denominator)
        high = rounded_product(numerator, inverse)
        rest = fma(-high, denominator, numerator) + fma(-high, denominator_low, numerator_low)
        return high, rounded_product(rest, inverse), high * of_high

    return _make_odd(powers, of_magnitude)
