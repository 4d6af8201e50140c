"""Read ``results/targets.csv``: a table of throughputs, and the sizes at which one target overtakes another."""

import itertools
import math

import numpy as np
from providers import WALLS

# Targets of numbaexp in the order in which they are expected to pay as arrays grow: (target, transfers).
STEPS = [
    (("cpu", ""), ("parallel", "")),
    (("parallel", ""), ("cuda", "not counted")),
    (("parallel", ""), ("cuda", "counted")),
]


def line_of(row):
    """Return the line of the picture that a row is of."""
    if row["provider"] in WALLS:
        return row["provider"]
    counted = ", with transfers" if row["transfers"] == "counted" else ""
    return f"{row['provider']} {row['target']}{counted}"


def throughput(row):
    """Return 10**9 elements a second."""
    return int(row["shape"]) / float(row["p50"]) / 1e9


def written(row):
    """Write the throughput to three digits."""
    return np.format_float_positional(throughput(row), 3, unique=False, fractional=False, trim="-")


def table(rows):
    """Return a header and lines of cells: a column for each provider and target, in the order of the rows."""
    columns = list(dict.fromkeys(line_of(row) for row in rows))
    cases: dict[str, dict[str, str]] = {}
    for row in rows:
        case = f"{row['function']}, {row['dtype']}, {int(row['shape']):,}"
        cases.setdefault(case, {})[line_of(row)] = written(row)
    lines = [[case, *(cells.get(column, "") for column in columns)] for case, cells in cases.items()]
    return ["function, type, elements", *columns], lines


def overtaking(rows):
    """Return a sentence for each step between targets, for each function and type."""
    own = [row for row in rows if row["provider"] == "numbaexp"]
    sentences = []
    for function, dtype in dict.fromkeys((row["function"], row["dtype"]) for row in own):
        for step in STEPS:
            before, after = (
                {
                    int(row["shape"]): row
                    for row in own
                    if (row["function"], row["dtype"], row["target"], row["transfers"]) == (function, dtype, *target)
                }
                for target in step
            )
            if before.keys() & after.keys():
                sentences.append(f"{function}, {dtype}: {_step(before, after)}")
    return sentences


def _step(before, after):
    """Tell where one target overtakes another, or falls behind it again, of rows by size."""
    sizes = sorted(before.keys() & after.keys())
    old, new = (_name(rows[sizes[0]]) for rows in (before, after))
    decided = [size for size in sizes if _apart(before[size], after[size])]
    leads = {size: math.log(float(before[size]["p50"]) / float(after[size]["p50"])) for size in decided}
    changes = []
    for small, large in itertools.pairwise(decided):
        if leads[small] * leads[large] < 0:
            first, second = (new, old) if leads[large] > 0 else (old, new)
            changes.append(f"{first} overtakes {second} at {_between(small, large, leads):,} elements")
    if changes:
        return ", ".join(changes)
    measured = f"within the sizes measured, {sizes[0]:,} to {sizes[-1]:,}"
    if not decided:
        return f"neither of {old} and {new} is ahead {measured}"
    ahead = (new, old) if leads[decided[0]] > 0 else (old, new)
    return "no overtaking {}: {} is ahead of {} throughout".format(measured, *ahead)


def _name(row):
    return row["target"] + {"counted": " with transfers", "not counted": " without transfers"}.get(row["transfers"], "")


def _apart(row, other):
    """Tell whether the times differ by more than they scatter."""
    return float(row["p80"]) < float(other["p20"]) or float(other["p80"]) < float(row["p20"])


def _between(small, large, leads):
    """Return the size at which the lead is nil, if its logarithm is linear in that of the size, to two digits."""
    part = leads[small] / (leads[small] - leads[large])
    size = small * (large / small) ** part
    return int(float(f"{size:.2g}"))
