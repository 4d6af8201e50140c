"""Find the greatest error of softmax over the length of the row, in ulp, of each provider.

``python benches/softmax_accuracy.py`` writes ``results/softmax_accuracy.csv``. The reference is computed in the C
library's long double, 64 bits, of float32 arguments, whose differences from the greatest are exact there; its own error
is 2**-36 ulp of float32.
"""

import numpy as np
from harness import MOST, device, file_of_rows, options, versions
from softmax import PACKAGES, prepare

FIELDS = ("function", "provider", "dtype", "length", "rows", "ulp", "device", "versions")
LENGTHS = [digit * 10**power for power in range(1, 7) for digit in (1, 3)]
ELEMENTS = 3_000_000


def exact(function, x):
    wide = x.astype(np.longdouble)
    less = wide - wide.max(axis=-1, keepdims=True)
    powers = np.exp(less)
    total = powers.sum(axis=-1, keepdims=True)
    return powers / total if function == "softmax" else less - np.log(total)


def greatest_error(y, right):
    """Return the greatest error in units of the spacing of float32 at the exact value."""
    return float((np.abs(y - right) / np.spacing(np.abs(right).astype(np.float32))).max())


def main():
    parser = options(__doc__, "softmax_accuracy.csv")
    parser.add_argument("--most", **MOST)
    arguments = parser.parse_args()
    if np.finfo(np.longdouble).nmant < 63:
        raise SystemExit("the reference needs a long double of 64 bits, which this machine has not")
    with file_of_rows(arguments.output, FIELDS) as write:
        for function in ("softmax", "log_softmax"):
            for length in (length for length in LENGTHS if length <= arguments.most):
                rows = max(1, min(2000, ELEMENTS // length))
                x = (np.random.default_rng(length).standard_normal((rows, length)) * 3).astype(np.float32)
                right = exact(function, x)
                for package in PACKAGES:
                    call = prepare(package, function, x, None, -1)
                    error = greatest_error(np.asarray(call()), right)
                    print(f"{function} {length:,} {package}: {error:.5g} ulp", flush=True)
                    row = function, package, "float32", length, rows, f"{error:.5g}", device(), versions()
                    write([dict(zip(FIELDS, row, strict=True))])


if __name__ == "__main__":
    main()
