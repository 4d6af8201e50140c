"""Find the greatest error over the argument, in ulp, of each provider, against MPFR (gmpy2).

``python benches/errors.py`` writes ``results/errors.csv``: the interval of ordinary arguments of a function is cut into
pieces, and each row has the greatest error among random arguments of one piece.
"""

import itertools

import numpy as np
from accuracy import results_of_each
from harness import device, file_of_rows, options, ordinary, versions

from numbaexp.verify.oracle import ulp_errors

FIELDS = ("function", "provider", "dtype", "from", "to", "inputs", "ulp", "device", "versions")
FUNCTIONS, TYPES = ("exp", "log", "tanh", "sigmoid"), ("float32", "float64")
PIECES, INPUTS = 25, 500
# An ulp of float32 in those of float64. The results here are normal numbers in both.
ULP = {"float32": 2.0**29, "float64": 1.0}


def rows_of(function, dtype, inputs):
    """Give a row for each provider and piece."""
    bounds = np.linspace(*ordinary(function), PIECES + 1)
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.uniform(low, high, inputs) for low, high in itertools.pairwise(bounds)]).astype(dtype)
    for provider, y in results_of_each(function, x):
        errors = ulp_errors(function, x.astype(np.float64), y.astype(np.float64)) / ULP[dtype]
        for (low, high), error in zip(
            itertools.pairwise(bounds), errors.reshape(PIECES, inputs).max(axis=1), strict=True
        ):
            where = f"{low:.6g}", f"{high:.6g}"
            row = function, provider, dtype, *where, inputs, f"{error:.5g}", device(), versions()
            yield dict(zip(FIELDS, row, strict=True))


def main():
    parser = options(__doc__, "errors.csv")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="arguments of a piece, default: %(default)s")
    arguments = parser.parse_args()
    with file_of_rows(arguments.output, FIELDS) as write:
        for function, dtype in itertools.product(FUNCTIONS, TYPES):
            rows = list(rows_of(function, dtype, arguments.inputs))
            write(rows)
            for provider in dict.fromkeys(row["provider"] for row in rows):
                greatest = max(float(row["ulp"]) for row in rows if row["provider"] == provider)
                print(f"{function} {dtype} {provider}: {greatest:.5g} ulp", flush=True)


if __name__ == "__main__":
    main()
