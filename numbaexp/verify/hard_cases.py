"""Hard cases: arguments whose results lie nearest a midpoint between two float64 numbers, found by ``search``."""

import csv
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("hard_cases.csv")


def hard_cases(function: str) -> np.ndarray:
    """Return the known hard cases of a function.

    Parameters
    ----------
    function : str
        Name of a function that is correctly rounded in float64.

    Returns
    -------
    ndarray of float64
        In ascending order. The function there lies within about ``2**-36`` ulp of a midpoint, some within ``2**-50``:
        only an error smaller than this leaves the rounded result right.

    Raises
    ------
    ValueError
        If none of that name are known.
    """
    found = list(read_table(function))
    if not found:
        raise ValueError(f"no hard cases are known of {function!r}")
    return np.array(found)


def read_table(function: str) -> dict[float, float]:
    """Return the hard cases of a function, and ``-log2`` of their distances from a midpoint in ulps."""
    with TABLE.open(newline="", encoding="ascii") as lines:
        rows = [row for row in csv.DictReader(lines) if row["function"] == function]
    return {float.fromhex(row["x"]): float(row["bits"]) for row in rows}
