"""Time forward and backward together, of the tape, of numbaexp inside torch, and of torch: in one process, in turn.

``python benches/autograd.py`` writes ``results/autograd.csv`` and prints the medians, with what a call on ten
elements takes.
"""

import functools
import math

import numpy as np
import torch
from harness import FIELDS, MOST, file_of_rows, medians, options, plain, row_of, time_in_turn

import numbaexp
from numbaexp import autograd

# (function, shape), of float32.
CASES = [
    ("exp", (20_000_000,)),
    ("sigmoid", (20_000_000,)),
    ("softmax", (4096, 1024)),
    ("log_softmax", (4096, 1024)),
]
FEW = 10


def of_tape(function, x):
    leaf, ones = autograd.tensor(x, requires_grad=True), np.ones_like(x)

    def both():
        leaf.grad = None
        getattr(numbaexp, function)(leaf).backward(ones)

    return both


def of_torch(compute, x):
    leaf, ones = torch.from_numpy(x.copy()).requires_grad_(True), torch.ones(x.shape)

    def both():
        leaf.grad = None
        compute(leaf).backward(ones)

    return both


def providers_of(function, x):
    """Return a call of forward and backward for each."""
    rows = {"dim": -1} if function.endswith("softmax") else {}
    return {
        "numbaexp": of_tape(function, x),
        "numbaexp in torch": of_torch(getattr(numbaexp, function), x),
        "torch": of_torch(functools.partial(getattr(torch, function), **rows), x),
    }


def target_of(provider):
    """Return the target that a row tells."""
    return "cpu" if provider.startswith("torch") else "auto"


def rows_of(function, x, calls, moved):
    """Return a row for each call, which at the least moves ``moved`` times as many bytes as ``x`` has."""
    shape = " x ".join(map(str, x.shape))
    return [
        row_of(function, provider, target_of(provider), "float32", "normal", shape, seconds, moved * x.nbytes)
        for provider, seconds in zip(calls, time_in_turn(plain(calls.values())), strict=True)
    ]


def few():
    """Time ``exp`` of few elements of several libraries: recorded where they require grad."""
    x = np.zeros(FEW, np.float32)
    of_tape, of_torch = autograd.tensor(x, requires_grad=True), torch.zeros(FEW, requires_grad=True)
    calls = {
        "of an array": functools.partial(numbaexp.exp, x),
        "of a tensor of the tape": functools.partial(numbaexp.exp, of_tape),
        "of a tensor of torch": functools.partial(numbaexp.exp, of_torch.detach()),
        "of one that requires grad": functools.partial(numbaexp.exp, of_torch),
        "torch.exp of it": functools.partial(torch.exp, of_torch),
    }
    return rows_of("exp", x, calls, 2)


def main():
    parser = options(__doc__, "autograd.csv")
    parser.add_argument("--most", **MOST)
    arguments = parser.parse_args()
    with file_of_rows(arguments.output, FIELDS) as write:
        for function, shape in (case for case in CASES if math.prod(case[1]) <= arguments.most):
            x = np.random.default_rng(0).standard_normal(shape, np.float32)
            # The argument, the result, its gradient, and the gradient that is made.
            rows = rows_of(function, x, providers_of(function, x), 5)
            write(rows)
            *own, peer = medians(rows)
            ratios = ", ".join(f"{row['provider']} {peer / p50:.2f}" for row, p50 in zip(rows[:-1], own, strict=True))
            print(f"{function} {rows[0]['shape']}: torch {peer:.3g} s; torch over: {ratios}")
        rows = few()
        write(rows)
        for row in rows:
            print(f"exp {row['provider']}, {FEW} elements: {float(row['p50']) * 1e6:.2f} us")


if __name__ == "__main__":
    main()
