"""Count how many results each provider rounds wrongly, against MPFR (gmpy2).

``python benches/accuracy.py`` writes ``results/accuracy.csv``.
"""

import numpy as np
from harness import ALL, ORDINARY, array_type, device, file_of_rows, options, ordinary, versions
from numba import njit
from providers import installed

from numbaexp.scalar.family import FAMILY
from numbaexp.vector.operations import bits_of
from numbaexp.verify.oracle import correctly_rounded

FIELDS = ("function", "provider", "dtype", "inputs", "from", "to", "wrong", "device", "versions")
SAMPLED = 200_000

# Where the result of exp is neither 0 nor infinity.
RANGE = {
    "float16": (-17.3, 11.0859375),
    "bfloat16": (-92.5, 88.5),
    "float32": (-103.97, 88.72283172607422),
    "float64": (-745.1332191019411, 709.782712893384),
}
# What is counted: exp over both, its relatives in the types that have to be sampled.
COUNTED = [("exp", name, interval) for name in ALL for interval in (ORDINARY, RANGE[name])] + [
    (function, name, ordinary(function)) for function in FAMILY if function != "exp" for name in ("float32", "float64")
]


def arguments(name, low, high):
    """Return every argument of a 16-bit type in an interval, or a uniform sample."""
    dtype = array_type(name)
    if dtype.itemsize == 2:
        x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
        as_float = np.nan_to_num(x.astype(np.float32), nan=np.inf)
        return x[(as_float >= low) & (as_float <= high)]
    return np.random.default_rng(0).uniform(low, high, SAMPLED).astype(dtype)


def results_of_each(function, x):
    """Give (provider, results) of each that has the function in the type of the arguments."""
    for provider in installed():
        if provider.target != "cpu" or x.dtype.name not in provider.types:
            continue
        out = np.empty_like(x)
        call = provider.prepare(function, x, out)
        if call is None:
            continue
        with provider.during():
            returned = call()
        # JAX has no ``out``, nor has torch for softplus and log_sigmoid.
        without_out = provider.package == "jax" or function in ("softplus", "log_sigmoid")
        yield provider.package, np.asarray(returned) if without_out else out


def wrong_of_each(function, name, low, high):
    """Give (provider, inputs, how many of them are rounded wrongly)."""
    x = arguments(name, low, high)
    right = correctly_rounded(function, x.astype(np.float64), name)
    for provider, y in results_of_each(function, x):
        yield provider, x.size, np.count_nonzero(y.astype(np.float64) != right)


@njit
def undecided(x, fast):
    """Count the results that the rounding test of the fast phase leaves open."""
    count = 0
    for i in range(x.size):
        below, above = fast(x[i])
        count += bits_of(below) != bits_of(above)
    return count


def main():
    output = options(__doc__, "accuracy.csv").parse_args().output
    with np.errstate(all="ignore"), file_of_rows(output, FIELDS) as write:
        for function, name, (low, high) in COUNTED:
            if array_type(name) is None:
                continue
            for package, inputs, wrong in wrong_of_each(function, name, low, high):
                print(f"{function} {name} [{low}, {high}] {package}: {wrong} of {inputs} wrong", flush=True)
                row = function, package, name, inputs, low, high, wrong, device(), versions()
                write([dict(zip(FIELDS, row, strict=True))])
    for function, row in FAMILY.items():
        if row["float64"].accurate is not None:
            x = np.random.default_rng(0).uniform(*ordinary(function), 10**7)
            share = undecided(x, row["float64"].inner) / x.size
            print(f"{function} float64 {ordinary(function)}: {share:.3%} of the elements need the accurate phase")


if __name__ == "__main__":
    main()
