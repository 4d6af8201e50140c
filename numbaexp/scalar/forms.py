"""The forms in which the loops take a scalar."""

import functools
from typing import Any, NamedTuple

import numpy as np

# The type that each float is loaded and stored as. Numba's CPU target knows neither of the 16-bit floats: their scalars
# take and give bit patterns, on every target.
STORED_AS = {"float16": np.uint16, "bfloat16": np.uint16, "float32": np.float32, "float64": np.float64}
# The names of the float types, of which the functions are.
FLOATS = tuple(STORED_AS)
# By size, the integer in which magnitudes are compared.
BITS = {2: np.uint16, 4: np.int32, 8: np.int64}


@functools.cache
def itemsize(dtype: str) -> int:
    """The size of an element in bytes, by the name of its type."""
    return np.dtype(STORED_AS.get(dtype, dtype)).itemsize


class Scalar(NamedTuple):
    """One function in one float type.

    ``whole`` takes every argument. ``inner`` gives the same bits faster, and takes the arguments whose magnitude, as
    a bit pattern, is at most ``limit``.

    Where there is an ``accurate`` phase, either of them returns two results, which differ in their bits where the fast
    phase leaves open which is right; ``accurate`` tells, of such arguments. ``whole`` then returns two booleans more,
    of the flags that its caller is to raise, overflow and underflow: an operation that underflows takes the time of
    thirty others, and one is enough.
    """

    whole: Any
    inner: Any
    limit: int
    accurate: Any = None


class Fast(NamedTuple):
    """The fast phase of one function in one type, at one level of ``numbaexp.vector.level``.

    ``compute`` takes numbers and vectors, as they are stored, of arguments whose magnitude, as a bit pattern, is at
    most ``limit``; of a gradient, two of them. It returns the correctly rounded results, and where these are undecided.
    Undecided is a NaN in any case.
    """

    compute: Any
    limit: int
