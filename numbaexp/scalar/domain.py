"""The domains of the logarithms in each type: their poles, where they are not real, and the results there.

Arguments are compared as bit patterns, as comparing a NaN as a float raises "invalid".
"""

from typing import Any

import numpy as np

from numbaexp.scalar.forms import STORED_AS, Domain, itemsize, number_as_stored
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.operations import as_number, bits_of, where

_UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}


class _Patterns:
    """Make patterns of numbers of one type: bits as unsigned integers, positive ones first, both in the order of
    magnitudes.

    of(x) : of a number or vector, as it is stored.
    less(pattern, number) : the difference of patterns, modulo the size of the type.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype, self.unsigned = dtype, _UNSIGNED[itemsize(dtype)]
        zero = self.unsigned(0)

        @scalar
        def of_float(x):
            return as_number(bits_of(x), zero)

        @scalar
        def of_stored(x):
            return x

        @scalar
        def less(pattern, number):
            # Numba computes with integers of 64 bits.
            return as_number(pattern - number, zero)

        self.of, self.less = of_stored if itemsize(dtype) == 2 else of_float, less

    def stored(self, number: float) -> Any:
        """Return a number as the elements of the type are stored."""
        return np.asarray(number_as_stored(number, self.dtype)).view(STORED_AS[self.dtype])[()]

    def pattern(self, number: float) -> Any:
        """Return the pattern of a number."""
        return np.asarray(number_as_stored(number, self.dtype)).view(self.unsigned)[()]

    def special(self, inside: Any, is_pole: Any, is_outside: Any, at_pole: Any) -> Any:
        """Return ``special(x, result)`` of a domain: where x is not inside, NaN or infinity stay what they are."""
        nan = self.stored(np.nan)

        @scalar
        def special(x, result):
            unreal = where(is_outside(x), nan, x)
            return where(inside(x), result, where(is_pole(x), at_pole(x), unreal))

        return special


def _above(dtype: str, pole: float) -> Domain:
    """Return the domain of numbers above 0 or -1, with a pole there where results are -infinity. -0 is 0."""
    patterns = _Patterns(dtype)
    of, less, pattern = patterns.of, patterns.less, patterns.pattern
    one, minus_zero, infinity, minus_infinity = (
        patterns.unsigned(1),
        pattern(-0.0),
        pattern(np.inf),
        patterns.stored(-np.inf),
    )
    at, beyond = pattern(pole), patterns.unsigned(pattern(-np.inf) - pattern(-abs(pole)))

    if pole == 0.0:
        finite = patterns.unsigned(infinity - 1)

        @scalar
        def inside(x):
            return less(of(x), one) < finite

        @scalar
        def is_pole(x):
            return (of(x) | minus_zero) == minus_zero

        first_below = patterns.unsigned(minus_zero + 1)
    else:

        @scalar
        def inside(x):
            return (of(x) < infinity) | (less(of(x), minus_zero) < magnitude)

        @scalar
        def is_pole(x):
            return of(x) == at

        magnitude, first_below = patterns.unsigned(at - minus_zero), patterns.unsigned(at + 1)

    @scalar
    def is_outside(x):
        return less(of(x), first_below) < beyond

    @scalar
    def at_pole(x):
        return minus_infinity

    return Domain(inside, is_pole, is_outside, patterns.special(inside, is_pole, is_outside, at_pole))


def positive(dtype: str) -> Domain:
    """Return the domain of log, log2 and log10: numbers above 0."""
    return _above(dtype, 0.0)


def above_minus_one(dtype: str) -> Domain:
    """Return the domain of log1p: numbers above -1."""
    return _above(dtype, -1.0)


def between_zero_and_one(dtype: str) -> Domain:
    """Return the domain of logit, whose poles are 0 and 1."""
    patterns = _Patterns(dtype)
    of, less, pattern = patterns.of, patterns.less, patterns.pattern
    one, minus_zero, at_one = patterns.unsigned(1), pattern(-0.0), pattern(1.0)
    between = patterns.unsigned(at_one - 1)
    above, below = patterns.unsigned(pattern(np.inf) - at_one), patterns.unsigned(pattern(-np.inf) - minus_zero)
    after_one, after_zero = patterns.unsigned(at_one + 1), patterns.unsigned(minus_zero + 1)
    infinity, minus_infinity = patterns.stored(np.inf), patterns.stored(-np.inf)

    @scalar
    def inside(x):
        return less(of(x), one) < between

    @scalar
    def is_pole(x):
        return (of(x) == at_one) | ((of(x) | minus_zero) == minus_zero)

    @scalar
    def is_outside(x):
        return (less(of(x), after_one) < above) | (less(of(x), after_zero) < below)

    @scalar
    def at_pole(x):
        return where(of(x) == at_one, infinity, minus_infinity)

    return Domain(inside, is_pole, is_outside, patterns.special(inside, is_pole, is_outside, at_pole))
