"""Time a plain loop in a user's ``@njit`` code over ``numbaexp.exp`` and over ``math.exp``, in turn.

``python benches/compiled.py`` prints the medians.
"""

import math
import time

import numpy as np
from numba import njit

import numbaexp


@njit
def ours(x, y):
    for i in range(x.size):
        y[i] = numbaexp.exp(x[i])


@njit
def the_librarys(x, y):
    for i in range(x.size):
        y[i] = math.exp(x[i])


def main():
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(0).uniform(-10, 10, 100_000).astype(dtype)
        y = np.empty_like(x)
        seconds: dict[str, list[float]] = {"numbaexp.exp": [], "math.exp": []}
        for _ in range(200):
            for name, loop in zip(seconds, (ours, the_librarys), strict=True):
                loop(x, y)
                start = time.perf_counter()
                loop(x, y)
                seconds[name].append(time.perf_counter() - start)
        own, other = (float(np.median(s)) for s in seconds.values())
        print(f"{x.dtype}: math.exp / numbaexp.exp = {other / own:.2f} ({own / x.size * 1e9:.2f} ns an element)")


if __name__ == "__main__":
    main()
