"""The report of ``gpu.py``: requirements, and tables of the findings."""

from typing import NamedTuple

import gpu_calls
from gpu_calls import COPY, PEERS, Row
from harness import ALL, markdown

from numbaexp.scalar.family import FAMILY

# Of exp, in each type: the least share of the rate of the device's copy, and of the speed of each peer; and the most
# time of a call on few elements over that of PyTorch.
OF_COPY, OF_PEERS, OF_LAUNCHES = 0.93, 1.0, 3.0


class Required(NamedTuple):
    """A measured ratio and its bound; without a value, it could not be measured."""

    what: str
    value: float | None
    bound: str
    is_met: bool

    def verdict(self) -> str:
        """Say the verdict in words."""
        if self.value is None:
            return "not measured"
        return "met" if self.is_met else "not met"


def ratio(rows: list[Row], above: Row, below: Row) -> float | None:
    """Return the median of the row that has the first entries over that of the row that has the others."""
    medians = [[float(each["p50"]) for each in rows if entries.items() <= each.items()] for entries in (above, below)]
    return medians[0][0] / medians[1][0] if all(medians) else None


def requirements(rows: list[Row]) -> list[Required]:
    """Return the requirements of exp, and whether they are met."""
    found = []
    for dtype in ALL:
        for case in ("out", "in place"):
            same = {"function": "exp", "dtype": dtype, "case": case}
            for other, least in ((COPY, OF_COPY), *((peer, OF_PEERS) for peer in PEERS)):
                value = ratio(rows, {**same, "provider": other}, {**same, "provider": "numbaexp"})
                what = f"exp {dtype} {case}: speed over that of {other}"
                found.append(Required(what, value, f">= {least}", value is not None and value >= least))
        same = {"function": "exp", "dtype": dtype, "case": "few", "arrays": "torch"}
        value = ratio(rows, {**same, "provider": "numbaexp"}, {**same, "provider": "torch"})
        what = f"exp {dtype}, {gpu_calls.FEW} elements: time over that of torch"
        found.append(Required(what, value, f"<= {OF_LAUNCHES}", value is not None and value <= OF_LAUNCHES))
    return found


def number(value: float | None) -> str:
    """Return a number as text, to three digits."""
    return "" if value is None else f"{value:.3g}"


def large_table(rows: list[Row]) -> str:
    """Return a table of the rates of numbaexp, and of its speed over that of the others."""
    lines = []
    for own in rows:
        if own["provider"] != "numbaexp" or own["case"] not in ("out", "in place"):
            continue
        same = {name: own[name] for name in ("function", "dtype", "case")}
        over = (number(ratio(rows, {**same, "provider": other}, own)) for other in (COPY, *PEERS))
        lines.append((", ".join(same.values()), own["GB/s"], *over))
    return markdown(("function, type, case", "GB/s", "over the copy", *(f"over {peer}" for peer in PEERS)), lines)


def others_table(rows: list[Row], cases: tuple[str, ...]) -> str:
    """Return a table of medians and rates of these cases, one line each."""
    lines = [
        (
            ", ".join(filter(None, (each["function"], each["dtype"], each["case"], f"{int(each['shape']):,}"))),
            each["provider"],
            each["arrays"] or each["target"],
            f"{float(each['p50']) * 1e6:.4g}",
            each["GB/s"],
        )
        for each in rows
        if each["case"] in cases
    ]
    return markdown(("function, type, case, elements", "provider", "arrays or target", "microseconds", "GB/s"), lines)


def first_calls_table(rows: list[Row]) -> str:
    """Return a table of the seconds of first calls: compiled, and found on disk."""
    lines = []
    for function in FAMILY:
        cells = []
        for dtype in ALL:
            both = (
                [
                    each["p50"]
                    for each in rows
                    if (each["function"], each["dtype"], each["case"]) == (function, dtype, case)
                ]
                for case in ("compiled", "found on disk")
            )
            cells.append(" / ".join(f"{float(seconds[0]):.2g}" for seconds in both if seconds))
        lines.append((function, *cells))
    return markdown(("function", *ALL), lines)
