"""Kernels over one scalar of two numbers, as ``numbaexp.cuda.kernels`` has them for one number."""

from numba import cuda

from numbaexp.cuda.kernels import divided
from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.phases import gradient_over_vectors, one_gradient
from numbaexp.scalar.forms import STORED_AS


def make_contiguous(name, dtype):
    """``kernel(g, x, y, first, n)`` for n elements at each of three addresses, the last of which may be one of the
    others; from the element ``first`` on all are multiples of 16."""
    lanes, get, put, get_vector, put_vector = make_memory(STORED_AS[dtype])
    of_elements, of_vectors = one_gradient(name, dtype), gradient_over_vectors(name, dtype, lanes)

    def contiguous(g, x, y, first, n):
        thread, threads = cuda.grid(1), cuda.gridsize(1)
        vectors = (n - first) // lanes
        i = thread
        while i < vectors:
            j = i + threads
            there_is_another = j < vectors
            other = j if there_is_another else i
            g_values, values = get_vector(g, first, i), get_vector(x, first, i)
            g_others, others = get_vector(g, first, other), get_vector(x, first, other)
            put_vector(y, first, i, of_vectors(g_values, values))
            if there_is_another:
                put_vector(y, first, j, of_vectors(g_others, others))
            i += 2 * threads
        # What is left before the first vector, and behind the last: less than two of them.
        left = n - vectors * lanes
        if thread < left:
            place = thread if thread < first else n - left + thread
            put(y, place, of_elements(get(g, place), get(x, place)))

    return contiguous


def make_strided(name, dtype):
    """A kernel for elements in any layout of up to four dimensions, of less than 2**31 elements.

    ``kernel(g, x, y, n, n1, n2, n3, g0, g1, g2, g3, x0, x1, x2, x3, y0, y1, y2, y3)``: the addresses of the first
    elements; the number of elements, and the lengths of all dimensions but the first; the steps from one element to the
    next in each dimension, in elements.
    """
    get, put = make_memory(STORED_AS[dtype])[1:3]
    of_elements = one_gradient(name, dtype)

    def strided(g, x, y, n, n1, n2, n3, g0, g1, g2, g3, x0, x1, x2, x3, y0, y1, y2, y3):
        i = cuda.grid(1)
        while i < n:
            rest, third = divided(i, n3)
            rest, second = divided(rest, n2)
            zeroth, first = divided(rest, n1)
            place_g = zeroth * g0 + first * g1 + second * g2 + third * g3
            place_x = zeroth * x0 + first * x1 + second * x2 + third * x3
            place_y = zeroth * y0 + first * y1 + second * y2 + third * y3
            put(y, place_y, of_elements(get(g, place_g), get(x, place_x)))
            i += cuda.gridsize(1)

    return strided
