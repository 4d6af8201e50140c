"""Choose the loop that the ``auto`` and ``parallel`` ufuncs run: one thread's, or the one on Numba's threads.

Two of Numba's threading layers end the process: GNU OpenMP where a forked child enters a parallel region after its
parent has, the workqueue where two threads enter one at once. So Numba's threads are used under "omp" and "tbb"
alone, and only in a process that is known to have started them. Elsewhere Python's threads do the work
(``numbaexp.cpu.blocks``).
"""

import ctypes
import functools
import importlib
import os
import threading
from typing import Any

import numpy as np

from numbaexp.cpu import thread_limit
from numbaexp.cpu.compile import LOOP, compile_kernel
from numbaexp.once import LOCK

SAFE_LAYERS = ("omp", "tbb")

# One array for each type of each ufunc, which its loop reads through a data pointer: 0, at the index where the serial
# loop looks for what it is a part of; the address of the loop to run, that of the serial loop, or of ``first_loop``
# until that is compiled, the fewest elements to share among threads, the size of one, the number of inputs, the most
# threads, what compiles, what the loop calls, and the number of results. They live as long as the process.
_cells: list[np.ndarray] = []
_keep_alive: list[Any] = []

# Threads that were started before this module was imported may be those of a parent process.
_maybe_inherited = thread_limit.numba_has_started()
_running = False
_starting = threading.Lock()
# For compiled code: how many threads the environment allows, or 0 where several of Numba's may not be used.
RUNNING = np.zeros(1, np.intp)


def start():
    """Use Numba's threads from now on, if they are safe here and more than one may run.

    Returns whether a loop of a ufunc now uses all threads that it may.
    """
    global _running
    if not _running:
        # What another thread was importing when a process was forked, its child could not import.
        with LOCK:
            import numba
    if not _running and thread_limit.threads() == 1:
        if thread_limit.of_environment() == 1:
            RUNNING[0] = 1
        return True
    if not _running and not _maybe_inherited:
        launch()
        if numba.threading_layer() in SAFE_LAYERS:
            limit, first = thread_limit.of_environment(), compiled_first_loop().address
            with LOCK:
                for cell in _cells:
                    cell[6] = limit
                    if cell[2] != first:
                        cell[1] = compiled_parallel_loop().address
                _running = True
            RUNNING[0] = limit
    return _running


def launch():
    """Have Numba start its threads, if it has not, and let no process wait for them at exit."""
    import numba

    with _starting:
        if not thread_limit.numba_has_started():
            openmp: Any = ctypes.CDLL(None) if os.name == "posix" else None
            before = openmp.omp_get_max_threads() if hasattr(openmp, "omp_get_max_threads") else None
            numba.get_num_threads()
            if numba.threading_layer() == "omp" and before is not None:
                # Numba sets OpenMP's number of threads for all that this thread calls, PyTorch's functions among them.
                openmp.omp_set_num_threads(before)
        if numba.threading_layer() == "tbb":
            _keep_tbb()


@functools.cache
def _keep_tbb():
    """Keep Numba's layer of oneTBB loaded at exit.

    Where that is unloaded it waits for threads: on a single processor for one that takes its first task, and in a child
    that was forked where another thread had started it, for threads of the parent.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(importlib.import_module("numba.np.ufunc.tbbpool")))


def _after_fork_in_child():
    global _running, _maybe_inherited, _starting
    _running = False
    _starting = threading.Lock()
    RUNNING[0] = 0
    _maybe_inherited = _maybe_inherited or thread_limit.numba_has_started()
    for cell in _cells:
        cell[1] = cell[2]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@functools.cache
def compiled_parallel_loop():
    return compile_kernel("parallel", "parallel.parallel_loop", LOOP, parallel=True)


@functools.cache
def compiled_current_loop():
    return compile_kernel("current", "parallel.current_loop", LOOP)


@functools.cache
def compiled_first_loop():
    return compile_kernel("first", "parallel.first_loop", LOOP)


def switched_loop(make, threshold, itemsize, inputs, results=1):
    """(address, data pointer) of a loop that runs the one that ``make()`` compiles when it is first called, on all
    threads once these may be used."""
    cell = _new_cell(make, threshold, itemsize, inputs, results, shared=True)
    _cells.append(cell)
    return compiled_current_loop().address, cell.ctypes.data


def single_loop(make, called=None):
    """Return (address, data pointer) of a loop that runs the one that ``make()`` compiles on the calling thread, and
    which may call a Python object."""
    return compiled_current_loop().address, _new_cell(make, 0, 0, 0, 0, shared=False, called=called).ctypes.data


def _new_cell(make, threshold, itemsize, inputs, results, shared, called=None):
    first = compiled_first_loop().address

    def compile_now():
        with LOCK:
            if cell[2] == first:
                cell[2] = make().address
                cell[1] = compiled_parallel_loop().address if shared and _running else cell[2]

    ours = [0, first, first, threshold, itemsize, inputs, RUNNING[0], id(compile_now), id(called), results]
    cell = np.array(ours, np.intp)
    _keep_alive.append((cell, compile_now, called))
    return cell
