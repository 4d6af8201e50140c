"""Warp shuffles: values that the lanes of a warp exchange.

As in ``numbaexp.cuda.memory`` each function is written twice: in Python, for the simulator, whose lanes are threads of
the host; and as the instruction of a GPU. Every lane of a warp calls it.
"""

import threading
from typing import Any

from numba import cuda

from numbaexp.cuda.jit import overload
from numbaexp.scalar.row_order import LANES

_ALL_LANES = 0xFFFFFFFF
# In seconds, for simulated lanes: one that does not come has failed, or has taken another branch.
_PATIENCE = 60


class _Exchange:
    """A double-buffered barrier exchange of the lanes of a simulated warp: a lane that still reads one buffer is not
    disturbed by lanes that write to the other."""

    def __init__(self):
        self.barrier = threading.Barrier(LANES)
        self.buffers = [None] * LANES, [None] * LANES
        self.turns = [0] * LANES

    def exchanged(self, value, lane, source):
        turn = self.turns[lane]
        self.turns[lane] = 1 - turn
        self.buffers[turn][lane] = value
        self.barrier.wait(_PATIENCE)
        return self.buffers[turn][source]


_exchanges: list[_Exchange] = []


def start_exchanges(warps: int) -> None:
    """Prepare a simulated launch of blocks of so many warps: lanes of one that failed may still wait."""
    _exchanges[:] = [_Exchange() for _ in range(warps)]


def _exchanged(value, source_of):
    # Of the simulator's blocks one runs at a time.
    thread: Any = threading.current_thread()
    warp, lane = divmod(thread.thread_id, LANES)
    return _exchanges[warp].exchanged(value, lane, source_of(lane))


def above(value, distance):
    """Return the value of the lane so far above; where there is none, any."""
    return _exchanged(value, lambda lane: min(lane + distance, LANES - 1))


def of_first(value):
    """Return the value of lane 0."""
    return _exchanged(value, lambda lane: 0)


@overload(above)
def _(value, distance):
    return lambda value, distance: cuda.shfl_down_sync(_ALL_LANES, value, distance)


@overload(of_first)
def _(value):
    return lambda value: cuda.shfl_sync(_ALL_LANES, value, 0)
