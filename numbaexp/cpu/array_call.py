"""The arguments of the functions of ``numbaexp.cpu.compiled_arrays``: the address of words.

Of these are the kernels at FIRST and SECOND; how many arrays there are, the result last, and how many dimensions; of
rows the axis, the size of an element, and whether the result has but one a row. From SHAPE on comes the shape of the
first array, then for each array its address and its strides, as many as the first one has.
"""

FIRST, SECOND, ARRAYS, NDIM, AXIS, ITEMSIZE, IS_REDUCTION = range(7)
SHAPE = 7
# Dimensions that an array of NumPy has at most, and arrays of a call.
MOST, MOST_ARRAYS = 64, 3
