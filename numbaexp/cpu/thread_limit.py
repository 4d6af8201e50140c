"""How many threads a call may use: the fewest of

- those that Numba has for the calling thread (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``),
- ``OMP_NUM_THREADS`` and ``OMP_THREAD_LIMIT``, where ``NUMBA_NUM_THREADS`` is not given,
- the processors that the calling thread may run on now,
- those that the library of the arrays uses itself (``torch.set_num_threads``).
"""

import os

import numba
from numba import config, types

from numbaexp.cpu.library_limit import NO_LIMIT, of_call
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.jit import jit

_HAS_AFFINITY = hasattr(os, "sched_getaffinity")
# Bytes of the C library's cpu_set_t.
_MASK = 128


def numba_has_started() -> bool:
    """Tell whether Numba has started its threads."""
    try:
        numba.threading_layer()
    except ValueError:
        return False
    return True


def _number(variable: str) -> int | None:
    """Read a number of threads, of a list the outermost level's; None where there is none that OpenMP would take."""
    try:
        levels = [int(level) for level in os.environ.get(variable, "").split(",")]
    except ValueError:
        return None
    return levels[0] if min(levels) > 0 else None


def of_environment() -> int:
    """Return the threads that Numba and OpenMP are given by the environment."""
    given = config.NUMBA_NUM_THREADS
    if given != config.NUMBA_DEFAULT_NUM_THREADS or _number("NUMBA_NUM_THREADS") is not None:
        return given
    return min(given, *(_number(variable) or given for variable in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT")))


class NumbaAtMost:
    """Hand the limit of the library on to Numba inside a ``with`` statement: loops of ufuncs ask Numba alone."""

    _before: int | None = None

    def __enter__(self) -> None:
        if of_call.threads < NO_LIMIT and numba_has_started():
            before = numba.get_num_threads()
            if of_call.threads < before:
                self._before = before
                numba.set_num_threads(of_call.threads)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            numba.set_num_threads(self._before)


def processors() -> int:
    """Return how many processors this thread may run on."""
    return len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count() or NO_LIMIT


def threads() -> int:
    """Return how many threads a call in this thread may use."""
    of_numba = numba.get_num_threads() if numba_has_started() else config.NUMBA_NUM_THREADS
    return min(of_numba, of_environment(), processors(), of_call.threads)


# As Numba's own code declares the first.
get_num_threads = types.ExternalFunction("get_num_threads", types.intp())
set_num_threads = types.ExternalFunction("set_num_threads", types.void(types.int32))

_words = make_pointer("i8")

if _HAS_AFFINITY:
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
