"""Time the same calls under each target and by each peer, over sizes and types, and say which target overtakes where.

``python benches/targets.py`` writes ``results/targets.csv`` and prints the throughputs. On the target "cuda" arrays lie
on the GPU and no transfer is timed, but for the rows "with transfers", whose arrays lie on the host.
"""

import itertools
import sys
import time

import memory
from harness import ALL, FIELDS, LEAST_ROUNDS, array_type, file_of_rows, options, ordinary, types_here
from providers import WALLS, installed
from speed import measure
from summary import line_of, overtaking, table, written

import numbaexp
from numbaexp.progress import Progress
from numbaexp.scalar.family import FAMILY

PEERS = ("numpy", "torch", "cupy", "jax")
# Of arrays beyond a size, whose times scatter little, fewer rounds are timed.
LARGE, LEAST_ROUNDS_OF_LARGE = 10**8, 5


def lack(dtype_name, n, providers):
    """Tell what memory is too little for the arrays and results of providers that compute at one place, or None."""
    array = array_type(dtype_name).itemsize * n
    own = sum(provider.own for provider in providers if dtype_name in provider.types) * array
    on_device = providers[0].target == "cuda"
    needs = [("host", 2 * array + (0 if on_device else own), memory.on_host())]
    if on_device:
        needs.append(("device", own, memory.on_device()))
    for place, need, free in needs:
        if need > free:
            return f"needs {need / 1e9:.3g} GB of {place} memory, {free / 1e9:.3g} GB are free"
    return None


def measure_case(function, dtype_name, n, groups):
    """Return the rows of a case, of each group of providers for which memory suffices."""
    rounds = LEAST_ROUNDS if n < LARGE else LEAST_ROUNDS_OF_LARGE
    rows = []
    for place, providers in groups.items():
        lacking = lack(dtype_name, n, providers)
        if lacking:
            print(f"{function} {dtype_name} {n:,} on the {place}: skipped: {lacking}", flush=True)
        else:
            rows += measure(function, dtype_name, n, providers, ordinary(function), rounds)
    return rows


def in_time(dtype_name, n):
    """Tell whether softmax is timed: in types of its peers, at sizes at which one target could overtake another."""
    return dtype_name in ("float32", "float64") and n <= LARGE


def print_columns(header, lines):
    """Print a table."""
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    for first, *cells in [header, *lines]:
        print("  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))]))


def usable_groups(packages):
    """Return the providers that can compute here, by place: a GPU that waits for the host slows down its clocks."""
    reasons = numbaexp.targets()
    for target, reason in reasons.items():
        if reason is not None:
            print(f"target {target}: skipped: {reason}", flush=True)
    usable = installed(packages, ["auto", *(target for target, reason in reasons.items() if reason is None)])
    groups = {
        "host": [provider for provider in usable if provider.target != "cuda"],
        "device": [provider for provider in usable if provider.target == "cuda"],
    }
    return {place: providers for place, providers in groups.items() if providers}


def main():
    parser = options(__doc__, "targets.csv")
    parser.add_argument("--functions", nargs="+", default=["exp", "softmax"], choices=[*FAMILY, "softmax"])
    parser.add_argument("--sizes", type=float, nargs="+", default=[10.0**k for k in range(2, 10)])
    parser.add_argument("--types", nargs="+", default=ALL, choices=ALL)
    parser.add_argument("--providers", nargs="+", help="default: numbaexp, its peers and the walls")
    arguments = parser.parse_args()
    groups = usable_groups(arguments.providers or ("numbaexp", *PEERS, *WALLS))
    types, sizes = types_here(arguments.types), sorted(map(int, arguments.sizes))
    cases = [
        case
        for case in itertools.product(arguments.functions, types, sizes)
        if case[0] != "softmax" or in_time(*case[1:])
    ]
    rows = []
    progress = Progress(sys.stderr)
    start = time.perf_counter()
    with file_of_rows(arguments.output, [*FIELDS, "transfers"]) as write:
        for i, (function, name, size) in enumerate(cases):
            progress.show(f"{function} {name} {size:,}", i / len(cases), start)
            measured = measure_case(function, name, size, groups)
            progress.erase()
            write(measured)
            rows += measured
            speeds = ", ".join(f"{line_of(row)} {written(row)}" for row in measured)
            print(f"{function} {name} {size:,}: {speeds or 'nothing timed'}", flush=True)
    print("\n10**9 elements a second:")
    print_columns(*table(rows))
    print("", *overtaking(rows), sep="\n")


if __name__ == "__main__":
    main()
