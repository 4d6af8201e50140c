"""How the examples draw: one look for all of their pictures, and the same file each time."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Each has the same colour in every picture.
COLOURS = {"numbaexp": "#c0392b", "textbook": "#7f8c8d", "numpy": "#2e86c1", "torch": "#7d3c98"}
# Of curves that have no colour of their own, and may lie on one another.
STYLES = ("-", "--", ":", "-.", (0, (1, 3)))
LOOK = {
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "axes.titlesize": "medium",
    "axes.prop_cycle": "cycler(color=['#2e86c1', '#e67e22', '#229954'])",
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.1,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "numbaexp",
}


def picture_path(description: str | None, script: str, arguments: Sequence[str] | None) -> Path:
    """Where the picture of a script goes: what the command line says, or the folder ``pictures`` beside it."""
    parser = argparse.ArgumentParser(description=description)
    default = Path(script).parent / "pictures" / f"{Path(script).stem}.svg"
    parser.add_argument("--picture", type=Path, default=default, metavar="PATH", help="where to store it, as SVG")
    return parser.parse_args(arguments).picture


@contextlib.contextmanager
def panels(path: Path, number: int) -> Iterator[Any]:
    """Panels beside each other, to draw in; the picture is stored at the end."""
    try:
        import matplotlib.figure
        import matplotlib.style
    except ModuleNotFoundError:
        raise SystemExit('The picture needs matplotlib: python -m pip install ".[examples]"') from None
    with matplotlib.style.context(["default", LOOK]):
        figure = matplotlib.figure.Figure(figsize=(5.2 * number, 3.8), layout="constrained")
        yield figure.subplots(1, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
    print(f"Picture: {path}")
