"""Time forward and backward together, of the tape, of numbaexp inside torch, and of torch: in one process, in turn.

``python benches/autograd.py`` writes ``results/autograd.csv`` and prints the medians, with what a call on ten
elements takes.
"""

import argparse
import contextlib
import csv
import functools
import pathlib

import numpy as np
import torch
from providers import device, versions
from speed import FIELDS, RESULTS, time_in_turn, today

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
    """A call of forward and backward for each."""
    rows = {"dim": -1} if function.endswith("softmax") else {}
    return {
        "numbaexp": of_tape(function, x),
        "numbaexp in torch": of_torch(getattr(numbaexp, function), x),
        "torch": of_torch(functools.partial(getattr(torch, function), **rows), x),
    }


def row_of(function, provider, x, seconds, moved):
    p20, p50, p80 = np.quantile(seconds, [0.2, 0.5, 0.8])
    return {
        "function": function,
        "provider": provider,
        "target": "cpu" if provider.startswith("torch") else "auto",
        "dtype": "float32",
        "interval": "normal",
        "shape": " x ".join(map(str, x.shape)),
        "p20": f"{p20:.4g}",
        "p50": f"{p50:.4g}",
        "p80": f"{p80:.4g}",
        "GB/s": f"{moved * x.nbytes / p50 / 1e9:.3g}",
        "device": device(),
        "versions": versions(),
        "date": today(),
    }


def rows_of(function, x, calls, moved):
    """A row for each call; ``moved`` is how often it reads or writes as many bytes as ``x`` has, at the least."""
    timed = time_in_turn([(contextlib.nullcontext, call) for call in calls.values()])
    return [row_of(function, provider, x, seconds, moved) for provider, seconds in zip(calls, timed, strict=True)]


def few():
    """What ``exp`` of few elements takes, by what it is called on: recorded where that requires grad."""
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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS / "autograd.csv")
    arguments = parser.parse_args()
    with open(arguments.output, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for function, shape in CASES:
            x = np.random.default_rng(0).standard_normal(shape, np.float32)
            # The argument, the result, its gradient, and the gradient that is made.
            rows = rows_of(function, x, providers_of(function, x), 5)
            writer.writerows(rows)
            file.flush()
            *own, peer = (float(row["p50"]) for row in rows)
            ratios = ", ".join(f"{row['provider']} {peer / p50:.2f}" for row, p50 in zip(rows[:-1], own, strict=True))
            print(f"{function} {rows[0]['shape']}: torch {peer:.3g} s; torch over: {ratios}")
        rows = few()
        writer.writerows(rows)
        for row in rows:
            print(f"exp {row['provider']}, {FEW} elements: {float(row['p50']) * 1e6:.2f} us")


if __name__ == "__main__":
    main()
