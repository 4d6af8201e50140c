"""Real arrays of each float type through ``numbaexp.exp``: how many results are right to the last bit, and how fast.

The reference is Python's own ``decimal``, to 40 digits. NumPy stands beside for comparison, and PyTorch where it is
installed; bfloat16 is shown where ``ml_dtypes`` is.
"""

import decimal
import functools
import importlib.util
import time
from collections.abc import Callable, Sequence

import numpy as np

import numbaexp

ELEMENTS = 4_000_000
CHECKED = 4_000
ROUNDS = 7


def float_types() -> dict[str, np.dtype]:
    types = {name: np.dtype(name) for name in ("float16", "float32", "float64")}
    if importlib.util.find_spec("ml_dtypes"):
        import ml_dtypes

        types["bfloat16"] = np.dtype(ml_dtypes.bfloat16)
    return types


def on_target(target: str) -> Callable[[np.ndarray, np.ndarray], object]:
    def call(x: np.ndarray, out: np.ndarray) -> object:
        with numbaexp.use_target(target):
            return numbaexp.exp(x, out=out)

    return call


def providers() -> dict[str, Callable[[np.ndarray, np.ndarray], object]]:
    """By name, a function (x, out) that stores exp(x) in out."""
    found: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
        "numbaexp, one thread": on_target("cpu"),
        "numbaexp, all threads": on_target("parallel"),
        "numpy": lambda x, out: np.exp(x, out=out),
    }
    if importlib.util.find_spec("torch"):
        import torch

        def in_torch(array: np.ndarray) -> "torch.Tensor":
            if array.dtype.name == "bfloat16":
                return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
            return torch.from_numpy(array)

        found["torch"] = lambda x, out: torch.exp(in_torch(x), out=in_torch(out))
    return found


def correctly_rounded(x: np.ndarray) -> np.ndarray:
    """exp of each element, rounded to the element's type from 40 exact digits."""
    with decimal.localcontext() as context:
        context.prec = 40
        return np.array([nearest(decimal.Decimal(float(value)).exp(), x.dtype) for value in x], x.dtype)


def nearest(exact: decimal.Decimal, dtype: np.dtype) -> np.generic:
    """The value of a type that lies nearest to an exact number."""
    near = np.array(float(exact)).astype(dtype)[()]
    below, above = (np.nextafter(near, dtype.type(bound)) for bound in (0, np.inf))
    return min((near, below, above), key=lambda value: abs(decimal.Decimal(float(value)) - exact))


def seconds_of(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Median seconds of each of several calls, made in turn."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, list_of in zip(calls, seconds, strict=True):
            call()
            start = time.perf_counter()
            call()
            list_of.append(time.perf_counter() - start)
    return [float(np.median(s)) for s in seconds]


def main() -> None:
    found = providers()
    print(f"exp of {ELEMENTS:,} numbers between -10 and 10; the first {CHECKED:,} are checked against 40 digits.")
    print("The first run compiles the kernels and keeps them on disk.\n")
    print(f"{'type':10}{'provider':24}{'rounded correctly':>20}{'ns an element':>16}{'time/numbaexp':>16}")
    for name, dtype in float_types().items():
        x = np.random.default_rng(0).uniform(-10, 10, ELEMENTS).astype(dtype)
        out = np.empty_like(x)
        right = correctly_rounded(x[:CHECKED])
        calls = [functools.partial(compute, x, out) for compute in found.values()]
        seconds = seconds_of(calls)
        own = seconds[list(found).index("numbaexp, all threads")]
        for label, call, taken in zip(found, calls, seconds, strict=True):
            call()
            correct = np.count_nonzero(out[:CHECKED] == right) / CHECKED
            print(f"{name:10}{label:24}{correct:>19.2%} {taken / ELEMENTS * 1e9:>15.3f} {taken / own:>15.2f}")
    x = np.linspace(-700, 700, 100_001)
    with numbaexp.use_target("cpu"):
        alone = numbaexp.exp(x)
    same = np.array_equal(alone, numbaexp.exp(x)) and np.array_equal(alone, numbaexp.exp(x[::-1])[::-1])
    print(f"\nSame bits on one thread, on all, and reversed: {same}")


if __name__ == "__main__":
    main()
