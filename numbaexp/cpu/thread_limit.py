"""How many threads a call may use: the fewest of

- those that Numba has for the calling thread (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``),
- ``OMP_NUM_THREADS`` and ``OMP_THREAD_LIMIT``, where ``NUMBA_NUM_THREADS`` is not given,
- the processors that the calling thread may run on now,
- those that the library of the arrays uses itself (``torch.set_num_threads``).
"""

import os
import sys

from numbaexp.cpu.library_limit import NO_LIMIT, of_call

_HAS_AFFINITY = hasattr(os, "sched_getaffinity")


def numba_has_started() -> bool:
    """Tell whether Numba has started its threads."""
    # Numba is for those who compile, or use its threads: small arrays do not wait for it.
    numba = sys.modules.get("numba")
    if numba is None:
        return False
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
    from numba import config

    given = config.NUMBA_NUM_THREADS
    if given != config.NUMBA_DEFAULT_NUM_THREADS or _number("NUMBA_NUM_THREADS") is not None:
        return given
    return min(given, *(_number(variable) or given for variable in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT")))


class NumbaAtMost:
    """Hand the limit of the library on to Numba inside a ``with`` statement: loops of ufuncs ask Numba alone."""

    _before: int | None = None

    def __enter__(self) -> None:
        if of_call.threads < NO_LIMIT and numba_has_started():
            import numba

            before = numba.get_num_threads()
            if of_call.threads < before:
                self._before = before
                numba.set_num_threads(of_call.threads)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import numba

            numba.set_num_threads(self._before)


def processors() -> int:
    """Return how many processors this thread may run on."""
    return len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count() or NO_LIMIT


def threads() -> int:
    """Return how many threads a call in this thread may use."""
    import numba
    from numba import config

    of_numba = numba.get_num_threads() if numba_has_started() else config.NUMBA_NUM_THREADS
    return min(of_numba, of_environment(), processors(), of_call.threads)
