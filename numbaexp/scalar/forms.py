"""The interfaces between scalars and loops."""

import functools
from typing import Any, NamedTuple

import numpy as np

# The type that each float is loaded and stored as. Numba's CPU target has no 16-bit floats: their scalars take and
# return bit patterns, on every target.
STORED_AS = {"float16": np.uint16, "bfloat16": np.uint16, "float32": np.float32, "float64": np.float64}
# The names of the float types that the functions support.
FLOATS = tuple(STORED_AS)
# By size, the integer type for comparisons of magnitudes.
BITS = {2: np.uint16, 4: np.int32, 8: np.int64}


@functools.cache
def itemsize(dtype: str) -> int:
    """Return the size of an element in bytes, by the name of its type."""
    return np.dtype(STORED_AS.get(dtype, dtype)).itemsize


def number_as_stored(number: Any, dtype: str) -> Any:
    """Return a number as an element of a type is stored: the nearest one."""
    with np.errstate(all="ignore"):
        if dtype != "bfloat16":
            return np.asarray(number).astype(dtype)[()]
        bits = int(np.asarray(number).astype(np.float32).view(np.uint32))
    # Ties go to even. A NaN that Python makes stays one.
    return np.uint16(bits + 0x7FFF + (bits >> 16 & 1) >> 16 & 0xFFFF)


_TO = " to "


def mixed(source: str, result: str) -> str:
    """Return the name of the type of a kernel whose elements have one float type and whose results have another."""
    return source if source == result else source + _TO + result


@functools.cache
def source_of(dtype: str) -> str:
    """Return the type of the elements of a kernel, by the name of its type."""
    return dtype.partition(_TO)[0]


@functools.cache
def result_of(dtype: str) -> str:
    """Return the type of the results of a kernel, by the name of its type."""
    return dtype.rpartition(_TO)[2]


class Domain(NamedTuple):
    """Describe the arguments of a function that has poles, or is not real everywhere.

    All take numbers and vectors, as the function does, and raise no flag.

    inside(x) : whether the result is finite. NaN and infinity are not inside.
    is_pole(x) : whether the result is infinite, which raises "divide".
    is_outside(x) : whether the function is not real there, which raises "invalid". NaN is not outside.
    special(x, result) : the result, replaced where x is not inside.
    """

    inside: Any
    is_pole: Any
    is_outside: Any
    special: Any


class Scalar(NamedTuple):
    """Hold one function in one float type.

    ``whole`` takes every argument. ``inner`` gives the same bits faster, and takes the arguments whose magnitude, as
    a bit pattern, is at most ``limit``.

    Where there is an ``accurate`` phase, either of them returns two results, which differ in their bits where the fast
    phase is undecided; ``accurate`` decides. ``whole`` then returns two booleans more, for the flags that its caller
    has to raise, overflow and underflow: an operation that underflows takes the time of thirty others, and one is
    enough.

    A ``middle`` phase, of vectors of arguments inside a domain, returns results and a mask of those that it leaves to
    the accurate one.

    Of a function with a ``domain``, ``inner`` takes only arguments inside that, but returns NaN of others where there
    is an ``accurate`` phase; ``whole`` takes all, and raises none of the flags of the others, which its caller raises.
    """

    whole: Any
    inner: Any
    limit: int
    accurate: Any = None
    domain: Domain | None = None
    middle: Any = None


class Fast(NamedTuple):
    """Hold the fast phase of one function in one type, at one level of ``numbaexp.vector.level``.

    ``compute`` takes numbers and vectors, as they are stored, of arguments whose magnitude, as a bit pattern, is at
    most ``limit``; of a gradient, two of them. The results are correctly rounded values, and a mask of undecided ones,
    NaN always among them.
    """

    compute: Any
    limit: int
