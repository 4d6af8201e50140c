"""Time the functions over sizes, types and providers: in one process, in turn, on the same arrays.

``python benches/speed.py`` writes ``results/speed.csv`` and prints the medians. exp is timed at all sizes and types,
and in float64 on masked rows as well, whose results are subnormal or 0; the others at four sizes in float32 and
float64. ``--threads 1`` keeps numbaexp, the copy loop and PyTorch to one thread.
"""

import numpy as np
from harness import (
    ALL,
    FIELDS,
    LEAST_ROUNDS,
    ORDINARY,
    between,
    file_of_rows,
    keep_to,
    machine,
    options,
    ordinary,
    row_of,
    time_in_turn,
    types_here,
    uniform,
)
from providers import installed

from numbaexp.scalar.family import FAMILY

# Arguments of masked rows, logits to which something very negative was added, have results below 2**-1022.
MASKED = (-760.0, -700.0)
RELATIVES = tuple(name for name in FAMILY if name != "exp")
SIZES = (*(10**power for power in range(8)), 20_000_000, 10**8)
RELATIVE_TYPES, RELATIVE_SIZES = ("float32", "float64"), (1_000, 100_000, 1_000_000, 20_000_000)
MASKED_SIZES = (100_000, 20_000_000)


def measure(function, dtype_name, n, providers, interval, least_rounds=LEAST_ROUNDS):
    """Give a row for each provider that has the function."""
    x = uniform(dtype_name, n, interval)
    out = np.empty_like(x)
    able = [provider for provider in providers if dtype_name in provider.types]
    prepared = [(provider, provider.prepare(function, x, out)) for provider in able]
    prepared = [(provider, call) for provider, call in prepared if call is not None]
    if not prepared:
        return
    timed = time_in_turn([(provider.during, call) for provider, call in prepared], least_rounds)
    for (provider, _), seconds in zip(prepared, timed, strict=True):
        case = dtype_name, between(*interval), n, seconds, 2 * x.nbytes
        yield row_of(function, provider.package, provider.target, *case, transfers=provider.transfers)


def plan(functions, sizes, types):
    """Give (function, type, size, interval) of all that is timed, at some sizes or at those of each function."""
    if "exp" in functions:
        for name in types:
            for size in sizes or SIZES:
                yield "exp", name, size, ORDINARY
        if "float64" in types:
            for size in sizes or MASKED_SIZES:
                yield "exp", "float64", size, MASKED
    for function in RELATIVES:
        if function in functions:
            for name in RELATIVE_TYPES:
                if name in types:
                    for size in sizes or RELATIVE_SIZES:
                        yield function, name, size, ordinary(function)


def main():
    parser = options(__doc__, "speed.csv")
    every = ("exp", *RELATIVES)
    parser.add_argument("--functions", nargs="+", default=every, choices=every)
    parser.add_argument("--sizes", type=float, nargs="+", default=[], help="default: those of each function")
    parser.add_argument("--types", nargs="+", default=ALL, choices=ALL)
    parser.add_argument("--providers", nargs="+", help="default: all that are installed")
    parser.add_argument("--threads", type=int, help="default: as many as each takes")
    arguments = parser.parse_args()
    if arguments.threads:
        keep_to(arguments.threads)
    providers = installed(arguments.providers)
    print(machine())
    types, sizes = types_here(arguments.types), sorted(map(int, arguments.sizes))
    with file_of_rows(arguments.output, FIELDS) as write:
        for function, name, size, interval in plan(arguments.functions, sizes, types):
            rows = list(measure(function, name, size, providers, interval))
            write(rows)
            own = next((float(row["p50"]) for row in rows if row["target"] == "auto"), float("nan"))
            ratios = ", ".join(f"{row['provider']} {row['target']} {float(row['p50']) / own:.2f}" for row in rows)
            print(
                f"{function} {name} {size} from {rows[0]['interval']}: {own / size * 1e9:.3f} ns an element; "
                f"time over numbaexp auto: {ratios}",
                flush=True,
            )


if __name__ == "__main__":
    main()
