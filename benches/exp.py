"""Time exp over sizes, types and providers: in one process, in turn, on the same arrays.

``python benches/exp.py`` writes ``results/exp.csv`` and prints the medians; ``python benches/report.py`` makes the
tables and the picture of the README from it.
"""

import argparse
import csv
import pathlib
import sys
import time

import numpy as np
from providers import ALL, array_type, device, installed, versions

RESULTS = pathlib.Path(__file__).with_name("results")
FIELDS = ("function", "provider", "target", "dtype", "shape", "p20", "p50", "p80", "GB/s", "device", "versions")

# Seconds that one provider is timed for at one size and type, and the least number of rounds.
BUDGET = 0.6
LEAST_ROUNDS = 9


def time_in_turn(calls):
    """Seconds per call of each of several, in rounds.

    In each round each gets two calls, and the second is timed: the threads of the one before, which go on spinning
    for a while, would else take a core from it.
    """
    seconds: list[list[float]] = [[] for _ in calls]
    inner = []
    for during, call in calls:
        with during():
            call()
            start = time.perf_counter()
            call()
            once = time.perf_counter() - start
        # A call too short for the clock is timed in a row of them.
        inner.append(max(1, int(20e-6 / max(once, 1e-9))))
    begin = time.perf_counter()
    while len(seconds[0]) < LEAST_ROUNDS or time.perf_counter() - begin < BUDGET * len(calls):
        for (during, call), repeat, list_of in zip(calls, inner, seconds, strict=True):
            with during():
                call()
                start = time.perf_counter()
                for _ in range(repeat):
                    call()
                list_of.append((time.perf_counter() - start) / repeat)
    return [np.array(s) for s in seconds]


def measure(dtype_name, n, providers):
    """A row for each provider."""
    dtype = array_type(dtype_name)
    x = np.random.default_rng(0).uniform(-10, 10, n).astype(dtype)
    out = np.empty_like(x)
    able = [provider for provider in providers if dtype_name in provider.types]
    calls = [(provider.during, provider.prepare(x, out)) for provider in able]
    for provider, seconds in zip(able, time_in_turn(calls), strict=True):
        p20, p50, p80 = np.quantile(seconds, [0.2, 0.5, 0.8])
        yield {
            "function": "exp",
            "provider": provider.package,
            "target": provider.target,
            "dtype": dtype_name,
            "shape": n,
            "p20": f"{p20:.4g}",
            "p50": f"{p50:.4g}",
            "p80": f"{p80:.4g}",
            "GB/s": f"{2 * x.nbytes / p50 / 1e9:.3g}",
            "device": device(),
            "versions": versions(),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[10.0**k for k in range(9)] + [2e7])
    parser.add_argument("--types", nargs="+", default=ALL, choices=ALL)
    parser.add_argument("--providers", nargs="+", help="default: all that are installed")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS / "exp.csv")
    arguments = parser.parse_args()
    providers = installed(arguments.providers)
    args_types = [name for name in arguments.types if array_type(name) is not None]
    with open(arguments.output, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for name in args_types:
            for size in sorted(map(int, arguments.sizes)):
                rows = list(measure(name, size, providers))
                writer.writerows(rows)
                file.flush()
                own = next((float(row["p50"]) for row in rows if row["target"] == "auto"), float("nan"))
                ratios = ", ".join(f"{row['provider']} {row['target']} {float(row['p50']) / own:.2f}" for row in rows)
                print(f"{name} {size}: {own / size * 1e9:.3f} ns an element; time over numbaexp auto: {ratios}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
