"""Scalars over the vectors that a kernel loads, which are tuples.

All is written by halves: a tuple that is indexed in a loop is kept in memory.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from numbaexp.cuda.jit import device_function, overload
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.operations import bits_of


@scalar
def pattern_of(value):
    return bits_of(value)


@scalar
def same(value):
    return value


def each(function, lanes):
    """Return ``apply(values)``: ``function`` of each of a tuple of so many."""
    if lanes == 1:

        @scalar
        def apply(values):
            return (function(values[0]),)
    else:
        of_half, half = each(function, lanes // 2), lanes // 2

        @scalar
        def apply(values):
            return of_half(values[:half]) + of_half(values[half:])

    return apply


def each_pair(function, lanes):
    """Return ``function`` of two numbers as one of two tuples of so many."""
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


def zipped(inputs, lanes):
    """Return ``apply(vectors)``: of so many tuples of ``lanes``, two or more, one tuple of ``lanes`` tuples."""
    if inputs == 2:
        pair_each = each_pair(_pair, lanes)

        @scalar
        def apply(vectors):
            return pair_each(vectors[0], vectors[1])
    else:
        of_others, append_each, last = zipped(inputs - 1, lanes), each_pair(_appended, lanes), inputs - 1

        @scalar
        def apply(vectors):
            return append_each(of_others(vectors[:last]), vectors[last])

    return apply


@scalar
def _pair(a, b):
    return a, b


@scalar
def _appended(values, value):
    return values + (value,)  # noqa: RUF005


def transposed(rows):
    """Return the tuple of columns of a tuple of tuples, all of one type and length."""
    return tuple(zip(*rows, strict=True))


@intrinsic
def _transposed(typingctx, rows):
    lengths = {row.count for row in rows.types}
    (length,), (number,) = lengths, {row.dtype for row in rows.types}
    column = types.UniTuple(number, len(rows.types))

    def codegen(context, builder, signature, args):
        of_rows = [builder.extract_value(args[0], place) for place in range(column.count)]
        columns = [
            context.make_tuple(builder, column, [builder.extract_value(row, place) for row in of_rows])
            for place in range(length)
        ]
        return context.make_tuple(builder, signature.return_type, columns)

    return types.UniTuple(column, length)(rows), codegen


@overload(transposed)
def _of_vectors(rows):
    def of_rows(rows):
        return _transposed(rows)

    return of_rows


def make_repeated(lanes):
    """Return ``repeated(value)``, a tuple of so many."""
    if lanes == 1:

        @device_function
        def repeated(value):
            return (value,)
    else:
        half = make_repeated(lanes // 2)

        @device_function
        def repeated(value):
            return half(value) + half(value)

    return repeated


def all_of(condition, lanes):
    """Return ``hold(values)``: whether ``condition`` holds for all of a tuple of so many."""
    if lanes == 1:

        @scalar
        def hold(values):
            return condition(values[0])
    else:
        holds_for_half, half = all_of(condition, lanes // 2), lanes // 2

        @scalar
        def hold(values):
            return holds_for_half(values[:half]) & holds_for_half(values[half:])

    return hold


def each_decided(function, lanes):
    """Apply to a tuple a function of (result, undecided): return the results, and a bit for each undecided one, the
    lowest for the first."""
    if lanes == 1:

        @scalar
        def apply(values):
            result, undecided = function(values[0])
            return (result,), np.int32(undecided)
    else:
        of_half, half = each_decided(function, lanes // 2), lanes // 2

        @scalar
        def apply(values):
            low, of_low = of_half(values[:half])
            high, of_high = of_half(values[half:])
            return low + high, np.int32(of_low | of_high << half)

    return apply


def make_choose(lanes):
    """Return ``choose(values, bit)``: the one of a tuple of so many that a bit stands for."""
    if lanes == 1:

        @scalar
        def choose(values, bit):
            return values[0]
    else:
        of_half, half, lower = make_choose(lanes // 2), lanes // 2, np.int32((1 << lanes // 2) - 1)

        @scalar
        def choose(values, bit):
            low, high = of_half(values[:half], bit), of_half(values[half:], np.int32(bit >> half))
            return high if (bit & lower) == np.int32(0) else low

    return choose


def make_replace(lanes):
    """Return ``replace(values, bit, value)``: a tuple of so many, with another value where a bit stands for."""
    if lanes == 1:

        @scalar
        def replace(values, bit, value):
            return (values[0] if (bit & np.int32(1)) == np.int32(0) else value,)
    else:
        of_half, half = make_replace(lanes // 2), lanes // 2

        @scalar
        def replace(values, bit, value):
            return of_half(values[:half], bit, value) + of_half(values[half:], np.int32(bit >> half), value)

    return replace
