"""Time users' ``@njit`` code, in turn: loops, arrays and rows.

``python benches/compiled.py`` prints the medians: of the functions of numbaexp beside those of the C library and NumPy;
and of code that calls functions of ``math`` and NumPy, compiled before and after ``accelerate_numba()``.
"""

import functools
import math

import numpy as np
from harness import machine, ordinary, plain, time_in_turn, uniform
from numba import njit, prange

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


def unchanged():
    """Compile code as users have it."""

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = math.exp(x[i])

    @njit
    def logarithms(x, y):
        for i in range(x.size):
            y[i] = math.log(abs(x[i]))

    @njit(parallel=True)
    def on_threads(x, y):
        for i in prange(x.size):
            y[i] = math.exp(x[i])

    @njit
    def into(x, y):
        np.exp(x, y)

    @njit(fastmath=True)
    def total(x, y):
        return np.exp(x).sum()

    return {
        "math.exp in a loop": loop,
        "math.log(abs(x)) in a loop": logarithms,
        "math.exp in a loop of prange": on_threads,
        "np.exp(x, y)": into,
        "np.exp(-x * x)": njit(lambda x, y: np.exp(-x * x)),
        "np.exp(x).sum(), fastmath": total,
        "np.expm1(x)": njit(lambda x, y: np.expm1(x)),
        "np.exp2(x)": njit(lambda x, y: np.exp2(x)),
        "np.log1p(x * x)": njit(lambda x, y: np.log1p(x * x)),
        "np.tanh(x)": njit(lambda x, y: np.tanh(x)),
    }


def time_acceleration():
    # Of wider intervals Gaussian functions would be subnormal.
    arrays = [uniform(dtype, 100_000, (-5.0, 5.0)) for dtype in ("float32", "float64")]
    before = unchanged()
    calls = [functools.partial(function, x, np.empty_like(x)) for function in before.values() for x in arrays]
    for call in calls:
        call()
    numbaexp.accelerate_numba()
    calls += [functools.partial(function, x, np.empty_like(x)) for function in unchanged().values() for x in arrays]
    found = medians(*calls)
    numbaexp.accelerate_numba(False)
    names = [(name, x) for name in before for x in arrays]
    for (name, x), theirs, ours in zip(names, found, found[len(names) :], strict=False):
        print(f"{x.dtype}: {name}, accelerated {theirs / ours:.2f} times ({ours / x.size * 1e9:.2f} ns an element)")


def time_by_name():
    for dtype in ("float32", "float64"):
        x = uniform(dtype, 100_000)
        y = np.empty_like(x)
        for name in FAMILY:
            x[:] = uniform(dtype, x.size, ordinary(name))
            for module, make, arguments in ((math, loop_over, (x, y)), (np, of_array, (x,))):
                peer = name if hasattr(module, name) else "exp"
                both = (getattr(module, peer), getattr(numbaexp, name))
                theirs, own = medians(*(functools.partial(make(function), *arguments) for function in both))
                label = f"math.{peer}" if module is math else f"np.{peer} of an array"
                each = own / x.size * 1e9
                print(f"{x.dtype}: {label} / numbaexp.{name} = {theirs / own:.2f} ({each:.2f} ns an element)")
        for length in (10, 100, 1000):
            x = uniform(dtype, 200_000).reshape(-1, length)
            y = np.empty_like(x)
            loops = [functools.partial(loop, x, y) for loop in (rows_by_numpy, rows, rows_in_place)]
            with numbaexp.use_target("cpu"):
                written, own, in_place, outside = medians(*loops, functools.partial(numbaexp.softmax, x, out=y))
            print(
                f"{x.dtype}: rows of {length}: written by NumPy's functions / numbaexp.softmax(row) = "
                f"{written / own:.2f}; times of all rows outside: {own / outside:.2f}, with `out` "
                f"{in_place / outside:.2f}"
            )


def main():
    print(machine())
    time_by_name()
    time_acceleration()


if __name__ == "__main__":
    main()
