"""Time what a new process pays: importing numba, importing numbaexp after it, the first calls with a warm cache.

``python benches/startup.py`` writes ``results/startup.csv`` and prints the medians over new processes.
"""

import subprocess
import sys

import numpy as np
from harness import FIELDS, file_of_rows, options, row_of

STEPS = ("import numba", "import numbaexp after that", "first call", "first call on all threads after that")
SCRIPT = """
import time
clock = [time.perf_counter()]
import numba; clock.append(time.perf_counter())
import numbaexp; clock.append(time.perf_counter())
import numpy as np
small, large = np.ones(100), np.ones(100_000)
between = time.perf_counter()
numbaexp.exp(small); clock.append(time.perf_counter())
numbaexp.exp(large); clock.append(time.perf_counter())
clock = [*clock[:3], clock[3] - between + clock[2], clock[4] - between + clock[2]]
print(*(b - a for a, b in zip(clock, clock[1:])))
"""


def seconds_of_a_process():
    """Return the seconds of each step in a new process."""
    printed = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True).stdout
    return [float(seconds) for seconds in printed.split()]


def main():
    parser = options(__doc__, "startup.csv")
    parser.add_argument("--runs", type=int, default=15, help="processes, default: %(default)s")
    arguments = parser.parse_args()
    seconds_of_a_process()  # the first may compile
    runs = np.array([seconds_of_a_process() for _ in range(arguments.runs)])
    with file_of_rows(arguments.output, FIELDS) as write:
        for step, seconds in zip(STEPS, runs.T, strict=True):
            write([row_of(step, "numbaexp", "auto", "float64", "ones", "", seconds, 0)])
            print(f"{step}: {np.median(seconds) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
