"""Kernels of the logarithms of a softmax at selected places of each row, and of their gradient; see
``numbaexp.cpu.rows``. The statistics of a row are a record of ``numbaexp.scalar.selection_record`` at ``EXTRA``."""

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu.room import allocated_zeros, release
from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
from numbaexp.cpu.row_logs import make_write_logs
from numbaexp.cpu.row_memory import make_pointer, make_row_memory, row_at, stack
from numbaexp.scalar import loss_record as selected
from numbaexp.scalar import selection_record as record
from numbaexp.scalar.row_arithmetic import arithmetic_of
from numbaexp.scalar.row_order import CHUNK
from numbaexp.scalar.selection import gradient

_int = make_pointer(np.int64)
_float = make_pointer(np.float64)


def make_logs(dtype):
    """Make the kernel of the logarithms of the softmax of elements, which were selected from the rows before."""
    write_logs = make_write_logs(dtype)

    def logs(job, first, last):
        j = _int(job)
        length, x_step, y_step = j[at.LENGTH], j[at.X_STEP], j[at.Y_STEP]
        scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
        for row in range(first, last):
            x, y, of_row = row_at(j, row, at.X), row_at(j, row, at.Y), _float(row_at(j, row, at.EXTRA))
            top, log, log_low = of_row[record.GREATEST], of_row[record.LOGARITHM], of_row[record.LOGARITHM_LOW]
            for start in range(0, length, CHUNK):
                count = min(CHUNK, length - start)
                here, out = x + start * x_step, y + start * y_step
                write_logs(here, count, x_step, top, log, log_low, out, y_step, scratch, tile)

    return logs


def make_gradients(dtype):
    """Make the kernel of the gradient of the elements that are selected, of which ``W`` has the records."""
    memory = make_row_memory(dtype, arithmetic_of(dtype))
    element, to_value, rounded = make_pointer(memory.stored_as), memory.to_value, memory.rounded

    def gradients(job, first, last):
        j = _int(job)
        x_step, y_step = j[at.X_STEP], j[at.Y_STEP]
        room = allocated_zeros(j, 8 * j[at.LENGTH])
        if room == 0:
            return
        # Of each element the sum of its gradients: it may have been selected several times.
        sums = _float(room)
        for row in range(first, last):
            x, w, y = row_at(j, row, at.X), row_at(j, row, at.W), row_at(j, row, at.Y)
            of_row = _float(row_at(j, row, at.EXTRA))
            count, w_step = np.int64(of_row[record.COUNT]), np.int64(8.0 * of_row[record.STEP])
            for k in range(count):
                chosen = _float(w + k * w_step)
                sums[np.int64(chosen[selected.PLACE])] += chosen[selected.PART]
            for k in range(count):
                i = np.int64(_float(w + k * w_step)[selected.PLACE])
                result = gradient(
                    np.float64(to_value(element(x + i * x_step)[0])),
                    of_row[record.GREATEST],
                    of_row[record.LOGARITHM],
                    of_row[record.LOGARITHM_LOW],
                    sums[i],
                    of_row[record.TOTAL],
                    of_row[record.TOTAL_LOW],
                )
                element(y + i * y_step)[0] = rounded(result)
            for k in range(count):
                sums[np.int64(_float(w + k * w_step)[selected.PLACE])] = 0.0
        release(room)

    return gradients
