"""What a kernel of rows is told: ``kernel(job, first, last)``, for the units of work from ``first`` on.

``job`` is the address of the arguments, as int64, at the places below; rows are counted in two dimensions, of which the
second has ``INNER``.
"""

from numba import types

from numbaexp.cpu.row_memory import TILE, part
from numbaexp.scalar.rows import CHUNK

SIGNATURE = types.void(types.intp, types.intp, types.intp)

# Addresses of one or two arguments, the result, and what is given or made for each row.
X, W, Y, EXTRA = range(4)
# The address of what is known of chunks; lengths.
KNOWN, LENGTH, INNER, CHUNKS_OF_ROWS = range(4, 8)
# Steps in bytes: of each of the first four along the outer and the inner dimension of the rows, and along a row.
STEPS = 8
X_OUTER, X_INNER, X_STEP, W_OUTER, W_INNER, W_STEP = range(STEPS, STEPS + 6)
Y_OUTER, Y_INNER, Y_STEP, EXTRA_OUTER, EXTRA_INNER, EXTRA_STEP = range(STEPS + 6, STEPS + 12)
# The address of numbers along a row, float64, and of constants.
ALONG, CONSTANTS = STEPS + 12, STEPS + 13

# Bytes of a chunk's values and of a tile's.
CHUNK_BYTES, TILE_BYTES = 8 * CHUNK, 8 * TILE


@part
def steps_of(base):
    """The places of the outer and the inner step of what is at the place ``base``."""
    return STEPS + 3 * base, STEPS + 3 * base + 1


@part
def row_at(j, row, base):
    """The address of a row of what is at the place ``base``."""
    outer, inner = steps_of(base)
    of_inner = j[INNER]
    # A division takes the time of a dozen elements.
    if row < of_inner:
        return j[base] + row * j[inner]
    return j[base] + row // of_inner * j[outer] + row % of_inner * j[inner]
