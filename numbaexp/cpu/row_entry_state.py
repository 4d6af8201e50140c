"""The state of a fast path of rows: words that ``numbaexp.cpu.compiled_row_entry`` reads."""

# Indices of words: the type of arrays; the objects that say that all is done, that it is not, and that it could be if
# the kernels were compiled; the addresses of ``pool.RUNNING`` and of ``share.ADDRESS``; the number of elements from
# which all threads are used; and for each type of element its number, its size, and the addresses of its kernels, or 0.
ARRAY_TYPE, DONE, NOT_DONE, NOT_COMPILED, RUNNING, SHARED, SHARED_FROM, TYPES = range(8)
EACH = 4
