"""The state of a door of rows, words by which ``numbaexp.cpu.compiled_row_entry`` goes."""

# Places in the state: the type of arrays; the objects that say that all is done, that it is not, and that it could be
# if the kernels were compiled; the addresses of ``pool.RUNNING`` and of ``share.ADDRESS``; and for each type of element
# its number, its size, and the addresses of its kernels, or 0.
ARRAY_TYPE, DONE, NOT_DONE, NOT_COMPILED, RUNNING, SHARED, TYPES = range(7)
EACH = 4
