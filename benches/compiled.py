"""Time users' ``@njit`` code, in turn: loops, arrays and rows.

``python benches/compiled.py`` writes ``results/compiled.csv`` and prints the medians: of the functions of numbaexp
beside those of the C library and NumPy; of rows; and of code that calls functions of ``math`` and NumPy, compiled
before and after ``accelerate_numba()``.
"""

import functools
import itertools
import math

import numpy as np
from harness import (
    FIELDS,
    ORDINARY,
    between,
    file_of_rows,
    machine,
    medians,
    options,
    ordinary,
    plain,
    row_of,
    time_in_turn,
    uniform,
)
from numba import njit, prange

import numbaexp
from numbaexp.scalar.family import FAMILY

TYPES, ELEMENTS, LENGTHS = ("float32", "float64"), 100_000, (10, 100, 1000)


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


def timed(code, x, interval, calls):
    """Return a row for each call, by provider, of some code on the arrays of a shape."""
    shape = " x ".join(map(str, x.shape))
    case = "cpu", x.dtype.name, between(*interval), shape
    return [
        row_of(code, provider, *case, seconds, 2 * x.nbytes)
        for provider, seconds in zip(calls, time_in_turn(plain(calls.values())), strict=True)
    ]


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


def acceleration():
    """Give the rows of code as users have it, compiled before and after ``accelerate_numba()``."""
    # Of wider intervals Gaussian functions would be subnormal.
    interval = -5.0, 5.0
    arrays = [uniform(dtype, ELEMENTS, interval) for dtype in TYPES]
    before = unchanged()
    for function, x in itertools.product(before.values(), arrays):
        function(x, np.empty_like(x))
    numbaexp.accelerate_numba()
    after = unchanged()
    for name, x in itertools.product(before, arrays):
        both = {"Numba": before[name], "accelerated": after[name]}
        calls = {who: functools.partial(function, x, np.empty_like(x)) for who, function in both.items()}
        calls["accelerated"]()
        yield timed(name, x, interval, calls)
    numbaexp.accelerate_numba(False)


def by_name():
    """Give the rows of each function beside that of the C library in a loop, and beside NumPy's of an array."""
    for dtype, name in itertools.product(TYPES, FAMILY):
        x = uniform(dtype, ELEMENTS, ordinary(name))
        for module, make, arguments in ((math, loop_over, (x, np.empty_like(x))), (np, of_array, (x,))):
            peer = name if hasattr(module, name) else "exp"
            both = {f"{module.__name__}.{peer}": getattr(module, peer), "numbaexp": getattr(numbaexp, name)}
            calls = {who: functools.partial(make(function), *arguments) for who, function in both.items()}
            yield timed(f"{name} {'in a loop' if module is math else 'of an array'}", x, ordinary(name), calls)


def by_rows():
    """Give the rows of softmax of each row in a loop, and of all rows from outside."""
    for dtype, length in itertools.product(TYPES, LENGTHS):
        x = uniform(dtype, 200_000).reshape(-1, length)
        y = np.empty_like(x)
        calls = {
            "NumPy's functions": functools.partial(rows_by_numpy, x, y),
            "numbaexp": functools.partial(rows, x, y),
            "numbaexp, out": functools.partial(rows_in_place, x, y),
            "numbaexp, all rows from Python": functools.partial(numbaexp.softmax, x, out=y),
        }
        with numbaexp.use_target("cpu"):
            yield timed("softmax of each row", x, ORDINARY, calls)


def main():
    arguments = options(__doc__, "compiled.csv").parse_args()
    print(machine())
    with file_of_rows(arguments.output, FIELDS) as write:
        for measured in itertools.chain(by_name(), by_rows(), acceleration()):
            write(measured)
            times = ", ".join(
                f"{row['provider']} {each * 1e6:.4g} us" for row, each in zip(measured, medians(measured), strict=True)
            )
            print(f"{measured[0]['function']}, {measured[0]['dtype']}, {measured[0]['shape']}: {times}", flush=True)


if __name__ == "__main__":
    main()
