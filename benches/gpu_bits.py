"""Compare the bits of a GPU's results with the CPU's: of every 16-bit float, of float32 evenly spaced among all, and of
float64 that are hard to round, random, and any bits."""

import time
from typing import Any, NamedTuple

import numpy as np
from harness import array_type

import numbaexp
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.verify import arguments

# Bit patterns from one argument to the next: a prime, so that all bits vary.
SPACING = {"float16": 1, "bfloat16": 1, "float32": 257}
# Random arguments in float64, and those of a gradient.
RANDOM = 1 << 22


class Compared(NamedTuple):
    """How many results of a function differ, and where the first one does; and the seconds of the first call, which
    compiles the kernel or finds it on disk."""

    function: str
    dtype: str
    results: int
    differing: int
    where: str
    first_call: float


def any_bits(dtype: np.dtype, count: int, seed: int) -> np.ndarray:
    """Draw random bit patterns, as floats."""
    bits = np.dtype(f"u{dtype.itemsize}")
    return np.random.default_rng(seed).integers(0, 1 << 8 * dtype.itemsize, count, bits).view(dtype)


def arguments_of(function: str, dtype: str) -> tuple[np.ndarray, ...]:
    """Return the arguments that are tried."""
    kind = array_type(dtype)
    if function in GRADIENTS:
        ordinary = np.random.default_rng(2).normal(0, 3, (2, RANDOM)).astype(kind)
        return tuple(np.concatenate([any_bits(kind, RANDOM, seed), ordinary[seed]]) for seed in (0, 1))
    if dtype == "float64":
        random = arguments.random(function, RANDOM, np.random.default_rng(0))
        return (np.concatenate([arguments.hard(function), arguments.odd(function), random, any_bits(kind, RANDOM, 1)]),)
    patterns = np.arange(0, 1 << 8 * kind.itemsize, SPACING[dtype], dtype=np.uint64)
    return (patterns.astype(f"u{kind.itemsize}").view(kind),)


def are_nan(x: np.ndarray) -> np.ndarray:
    """Tell which numbers are NaN, by their bits."""
    bits = np.dtype(f"u{x.itemsize}")
    return (x.view(bits) << bits.type(1)) > np.array(np.inf, x.dtype).view(bits) << bits.type(1)


def compare(function: str, dtype: str) -> Compared:
    """Compute on the GPU and the CPU; one NaN is as good as another."""
    return compared(function, dtype, getattr(numbaexp, function), arguments_of(function, dtype))


def compared(label: str, dtype: str, compute: Any, given: tuple[np.ndarray, ...]) -> Compared:
    """Compare the results of a function of some arguments, of which there may be several."""
    from numba import cuda

    bits = np.dtype(f"u{given[0].itemsize}")
    with np.errstate(all="ignore"):
        results = compute(*given)
    expected = np.stack(results) if type(results) is tuple else results[np.newaxis]

    def there(array: np.ndarray) -> Any:
        return cuda.to_device(array.view(bits)).view(array.dtype)

    on_device, outs = [there(array) for array in given], tuple(there(np.zeros_like(given[0])) for _ in expected)
    start = time.perf_counter()
    compute(*on_device, out=outs if len(outs) > 1 else outs[0])
    cuda.synchronize()
    seconds = time.perf_counter() - start
    result = np.stack([out.view(bits).copy_to_host() for out in outs]).view(expected.dtype)
    wrong = (result.view(bits) != expected.view(bits)) & ~(are_nan(result) & are_nan(expected))
    places = np.flatnonzero(wrong.any(axis=0))
    where = ", ".join(f"{array.view(bits)[places[0]]:#x}" for array in given) if places.size else ""
    return Compared(label, dtype, result.size, int(np.count_nonzero(wrong)), where, seconds)
