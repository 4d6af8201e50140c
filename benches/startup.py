"""Time what a new process pays: importing numba, importing numbaexp after it, the first calls with a warm cache.

``python benches/startup.py`` prints the medians over new processes.
"""

import statistics
import subprocess
import sys

from harness import machine

RUNS = 15
SCRIPT = """
import time
clock = [time.perf_counter()]
import numba; clock.append(time.perf_counter())
import numbaexp; clock.append(time.perf_counter())
import numpy as np
small, large = np.ones(100), np.ones(100_000)
clock.append(time.perf_counter())
numbaexp.exp(small); clock.append(time.perf_counter())
numbaexp.exp(large); clock.append(time.perf_counter())
print(*(b - a for a, b in zip(clock, clock[1:])))
"""


def main():
    print(machine())
    runs = []
    for _ in range(RUNS + 1):
        printed = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True).stdout
        runs.append([float(seconds) for seconds in printed.split()])
    # The first process may have compiled.
    numba, own, _, small, large = (statistics.median(column) * 1e3 for column in zip(*runs[1:], strict=True))
    print(f"import numba: {numba:.1f} ms")
    print(f"import numbaexp after it: {own:.1f} ms")
    print(f"first call: {small:.1f} ms; first on all threads, after that: {large:.1f} ms")


if __name__ == "__main__":
    main()
