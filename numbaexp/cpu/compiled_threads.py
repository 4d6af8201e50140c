"""How many threads a call may use, asked by compiled code; see ``numbaexp.cpu.thread_limit``."""

import os

from numba import types

from numbaexp.cpu.library_limit import NO_LIMIT
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.jit import jit

# Bytes of the C library's cpu_set_t.
_MASK = 128

# As Numba's own code declares the first.
get_num_threads = types.ExternalFunction("get_num_threads", types.intp())
set_num_threads = types.ExternalFunction("set_num_threads", types.void(types.int32))

_words = make_pointer("i8")

if hasattr(os, "sched_getaffinity"):
    _get_affinity = types.ExternalFunction("sched_getaffinity", types.int32(types.int32, types.intp, types.intp))

    @jit
    def _processors():
        mask = stack(_MASK)
        if _get_affinity(0, _MASK, mask):  # there are more processors than a mask has bits
            return NO_LIMIT
        count = 0
        for i in range(_MASK // 8):
            word = _words(mask)[i]
            while word:
                word &= word - 1
                count += 1
        return count

else:

    @jit
    def _processors():
        return NO_LIMIT


@jit
def compiled_threads(limit):
    """Return the fewest of ``limit``, Numba's threads and the processors; once Numba has started its threads."""
    return min(limit, get_num_threads(), _processors())
