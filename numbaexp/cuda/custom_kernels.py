"""Kernels of elementwise functions that users have written, of any number of inputs and results.

As those of ``numbaexp.cuda.kernels``, but for inputs that are one number: a number of the host comes in the place of
an address, and the only element of an array is loaded once.
"""

from numba import cuda, types

from numbaexp.cuda.custom_numbers import make_compute, make_from_word
from numbaexp.cuda.jit import device_function
from numbaexp.cuda.kernels import DIMENSIONS, divided, make_load, offset_of
from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.vectors import make_repeated, transposed
from numbaexp.scalar.forms import STORED_AS
from numbaexp.unrolled import make_each

# In the place of a step: the input is a number of the host.
NUMBER = -1


def contiguous_types(inputs, results):
    """Return the types of the arguments of ``make_contiguous``'s kernel."""
    given = types.UniTuple(types.UniTuple(types.int64, 2), inputs)
    return given, types.UniTuple(types.int64, results), types.int64, types.int64


def make_contiguous(operation, dtype):
    """Return ``kernel(inputs, results, first, n)`` of a function, for n elements; from the element ``first`` on all
    addresses are multiples of 16.

    Of each input: the address, and the step from one element to the next, which is 1 or 0; or a number as ``word_of``
    gives it, and ``NUMBER``. Of each result: the address, which may be that of an input.
    """
    lanes, get, put, get_vector, put_vector = make_memory(STORED_AS[dtype])
    inputs, outputs = len(operation.arrays), range(operation.results)
    compute = make_compute(operation, (dtype,) * inputs, dtype)
    from_word, repeated = make_from_word(dtype), make_repeated(lanes)

    @device_function
    def with_number(given):
        word, step = given
        return word, step, from_word(word) if step == NUMBER else get(word, 0) if step == 0 else from_word(0)

    @device_function
    def load(given, first, i):
        address, step, number = given
        return get(address, i) if step == 1 else number

    @device_function
    def load_vector(given, first, i):
        address, step, number = given
        return get_vector(address, first, i) if step == 1 else repeated(number)

    @device_function
    def put_one(target, first, i, value):
        put(target, i, value)

    with_number_each, load_each, load_vectors = (
        make_each([function] * inputs, device_function) for function in (with_number, load, load_vector)
    )
    compute_each = make_each([compute] * lanes, device_function)
    store_each, store_vectors = (
        make_each([_make_store(function, k) for k in outputs], device_function) for function in (put_one, put_vector)
    )

    def contiguous(inputs, results, first, n):
        thread, threads = cuda.grid(1), cuda.gridsize(1)
        given = with_number_each(inputs)
        vectors = (n - first) // lanes
        i = thread
        while i < vectors:
            values = compute_each(transposed(load_vectors(given, first, i)))
            store_vectors(results, first, i, transposed(values))
            i += threads
        # What is left before the first vector, and behind the last: less than two of them.
        left = n - vectors * lanes
        if thread < left:
            index = thread if thread < first else n - left + thread
            store_each(results, first, index, compute(load_each(given, first, index)))

    return contiguous


def _make_store(put, k):
    """Return a function that stores the k-th of some values by ``put(target, first, i, value)``."""

    @device_function
    def store(target, first, i, values):
        put(target, first, i, values[k])
        return 0

    return store


def strided_types(inputs, results):
    """Return the types of the arguments of ``make_strided``'s kernel."""
    view = types.UniTuple(types.int64, 2 + DIMENSIONS)
    return types.UniTuple(view, inputs + results), types.int64, *[types.int64] * (DIMENSIONS - 1)


def make_strided(operation, sources, dtype):
    """Return ``kernel(views, n, n1, n2, n3)`` of a function for inputs of the types ``sources``, as that of
    ``numbaexp.cuda.kernels.over_elements``; a view has ``NUMBER`` as its last item where the first is a number, as
    ``word_of`` gives it, and else 0."""
    compute, from_word, put = (
        make_compute(operation, sources, dtype),
        make_from_word(dtype),
        make_memory(STORED_AS[dtype]).put,
    )
    inputs = len(sources)

    def make_load_or_number(source):
        load = make_load(source)
        if source != dtype:
            return load

        @device_function
        def load_or_number(view, zeroth, first, second, third):
            if view[-1] == NUMBER:
                return from_word(view[0])
            return load(view, zeroth, first, second, third)

        return load_or_number

    def make_store(k):
        @device_function
        def store(view, zeroth, first, second, third, values):
            put(view[0], offset_of(view, zeroth, first, second, third), values[k])
            return 0

        return store

    load_each = make_each([make_load_or_number(source) for source in sources], device_function)
    store_each = make_each([make_store(k) for k in range(operation.results)], device_function)

    def strided(views, n, n1, n2, n3):
        i = cuda.grid(1)
        while i < n:
            rest, third = divided(i, n3)
            rest, second = divided(rest, n2)
            zeroth, first = divided(rest, n1)
            values = compute(load_each(views, zeroth, first, second, third))
            store_each(views[inputs:], zeroth, first, second, third, values)
            i += cuda.gridsize(1)

    return strided
