"""Functions of rows in a call of XLA's: which kernels go through the rows, as in ``numbaexp.cpu.row_functions.run``."""

from numbaexp.cpu import row_job as at_job
from numbaexp.cpu import xla_state as at
from numbaexp.cpu.compiled_entry import word_at
from numbaexp.cpu.compiled_xla_frame import (
    ask,
    axes_of_call,
    buffer_of,
    data_of,
    function_of,
    kernels_of,
    size_of,
    words,
)
from numbaexp.cpu.parallel import call_kernel, call_shared
from numbaexp.cpu.room import allocated, allocated_zeros, release
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.jit import jit
from numbaexp.scalar.row_order import CHUNK

_JOB = 8 * at_job.PLACES

_shorts, _ints = make_pointer("u2"), make_pointer("u4")
# The bits of -infinity.
_OF_HALF, _OF_BFLOAT, _OF_FLOAT, _OF_DOUBLE = 0xFC00, 0xFF80, 0xFF800000, -(1 << 52)


@jit
def _new_job(address, inner, length):
    job = words(address)
    for place in range(at_job.PLACES):
        job[place] = 0
    job[at_job.INNER], job[at_job.LENGTH] = inner, length
    job[at_job.CHUNKS_OF_ROWS] = (length + CHUNK - 1) // CHUNK
    return job


@jit
def _put(job, base, address, outer, inner, along):
    """Tell kernels where an operand is, and its steps."""
    job[base] = address
    steps = at_job.STEPS + 3 * base
    job[steps], job[steps + 1], job[steps + 2] = outer, inner, along


@jit
def _put_of_rows(job, base, address, itemsize):
    _put(job, base, address, job[at_job.INNER] * itemsize, itemsize, 0)


@jit
def _run_pass(state, frame, index, of_type, variant, job, units, on_all):
    kernels, error = kernels_of(state, index, of_type), 0
    if kernels[variant] == 0:
        error = ask(state, frame, index, of_type, variant)
    if error == 0:
        limit, shared = words(words(state)[at.RUNNING])[0], words(words(state)[at.SHARED])[0]
        if on_all and units > 1 and limit > 1 and shared:
            call_shared(shared, kernels[variant], job, units, at_job.PARTS, limit)
        else:
            call_kernel(kernels[variant], job, 0, units)
    return error


@jit
def _run_passes(state, frame, index, of_type, address, first, count, blocks, on_all):
    """Run the passes over chunks, from the one of a number on."""
    job, error, chunks = words(address), 0, words(address)[at_job.CHUNKS_OF_ROWS]
    padded = (chunks + at_job.TILE - 1) // at_job.TILE * at_job.TILE
    partial_sums = allocated_zeros(job, 8 * count * 4 * padded)
    if partial_sums == 0:
        return error
    job[at_job.KNOWN] = partial_sums
    for number in range(first, first + at.PASSES):
        unit = function_of(state, index)[at.UNITS + number]
        units = count if unit == at.OF_ROWS else chunks * (count if unit == at.OF_CHUNKS else blocks)
        if error == 0:
            error = _run_pass(state, frame, index, of_type, at.BY_CHUNKS + number, address, units, on_all)
    release(partial_sums)
    return error


@jit
def _run_job(state, frame, index, of_type, address, outer, contiguous, on_all):
    function, job = function_of(state, index), words(address)
    inner, length, chunks = job[at_job.INNER], job[at_job.LENGTH], job[at_job.CHUNKS_OF_ROWS]
    count, blocks = outer * inner, outer * ((inner + at_job.BATCH - 1) // at_job.BATCH)
    batched = inner >= at_job.BATCHED_FROM and not (contiguous and length >= at_job.ALONE_FROM)
    first = at.PASSES if batched and chunks > 1 else 0
    if function[at.UNITS + first] and (first or chunks > at_job.KEPT):
        return _run_passes(state, frame, index, of_type, address, first, count, blocks, on_all)
    if function[at.IS_BATCHED] and batched and chunks == 1:
        return _run_pass(state, frame, index, of_type, at.BATCHED, address, blocks, on_all)
    return _run_pass(state, frame, index, of_type, at.BY_ROW, address, count, on_all)


@jit
def _widened(state, frame, index, of_type, job, address, itemsize, count):
    """Return the address of the numbers of rows in float64, or 0; and an error, or 0."""
    room, of_numbers = allocated(job, 8 * count), stack(_JOB)
    if room == 0:
        return room, room
    widening = _new_job(of_numbers, count, 1)
    _put(widening, at_job.X, address, 0, itemsize, 0)
    _put(widening, at_job.Y, room, 0, 8, 0)
    return room, _run_pass(state, frame, index, of_type, at.WIDENED, of_numbers, count, False)


@jit
def _fill(y, count, itemsize, of_type):
    """Fill results of rows without elements, which are -infinity."""
    for i in range(count):
        if itemsize == 8:
            words(y)[i] = _OF_DOUBLE
        elif itemsize == 4:
            _ints(y)[i] = _OF_FLOAT
        else:
            _shorts(y)[i] = _OF_BFLOAT if of_type == 3 else _OF_HALF


@jit
def run_rows(state, frame, index, of_type, itemsize, size):
    """Compute a function of rows; return an error, or 0."""
    function, arguments, y = function_of(state, index), frame + at.ARGUMENTS, data_of(frame + at.RESULTS, 0)
    x, last = buffer_of(arguments, function[at.ARRAYS] - 1), function[at.ARRAYS] - 1
    first, after = axes_of_call(frame, x)
    if first < 0:
        return ask(state, frame, at.NO_SUCH_CALL, 0, 0)
    outer, inner = size_of(x, 0, first), size_of(x, after, word_at(x + at.RANK))
    length, along = size_of(x, first, after), inner * itemsize
    if size == 0:
        if function[at.KIND] == at.REDUCTION:
            _fill(y, outer * inner, itemsize, of_type)
        return 0
    # As few dimensions of rows as there are.
    apart, by = itemsize, length * along
    if inner == 1:
        outer, inner, apart = 1, outer, by
    address = stack(_JOB)
    job, scaled = _new_job(address, inner, length), function[at.KIND] == at.SCALED
    source = data_of(arguments, last) if scaled else data_of(arguments, 0)
    _put(job, at_job.X, source, by, apart, along)
    _put(job, at_job.W, data_of(arguments, last), by, apart, along)
    _put(job, at_job.Y, y, by, apart, along)
    if function[at.KIND] == at.REDUCTION:
        _put_of_rows(job, at_job.Y, y, itemsize)
    factors, error = 0, 0
    if scaled:
        factors, error = _widened(state, frame, index, of_type, job, data_of(arguments, 0), itemsize, outer * inner)
        _put_of_rows(job, at_job.EXTRA, factors, 8)
    if error == 0 and job[at_job.FAILED] == 0:
        on_all = size >= at_job.SHARED_FROM
        error = _run_job(state, frame, index, of_type, address, outer, along == itemsize, on_all)
    if factors:
        release(factors)
    return ask(state, frame, at.NO_MEMORY, 0, 0) if error == 0 and job[at_job.FAILED] else error
