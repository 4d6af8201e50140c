"""Make README's tables and pictures from the files in ``results/``.

``python benches/report.py`` rewrites what stands between the markers of README.md, and in ``results`` the pictures
``speed.svg``, ``targets.svg`` and ``softmax_accuracy.svg``. Figures of other processors, or of fewer threads,
lie beside as ``speed-NAME.csv``, ``softmax-NAME.csv`` and ``autograd-NAME.csv``, and have tables of their own.
"""

import re
from typing import Any

import matplotlib as mpl
from harness import ALL, ORDINARY, RESULTS, between, markdown, rows_in
from providers import WALLS
from summary import line_of, overtaking, table, throughput

mpl.use("Agg")
import matplotlib.pyplot as plt

README = RESULTS.parents[1] / "README.md"
PEERS = ("numpy", "scipy", "torch", "jax", "numexpr")
SOFTMAX_PEERS = ("torch", "jax", "scipy")
AUTOGRAD_PROVIDERS = ("numbaexp", "numbaexp in torch", "torch")
COLOURS = {
    "auto": "#c0392b",
    "cpu": "#e59866",
    "numpy": "#2e86c1",
    "torch": "#7d3c98",
    "jax": "#229954",
    "scipy": "#148f77",
    "numexpr": "#b7950b",
}
WALL = "copy loop"
TABLE_SIZES = (1, 1_000, 100_000, 20_000_000)
USUAL = between(*ORDINARY)
TARGETS_TABLE_SIZES = (100, 10_000, 1_000_000, 100_000_000)
# Lines of the picture of targets; those of one library have one colour, dashed where they run on a GPU.
STYLES: dict[str, dict[str, Any]] = {
    "numbaexp auto": {"color": "#f5b7b1", "linewidth": 7, "solid_capstyle": "round"},
    "numbaexp cpu": {"color": "#e67e22", "linewidth": 2},
    "numbaexp parallel": {"color": "#c0392b", "linewidth": 2},
    "numbaexp cuda": {"color": "#7b241c", "linewidth": 2, "linestyle": "--"},
    "numbaexp cuda, with transfers": {"color": "#7b241c", "linewidth": 2, "linestyle": ":"},
    "numpy cpu": {"color": COLOURS["numpy"]},
    "torch cpu": {"color": COLOURS["torch"]},
    "torch cuda": {"color": COLOURS["torch"], "linestyle": "--"},
    "cupy cuda": {"color": COLOURS["numpy"], "linestyle": "--"},
    "jax cpu": {"color": COLOURS["jax"]},
    "jax cuda": {"color": COLOURS["jax"], "linestyle": "--"},
    "copy loop": {"color": "0.2", "linestyle": (0, (1, 1))},
    "device copy": {"color": "0.2", "linestyle": "-."},
}


def for_each_processor(name, section):
    """Return the section of each file of a name, with where it was measured."""
    files = [RESULTS / f"{name}.csv", *sorted(RESULTS.glob(f"{name}-*.csv"))]
    measured = [rows_in(file) for file in files]
    return "\n\n".join(f"{section(rows)}\n\n{measured_on(rows[0])}" for rows in measured)


def accuracy_table():
    """Return the share of results that each provider rounds wrongly."""
    rows = rows_in(RESULTS / "accuracy.csv")
    lines = []
    for case in dict.fromkeys((row["function"], row["dtype"], row["from"], row["to"]) for row in rows):
        shares = {
            row["provider"]: int(row["wrong"]) / int(row["inputs"])
            for row in rows
            if (row["function"], row["dtype"], row["from"], row["to"]) == case
        }
        function, dtype, *interval = case
        low, high = (f"{float(bound):.4g}" for bound in interval)
        cells = [f"{shares[p]:.4%}" if shares.get(p) else "0" if p in shares else "" for p in ("numbaexp", *PEERS)]
        lines.append([f"{function}, {dtype}, [{low}, {high}]", *cells])
    return markdown(["results rounded wrongly", "numbaexp", *PEERS], lines)


def speed_table(rows):
    """Return the time of the others over that of numbaexp's default; above 1 numbaexp is faster."""
    time: dict[tuple[str, str, str, int], dict[tuple[str, str], float]] = {}
    for row in rows:
        if int(row["shape"]) in TABLE_SIZES:
            case = row["function"], row["interval"], row["dtype"], int(row["shape"])
            time.setdefault(case, {})[row["provider"], row["target"]] = float(row["p50"])
    lines = []
    for (function, interval, dtype, size), seconds in time.items():
        own = seconds["numbaexp", "auto"]
        others = [*((peer, "cpu") for peer in PEERS), (WALL, "parallel")]
        cells = [f"{seconds[other] / own:.2f}" if other in seconds else "" for other in others]
        where = "" if interval == USUAL else f" from {interval}"
        lines.append([f"{function}, {dtype}, {size:,}{where}", f"{own / size * 1e9:.3g} ns", *cells])
    return markdown(["function, type, elements", "numbaexp, an element", *PEERS, WALL], lines)


def picture():
    """Draw the throughput of exp over size, a panel for each type; the copy loop is the wall."""
    rows = [row for row in rows_in(RESULTS / "speed.csv") if (row["function"], row["interval"]) == ("exp", USUAL)]
    figure, panels = plt.subplots(1, 4, figsize=(14, 3.6), sharey=True, layout="constrained")
    for panel, dtype in zip(panels, ALL, strict=True):
        for provider, target, label in (
            ("numbaexp", "auto", "numbaexp"),
            ("numbaexp", "cpu", "numbaexp, one thread"),
            *((peer, "cpu", peer) for peer in PEERS),
            (WALL, "parallel", "copy loop: the wall"),
        ):
            points = [
                (int(row["shape"]), int(row["shape"]) / float(row["p50"]) / 1e9)
                for row in rows
                if (row["dtype"], row["provider"], row["target"]) == (dtype, provider, target)
            ]
            if points:
                colour = "0.6" if provider == WALL else COLOURS[target if provider == "numbaexp" else provider]
                width, line = 2.4 if label == "numbaexp" else 1.3, "--" if provider == WALL else "-"
                panel.loglog(
                    *zip(*sorted(points), strict=True), label=label, color=colour, linewidth=width, linestyle=line
                )
        panel.set_title(dtype)
        panel.set_xlabel("elements")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("10⁹ elements a second")
    figure.legend(*panels[2].get_legend_handles_labels(), loc="outside lower center", ncols=7, frameon=False)
    figure.savefig(RESULTS / "speed.svg", metadata={"Date": None})


def targets_section():
    """Return the throughputs under each target, and where one overtakes another."""
    rows = rows_in(RESULTS / "targets.csv")
    shown = markdown(*table([row for row in rows if int(row["shape"]) in TARGETS_TABLE_SIZES]))
    sentences = "\n".join(f"- {sentence}" for sentence in overtaking(rows))
    # Of a GPU tell the rows that ran there.
    told = next((row for row in rows if row["target"] == "cuda"), rows[0])
    return "\n\n".join(
        [
            "The targets of numbaexp and its peers beside each other, in 10⁹ elements a second, by\n"
            "`benches/targets.py`, softmax in rows of 1024. No transfer to or from a GPU is timed but where the name\n"
            "says so.",
            shown,
            f"{sentences}\n\n![Throughput of each target over size](benches/results/targets.svg)",
            measured_on(told),
        ]
    )


def targets_picture():
    """Draw the throughput of exp under each target and by each peer, a panel for each type; copies are the walls."""
    rows = [row for row in rows_in(RESULTS / "targets.csv") if row["function"] == "exp"]
    labels = {line_of(row) for row in rows}
    figure, panels = plt.subplots(2, 2, figsize=(11, 8.5), sharex=True, sharey=True, layout="constrained")
    for panel, dtype in zip(panels.flat, ALL, strict=True):
        for name in (name for name in STYLES if name in labels):
            points = [
                (int(row["shape"]), throughput(row)) for row in rows if (row["dtype"], line_of(row)) == (dtype, name)
            ]
            if points:
                shown = f"{name}: the wall" if name in WALLS else name
                panel.loglog(*zip(*points, strict=True), label=shown, **STYLES[name])
        panel.set_title(dtype)
        panel.grid(alpha=0.3)
    for panel in panels[1]:
        panel.set_xlabel("elements")
    for panel in panels[:, 0]:
        panel.set_ylabel("10⁹ elements a second")
    figure.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(RESULTS / "targets.svg", metadata={"Date": None})


def softmax_table(rows):
    """Return the time of the others over that of numbaexp; above 1 numbaexp is faster."""
    cases: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
    for row in rows:
        cases.setdefault((row["function"], row["dtype"], row["shape"]), {})[row["provider"]] = row
    lines = []
    for case, by_provider in cases.items():
        own = float(by_provider["numbaexp"]["p50"])
        cells = [f"{float(by_provider[p]['p50']) / own:.2f}" if p in by_provider else "" for p in SOFTMAX_PEERS]
        lines.append([", ".join(case), f"{own * 1e6:,.4g} µs", *cells])
    table = markdown(["function, type, shape", "numbaexp", *SOFTMAX_PEERS], lines)
    peaks = ", ".join(f"{row['provider']} {int(row['peak']) / 1e6:,.0f} MB" for row in rows if row["peak"])
    return f"{table}\n\nMemory that `cross_entropy` and its gradient take beyond their arguments there: {peaks}."


def softmax_picture():
    """Draw the greatest error over the length of the row."""
    rows = rows_in(RESULTS / "softmax_accuracy.csv")
    figure, panels = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
    for panel, function in zip(panels, ("softmax", "log_softmax"), strict=True):
        for provider in ("numbaexp", *SOFTMAX_PEERS):
            points = [
                (int(row["length"]), float(row["ulp"]))
                for row in rows
                if (row["function"], row["provider"]) == (function, provider)
            ]
            colour, width = (
                COLOURS["auto" if provider == "numbaexp" else provider],
                2.6 if provider == "numbaexp" else 1.4,
            )
            panel.loglog(*zip(*points, strict=True), label=provider, color=colour, linewidth=width)
        panel.set_title(f"{function}, float32")
        panel.set_xlabel("elements of the row")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("greatest error, ulp")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(RESULTS / "softmax_accuracy.svg", metadata={"Date": None})


def autograd_table(rows):
    """Return the time of torch over that of numbaexp, forward and backward together; and what a recorded call takes."""
    cases: dict[tuple[str, str], dict[str, float]] = {}
    calls = []
    for row in rows:
        if row["provider"] in AUTOGRAD_PROVIDERS:
            cases.setdefault((row["function"], row["shape"]), {})[row["provider"]] = float(row["p50"])
        else:
            calls.append(f"{row['provider']} {float(row['p50']) * 1e6:.2f} µs")
    lines = [
        [", ".join(case), *(f"{seconds['torch'] / seconds[provider]:.2f}" for provider in AUTOGRAD_PROVIDERS[:-1])]
        for case, seconds in cases.items()
    ]
    table = markdown(["forward and backward, float32", *AUTOGRAD_PROVIDERS[:-1]], lines)
    return f"{table}\n\n`exp` of ten elements: {', '.join(calls)}."


def measured_on(row):
    return f"Measured on {row['device']}, {row['date']}; {row['versions']}."


def main():
    mpl.rcParams["svg.hashsalt"] = "numbaexp"
    text = README.read_text()
    for marker, content in (
        ("accuracy", accuracy_table()),
        ("speed", for_each_processor("speed", speed_table)),
        ("softmax", for_each_processor("softmax", softmax_table)),
        ("autograd", for_each_processor("autograd", autograd_table)),
        ("targets", targets_section()),
    ):
        pattern = f"(?<=<!-- {marker} -->\n).*?(?=<!-- /{marker} -->)"
        text = re.sub(pattern, f"{content}\n", text, flags=re.DOTALL)
    README.write_text(text)
    picture()
    softmax_picture()
    targets_picture()


if __name__ == "__main__":
    main()
