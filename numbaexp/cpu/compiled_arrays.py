"""Walks over arrays of any strides, which users' compiled code calls: by the loop of a ufunc, or by kernels of rows.

Both are told where arrays are as ``numbaexp.cpu.array_call`` says, and return 0, or 1 where there was no memory.
"""

import numpy as np

from numbaexp.cpu import array_call as at
from numbaexp.cpu import row_job as at_job
from numbaexp.cpu.parallel import POINTERS_SIZE, call_kernel, pass_on
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.jit import jit
from numbaexp.scalar.row_order import CHUNK

_words = make_pointer(np.intp)
_LENGTHS, _STEPS, _JOB = 8 * at.MOST, 8 * at.MOST * at.MOST_ARRAYS, 8 * at_job.PLACES

# A loop over fewer elements takes no longer than its call: the longest dimension is taken instead of the innermost.
_FEW = 16


@jit
def _address(call, array):
    return at.SHAPE + call[at.NDIM] + array * (1 + call[at.NDIM])


@jit
def _step(call, array, axis):
    """Return the stride of an array along an axis of the first one."""
    is_of_rows = call[at.IS_REDUCTION] and array == call[at.ARRAYS] - 1
    return call[_address(call, array) + 1 + axis - (1 if is_of_rows and axis > call[at.AXIS] else 0)]


@jit
def _dimensions(call, lengths, steps):
    """Put the lengths of all dimensions but the axis, and the steps of each array along them, from the innermost on,
    merged as far as all arrays let them be; return how many they are."""
    count, arrays = 0, call[at.ARRAYS]
    for axis in range(call[at.NDIM] - 1, -1, -1):
        length = call[at.SHAPE + axis]
        if axis != call[at.AXIS] and length != 1:
            goes_on = count > 0
            for k in range(arrays):
                before = k * at.MOST + count - 1
                goes_on = goes_on and _step(call, k, axis) == steps[before] * lengths[count - 1]
            if goes_on:
                lengths[count - 1] *= length
            else:
                lengths[count] = length
                for k in range(arrays):
                    steps[k * at.MOST + count] = _step(call, k, axis)
                count += 1
    return count


@jit
def _pad(call, lengths, steps, count, wanted):
    """Add dimensions of one element until there are as many as wanted."""
    for dimension in range(count, wanted):
        lengths[dimension] = 1
        for k in range(call[at.ARRAYS]):
            steps[k * at.MOST + dimension] = 0
    return max(count, wanted)


@jit
def _put_longest_first(call, lengths, steps, count):
    longest = 0
    for dimension in range(count):
        longest = dimension if lengths[dimension] > lengths[longest] else longest
    lengths[0], lengths[longest] = lengths[longest], lengths[0]
    for k in range(call[at.ARRAYS]):
        first, other = k * at.MOST, k * at.MOST + longest
        steps[first], steps[other] = steps[other], steps[first]


@jit
def _pieces(lengths, first, count):
    pieces = 1
    for dimension in range(first, count):
        pieces *= lengths[dimension]
    return pieces


@jit
def _of_piece(call, piece, lengths, steps, first, count, pointers):
    """Put the addresses of a piece, the number of which counts the dimensions from ``first`` on."""
    for k in range(call[at.ARRAYS]):
        pointers[k] = call[_address(call, k)]
    for dimension in range(first, count):
        index, piece = piece % lengths[dimension], piece // lengths[dimension]
        for k in range(call[at.ARRAYS]):
            pointers[k] += index * steps[k * at.MOST + dimension]


def elements(call_address):
    """Run the loop of a ufunc over all elements."""
    call, lengths, steps = _words(call_address), _words(stack(_LENGTHS)), _words(stack(_STEPS))
    pointers, inner, total = _words(stack(POINTERS_SIZE)), _words(stack(POINTERS_SIZE)), _words(stack(8))
    count = _pad(call, lengths, steps, _dimensions(call, lengths, steps), 1)
    if lengths[0] < _FEW:
        _put_longest_first(call, lengths, steps, count)
    pieces = _pieces(lengths, 1, count)
    total[0] = pieces * lengths[0]
    for k in range(call[at.ARRAYS]):
        inner[k] = steps[k * at.MOST]
    for piece in range(pieces):
        _of_piece(call, piece, lengths, steps, 1, count, pointers)
        pass_on(call[at.FIRST], pointers, lengths, inner, total)
    return 0


@jit
def _put(job, base, address, inner, outer, along):
    job[base] = address
    steps = at_job.STEPS + 3 * base
    job[steps], job[steps + 1], job[steps + 2] = outer, inner, along


def rows(call_address):
    """Run kernels of rows over all rows along the axis: one for a row at a time, or one for batched rows."""
    call, lengths, steps = _words(call_address), _words(stack(_LENGTHS)), _words(stack(_STEPS))
    pointers, address = _words(stack(POINTERS_SIZE)), stack(_JOB)
    count = _pad(call, lengths, steps, _dimensions(call, lengths, steps), 2)
    job, axis, inner, outer = _words(address), call[at.AXIS], lengths[0], lengths[1]
    length, along = call[at.SHAPE + axis], _step(call, 0, axis)
    to = 0 if call[at.IS_REDUCTION] else _step(call, 1, axis)
    for place in range(at_job.PLACES):
        job[place] = 0
    job[at_job.LENGTH], job[at_job.INNER] = length, inner
    job[at_job.CHUNKS_OF_ROWS] = (length + CHUNK - 1) // CHUNK
    is_plain = along == call[at.ITEMSIZE] and length >= at_job.ALONE_FROM
    is_batched = inner >= at_job.BATCHED_FROM and length <= CHUNK and not is_plain
    kernel = call[at.SECOND if is_batched else at.FIRST]
    units = outer * ((inner + at_job.BATCH - 1) // at_job.BATCH if is_batched else inner)
    for piece in range(_pieces(lengths, 2, count)):
        _of_piece(call, piece, lengths, steps, 2, count, pointers)
        _put(job, at_job.X, pointers[0], steps[0], steps[1], along)
        _put(job, at_job.Y, pointers[1], steps[at.MOST], steps[at.MOST + 1], to)
        call_kernel(kernel, address, 0, units)
    return job[at_job.FAILED]
