"""The order of summation in a row, the same on every target; see ``numbaexp.scalar.rows``."""

# Elements of a chunk, and partial sums of it.
CHUNK = 4096
LANES = 32
