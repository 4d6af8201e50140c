"""The fast path of functions of rows, on each target of the CPU."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.once import LOCK
from numbaexp.target import AUTO, CPU, PARALLEL, TARGETS, current_target

_NEVER = np.iinfo(np.intp).max


class FastRows:
    """Compute a function along the last axis of contiguous arrays."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._by_target: dict[str, Callable[..., bool | None]] = dict.fromkeys(TARGETS, self._compute_first)
        self._states: dict[str, np.ndarray] = {}

    def compute(self, *arrays: Any) -> bool | None:
        """Compute ``(x, result)``, or ``(x, w, result)``, if these are contiguous arrays of one shape and type; tell
        whether they were."""
        done = self._by_target[current_target()](*arrays)
        return self._compile(arrays) if done is None else done

    def _compute_first(self, *arrays: Any) -> bool | None:
        target = current_target()
        # Compiling is for those who call; importing the package is not to wait for it.
        with LOCK:
            from numbaexp.cpu import row_entry, row_job

            # Elements from which all threads are used.
            shared_from = {AUTO: row_job.SHARED_FROM, CPU: _NEVER, PARALLEL: 1}
            if target not in shared_from:
                return False
            if target not in self._states:
                call, self._states[target] = row_entry.make_fast_path(self._name, shared_from[target])
                self._by_target[target] = call
        return self._by_target[target](*arrays)

    def _compile(self, arrays: tuple[Any, ...]) -> bool | None:
        from numbaexp.cpu import row_entry

        target = current_target()
        row_entry.compile_for(self._name, self._states[target], arrays[0])
        return self._by_target[target](*arrays)


@functools.cache
def fast_rows(name: str) -> FastRows:
    """Return the fast path of a function of ``numbaexp.cpu.row_functions``."""
    return FastRows(name)
