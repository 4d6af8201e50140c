"""Time users' ``@njit`` code over the functions of numbaexp and over those of the C library and NumPy, in turn.

``python benches/compiled.py`` prints the medians: of plain loops over numbers, of arrays, and of rows, one after another.
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


def of_array(function):
    @njit
    def call(x):
        return function(x)

    return call


@njit
def rows_by_numpy(x, y):
    for i in range(x.shape[0]):
        power = np.exp(x[i] - x[i].max())
        y[i] = power / power.sum()


@njit
def rows(x, y):
    for i in range(x.shape[0]):
        y[i] = numbaexp.softmax(x[i])


@njit
def rows_in_place(x, y):
    for i in range(x.shape[0]):
        numbaexp.softmax(x[i], out=y[i])


def medians(*calls):
    return [np.median(seconds) for seconds in time_in_turn(plain(calls))]


def main():
    print(machine())
    for dtype in ("float32", "float64"):
        x = uniform(dtype, 100_000)
        y = np.empty_like(x)
        functions = [getattr(numbaexp, name) for name in FAMILY]
        for peer, make, arguments in ((math.exp, loop_over, (x, y)), (np.exp, of_array, (x,))):
            calls = (functools.partial(make(function), *arguments) for function in (peer, *functions))
            the_librarys, *own = medians(*calls)
            label = "math.exp" if peer is math.exp else "np.exp of an array"
            for name, seconds in zip(FAMILY, own, strict=True):
                ratio, each = the_librarys / seconds, seconds / x.size * 1e9
                print(f"{x.dtype}: {label} / numbaexp.{name} = {ratio:.2f} ({each:.2f} ns an element)")
        for length in (10, 100, 1000):
            x = uniform(dtype, 200_000).reshape(-1, length)
            y = np.empty_like(x)
            loops = [functools.partial(loop, x, y) for loop in (rows_by_numpy, rows, rows_in_place)]
            with numbaexp.use_target("cpu"):
                written, own, in_place, outside = medians(*loops, functools.partial(numbaexp.softmax, x, out=y))
            print(
                f"{x.dtype}: rows of {length}: written by NumPy's functions / numbaexp.softmax(row) = {written / own:.2f}; "
                f"times of all rows outside: {own / outside:.2f}, with `out` {in_place / outside:.2f}"
            )


if __name__ == "__main__":
    main()
