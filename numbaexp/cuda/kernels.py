"""Elementwise kernels of a scalar of n inputs, as Python functions that numba.cuda compiles and its simulator runs.

``contiguous`` goes through memory in vectors of 16 bytes, of which each thread has two in flight; ``strided`` takes any
layout, and converts integers. Both go on until nothing is left, whatever the number of blocks.
"""

import numpy as np
from numba import cuda, types

from numbaexp.cuda.jit import device_function
from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.phases import one_result, over_vectors
from numbaexp.cuda.settling import make_settling
from numbaexp.cuda.vectors import same
from numbaexp.scalar.family import FAMILY, arity
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import float_to_bfloat, float_to_half, scalar
from numbaexp.unrolled import make_each

# Threads a block.
THREADS = 256
# Vectors that each thread of ``contiguous`` has in flight.
VECTORS = 2
# Dimensions that ``strided`` has.
DIMENSIONS = 4


def contiguous_types(name):
    """Return the types of the arguments of ``make_contiguous``'s kernel."""
    return types.UniTuple(types.int64, arity(name) + 1), types.int64, types.int64


def make_contiguous(name, dtype):
    """Return ``kernel(addresses, first, n)`` of a function, for n elements at the address of each input, and of the
    result, which may be one of theirs; from the element ``first`` on all are multiples of 16."""
    result = arity(name)
    if result == 1 and FAMILY[name][dtype].accurate is not None:
        return make_settling(name, dtype, THREADS)
    lanes, get, put, get_vector, put_vector = make_memory(STORED_AS[dtype])
    compute, compute_vectors = one_result(name, dtype), over_vectors(name, dtype, lanes)
    get_each, get_vectors = (make_each([load] * result, device_function) for load in (get, get_vector))

    def contiguous(addresses, first, n):
        thread, threads = cuda.grid(1), cuda.gridsize(1)
        vectors = (n - first) // lanes
        i = thread
        while i < vectors:
            j = i + threads
            there_is_another = j < vectors
            values = get_vectors(addresses, first, i)
            others = get_vectors(addresses, first, j if there_is_another else i)
            put_vector(addresses[result], first, i, compute_vectors(values))
            if there_is_another:
                put_vector(addresses[result], first, j, compute_vectors(others))
            i += 2 * threads
        # What is left before the first vector, and behind the last: less than two of them.
        left = n - vectors * lanes
        if thread < left:
            index = thread if thread < first else n - left + thread
            put(addresses[result], index, compute(*get_each(addresses, index)))

    return contiguous


@scalar
def divided(a, b):
    """Return quotient and remainder. Half the bits take a fraction of the time."""
    quotient = np.int64(np.uint32(a) // np.uint32(b))
    return quotient, a - quotient * b


def conversion(source, dtype):
    """Return the conversion of an element as it is stored to an argument of the scalar.

    Integers are rounded to the nearest float, and for 16-bit types to float32 first, as PyTorch does it.
    """
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


def strided_types(inputs):
    """Return the types of the arguments of a kernel of ``over_elements``, of so many inputs."""
    view = types.UniTuple(types.int64, 1 + DIMENSIONS)
    return types.UniTuple(view, inputs + 1), types.int64, *[types.int64] * (DIMENSIONS - 1)


@scalar
def offset_of(view, zeroth, first, second, third):
    """Return that of an element, in elements, from the address of its view."""
    return zeroth * view[1] + first * view[2] + second * view[3] + third * view[4]


def make_load(source):
    """Return ``load(view, zeroth, first, second, third)``: an element of the type ``source``."""
    get = make_memory(STORED_AS.get(source, source)).get

    @device_function
    def load(view, zeroth, first, second, third):
        return get(view[0], offset_of(view, zeroth, first, second, third))

    return load


def make_strided(name, sources, dtype):
    """Return the kernel of ``over_elements`` of a function."""
    function, convert_each = one_result(name, dtype), make_each([conversion(source, dtype) for source in sources])

    @scalar
    def compute(values):
        return function(*convert_each(values))

    return over_elements(compute, sources, dtype)


def over_elements(compute, sources, dtype):
    """Return a kernel of a scalar ``compute(values)`` for inputs of the types ``sources`` in any layout of up to four
    dimensions, of less than 2**31 elements.

    ``kernel(views, n, n1, n2, n3)``: of each operand, the result last, the address of the first element, and the steps
    from one element to the next in each dimension, in elements; the number of elements, and the lengths of all
    dimensions but the first.
    """
    result, put = len(sources), make_memory(STORED_AS[dtype]).put
    load_each = make_each([make_load(source) for source in sources], device_function)

    def strided(views, n, n1, n2, n3):
        i = cuda.grid(1)
        while i < n:
            rest, third = divided(i, n3)
            rest, second = divided(rest, n2)
            zeroth, first = divided(rest, n1)
            offset = offset_of(views[result], zeroth, first, second, third)
            put(views[result][0], offset, compute(load_each(views, zeroth, first, second, third)))
            i += cuda.gridsize(1)

    return strided
