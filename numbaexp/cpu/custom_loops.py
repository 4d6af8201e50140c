"""The inner loop of a NumPy ufunc of a function that a user has written, of any number of inputs and results."""

import functools
from typing import Any

import numpy as np

from numbaexp.cpu.custom_compute import lanes_of, make_compute
from numbaexp.cpu.flags import restore_status, status, unforeseen
from numbaexp.cpu.parallel import ends
from numbaexp.cpu.pieces import STREAM_FROM
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.streaming import LINE, fence, stream
from numbaexp.cpu.variants import prefer_whole_registers
from numbaexp.custom.operation import CustomOperation
from numbaexp.jit import jit
from numbaexp.scalar.forms import BITS, itemsize
from numbaexp.unrolled import make_each

# Elements a block: buffers of a dozen operands stay in the first cache.
BLOCK = 512


def make_loop(operation: CustomOperation, dtype: str) -> Any:
    """Return a Python function that compiles to the inner loop of a function, with ``numbaexp.cpu.compile.LOOP``.

    ``data[0]`` is the number of elements of which this is a part, or 0. Blocks of inputs whose elements do not follow
    each other go through contiguous buffers, and so do results that do not, that lie in memory of an input, or that go
    past the caches. Of a function of two inputs ``reduce`` and ``accumulate`` give results that are inputs of what
    follows: there a block is one element. No floating-point flag is raised: LLVM computes both sides of a branch.
    """
    size, inputs, outputs = itemsize(dtype), len(operation.arrays), operation.results
    lanes, operands = lanes_of(operation, dtype), inputs + outputs
    compute, are_shared = make_compute(operation, dtype, lanes), _make_are_shared(inputs, outputs, size)
    source_each, target_each, settle_each = _make_operands(size, inputs, outputs, lanes)
    buffers_size, of_inputs, of_outputs = operands * BLOCK * size, tuple(range(inputs)), tuple(range(inputs, operands))

    def loop(args, dimensions, steps, data):
        prefer_whole_registers()
        n, before = dimensions[0], status()
        buffers = stack(buffers_size)
        past_caches = max(n, data[0]) * size >= STREAM_FROM
        direct = not (past_caches or are_shared(args, steps, n))
        block = 1 if inputs == 2 and outputs == 1 and is_recursive(args, steps) else BLOCK
        start, count = 0, min(-args[inputs] % LINE // size, n) if past_caches else 0
        while start < n:
            count = count if count else min(block, n - start)
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


@jit
def is_recursive(args, steps):
    """Tell whether the first of two inputs is the result of the element before."""
    return steps[0] == steps[2] and args[0] + steps[0] == args[2]


# These are cached, for Numba compiles a function anew that is made anew.
@functools.cache
def _make_operands(size, inputs, outputs, lanes):
    """Return functions of the indices of operands, and of what the loop has.

    The first returns the addresses of a block of each input, in whole vectors; the second those that its results are
    written to; the third puts those where they belong.
    """
    buffer_size, copy, pad, settle = BLOCK * size, _make_copy(size), _make_pad(size, lanes), _make_settle(size)

    @jit
    def source(k, args, steps, buffers, start, count):
        x, step, buffer = args[k], steps[k], buffers + k * buffer_size
        if unforeseen(step) == size and count % lanes == 0:
            return x + start * size
        # A number is copied once, unless that is a result.
        if step == 0:
            if start == 0 or count == 1:
                copy(x, step, buffer, np.int64(size), BLOCK if start == 0 else lanes)
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

    counted = (source, inputs), (target, outputs), (settle_one, outputs)
    return tuple(make_each([each] * count) for each, count in counted)


@functools.cache
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


@functools.cache
def _make_copy(size):
    """Return ``copy(source, source_step, target, target_step, count)`` of elements of so many bytes."""
    element = make_pointer(BITS[size])

    @jit
    def copy(source, source_step, target, target_step, count):
        for i in range(count):
            element(target + i * target_step)[0] = element(source + i * source_step)[0]

    return copy


@functools.cache
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


@functools.cache
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
