"""Functions that users write, on a GPU: their bits and those of their gradients, and their rates."""

import functools

import gpu_bits
import numpy as np
from gpu_calls import CALLS, OF_USERS, ROUNDS, Arrays, Call, Row, WrongResults, row, seconds_in_turn
from harness import array_type

import numbaexp

# Numbers that all types have.
NUMBERS = 0.5, 2.0


@numbaexp.elementwise
def decay(x, a, b):
    return a * numbaexp.exp(-b * x)


@numbaexp.elementwise
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@numbaexp.elementwise
def elu(x, a, b):
    return b * (x if x > 0 else a * numbaexp.expm1(x))


FUNCTIONS = {"decay": decay, "gaussian": gaussian, "elu": elu}


def compare(name: str, dtype: str) -> list[gpu_bits.Compared]:
    """Compare the bits of a function, and those of its gradients, with the CPU's."""
    found = []
    for label, function in ((name, FUNCTIONS[name]), (f"{name}.backward", FUNCTIONS[name].backward)):
        rng, kind = np.random.default_rng(3), array_type(dtype)
        given = [rng.normal(0, 3, gpu_bits.RANDOM).astype(kind) for _ in range(function.nin)]
        given[0][::5] = gpu_bits.any_bits(kind, given[0][::5].size, 4)
        found.append(gpu_bits.compared(label, dtype, function, tuple(given)))
    return found


def measure(name: str, arrays: Arrays) -> list[Row]:
    """Time a function of an array and two numbers."""
    x, out = arrays.of_numba()
    run = functools.partial(FUNCTIONS[name], x, *NUMBERS, out=out)
    arrays.restore()
    run()
    numbers = (np.asarray(number).astype(arrays.host.dtype) for number in NUMBERS)
    FUNCTIONS[name](arrays.host, *numbers, out=arrays.expected)
    if not arrays.are_expected(arrays.out):
        raise WrongResults(f"{name} {arrays.dtype}")
    (seconds,) = seconds_in_turn([Call("numbaexp", "numba", run, run, CALLS)], ROUNDS)
    rate = f"{2 * arrays.host.nbytes / np.median(seconds) / 1e9:.4g}"
    return [row(name, arrays.dtype, arrays.n, seconds, "numbaexp", OF_USERS, **{"GB/s": rate})]
