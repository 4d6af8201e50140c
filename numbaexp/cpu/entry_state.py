"""The state of a door, words by which ``numbaexp.cpu.compiled_entry`` goes."""

# Places in the state of a door. The context variable is 0 until somebody has set it; its usual value is the one under
# which the door may be passed.
ARRAY_TYPE, FLOAT_TYPE, SIZE_LIMIT, TYPE_LIMIT, CONTEXT_VARIABLE, USUAL_VALUE, FOUND = range(7)
UFUNC, UFUNC_CALL, ELSEWHERE, ELSEWHERE_CALL = range(7, 11)
PLACES = 11
