"""Operands of users' functions on a device: how kernels are given them, and the scalars that are called there."""

import numpy as np
from numba.cuda.core import config

from numbaexp.cuda.phases import one_result
from numbaexp.dual import scalars
from numbaexp.dual.elements import kind_of, make_from_element, make_to_element
from numbaexp.scalar.forms import BITS, itemsize
from numbaexp.scalar.ieee import scalar
from numbaexp.unrolled import make_each
from numbaexp.vector.operations import float_of

# Numba's simulator calls functions that are compiled for the CPU.
scalars.register("cpu" if config.ENABLE_CUDASIM else "cuda", one_result)


def make_compute(operation, dtype):
    """Return ``compute(elements)``, of a tuple of elements as they are stored, to a tuple of results."""
    kind = kind_of(dtype, operation.wide)
    function, to_element = operation.function, make_to_element(dtype, kind)
    number_each = make_each([make_from_element(dtype, kind)] * len(operation.arrays))
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
    with np.errstate(all="ignore"):
        if dtype != "bfloat16":
            return int(np.asarray(number, dtype).view(f"i{itemsize(dtype)}"))
        bits = int(np.asarray(number, "float32").view("u4"))
    # To nearest, ties to even; a NaN of Python's keeps its bits.
    return bits + 0x7FFF + (bits >> 16 & 1) >> 16


def make_from_word(dtype):
    """Return the reverse, ``element(word)``."""
    bits = BITS[itemsize(dtype)]
    if itemsize(dtype) == 2:

        @scalar
        def element(word):
            return bits(word)
    else:

        @scalar
        def element(word):
            return float_of(bits(word))

    return element
