"""Scalars over the vectors that a kernel loads."""

import numpy as np

from numbaexp.scalar.forms import BITS, itemsize
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.operations import bits_of


@scalar
def pattern_of(value):
    return bits_of(value)


@scalar
def same(value):
    return value


def one_result(row):
    """A row of the table as a scalar of one result."""
    if row.accurate is None:
        return row.whole
    whole, accurate = without_flags(row), row.accurate

    @scalar
    def rounded(x):
        result, other = whole(x)
        return result if bits_of(result) == bits_of(other) else accurate(x)

    return rounded


def _each(function, lanes):
    """``function`` over a tuple of so many, written by halves: a tuple that is indexed in a loop is kept in memory."""
    if lanes == 1:

        @scalar
        def apply(values):
            return (function(values[0]),)
    else:
        of_half, half = _each(function, lanes // 2), lanes // 2

        @scalar
        def apply(values):
            return of_half(values[:half]) + of_half(values[half:])

    return apply


def each_pair(function, lanes):
    """``function`` of two numbers over two tuples of so many."""
    if lanes == 1:

        @scalar
        def apply(a, b):
            return (function(a[0], b[0]),)
    else:
        of_half, half = each_pair(function, lanes // 2), lanes // 2

        @scalar
        def apply(a, b):
            return of_half(a[:half], b[:half]) + of_half(a[half:], b[half:])

    return apply


def _all(condition, lanes):
    """Whether ``condition`` holds for all of a tuple."""
    if lanes == 1:

        @scalar
        def hold(values):
            return condition(values[0])
    else:
        holds_for_half, half = _all(condition, lanes // 2), lanes // 2

        @scalar
        def hold(values):
            return holds_for_half(values[:half]) & holds_for_half(values[half:])

    return hold


def _is_inner(row, dtype):
    """Whether ``row.inner`` takes an argument."""
    bits = BITS[itemsize(dtype)]
    all_but_sign, limit = bits(2 ** (8 * itemsize(dtype) - 1) - 1), bits(row.limit)
    pattern = pattern_of if bits is not np.uint16 else same

    @scalar
    def is_inner(x):
        return (pattern(x) & all_but_sign) <= limit

    return is_inner


def without_flags(row):
    """``row.whole`` less its flags: nobody raises flags on a GPU."""
    if row.accurate is None:
        return row.whole
    whole = row.whole

    @scalar
    def two_results(x):
        result, other, _, _ = whole(x)
        return result, other

    return two_results


def over_vector(row, dtype, lanes):
    """The results of a row for a tuple of arguments, in the faster form where it takes them all."""
    are_inner = _all(_is_inner(row, dtype), lanes)
    inner_of_each, whole_of_each = _each(row.inner, lanes), _each(without_flags(row), lanes)

    @scalar
    def of_vector(values):
        return inner_of_each(values) if are_inner(values) else whole_of_each(values)

    return of_vector
