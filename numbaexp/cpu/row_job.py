"""What a kernel of rows is told: ``kernel(job, first, last)``, for the units of work from ``first`` on.

``job`` is the address of the arguments, as int64, at the places below; rows are counted in two dimensions, of which the
second has ``INNER``.
"""

from numbaexp.scalar.row_order import CHUNK, LANES

SIGNATURE = "void(intp, intp, intp)"

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
# Not 0 once a kernel has found no memory.
FAILED = STEPS + 14
PLACES = STEPS + 15

# Elements a tile: a vector of the lanes of the sum. Loops over as many need neither a check of their length nor a
# remainder.
TILE = LANES
# Chunks of which the exponentials of a whole row are kept, in memory that the second-level cache holds.
KEPT = 16
# Rows that are gone through together: as many as lanes, so that what adds up lanes adds up rows.
BATCH = LANES
# Elements of a contiguous row from which it is gone through alone; fewer rows than these are not batched.
ALONE_FROM, BATCHED_FROM = 40, 8
# Elements of an array from which all threads pay; and parts for each of them, so that they finish together.
SHARED_FROM = 1 << 14
PARTS = 4
# Bytes of a chunk's values and of a tile's.
CHUNK_BYTES, TILE_BYTES = 8 * CHUNK, 8 * TILE
