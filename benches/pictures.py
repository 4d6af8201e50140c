"""Draw pictures of rows of the files in ``results/``: SVG on white, legible where they are as narrow as a telephone."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from harness import ALL, ORDINARY, between
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from providers import WALLS
from summary import line_of, throughput
from tables import NAMES, OURS, SOFTMAX_PEERS, WALL, processor

# Of text, axes and background. A page of HTML puts its own in their place.
INK, PAPER = "#4d4d4d", "#ffffff"
# Each has the same colour in every picture, legible on black and on white.
COLOURS = {
    "numbaexp": "#d9483b",
    "numpy": "#2e86c1",
    "torch": "#a45fbf",
    "jax": "#229954",
    "scipy": "#17a2b8",
    "numexpr": "#b7950b",
    WALL: "#8a8a8a",
}
LOOK = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "numbaexp",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
}
WIDTH, HEIGHT = 5.2, 2.7
USUAL = between(*ORDINARY)
# Lines of the picture of targets; those of one library have one colour, dashed where they run on a GPU.
TARGETS: dict[str, dict[str, Any]] = {
    "numbaexp auto": {"color": "#f2a7a0", "linewidth": 6, "solid_capstyle": "round"},
    "numbaexp cpu": {"color": "#e67e22", "linewidth": 2},
    "numbaexp parallel": {"color": COLOURS[OURS], "linewidth": 2},
    "numbaexp cuda": {"color": "#a93226", "linewidth": 2, "linestyle": "--"},
    "numbaexp cuda, with transfers": {"color": "#a93226", "linewidth": 2, "linestyle": ":"},
    "numpy cpu": {"color": COLOURS["numpy"]},
    "torch cpu": {"color": COLOURS["torch"]},
    "torch cuda": {"color": COLOURS["torch"], "linestyle": "--"},
    "cupy cuda": {"color": COLOURS["numpy"], "linestyle": "--"},
    "jax cpu": {"color": COLOURS["jax"]},
    "jax cuda": {"color": COLOURS["jax"], "linestyle": "--"},
    WALL: {"color": COLOURS[WALL], "linestyle": (0, (1, 1))},
    "device copy": {"color": COLOURS[WALL], "linestyle": "-."},
}


def drawn(draw: Callable[[Figure, Any], None], panels: int, height: float = HEIGHT, sharex: bool = True) -> str:
    """Return a picture of panels below each other as SVG, or nothing of none; ``draw`` gets the figure and panels."""
    if not panels:
        return ""
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK}):
        figure = Figure(figsize=(WIDTH, height * panels + 0.6), layout="constrained")
        draw(figure, figure.subplots(panels, sharex=sharex, squeeze=False)[:, 0])
        found = io.StringIO()
        figure.savefig(found, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in found.getvalue().splitlines()) + "\n"


def look_of(provider):
    """Return how a line of a provider looks; numbaexp lies above the others."""
    own = provider == OURS
    return {
        "color": COLOURS[provider],
        "linewidth": 2.6 if own else 1.5,
        "zorder": 3 if own else 2,
    }


def name_of(provider):
    """Return the name of a provider as text has it."""
    return NAMES.get(provider, provider)


def of_exp(rows, dtype, provider, target):
    """Return the seconds by size of exp by one provider."""
    return {
        int(row["shape"]): float(row["p50"])
        for row in rows
        if (row["function"], row["interval"], row["dtype"], row["provider"], row["target"])
        == ("exp", USUAL, dtype, provider, target)
    }


def sizes_axis(panel):
    """Give a panel an axis of sizes, in powers of ten."""
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(FuncFormatter(_size))


def throughput_axes(panel, dtype):
    """Give a panel its title and axes: the throughput of exp in a type over size."""
    panel.set_title(f"exp, {dtype}")
    panel.set_ylabel("10⁹ elements a second")
    sizes_axis(panel)


def _size(size, _position):
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{size / unit:g}{name}"
    return f"{size:g}"


def relative(files):
    """Draw how many times as fast as NumPy's each exp is, over size: a panel a processor, dashed for float64."""
    files = [rows for rows in files if of_exp(rows, "float32", "numpy", "cpu")]

    def draw(figure, panels):
        for panel, rows in zip(panels, files, strict=True):
            for dtype, style in (("float32", "-"), ("float64", "--")):
                numpys = of_exp(rows, dtype, "numpy", "cpu")
                for provider, target in ((OURS, "auto"), ("torch", "cpu"), ("jax", "cpu"), ("numexpr", "cpu")):
                    found = of_exp(rows, dtype, provider, target)
                    points = sorted((size, numpys[size] / found[size]) for size in found.keys() & numpys.keys())
                    if points:
                        label = {"label": name_of(provider)} if style == "-" else {}
                        panel.plot(*zip(*points, strict=True), linestyle=style, **label, **look_of(provider))
            panel.axhline(1, color=COLOURS["numpy"], linewidth=1.5, label="NumPy")
            panel.set_title(f"{processor(rows[0])}: float32, and float64 dashed")
            panel.set_ylim(bottom=0)
            panel.set_ylabel("times as fast as NumPy")
            sizes_axis(panel)
        panels[-1].set_xlabel("elements")
        legend(figure, panels)

    return drawn(draw, len(files))


def legend(figure, panels, columns=3):
    """Put the names of all lines below the panels, each once."""
    entries: dict[str, Any] = {}
    for panel in panels:
        entries |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
    figure.legend(entries.values(), entries, loc="outside lower center", ncols=columns)


def throughputs(rows):
    """Draw the throughput of exp over size, a panel a type, a line a provider; the copy loop is the wall."""
    lines = ((OURS, "auto"), ("numpy", "cpu"), ("torch", "cpu"), ("jax", "cpu"), ("numexpr", "cpu"), (WALL, "parallel"))
    found = {
        dtype: {provider: sorted(of_exp(rows, dtype, provider, target).items()) for provider, target in lines}
        for dtype in ALL
    }
    shown = [dtype for dtype in ALL if found[dtype][OURS]]

    def draw(figure, panels):
        for panel, dtype in zip(panels, shown, strict=True):
            highest = 0.0
            for provider, times in found[dtype].items():
                points = [(size, size / seconds / 1e9) for size, seconds in times]
                if points:
                    look = look_of(provider) | ({"linestyle": ":"} if provider == WALL else {})
                    panel.plot(*zip(*points, strict=True), label=name_of(provider), **look)
                    highest = highest if provider == WALL else max(highest, *(rate for _, rate in points))
            panel.set_ylim(0, 1.25 * highest)
            throughput_axes(panel, dtype)
        panels[-1].set_xlabel("elements")
        legend(figure, panels)

    return drawn(draw, len(shown))


def errors(rows):
    """Draw the greatest error over the argument, a panel for each function and type, a line a provider."""
    cases = list(dict.fromkeys((row["function"], row["dtype"]) for row in rows))

    def draw(figure, panels):
        for panel, case in zip(panels, cases, strict=True):
            chosen = [row for row in rows if (row["function"], row["dtype"]) == case]
            for provider in dict.fromkeys(row["provider"] for row in chosen):
                points = [
                    ((float(row["from"]) + float(row["to"])) / 2, float(row["ulp"]))
                    for row in chosen
                    if row["provider"] == provider
                ]
                panel.plot(*zip(*points, strict=True), label=name_of(provider), **look_of(provider))
            panel.set_title(", ".join(case))
            panel.set_ylim(0, max(1.0, panel.get_ylim()[1]))
            panel.set_ylabel("error, ulp")
        panels[-1].set_xlabel("argument")
        legend(figure, panels)

    return drawn(draw, len(cases), 1.7, sharex=False)


def softmax_errors(rows):
    """Draw the greatest error over the length of the row."""

    def draw(figure, panels):
        for panel, function in zip(panels, ("softmax", "log_softmax"), strict=True):
            for provider in (OURS, *SOFTMAX_PEERS):
                points = [
                    (int(row["length"]), float(row["ulp"]))
                    for row in rows
                    if (row["function"], row["provider"]) == (function, provider)
                ]
                panel.loglog(*zip(*points, strict=True), label=name_of(provider), **look_of(provider))
            panel.set_title(f"{function}, float32")
            panel.set_ylabel("greatest error, ulp")
            sizes_axis(panel)
        panels[-1].set_xlabel("elements of the row")
        legend(figure, panels, 4)

    return drawn(draw, 2)


def targets(rows):
    """Draw the throughput of exp under each target and by each peer, a panel for each type; copies are the walls."""
    rows = [row for row in rows if row["function"] == "exp"]
    labels = {line_of(row) for row in rows}
    types = [dtype for dtype in ALL if any(row["dtype"] == dtype for row in rows)]

    def draw(figure, panels):
        for panel, dtype in zip(panels, types, strict=True):
            for name in (name for name in TARGETS if name in labels):
                chosen = [row for row in rows if (row["dtype"], line_of(row)) == (dtype, name)]
                points = [(int(row["shape"]), throughput(row)) for row in chosen]
                if points:
                    shown = f"{name}: the wall" if name in WALLS else name
                    panel.loglog(*zip(*points, strict=True), label=shown, **TARGETS[name])
            throughput_axes(panel, dtype)
        panels[-1].set_xlabel("elements")
        legend(figure, panels)

    return drawn(draw, len(types))
