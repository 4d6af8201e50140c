"""The arguments of the checks: all of the narrow types, and hard, odd and random ones of float64."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from numbaexp.verify.hard_cases import read_table

# The environment variable that names a folder of further hard cases.
FOLDER = "NUMBAEXP_HARD_CASES"

# The difference of arguments that doubles the exponential, and in units of it the borders where results become 0,
# subnormal, infinite, or equal to the limit of the function.
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

# Binades of random arguments near 0.
_LEAST_EXPONENT, _GREATEST_EXPONENT = -60, 3


def every(dtype: np.dtype, at_once: int) -> Iterator[np.ndarray]:
    """Yield all numbers of a type of 16 or 32 bits, ``at_once`` at a time."""
    patterns = np.dtype(f"u{dtype.itemsize}")
    first = np.arange(at_once, dtype=patterns)
    for start in range(0, count(dtype), at_once):
        yield (first + patterns.type(start)).view(dtype)


def count(dtype: np.dtype) -> int:
    """Return the number of bit patterns of a type."""
    return 1 << 8 * dtype.itemsize


def hard(function: str) -> np.ndarray:
    """Return the hard cases in float64: those of the package, and of the user's folder."""
    known = [np.array(list(read_table(function)), np.float64)]
    folder = os.environ.get(FOLDER)
    if folder:
        path = Path(folder) / f"{function}_f64_hard.npy"
        known += [np.load(path).astype(np.float64, casting="safe")] if path.exists() else []
    return np.concatenate(known)


def odd(function: str) -> np.ndarray:
    """Return float64 arguments at both sides of the borders of a function, and special values."""
    unit, multiples = _BORDERS[function]
    near = np.array(multiples)[:, np.newaxis] * unit
    steps = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    neighbours = (near.view(np.int64) + steps).view(np.float64).ravel()
    special = np.array(_SPECIAL)
    return np.concatenate([neighbours, special, -special, [np.nan]])


def random(function: str, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return float64 arguments: half uniform where results are finite and not 0, half uniform in each binade near 0."""
    unit, multiples = _BORDERS[function]
    whole = rng.uniform(multiples[0] * unit, multiples[-1] * unit, number // 2)
    rest = number - whole.size
    exponents = rng.integers(_LEAST_EXPONENT, _GREATEST_EXPONENT, rest, endpoint=True)
    near_0 = np.ldexp(rng.uniform(1, 2, rest), exponents)
    return np.concatenate([whole, np.where(rng.random(rest) < 0.5, -near_0, near_0)])
