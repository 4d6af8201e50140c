"""The kernel that makes numbers of rows float64, as other kernels take them."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, row_at
from numbaexp.scalar.row_arithmetic import PAIRED

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_widened(dtype):
    """Make the kernel of one element for each row."""
    memory = make_row_memory(dtype, PAIRED)
    element, to_value = make_pointer(memory.stored_as), memory.to_value

    def widened(job, first, last):
        j = _int(job)
        for row in range(first, last):
            _float(row_at(j, row, at.Y))[0] = to_value(element(row_at(j, row, at.X))[0])

    return widened
