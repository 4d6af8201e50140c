"""The arguments of the checks: all of the narrow types, and hard, odd and random ones of float64."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from numbaexp.verify.draws import Draw, around, by_binades, equal_shares, uniform
from numbaexp.verify.hard_cases import read_table

# The environment variable that names a folder of further hard cases.
FOLDER = "NUMBAEXP_HARD_CASES"


class _Sample(NamedTuple):
    """Describe arguments of a function: borders, and the ways to draw random ones, in equal shares.

    Borders are where results become 0, subnormal, infinite, or equal to a limit of the function or to the argument.
    """

    borders: tuple[float, ...]
    draws: tuple[Draw, ...]


def _of_powers(unit: float, multiples: tuple[int, ...]) -> _Sample:
    """Describe arguments of a function of an exponential, which doubles with each ``unit``; the borders are multiples
    of that."""
    borders = tuple(multiple * unit for multiple in multiples)
    return _Sample(borders, (uniform(borders[0], borders[-1]), _NEAR_0))


def _odd(*borders: float) -> _Sample:
    """Describe arguments of an odd or even function, by its positive borders."""
    return _Sample((*borders, *(-border for border in borders)), (uniform(-borders[-1], borders[-1]), _NEAR_0))


_NEAR_0 = around(0.0, -60, 3)
_NEAR_1 = around(1.0, -52, -2)
_ANY_POSITIVE = by_binades(-1074, 1023)
_LN2 = math.log(2)
_OVERFLOW_OF_SINH = 710.4758600739439
# By function; logarithms have a border at each change of an exponent, of which some are here.
_SAMPLES = {
    "exp": _of_powers(_LN2, (-1075, -1074, -1022, 1024)),
    "exp2": _of_powers(1.0, (-1075, -1074, -1022, 1024)),
    "exp10": _of_powers(math.log10(2), (-1075, -1074, -1022, 1024)),
    "expm1": _of_powers(_LN2, (-54, -53, 1024)),
    "sigmoid": _of_powers(_LN2, (-1075, -1074, -1022, 53, 54)),
    "softplus": _of_powers(_LN2, (-1075, -1074, -1022, 48, 1022, 1075)),
    "log": _Sample((2.0**-1022, 0.5, math.sqrt(0.5), 1.0, math.sqrt(2), 2.0), (_ANY_POSITIVE, _NEAR_1)),
    "log2": _Sample((1.0, *(2.0**n for n in range(-1070, 1024, 10))), (_ANY_POSITIVE, _NEAR_1)),
    "log10": _Sample((2.0**-1022, 0.5, *(10.0**n for n in range(23))), (_ANY_POSITIVE, _NEAR_1)),
    "log1p": _Sample(
        (-1.0, -0.5, math.sqrt(0.5) - 1, -(2.0**-53), 2.0**-1022, 2.0**-53, math.sqrt(2) - 1, 1.0, 2.0**53),
        (by_binades(-1, 1023), around(0.0, -60, -2), lambda number, rng: by_binades(-53, -2)(number, rng) - 1),
    ),
    "sinh": _odd(2.0**-1022, 2.0**-26, _LN2, 20.0, _OVERFLOW_OF_SINH),
    "cosh": _odd(2.0**-27, 2.0**-26, _LN2, 20.0, _OVERFLOW_OF_SINH),
    "tanh": _odd(2.0**-1022, 2.0**-26, _LN2, 19.061547465398498),
    "log_sigmoid": _of_powers(_LN2, (-1075, -1022, -48, 1022, 1074, 1075)),
    "logit": _Sample(
        (2.0**-1022, 2.0**-53, 0.25, 0.5, 0.75, 1.0),
        (uniform(0, 1), by_binades(-1074, -2), around(0.5, -53, -3), lambda n, rng: 1 - by_binades(-53, -2)(n, rng)),
    ),
}
_NEIGHBOURS = 4
_LIMITS = np.finfo(np.float64)
_SPECIAL = (0.0, _LIMITS.smallest_subnormal, _LIMITS.smallest_normal, 1.0, _LIMITS.max, np.inf)


def dtype_of(name: str) -> np.dtype:
    """Return the type of NumPy's arrays of a float type; that of bfloat16 needs ``ml_dtypes``."""
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


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
    near = np.array(_SAMPLES[function].borders)[:, np.newaxis]
    steps = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    neighbours = (near.view(np.int64) + steps).view(np.float64).ravel()
    special = np.array(_SPECIAL)
    return np.concatenate([neighbours, special, -special, [np.nan]])


def random(function: str, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return float64 arguments: in equal shares where results are finite and not 0, and in each binade near where the
    function is hard, as near 0."""
    return equal_shares(_SAMPLES[function].draws, number, rng)
