"""Time the logarithms and hyperbolic functions beside their peers, and count what their fast phases leave undecided.

``python benches/logarithms.py`` prints, in turn in one process and by the median: arrays in the caches on one thread,
arrays beyond them on ``--threads``, and loops of ``@njit`` beside those of ``math``. Ratios above 1 are times of others
over those of numbaexp.
"""

import argparse
import functools
import math

import numpy as np
from accuracy import undecided
from compiled import loop_over, medians
from harness import keep_to, machine, ordinary, uniform
from providers import installed
from speed import measure

import numbaexp
from numbaexp.scalar.family import FAMILY

FUNCTIONS = ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh", "log_sigmoid", "logit")
TYPES = ("float32", "float64")
IN_CACHE, BEYOND = 100_000, 20_000_000
# Near 1, where logarithms are tiny, and over all positive numbers, of which the exponents are drawn.
NEAR_1, EXPONENTS = (0.9, 1.1), (-1022, 1023)
COUNTED = 10**6


def time_arrays(functions, threads, n):
    """Print a line for each function and type."""
    keep_to(threads)
    providers = installed(("numbaexp", "numpy", "scipy", "torch"), ("cpu", "auto"))
    for function in functions:
        for dtype in TYPES:
            rows = list(measure(function, dtype, n, providers, ordinary(function)))
            seconds = {(row["provider"], row["target"]): float(row["p50"]) for row in rows}
            own = seconds["numbaexp", "auto"]
            ratios = ", ".join(f"{name} {each / own:.2f}" for (name, _), each in seconds.items() if name != "numbaexp")
            print(f"{function} {dtype} {n}, {threads} threads: {own / n * 1e9:.3f} ns an element; {ratios}", flush=True)


def time_loops(functions):
    """Print how many times as fast a user's loop is by numbaexp's function as by that of ``math``."""
    for function in functions:
        if not hasattr(math, function):
            continue
        for dtype in TYPES:
            x = uniform(dtype, IN_CACHE, ordinary(function))
            both = [loop_over(getattr(module, function)) for module in (math, numbaexp)]
            theirs, own = medians(*(functools.partial(loop, x, np.empty_like(x)) for loop in both))
            each = own / x.size * 1e9
            print(f"{function} {dtype} in an @njit loop: {each:.3f} ns an element, math {theirs / own:.2f}", flush=True)


def count_undecided(functions):
    """Print the shares of arguments that need the accurate phase."""
    generator = np.random.default_rng(0)
    every_exponent = np.ldexp(generator.uniform(1, 2, COUNTED), generator.integers(*EXPONENTS, COUNTED))
    for function in functions:
        row = FAMILY[function]["float64"]
        if row.accurate is None:
            continue
        samples = {str(ordinary(function)): generator.uniform(*ordinary(function), COUNTED)}
        if row.domain is not None:
            near = generator.uniform(*NEAR_1, COUNTED)
            samples[f"near {NEAR_1}"] = near - 1 if function == "log1p" else near
            samples["any exponent"] = every_exponent
        shares = (f"{undecided(x, row.inner) / x.size:.3%} of {told}" for told, x in samples.items())
        print(f"{function} float64 undecided: {', '.join(shares)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--functions", nargs="+", default=FUNCTIONS, choices=FUNCTIONS)
    parser.add_argument("--threads", type=int, default=2, help="threads for arrays beyond the caches")
    arguments = parser.parse_args()
    print(machine())
    count_undecided(arguments.functions)
    time_arrays(arguments.functions, 1, IN_CACHE)
    time_arrays(arguments.functions, arguments.threads, BEYOND)
    keep_to(1)
    time_loops(arguments.functions)


if __name__ == "__main__":
    main()
