"""Time users' ``@njit`` code, in turn: loops over the functions of numbaexp and over ``math.exp``; and code that calls
exponentials of ``math`` and NumPy, compiled before and after ``accelerate_numba()``; and of arrays and rows.

``python benches/compiled.py`` prints the medians.
"""

import functools
import math

import numpy as np
from harness import machine, plain, time_in_turn, uniform
from numba import njit, prange

import numbaexp
from numbaexp.scalar.family import FAMILY


def loop_over(function):
    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


def unchanged():
    """Compile code as users have it."""

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = math.exp(x[i])

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
        "math.exp in a loop of prange": on_threads,
        "np.exp(x, y)": into,
        "np.exp(-x * x)": njit(lambda x, y: np.exp(-x * x)),
        "np.exp(x).sum(), fastmath": total,
        "np.expm1(x)": njit(lambda x, y: np.expm1(x)),
        "np.exp2(x)": njit(lambda x, y: np.exp2(x)),
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
    medians = [np.median(seconds) for seconds in time_in_turn(plain(calls))]
    numbaexp.accelerate_numba(False)
    names = [(name, x) for name in before for x in arrays]
    for (name, x), theirs, ours in zip(names, medians, medians[len(names) :], strict=False):
        print(f"{x.dtype}: {name}, accelerated {theirs / ours:.2f} times ({ours / x.size * 1e9:.2f} ns an element)")


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
def rows_into(x, y):
    for i in range(x.shape[0]):
        numbaexp.softmax(x[i], out=y[i])


def time_arrays():
    for dtype in ("float32", "float64"):
        x = uniform(dtype, 100_000)
        functions = [of_array(function) for function in (np.exp, *(getattr(numbaexp, name) for name in FAMILY))]
        calls = plain(functools.partial(function, x) for function in functions)
        numpys, *own = (np.median(seconds) for seconds in time_in_turn(calls))
        for name, seconds in zip(FAMILY, own, strict=True):
            print(f"{dtype}: np.exp / numbaexp.{name} of an array = {numpys / seconds:.2f}")
        for length in (10, 100, 1000):
            x = uniform(dtype, 200_000).reshape(-1, length)
            y = np.empty_like(x)
            loops = [functools.partial(loop, x, y) for loop in (rows_by_numpy, rows, rows_into)]
            calls = plain([*loops, functools.partial(numbaexp.softmax, x, out=y)])
            with numbaexp.use_target("cpu"):
                numpys, own, into, of_all = (np.median(seconds) for seconds in time_in_turn(calls))
            print(
                f"{dtype}: rows of {length}, by NumPy's functions / numbaexp.softmax of each = {numpys / own:.2f}; "
                f"each / all at once = {own / of_all:.2f}, with out= {into / of_all:.2f}"
            )


def time_by_name():
    for dtype in ("float32", "float64"):
        x = uniform(dtype, 100_000)
        y = np.empty_like(x)
        loops = [loop_over(function) for function in (math.exp, *(getattr(numbaexp, name) for name in FAMILY))]
        calls = plain(functools.partial(loop, x, y) for loop in loops)
        the_librarys, *own = (np.median(seconds) for seconds in time_in_turn(calls))
        for name, seconds in zip(FAMILY, own, strict=True):
            ratio, each = the_librarys / seconds, seconds / x.size * 1e9
            print(f"{x.dtype}: math.exp / numbaexp.{name} = {ratio:.2f} ({each:.2f} ns an element)")


def main():
    print(machine())
    time_by_name()
    time_arrays()
    time_acceleration()


if __name__ == "__main__":
    main()
