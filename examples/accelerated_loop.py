"""A statistician's loop under Numba, before and after ``numbaexp.accelerate_numba()``: the same code, compiled twice.

The loop estimates a density by kernels: for each place, a sum of ``math.exp`` over all of the sample. After the one
line Numba compiles ``math.exp`` and ``np.exp`` to numbaexp's, by which such loops become SIMD code. One sees the
density, how many exponentials are not the nearest number before and after, and how much faster the estimate is.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import drawing
import numba
import numpy as np

import numbaexp

SAMPLES, PLACES, WIDTH = 4000, 121, 0.25


class Compiled(NamedTuple):
    """The functions of a user, compiled."""

    density: Callable[[np.ndarray, np.ndarray], np.ndarray]
    powers: Callable[[np.ndarray], np.ndarray]


def compiled() -> Compiled:
    """Compile a user's functions, which know nothing of numbaexp."""

    @numba.njit
    def density(places: np.ndarray, sample: np.ndarray) -> np.ndarray:
        result = np.empty_like(places)
        for i in range(places.size):
            terms = np.empty_like(sample)
            for j in range(sample.size):
                z = (places[i] - sample[j]) / WIDTH
                terms[j] = math.exp(-0.5 * z * z)
            result[i] = terms.sum() / (sample.size * WIDTH * math.sqrt(2 * math.pi))
        return result

    @numba.vectorize
    def powers(x: float) -> float:
        return math.exp(x)

    # Compilation is lazy.
    density(np.zeros(1), np.zeros(1))
    powers(np.zeros(1))
    return Compiled(density, powers)


@contextmanager
def accelerated() -> Iterator[None]:
    """Have what is compiled within be numbaexp's."""
    numbaexp.accelerate_numba()
    try:
        yield
    finally:
        numbaexp.accelerate_numba(False)


def before_and_after() -> dict[str, Compiled]:
    before = compiled()
    with accelerated():
        return {"before": before, "after": compiled()}


def sample() -> np.ndarray:
    """Of two normal distributions, mixed."""
    generator = np.random.default_rng(0)
    return np.where(
        generator.random(SAMPLES) < 0.4, generator.normal(-1.5, 0.6, SAMPLES), generator.normal(1, 1, SAMPLES)
    )


def places() -> np.ndarray:
    return np.linspace(-4, 5, PLACES)


def errors(powers: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The errors of exponentials in ulp, against NumPy's longdouble, which has eleven digits of the mantissa more."""
    x = np.random.default_rng(1).uniform(-20, 20, 100_000)
    found = powers(x)
    return ((found - np.exp(x.astype(np.longdouble))) / np.spacing(found)).astype(np.float64)


def seconds(functions: dict[str, Compiled], repetitions: int = 15) -> dict[str, float]:
    """The median time of the estimate by each, taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in functions}
    arguments = places(), sample()
    for _ in range(repetitions):
        for name, function in functions.items():
            start = time.perf_counter()
            function.density(*arguments)
            taken[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in taken.items()}


def draw(path: Path, functions: dict[str, Compiled]) -> None:
    colours: dict[str, Any] = {"before": drawing.COLOURS["textbook"], "after": drawing.COLOURS["numbaexp"]}
    with drawing.panels(path, 2) as (estimate, histogram):
        estimate.hist(sample(), bins=40, density=True, color=colours["before"], alpha=0.4, label="sample")
        estimate.plot(
            places(), functions["after"].density(places(), sample()), color=colours["after"], label="estimate"
        )
        estimate.set_title("a density, estimated by kernels")
        for name, function in functions.items():
            look = {"histtype": "step", "log": True, "color": colours[name], "label": name}
            histogram.hist(errors(function.powers), bins=60, range=(-0.6, 0.6), **look)
        histogram.set_title("errors of math.exp in compiled code")
        histogram.set_xlabel("ulp")
        for panel in (estimate, histogram):
            panel.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    functions = before_and_after()
    times = seconds(functions)
    for name, function in functions.items():
        wrong = int((np.abs(errors(function.powers)) > 0.5).sum())
        print(f"{name:6}: {wrong} of 100,000 exponentials are not the nearest number; {1e3 * times[name]:.2f} ms")
    print(f"the loop is {times['before'] / times['after']:.1f} times faster")
    draw(path, functions)


if __name__ == "__main__":
    main()
