"""Which loop does the work of the ``auto`` and ``parallel`` ufuncs: one thread's, or the one on all of Numba's threads.

Two of Numba's threading layers end the process: GNU OpenMP where a forked child enters a parallel region after its
parent has, the workqueue where two threads enter one at once. So Numba's threads are used under "omp" and "tbb"
alone, and only in a process that is known to have started them. Elsewhere Python's threads do the work
(``numbaexp.cpu.blocks``).
"""

import functools
import os

import numba
import numpy as np

from numbaexp.cpu import parallel
from numbaexp.cpu.compile import compile_loop

_SAFE_LAYERS = ("omp", "tbb")

# One array for each type of each ufunc, which its loop reads through a data pointer: 0, in the place where the serial
# loop looks for what it is a part of; the address of the loop to run, that of the serial loop, the fewest elements to
# share among threads, the size of one, and the number of inputs. They live as long as the process.
_cells: list[np.ndarray] = []
_keep_alive: list[np.ndarray] = []


def _numba_has_started_threads():
    try:
        numba.threading_layer()
    except ValueError:
        return False
    return True


# Threads that were started before this module was imported may be those of a parent process.
_maybe_inherited = _numba_has_started_threads()
_running = False
# The same, for compiled code: 1 or 0.
RUNNING = np.zeros(1, np.intp)


def start():
    """Use Numba's threads from now on, if they are safe here; says whether they are."""
    global _running
    if not _running and not _maybe_inherited:
        numba.get_num_threads()
        if numba.threading_layer() in _SAFE_LAYERS:
            for cell in _cells:
                cell[1] = _parallel_loop().address
            _running = True
            RUNNING[0] = 1
    return _running


def _after_fork_in_child():
    global _running, _maybe_inherited
    _running = False
    RUNNING[0] = 0
    _maybe_inherited = _maybe_inherited or _numba_has_started_threads()
    for cell in _cells:
        cell[1] = cell[2]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@functools.cache
def _parallel_loop():
    return compile_loop(parallel.parallel_loop, parallel.SIGNATURE, "parallel", parallel=True)


@functools.cache
def _current_loop():
    return compile_loop(parallel.current_loop, parallel.SIGNATURE, "current")


def switched_loop(serial, threshold, itemsize, inputs):
    """(address, data pointer) of a loop that runs the one at address ``serial``, on all threads once these may be
    used."""
    current = _parallel_loop().address if _running else serial
    cell = np.array([0, current, serial, threshold, itemsize, inputs], np.intp)
    _cells.append(cell)
    return _current_loop().address, cell.ctypes.data


def single_loop(serial):
    """(address, data pointer) of a loop that runs the one at address ``serial`` on the calling thread."""
    cell = np.array([0, serial], np.intp)
    _keep_alive.append(cell)
    return _current_loop().address, cell.ctypes.data
