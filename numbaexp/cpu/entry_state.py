"""The state of a fast path: words that ``numbaexp.cpu.compiled_entry`` reads."""

# Indices of words. The context variable is 0 until somebody has set it.
ARRAY_TYPE, TYPE_LIMIT, CONTEXT_VARIABLE, FOUND, SLOW_PATH, SLOW_PATH_CALL = range(6)
# The types of numbers, Python's and NumPy's.
NUMBER_TYPES = 6
NUMBERS = 6
# Then for each target of the CPU: its value of the context variable, its ufunc, and the number of elements from which
# the slow path is taken. The first target is that of a variable that was never set.
OF_TARGETS = NUMBER_TYPES + NUMBERS
VALUE, UFUNC, UFUNC_CALL, SIZE_LIMIT = range(4)
EACH = 4
TARGETS = 3
WORDS = OF_TARGETS + EACH * TARGETS
