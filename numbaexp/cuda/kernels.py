"""Kernels over one scalar, as Python functions that numba.cuda compiles and its simulator runs.

``contiguous`` goes through memory in vectors of 16 bytes, of which each thread has two in flight; ``strided`` takes any
layout, and converts integers. Both go on until nothing is left, whatever the number of blocks.
"""

import numpy as np
from numba import cuda

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.phases import one_result, over_vector
from numbaexp.cuda.settling import make_settling
from numbaexp.cuda.vectors import same
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import float_to_bfloat, float_to_half, scalar

# Threads a block.
THREADS = 256
# Vectors that each thread of ``contiguous`` has in flight.
VECTORS = 2
# Dimensions that ``strided`` has.
DIMENSIONS = 4


def make_contiguous(name, dtype):
    """A kernel of a function of the family: ``kernel(x, y, first, n)`` for n elements at one address and at another,
    which may be the same; from the element ``first`` on both are multiples of 16."""
    if FAMILY[name][dtype].accurate is not None:
        return make_settling(name, dtype, THREADS)
    lanes, get, put, get_vector, put_vector = make_memory(STORED_AS[dtype])
    of_element, of_vector = one_result(name, dtype), over_vector(name, dtype, lanes)

    def contiguous(x, y, first, n):
        thread, threads = cuda.grid(1), cuda.gridsize(1)
        vectors = (n - first) // lanes
        i = thread
        while i < vectors:
            j = i + threads
            there_is_another = j < vectors
            values = get_vector(x, first, i)
            others = get_vector(x, first, j if there_is_another else i)
            put_vector(y, first, i, of_vector(values))
            if there_is_another:
                put_vector(y, first, j, of_vector(others))
            i += 2 * threads
        # What is left before the first vector, and behind the last: less than two of them.
        left = n - vectors * lanes
        if thread < left:
            place = thread if thread < first else n - left + thread
            put(y, place, of_element(get(x, place)))

    return contiguous


@scalar
def divided(a, b):
    """Quotient and remainder. Half the bits take a fraction of the time."""
    quotient = np.int64(np.uint32(a) // np.uint32(b))
    return quotient, a - quotient * b


def _conversion(source, dtype):
    """From an element as it is stored to an argument of the scalar. Integers are rounded to the nearest float, and for
    16-bit types to float32 first, as PyTorch does it."""
    if source == dtype:
        return same
    if dtype in ("float16", "bfloat16"):
        to_bits = float_to_half if dtype == "float16" else float_to_bfloat

        @scalar
        def convert(value):
            return to_bits(np.float32(value))
    else:
        kind = STORED_AS[dtype]

        @scalar
        def convert(value):
            return kind(value)

    return convert


def make_strided(name, source, dtype):
    """A kernel for elements of the type ``source`` in any layout of up to four dimensions, of less than 2**31 elements.

    ``kernel(x, y, x_first, n, n1, n2, n3, x0, x1, x2, x3, y0, y1, y2, y3)``: the addresses of the lowest elements; the
    place of the first one of x, from there; the number of elements, and the lengths of all dimensions but the first;
    the steps of x and of y from one element to the next in each dimension, in elements, those of y 0 or more.
    """
    get = make_memory(STORED_AS.get(source, source)).get
    put = make_memory(STORED_AS[dtype]).put
    function, convert = one_result(name, dtype), _conversion(source, dtype)

    @scalar
    def of_element(value):
        return function(convert(value))

    def strided(x, y, x_first, n, n1, n2, n3, x0, x1, x2, x3, y0, y1, y2, y3):
        i = cuda.grid(1)
        while i < n:
            rest, third = divided(i, n3)
            rest, second = divided(rest, n2)
            zeroth, first = divided(rest, n1)
            place_x = x_first + zeroth * x0 + first * x1 + second * x2 + third * x3
            place_y = zeroth * y0 + first * y1 + second * y2 + third * y3
            put(y, place_y, of_element(get(x, place_x)))
            i += cuda.gridsize(1)

    return strided
