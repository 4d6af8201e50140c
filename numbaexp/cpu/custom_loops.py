"""The inner loop of a NumPy ufunc of a function that a user has written, of any number of inputs and results."""

from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numba.np.numpy_support import from_dtype

from numbaexp.cpu.custom_numbers import make_access
from numbaexp.cpu.flags import restore_status, status, unforeseen
from numbaexp.cpu.parallel import ends
from numbaexp.cpu.pieces import STREAM_FROM
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.streaming import LINE, fence, stream
from numbaexp.cpu.variants import prefer_whole_registers
from numbaexp.custom.operation import CustomOperation
from numbaexp.dual.elements import kind_of, make_from_element, make_to_element
from numbaexp.dual.type import real
from numbaexp.jit import jit
from numbaexp.scalar.forms import BITS, STORED_AS, itemsize
from numbaexp.unrolled import make_each
from numbaexp.vector.level import AVX512, current_level
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.type import Vector

# Elements a block: buffers of a dozen operands stay in the first cache.
BLOCK = 512


def make_loop(operation: CustomOperation, dtype: str) -> Any:
    """Return a Python function that compiles to the inner loop of a function, with ``numbaexp.cpu.compile.LOOP``.

    ``data[0]`` is the number of elements of which this is a part, or 0. Blocks of inputs whose elements do not follow
    each other go through contiguous buffers, and so do results that do not, that lie in memory of an input, or that go
    past the caches. No floating-point flag is raised: LLVM computes both sides of a branch.
    """
    size, inputs, outputs = itemsize(dtype), len(operation.arrays), operation.results
    operands, buffer_size = inputs + outputs, BLOCK * size
    buffers_size = operands * buffer_size
    copy, settle = _make_copy(size), _make_settle(size)
    lanes = lanes_of(operation, dtype)
    compute, pad = _make_compute(operation, dtype, lanes), _make_pad(size, lanes)
    are_shared = _make_are_shared(inputs, outputs, size)

    @jit
    def source(k, args, steps, buffers, start, count):
        x, step, buffer = args[k], steps[k], buffers + k * buffer_size
        if unforeseen(step) == size and count % lanes == 0:
            return x + start * size
        # A number is copied once.
        if step == 0:
            if start == 0:
                copy(x, step, buffer, np.int64(size), BLOCK)
        else:
            copy(x + start * step, step, buffer, np.int64(size), count)
            pad(buffer, count)
        return buffer

    @jit
    def target(k, args, steps, buffers, start, direct):
        if unforeseen(steps[k]) == size and direct:
            return args[k] + start * size
        return buffers + k * buffer_size

    @jit
    def settle_one(k, args, steps, buffers, start, count, direct, past_caches):
        if steps[k] != size or not direct:
            settle(buffers + k * buffer_size, args[k] + start * steps[k], steps[k], count, past_caches)
        return 0

    source_each, target_each, settle_each = (
        make_each([each] * count) for each, count in ((source, inputs), (target, outputs), (settle_one, outputs))
    )
    of_inputs, of_outputs = tuple(range(inputs)), tuple(range(inputs, operands))

    def loop(args, dimensions, steps, data):
        prefer_whole_registers()
        n, before = dimensions[0], status()
        buffers = stack(buffers_size)
        past_caches = max(n, data[0]) * size >= STREAM_FROM
        direct = not (past_caches or are_shared(args, steps, n))
        start, count = 0, min(-args[inputs] % LINE // size, n) if past_caches else 0
        while start < n:
            count = count if count else min(BLOCK, n - start)
            # Of the last elements, those that fill no vector go through buffers by themselves.
            count = count if count < lanes else count // lanes * lanes
            whole = direct and count % lanes == 0
            sources = source_each(of_inputs, args, steps, buffers, start, count)
            compute(sources, target_each(of_outputs, args, steps, buffers, start, whole), count)
            settle_each(of_outputs, args, steps, buffers, start, count, whole, past_caches)
            start, count = start + count, 0
        if past_caches:
            fence()
        restore_status(before)

    return loop


def lanes_of(operation: CustomOperation, dtype: str) -> int:
    """Return the lanes of the vectors that a function is computed of: 1 where a branch depends on an element, which LLVM
    makes selections of; and without AVX-512, as there is no register for the tables of the package's functions."""
    level, kind = current_level(), kind_of(dtype, operation.wide)
    lanes = level.lanes(4 if kind == "float32" else 8)
    if level is not AVX512:
        return 1
    number = real(kind, lanes)
    try:
        operation.function.get_call_template((number,) * len(operation.arrays), {})
    except NumbaError:
        return 1
    return lanes


def _make_compute(operation, dtype, lanes):
    """Return ``compute(sources, targets, count)``, of contiguous elements at so many addresses, of whole vectors."""
    kind = kind_of(dtype, operation.wide)
    function, number, element = operation.function, make_from_element(dtype, kind), make_to_element(dtype, kind, lanes)
    load, stores = (
        make_access(dtype, operation.results) if lanes == 1 else _make_vector_access(dtype, operation.results, lanes)
    )

    @jit
    def load_one(address, i):
        return number(load(address, i))

    load_each = make_each([load_one] * len(operation.arrays))
    if operation.results == 1:
        (store,) = stores

        @jit
        def put(targets, i, result):
            store(targets[0], i, element(result))
    else:

        def make_put(k):
            store = stores[k]

            @jit
            def put_one(address, i, results):
                store(address, i, element(results[k]))
                return 0

            return put_one

        put_each = make_each([make_put(k) for k in range(operation.results)])

        @jit
        def put(targets, i, result):
            put_each(targets, i, result)

    @jit
    def compute(sources, targets, count):
        for i in range(0, count, lanes):
            put(targets, i, function(*load_each(sources, i)))

    return compute


def _make_vector_access(dtype, outputs, lanes):
    """Return the functions of ``make_access``, of vectors."""
    size = itemsize(dtype)
    load_vector = make_load(Vector(from_dtype(np.dtype(STORED_AS[dtype])), lanes))

    @jit
    def load(address, i):
        return load_vector(address + i * size)

    @jit
    def put(address, i, vector):
        store(address + i * size, vector)

    return load, [put] * outputs


def _make_are_shared(inputs, outputs, size):
    """Return ``are_shared(args, steps, n)``: whether a result lies in memory of an input, or of another result."""

    @jit
    def are_shared(args, steps, n):
        shared = False
        for k in range(inputs, inputs + outputs):
            low, high = ends(args[k], steps[k], n, size)
            for j in range(inputs + outputs):
                other_low, other_high = ends(args[j], steps[j], n, size)
                shared = shared or (j != k and other_low < high and low < other_high)
        return shared

    return are_shared


def _make_copy(size):
    """Return ``copy(source, source_step, target, target_step, count)`` of elements of so many bytes."""
    element = make_pointer(BITS[size])

    @jit
    def copy(source, source_step, target, target_step, count):
        for i in range(count):
            element(target + i * target_step)[0] = element(source + i * source_step)[0]

    return copy


def _make_pad(size, lanes):
    """Return ``pad(buffer, count)``: fill a last vector up with its first element."""
    element = make_pointer(BITS[size])

    @jit
    def pad(buffer, count):
        elements, first = element(buffer), count // lanes * lanes
        if first < count:
            for i in range(count, first + lanes):
                elements[i] = elements[first]

    return pad


def _make_settle(size):
    """Return ``settle(buffer, y, step, count, past_caches)``: copy results from a buffer to where they belong."""
    copy = _make_copy(size)

    @jit
    def settle(buffer, y, step, count, past_caches):
        whole = 0
        if past_caches and step == size and y % LINE == 0:
            whole = count * size // LINE * LINE
            stream(y, buffer, whole)
        copy(buffer + whole, np.int64(size), y + whole // size * step, step, count - whole // size)

    return settle
