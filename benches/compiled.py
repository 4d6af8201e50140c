"""Time plain loops in a user's ``@njit`` code over the functions of numbaexp and over ``math.exp``, in turn.

``python benches/compiled.py`` prints the medians.
"""

import contextlib
import functools
import math

import numpy as np
from numba import njit
from providers import device, versions
from speed import time_in_turn

import numbaexp
from numbaexp.scalar.family import FAMILY


def loop_over(function):
    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


def main():
    print(f"{device()}; {versions()}")
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(0).uniform(-10, 10, 100_000).astype(dtype)
        y = np.empty_like(x)
        loops = [loop_over(function) for function in (math.exp, *(getattr(numbaexp, name) for name in FAMILY))]
        calls = [(contextlib.nullcontext, functools.partial(loop, x, y)) for loop in loops]
        the_librarys, *own = (np.median(seconds) for seconds in time_in_turn(calls))
        for name, seconds in zip(FAMILY, own, strict=True):
            ratio, each = the_librarys / seconds, seconds / x.size * 1e9
            print(f"{x.dtype}: math.exp / numbaexp.{name} = {ratio:.2f} ({each:.2f} ns an element)")


if __name__ == "__main__":
    main()
