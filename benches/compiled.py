"""Time plain loops in a user's ``@njit`` code over the functions of numbaexp and over ``math.exp``, in turn.

``python benches/compiled.py`` prints the medians.
"""

import functools
import math

import numpy as np
from harness import machine, plain, time_in_turn, uniform
from numba import njit

import numbaexp
from numbaexp.scalar.family import FAMILY


def loop_over(function):
    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


def main():
    print(machine())
    for dtype in ("float32", "float64"):
        x = uniform(dtype, 100_000)
        y = np.empty_like(x)
        loops = [loop_over(function) for function in (math.exp, *(getattr(numbaexp, name) for name in FAMILY))]
        calls = plain(functools.partial(loop, x, y) for loop in loops)
        the_librarys, *own = (np.median(seconds) for seconds in time_in_turn(calls))
        for name, seconds in zip(FAMILY, own, strict=True):
            ratio, each = the_librarys / seconds, seconds / x.size * 1e9
            print(f"{x.dtype}: math.exp / numbaexp.{name} = {ratio:.2f} ({each:.2f} ns an element)")


if __name__ == "__main__":
    main()
