"""Time functions that users write with ``@numbaexp.elementwise`` beside the same formulas of others, in turn.

``python benches/custom.py`` writes ``results/custom.csv`` and prints the medians of others over ours. The others are
NumPy, numexpr, PyTorch and what it compiles, Numba's ``@vectorize``; for large arrays a loop on all threads that adds
up the same arrays; for gradients PyTorch's ``backward``.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numexpr
import numpy as np
import torch
from harness import FIELDS, MOST, file_of_rows, machine, medians, options, plain, row_of, time_in_turn, uniform

import numbaexp

SMALL, LARGE = 100_000, 20_000_000


class Formula(NamedTuple):
    """Hold a function, the same for arrays of a module and for Python's numbers, as numexpr's text, and parameters."""

    function: Any
    of_arrays: Callable[..., Any]
    of_numbers: Callable[..., float]
    text: str
    parameters: tuple[float, ...]


@numbaexp.elementwise
def decay(x, a, b):
    return a * numbaexp.exp(-b * x)


@numbaexp.elementwise
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@numbaexp.elementwise
def logistic(x, k, r):
    return k / (1.0 + numbaexp.exp(-r * x))


@numbaexp.elementwise
def elu(x, a):
    return x if x > 0.0 else a * numbaexp.expm1(x)


@numbaexp.elementwise
def compound(t, p, r):
    return p * numbaexp.exp(t * r)


def gaussian_of(module, x, mu, sigma):
    z = (x - mu) / sigma
    return module.exp(-0.5 * z * z) / sigma


def gaussian_of_numbers(x, mu, sigma):
    z = (x - mu) / sigma
    return math.exp(-0.5 * z * z) / sigma


FORMULAS = (
    Formula(
        decay,
        lambda m, x, a, b: a * m.exp(-b * x),
        lambda x, a, b: a * math.exp(-b * x),
        "a * exp(-b * x)",
        (1.5, 0.7),
    ),
    Formula(
        gaussian,
        gaussian_of,
        gaussian_of_numbers,
        "exp(-0.5 * ((x - mu) / sigma) * ((x - mu) / sigma)) / sigma",
        (0.3, 2.0),
    ),
    Formula(
        logistic,
        lambda m, x, k, r: k / (1.0 + m.exp(-r * x)),
        lambda x, k, r: k / (1.0 + math.exp(-r * x)),
        "k / (1.0 + exp(-r * x))",
        (1.5, 0.7),
    ),
    Formula(
        elu,
        lambda m, x, a: m.where(x > 0.0, x, a * m.expm1(x)),
        lambda x, a: x if x > 0.0 else a * math.expm1(x),
        "where(x > 0.0, x, a * expm1(x))",
        (1.5,),
    ),
    Formula(
        compound,
        lambda m, t, p, r: p * m.exp(t * r),
        lambda t, p, r: p * math.exp(t * r),
        "p * exp(t * r)",
        (1000.0, 0.05),
    ),
)


def vectorized(formula, dtype, inputs, threads):
    """Return the ufunc that Numba makes of the scalar formula."""
    kind = numba.from_dtype(dtype)
    names = formula.function.operation.arrays
    scope = {"scalar": numba.njit(formula.of_numbers)}
    exec(f"def function({', '.join(names)}): return scalar({', '.join(names)})", scope)
    return numba.vectorize([kind(*[kind] * inputs)], target="parallel" if threads > 1 else "cpu")(scope["function"])


def sum_loop(inputs):
    """Return a loop on all threads that reads so many arrays, and writes one."""
    names = [f"x{k}" for k in range(inputs)]
    scope = {"prange": numba.prange}
    lines = f"def loop({', '.join(names)}, y):\n    for i in prange(y.size):\n        y[i] = "
    exec(lines + " + ".join(f"{name}[i]" for name in names), scope)
    return numba.njit(scope["loop"], parallel=True)


def calls_of(formula, arguments, y, threads):
    """Return what each provider calls; those that can write to arrays that are there."""
    dtype, names = y.dtype, formula.function.operation.arrays
    typed = [x if isinstance(x, np.ndarray) else dtype.type(x) for x in arguments]
    tensors = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in arguments]
    torch._dynamo.reset()  # or it would give up on one formula after others
    of_numba, compiled = (
        vectorized(formula, dtype, len(typed), threads),
        torch.compile(functools.partial(formula.of_arrays, torch)),
    )
    numexpr.set_num_threads(threads)
    torch.set_num_threads(threads)
    known, other = dict(zip(names, typed, strict=True)), np.empty_like(y)
    found = {
        "numbaexp": lambda: formula.function(*arguments, out=y),
        "numpy": lambda: formula.of_arrays(np, *arguments),
        "numexpr": lambda: numexpr.evaluate(formula.text, known, {}, out=other),
        "vectorize": lambda: of_numba(*typed, out=other),
        "torch": lambda: formula.of_arrays(torch, *tensors),
        "torch.compile": lambda: compiled(*tensors),
    }
    if threads > 1:
        arrays = [x for x in arguments if isinstance(x, np.ndarray)]
        loop = sum_loop(len(arrays))
        found["copy"] = lambda: loop(*arrays, other)
    return found


def gradients_of(formula, arguments, y):
    """Return calls for all gradients, given one of ones."""
    ones, leaves = np.ones_like(y), [torch.from_numpy(x).requires_grad_() for x in arguments]
    grad, result = torch.from_numpy(ones), formula.of_arrays(torch, *leaves)
    return {
        "numbaexp": lambda: formula.function.backward(ones, *arguments),
        "torch": lambda: torch.autograd.grad(result, leaves, grad, retain_graph=True),
    }


def arguments_of(formula, dtype, n, parameters):
    """Return arguments between -3 and 3, with parameters that are numbers or arrays."""
    x = uniform(dtype, n, (-3.0, 3.0))
    if parameters == "numbers":
        return [x, *formula.parameters]
    return [x, *(np.full(n, each, dtype) for each in formula.parameters)]


def measure(formula, dtype, n, threads, parameters):
    """Return the rows of one case."""
    numba.set_num_threads(threads)
    arguments = arguments_of(formula, dtype, n, parameters)
    y = np.empty_like(arguments[0])
    arrays = sum(isinstance(x, np.ndarray) for x in arguments)
    if parameters == "gradients":
        calls, arrays = gradients_of(formula, arguments, y), 2 * arrays
    else:
        calls = calls_of(formula, arguments, y, threads)
    name = formula.function.__name__ + ("_backward" if parameters == "gradients" else "")
    target = "auto" if threads > 1 else "cpu"
    with numbaexp.use_target(target):
        seconds = time_in_turn(plain(calls.values()), 15)
    return [
        row_of(name, provider, "auto", dtype, parameters, n, each, (arrays + 1) * y.nbytes)
        for provider, each in zip(calls, seconds, strict=True)
    ]


def main():
    told = options(__doc__, "custom.csv")
    told.add_argument("--cases", default="arrays,numbers,gradients", help="which parameters")
    told.add_argument("--most", **MOST)
    given = told.parse_args()
    sizes = [case for case in ((SMALL, 1), (LARGE, numba.config.NUMBA_NUM_THREADS)) if case[0] <= given.most]
    print(machine())
    with file_of_rows(given.output, FIELDS) as write:
        for parameters in given.cases.split(","):
            for n, threads in sizes:
                for dtype in ("float32", "float64"):
                    for formula in FORMULAS:
                        rows = measure(formula, dtype, n, threads, parameters)
                        write(rows)
                        own, *others = medians(rows)
                        ratios = " ".join(
                            f"{row['provider']} {each / own:.2f}" for row, each in zip(rows[1:], others, strict=True)
                        )
                        print(
                            f"{rows[0]['function']:18} {dtype} {parameters:9} {n:9} {own / n * 1e9:6.2f} ns; {ratios}",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
