"""What the lanes of a warp tell each other.

As in ``numbaexp.cuda.memory`` each function is written twice: as what it means, in Python, for the simulator, whose
lanes are threads of the host; and as the instruction that it is on a GPU. Every lane of a warp calls it.
"""

import threading
from typing import Any

from numba import cuda

from numbaexp.cuda.jit import overload
from numbaexp.scalar.row_order import LANES

_ALL_LANES = 0xFFFFFFFF
# In seconds, for simulated lanes: one that does not come has failed, or has gone another way.
_PATIENCE = 60


class _Meeting:
    """Of the lanes of a simulated warp, again and again, in two rooms by turns: who still listens in one is not
    disturbed by who speaks in the other."""

    def __init__(self):
        self.barrier = threading.Barrier(LANES)
        self.rooms = [None] * LANES, [None] * LANES
        self.turns = [0] * LANES

    def exchanged(self, value, lane, source):
        turn = self.turns[lane]
        self.turns[lane] = 1 - turn
        self.rooms[turn][lane] = value
        self.barrier.wait(_PATIENCE)
        return self.rooms[turn][source]


_meetings: list[_Meeting] = []


def meet_anew(warps: int) -> None:
    """Before a simulated launch of blocks of so many warps: lanes of one that failed may still wait."""
    _meetings[:] = [_Meeting() for _ in range(warps)]


def _exchanged(value, source_of):
    # Of the simulator's blocks one runs at a time.
    thread: Any = threading.current_thread()
    warp, lane = divmod(thread.thread_id, LANES)
    return _meetings[warp].exchanged(value, lane, source_of(lane))


def above(value, distance):
    """The value of the lane so far above; where there is none, any."""
    return _exchanged(value, lambda lane: min(lane + distance, LANES - 1))


def of_first(value):
    """The value of lane 0."""
    return _exchanged(value, lambda lane: 0)


@overload(above)
def _(value, distance):
    return lambda value, distance: cuda.shfl_down_sync(_ALL_LANES, value, distance)


@overload(of_first)
def _(value):
    return lambda value: cuda.shfl_sync(_ALL_LANES, value, 0)
