"""The arguments of the fingerprints, made by operations of integers alone: every platform has the same bytes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from numbaexp.verify.arguments import dtype_of

# Arguments of a sample.
SAMPLE = 1 << 20
# The shapes of the arrays of rows: short rows, rows within a chunk of a sum, and rows of several chunks.
SHAPES = ((341, 3), (64, 1021), (3, 20011))
# The seeds of the arrays: the first one, the second one, and the classes.
FIRST, SECOND, CLASSES = range(3)
# The constants of SplitMix64.
_STEP, _MULTIPLIERS, _SHIFTS = 0x9E3779B97F4A7C15, (0xBF58476D1CE4E5B9, 0x94D049BB133111EB), (30, 27, 31)
# Bits of a stored significand, by type.
_STORED = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
# The least exponent of the numbers of moderate size, of which there are 16 exponents.
_LEAST = -6


class Rows(NamedTuple):
    """Hold arrays of rows, with a gradient of each element, a gradient of each row, and a class of each row."""

    x: np.ndarray
    gradient: np.ndarray
    gradient_of_rows: np.ndarray
    classes: np.ndarray


def stream(seed: int, number: int) -> np.ndarray:
    """Return the first numbers of 64 bits that SplitMix64 makes of a seed."""
    mixed = np.arange(1, number + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(seed)
    for shift, multiplier in zip(_SHIFTS, (*_MULTIPLIERS, 1), strict=True):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(multiplier)
    return mixed


def sample(seed: int, dtype_name: str) -> np.ndarray:
    """Return `SAMPLE` numbers of a type.

    Of four in turn the first has any bit pattern, the next two have moderate size, and the last is near 1 or -1.
    """
    dtype = dtype_of(dtype_name)
    width, stored = 8 * dtype.itemsize, _STORED[dtype_name]
    bias = (1 << width - stored - 2) - 1
    drawn = stream(seed, SAMPLE)
    fraction = drawn & np.uint64((1 << stored) - 1)

    patterns = (drawn >> np.uint64(63) << np.uint64(width - 1)) | fraction
    patterns |= ((drawn >> np.uint64(59) & np.uint64(15)) + np.uint64(bias + _LEAST)) << np.uint64(stored)
    patterns[0::4] = drawn[0::4] >> np.uint64(64 - width)
    last = drawn[3::4]
    distance = fraction[3::4] >> (last >> np.uint64(52) & np.uint64(63)) % np.uint64(stored)
    one = np.uint64(bias << stored)
    patterns[3::4] = np.where(last >> np.uint64(63), one - distance, one + distance)
    patterns[3::4] |= (last >> np.uint64(62) & np.uint64(1)) << np.uint64(width - 1)
    return patterns.astype(f"u{dtype.itemsize}").view(dtype)


def rows(dtype_name: str) -> Iterator[Rows]:
    """Yield the arrays of rows of a type, one of each shape of `SHAPES`; all numbers lie in [-16, 16)."""
    for shape in SHAPES:
        number, length = shape
        classes = (stream(CLASSES, number) % np.uint64(length)).astype(np.int64)
        x, gradient = (_uniform(seed, number * length, dtype_name).reshape(shape) for seed in (FIRST, SECOND))
        yield Rows(x, gradient, _uniform(SECOND, number, dtype_name), classes)


def _uniform(seed: int, number: int, dtype_name: str) -> np.ndarray:
    """Return multiples of a power of two in [-16, 16), of as many bits as the significand of the type has."""
    bits = _STORED[dtype_name] + 1
    integers = stream(seed, number).view(np.int64) >> (64 - bits)
    # Exact.
    return (integers.astype(np.float64) * 2.0 ** (5 - bits)).astype(dtype_of(dtype_name))
