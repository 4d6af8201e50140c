"""The arguments that are checked: every one of the narrow types, and of float64 those that are hard, odd or random."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from numbaexp.verify.hard_cases import read_table

# The environment variable that names a folder of further hard cases.
FOLDER = "NUMBAEXP_HARD_CASES"

# Difference of arguments that doubles the exponential, and in units of it where the results change their nature: where
# they become 0, subnormal or infinite, and where what they tend to swallows the rest.
_BORDERS = {
    "exp": (math.log(2), (-1075, -1074, -1022, 1024)),
    "exp2": (1.0, (-1075, -1074, -1022, 1024)),
    "exp10": (math.log10(2), (-1075, -1074, -1022, 1024)),
    "expm1": (math.log(2), (-54, -53, 1024)),
    "sigmoid": (math.log(2), (-1075, -1074, -1022, 53, 54)),
    "softplus": (math.log(2), (-1075, -1074, -1022, 48, 1022, 1075)),
}
_NEIGHBOURS = 4
_LIMITS = np.finfo(np.float64)
_SPECIAL = (0.0, _LIMITS.smallest_subnormal, _LIMITS.smallest_normal, 1.0, _LIMITS.max, np.inf)

# Binades of the random arguments that are near 0.
_LEAST_EXPONENT, _GREATEST_EXPONENT = -60, 3


def every(dtype: np.dtype, at_once: int) -> Iterator[np.ndarray]:
    """All numbers of a type of 16 or 32 bits, so many at once."""
    patterns = np.dtype(f"u{dtype.itemsize}")
    first = np.arange(at_once, dtype=patterns)
    for start in range(0, count(dtype), at_once):
        yield (first + patterns.type(start)).view(dtype)


def count(dtype: np.dtype) -> int:
    """How many bit patterns a type has."""
    return 1 << 8 * dtype.itemsize


def hard(function: str) -> np.ndarray:
    """The float64 arguments whose results lie nearest midpoints: those of the package, and of the user's folder."""
    known = [np.array(list(read_table(function)), np.float64)]
    folder = os.environ.get(FOLDER)
    if folder:
        path = Path(folder) / f"{function}_f64_hard.npy"
        known += [np.load(path).astype(np.float64, casting="safe")] if path.exists() else []
    return np.concatenate(known)


def odd(function: str) -> np.ndarray:
    """float64 arguments at both sides of the borders of a function, and the special ones of the type."""
    unit, multiples = _BORDERS[function]
    near = np.array(multiples)[:, np.newaxis] * unit
    steps = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    neighbours = (near.view(np.int64) + steps).view(np.float64).ravel()
    special = np.array(_SPECIAL)
    return np.concatenate([neighbours, special, -special, [np.nan]])


def random(function: str, number: int, rng: np.random.Generator) -> np.ndarray:
    """float64 arguments: half uniform where the results are finite and not 0, half uniform in each binade near 0."""
    unit, multiples = _BORDERS[function]
    whole = rng.uniform(multiples[0] * unit, multiples[-1] * unit, number // 2)
    rest = number - whole.size
    exponents = rng.integers(_LEAST_EXPONENT, _GREATEST_EXPONENT, rest, endpoint=True)
    near_0 = np.ldexp(rng.uniform(1, 2, rest), exponents)
    return np.concatenate([whole, np.where(rng.random(rest) < 0.5, -near_0, near_0)])
