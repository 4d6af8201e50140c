"""Count how many results each provider rounds wrongly, against MPFR (gmpy2).

``python benches/accuracy.py`` writes ``results/accuracy.csv``.
"""

import csv
import pathlib
import sys

import numpy as np
from providers import ALL, array_type, device, installed, versions

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tests"))
from oracle import correctly_rounded

RESULTS = pathlib.Path(__file__).with_name("results")
FIELDS = ("function", "provider", "dtype", "inputs", "from", "to", "wrong", "device", "versions")
SAMPLE = 200_000

# Where the result is neither 0 nor infinity.
RANGE = {
    "float16": (-17.3, 11.0859375),
    "bfloat16": (-92.5, 88.5),
    "float32": (-103.97, 88.72283172607422),
    "float64": (-745.1332191019411, 709.782712893384),
}


def arguments(name, low, high):
    """Every argument of a 16-bit type in an interval, or a uniform sample."""
    dtype = array_type(name)
    if dtype.itemsize == 2:
        x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
        as_float = np.nan_to_num(x.astype(np.float32), nan=np.inf)
        return x[(as_float >= low) & (as_float <= high)]
    return np.random.default_rng(0).uniform(low, high, SAMPLE).astype(dtype)


def main():
    with np.errstate(all="ignore"), open(RESULTS / "accuracy.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for name in (name for name in ALL if array_type(name) is not None):
            for low, high in ((-10.0, 10.0), RANGE[name]):
                x = arguments(name, low, high)
                right = correctly_rounded("exp", x.astype(np.float64), name)
                for provider in installed():
                    if provider.target != "cpu" or name not in provider.types:
                        continue
                    out = np.empty_like(x)
                    with provider.during():
                        returned = provider.prepare(x, out)()
                    y = np.asarray(returned) if provider.package == "jax" else out
                    wrong = np.count_nonzero(y.astype(np.float64) != right)
                    print(f"{name} [{low}, {high}] {provider.package}: {wrong} of {x.size} wrong")
                    writer.writerow(
                        {
                            "function": "exp",
                            "provider": provider.package,
                            "dtype": name,
                            "inputs": x.size,
                            "from": low,
                            "to": high,
                            "wrong": wrong,
                            "device": device(),
                            "versions": versions(),
                        }
                    )


if __name__ == "__main__":
    main()
