"""The functions that run a kernel of rows on this thread, or on Numba's."""

from numba import prange

from numbaexp.cpu.compiled_threads import compiled_threads, get_num_threads, set_num_threads
from numbaexp.cpu.parallel import call_kernel


def shared(address, job, units, parts_each, limit):
    """Run the kernel at an address over so many units of work, in so many parts for each of Numba's threads, of which
    at most ``limit`` take part."""
    threads = compiled_threads(limit)
    parts = min(units, parts_each * threads)
    if threads == 1:
        call_kernel(address, job, 0, units)
    else:
        of_caller = get_num_threads()
        set_num_threads(threads)
        for part in prange(parts):
            call_kernel(address, job, units * part // parts, units * (part + 1) // parts)
        set_num_threads(of_caller)


def single(address, job, first, last):
    """Run the kernel at an address on the calling thread."""
    call_kernel(address, job, first, last)
