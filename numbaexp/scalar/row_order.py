"""The order in which the sum of a row is made, which is the same everywhere; see ``numbaexp.scalar.rows``."""

# Elements of a chunk, and partial sums of it.
CHUNK = 4096
LANES = 32
