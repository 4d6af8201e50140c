"""Time a plain loop in a user's ``@njit`` code over ``numbaexp.exp`` and over ``math.exp``, in turn.

``python benches/compiled.py`` prints the medians.
"""

import contextlib
import functools
import math

import numpy as np
from exp import time_in_turn
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
        calls = [(contextlib.nullcontext, functools.partial(loop, x, y)) for loop in (ours, the_librarys)]
        own, other = (np.median(seconds) for seconds in time_in_turn(calls))
        print(f"{x.dtype}: math.exp / numbaexp.exp = {other / own:.2f} ({own / x.size * 1e9:.2f} ns an element)")


if __name__ == "__main__":
    main()
