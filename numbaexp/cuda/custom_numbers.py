"""Operands of users' functions on a device: how kernels are given them, and the scalars that are called there."""

import functools

import numpy as np
from numba.cuda.core import config

from numbaexp.cuda.jit import overload
from numbaexp.cuda.kernels import conversion
from numbaexp.cuda.phases import one_result
from numbaexp.dual import scalars
from numbaexp.dual.elements import kind_of, make_from_element, make_to_element
from numbaexp.scalar.forms import BITS, STORED_AS, itemsize, number_as_stored
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.logaddexp import scalar_of
from numbaexp.unrolled import make_each
from numbaexp.vector.operations import float_of

# Numba's simulator calls functions that are compiled for the CPU.
_TARGET = "cpu" if config.ENABLE_CUDASIM else "cuda"
scalars.register(_TARGET, one_result)
scalars.register_of_two(_TARGET, scalar_of)


@functools.cache
def make_compute(operation, sources, dtype):
    """Return ``compute(elements)``, of a tuple of elements of the types ``sources``, to a tuple of results; all as they
    are stored."""
    kind = kind_of(dtype, operation.wide)
    function, to_element, from_element = (
        operation.function,
        make_to_element(dtype, kind),
        make_from_element(dtype, kind),
    )

    def make_to_number(source):
        convert = conversion(source, dtype)

        @scalar
        def to_number(element):
            return from_element(convert(element))

        return to_number

    number_each = make_each([make_to_number(source) for source in sources])
    if operation.results == 1:

        @scalar
        def compute(elements):
            return (to_element(function(*number_each(elements))),)
    else:
        element_each = make_each([to_element] * operation.results)

        @scalar
        def compute(elements):
            return element_each(function(*number_each(elements)))

    return compute


def word_of(number, dtype):
    """Return a number as a kernel is given it: the bits of the element of a type, as an integer."""
    return int(number_as_stored(number, dtype).view(f"i{itemsize(dtype)}"))


def make_from_word(dtype):
    """Return the reverse, ``element(word)``."""
    bits, stored = BITS[itemsize(dtype)], np.dtype(STORED_AS[dtype])

    def element(word):
        return np.int64(word).astype(bits).view(stored)

    def as_bits(word):
        return bits(word)

    def as_float(word):
        return float_of(bits(word))

    overload(element)(lambda word: as_bits if stored.kind == "u" else as_float)
    return element
