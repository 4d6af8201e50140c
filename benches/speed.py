"""Time the functions over sizes, types and providers: in one process, in turn, on the same arrays.

``python benches/speed.py`` writes ``results/speed.csv`` and prints the medians; ``python benches/report.py`` makes the
tables and the picture of the README from it. exp is timed at all sizes and types, and in float64 on masked rows as
well, whose results are subnormal or 0; the others at two sizes in float32 and float64. ``--threads 1`` keeps numbaexp,
the copy loop and PyTorch to one thread; another ``--output`` keeps the figures of another processor, as
``results/speed-NAME.csv``.
"""

import argparse
import csv
import datetime
import importlib.util
import pathlib
import sys
import time

import numba
import numpy as np
from providers import ALL, array_type, device, installed, versions

RESULTS = pathlib.Path(__file__).with_name("results")
FIELDS = (
    "function",
    "provider",
    "target",
    "dtype",
    "interval",
    "shape",
    "p20",
    "p50",
    "p80",
    "GB/s",
    "device",
    "versions",
    "date",
)

# Seconds that one provider is timed for at one size and type, and the least number of rounds.
BUDGET = 0.6
# Seconds that a row of calls lasts of which one is too short for the clock, and one of launches on a device, of which
# the wait at its end is to be a small part.
ROW, LAUNCHES = 20e-6, 10e-3

# Arguments. Those of masked rows, logits to which something very negative was added, have results below 2**-1022.
ORDINARY, MASKED = (-10.0, 10.0), (-760.0, -700.0)
RELATIVES = ("exp2", "exp10", "expm1", "sigmoid", "softplus")
RELATIVE_TYPES, RELATIVE_SIZES = ("float32", "float64"), (100_000, 20_000_000)
LEAST_ROUNDS = 9
# Arguments that differ: of a larger array they are repeated.
SAMPLE = 10**6


def today():
    return datetime.date.today().isoformat()


def keep_to(threads):
    """Let numbaexp, the copy loop and PyTorch take so many threads."""
    numba.set_num_threads(threads)
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(threads)


def seconds_a_call(call, repeat, wait):
    """Of a row of calls, with the wait for what they launched, if they do not wait themselves."""
    start = time.perf_counter()
    for _ in range(repeat - 1):
        call()
    if wait is None:
        call()
    else:
        wait(call())
    return (time.perf_counter() - start) / repeat


def time_in_turn(calls, least_rounds=LEAST_ROUNDS):
    """Seconds per call of each of several, in rounds.

    In each round each gets two calls, and the second is timed: the threads of the one before, which go on spinning
    for a while, would else take a core from it.
    """
    seconds: list[list[float]] = [[] for _ in calls]
    inner = []
    for during, call in calls:
        with during() as wait:
            seconds_a_call(call, 1, wait)
            once = seconds_a_call(call, 1, wait)
        inner.append(max(1, int((ROW if wait is None else LAUNCHES) / max(once, 1e-9))))
    begin = time.perf_counter()
    while len(seconds[0]) < least_rounds or time.perf_counter() - begin < BUDGET * len(calls):
        for (during, call), repeat, list_of in zip(calls, inner, seconds, strict=True):
            with during() as wait:
                seconds_a_call(call, 1, wait)
                list_of.append(seconds_a_call(call, repeat, wait))
    return [np.array(s) for s in seconds]


def measure(function, dtype_name, n, providers, interval, least_rounds=LEAST_ROUNDS):
    """A row for each provider that has the function."""
    sample = np.random.default_rng(0).uniform(interval[0], interval[1], min(n, SAMPLE))
    x = np.resize(sample.astype(array_type(dtype_name)), n)
    out = np.empty_like(x)
    able = [provider for provider in providers if dtype_name in provider.types]
    prepared = [(provider, provider.prepare(function, x, out)) for provider in able]
    prepared = [(provider, call) for provider, call in prepared if call is not None]
    calls = [(provider.during, call) for provider, call in prepared]
    if not calls:
        return
    for (provider, _), seconds in zip(prepared, time_in_turn(calls, least_rounds), strict=True):
        p20, p50, p80 = np.quantile(seconds, [0.2, 0.5, 0.8])
        yield {
            "function": function,
            "provider": provider.package,
            "target": provider.target,
            "dtype": dtype_name,
            "interval": "{:g} to {:g}".format(*interval),
            "shape": n,
            "p20": f"{p20:.4g}",
            "p50": f"{p50:.4g}",
            "p80": f"{p80:.4g}",
            "GB/s": f"{2 * x.nbytes / p50 / 1e9:.3g}",
            "device": device(provider.target),
            "versions": versions(provider.target),
            "date": today(),
            "transfers": provider.transfers,
        }


def plan(functions, sizes, types):
    """(function, type, size, interval) of all that is timed."""
    relative_sizes = [size for size in RELATIVE_SIZES if size in sizes]
    if "exp" in functions:
        for name in types:
            for size in sizes:
                yield "exp", name, size, ORDINARY
        if "float64" in types:
            for size in relative_sizes:
                yield "exp", "float64", size, MASKED
    for function in RELATIVES:
        if function in functions:
            for name in RELATIVE_TYPES:
                if name in types:
                    for size in relative_sizes:
                        yield function, name, size, ORDINARY


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    every = ("exp", *RELATIVES)
    parser.add_argument("--functions", nargs="+", default=every, choices=every)
    parser.add_argument("--sizes", type=float, nargs="+", default=[10.0**k for k in range(9)] + [2e7])
    parser.add_argument("--types", nargs="+", default=ALL, choices=ALL)
    parser.add_argument("--providers", nargs="+", help="default: all that are installed")
    parser.add_argument("--threads", type=int, help="default: as many as each takes")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS / "speed.csv")
    arguments = parser.parse_args()
    if arguments.threads:
        keep_to(arguments.threads)
    providers = installed(arguments.providers)
    print(f"{device()}; {versions()}")
    types = [name for name in arguments.types if array_type(name) is not None]
    with open(arguments.output, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore")
        writer.writeheader()
        for function, name, size, interval in plan(arguments.functions, sorted(map(int, arguments.sizes)), types):
            rows = list(measure(function, name, size, providers, interval))
            writer.writerows(rows)
            file.flush()
            own = next((float(row["p50"]) for row in rows if row["target"] == "auto"), float("nan"))
            ratios = ", ".join(f"{row['provider']} {row['target']} {float(row['p50']) / own:.2f}" for row in rows)
            print(
                f"{function} {name} {size} from {rows[0]['interval']}: {own / size * 1e9:.3f} ns an element; "
                f"time over numbaexp auto: {ratios}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
