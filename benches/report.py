"""Make tables and pictures of the files in ``results/``, for the README and the documentation.

``python benches/report.py`` draws the pictures in ``results`` anew, and rewrites what stands between the markers of
README.md and of pages in ``docs``. Figures of other processors, or of fewer threads, lie beside as ``speed-NAME.csv``,
``softmax-NAME.csv`` and so on, and have tables of their own.
"""

import pathlib
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

import pictures
import tables
from harness import RESULTS, rows_in

ROOT = RESULTS.parents[1]
Rows = list[dict[str, str]]


class Section(NamedTuple):
    """Hold what the report says of the files of a name: a heading, a sentence, a table, and pictures by their names."""

    heading: str
    told: str
    table: Callable[[Rows], str] | None = None
    picture: tuple[str, str, Callable[[Rows], str]] | None = None


# By the name of the files.
SECTIONS = {
    "speed": Section(
        "Functions of one array",
        "The same arrays in the same process, in turn, medians. The copy moves the data on all threads and computes "
        "nothing: no function of arrays beyond the caches can be faster.",
        tables.speed_table,
        ("throughput", "Throughput of exp over size", pictures.throughputs),
    ),
    "softmax": Section(
        "Functions of rows", "`cross_entropy` is the loss and its gradient together.", tables.softmax_table
    ),
    "autograd": Section(
        "Gradients", "Forward and backward together. Results are allocated anew.", tables.autograd_table
    ),
    "custom": Section(
        "Users' functions",
        "100,000 elements on one thread, 20,000,000 on all. The copy reads and writes as many arrays.",
        tables.custom_table,
    ),
    "compiled": Section(
        "Users' compiled code",
        "Code in `@njit`, on one thread, with the functions of numbaexp and with those of `math` and NumPy; and code "
        "that stays as written, compiled before and after `accelerate_numba()`. Where `math` or NumPy lacks a function "
        "its exp is timed.",
        tables.compiled_table,
    ),
    "startup": Section(
        "A new process", "Kernels are compiled already. Medians over new processes.", tables.startup_table
    ),
    "targets": Section(
        "Targets",
        "The targets of numbaexp and its peers beside each other, softmax in rows of 1024. No transfer to or from a "
        "GPU is timed but where the name says so.",
        tables.targets_table,
        ("targets", "Throughput of exp under each target, over size", pictures.targets),
    ),
    "accuracy": Section(
        "Results rounded wrongly",
        "Counted against MPFR, over every argument of the 16-bit types and 200,000 random ones of the others.",
        tables.accuracy_table,
    ),
    "errors": Section(
        "Error over the argument",
        "The greatest error among random arguments, in units in the last place (ulp), against MPFR. Correctly rounded "
        "results have at most half an ulp.",
        picture=("errors", "Greatest error over the argument", pictures.errors),
    ),
    "softmax_accuracy": Section(
        "Error over the length of a row",
        "The greatest error of results, in units in the last place (ulp), against long double arithmetic.",
        picture=("softmax_accuracy", "Greatest error over the length of the row", pictures.softmax_errors),
    ),
}
# Files that the losses are found in, and the pictures of which each processor has one.
OF_LOSSES = ("speed", "softmax", "autograd", "custom", "compiled", "targets")


def files(folder: pathlib.Path, name: str) -> dict[str, Rows]:
    """Return the rows of the files of a name, by what follows the name: nothing, or a processor with a hyphen."""
    paths = [path for path in (folder / f"{name}.csv", *sorted(folder.glob(f"{name}-*.csv"))) if path.exists()]
    found = {path.stem.removeprefix(name): rows_in(path) for path in paths}
    return {suffix: rows for suffix, rows in found.items() if rows}


def first_of_each_processor(folder: pathlib.Path) -> list[str]:
    """Return what follows the names of the first files of each processor."""
    first: dict[str, str] = {}
    for suffix, rows in files(folder, "speed").items():
        first.setdefault(tables.processor(rows[0]), suffix)
    return list(first.values())


def section(folder: pathlib.Path, name: str, drawn: Collection[str], to_pictures: str) -> str:
    """Return the section of the files of a name, each processor with a table, or nothing where there is no file."""
    heading, told, table, picture = SECTIONS[name]
    found = []
    for suffix, rows in files(folder, name).items():
        if table:
            found.append(table(rows))
        if picture and (file := f"{picture[0]}{suffix}.svg") in drawn:
            found.append(f"![{picture[1]}, {tables.processor(rows[0])}]({to_pictures}{file})")
        found.append(tables.measured_on(rows))
    return "\n\n".join([f"## {heading}", told, *found]) if found else ""


def all_pictures(folder: pathlib.Path) -> dict[str, str]:
    """Return the pictures by the names of their files."""
    speeds = files(folder, "speed")
    found = {"speed.svg": pictures.relative([speeds[suffix] for suffix in first_of_each_processor(folder)])}
    for name, of_name in SECTIONS.items():
        if of_name.picture:
            file, _, draw = of_name.picture
            found |= {f"{file}{suffix}.svg": draw(rows) for suffix, rows in files(folder, name).items()}
    return {name: picture for name, picture in found.items() if picture}


def report(folder: pathlib.Path, drawn: Collection[str], to_pictures: str = "") -> str:
    """Return all sections that there are files for, in Markdown; pictures, those drawn, lie where a path leads."""
    beginning = f"![Times as fast as NumPy over size]({to_pictures}speed.svg)" if "speed.svg" in drawn else ""
    found = [beginning, *(section(folder, name, drawn, to_pictures) for name in SECTIONS), losses(folder)]
    return "\n\n".join(part for part in found if part)


def drawn_in(folder: pathlib.Path) -> list[str]:
    """Return the names of the pictures in a folder."""
    return [path.name for path in folder.glob("*.svg")]


def losses(folder: pathlib.Path) -> str:
    """Return every case in which a peer is faster, by processor and file."""
    found = []
    for name in OF_LOSSES:
        for rows in files(folder, name).values():
            heading = f"## Where others are faster: {SECTIONS[name].heading.lower()}, {tables.processor(rows[0])}"
            found.append(f"{heading}\n\n{tables.losses_table(name, rows)}\n\n{tables.measured_on(rows)}")
    return "\n\n".join(found)


def short(folder: pathlib.Path) -> str:
    """Return the table of the README."""
    processors = [
        {name: found[suffix] for name in ("speed", "softmax") if suffix in (found := files(folder, name))}
        for suffix in first_of_each_processor(folder)
    ]
    told = [tables.measured_on(rows_by_name["speed"]) for rows_by_name in processors]
    return "\n\n".join([tables.short_table(processors), *told])


def accuracy(folder: pathlib.Path) -> str:
    """Return the table of results that are rounded wrongly."""
    (rows, *_) = files(folder, "accuracy").values()
    return f"{tables.accuracy_table(rows)}\n\n{tables.measured_on(rows)}"


TO_RESULTS = "../../benches/results/"
# What stands between the markers of a file: (file, marker, content).
MARKED: tuple[tuple[str, str, Callable[[pathlib.Path], str]], ...] = (
    ("README.md", "speed", short),
    ("docs/performance/index.md", "speed", short),
    ("docs/performance/losses.md", "losses", losses),
    ("docs/performance/report.md", "report", lambda folder: report(folder, drawn_in(folder), TO_RESULTS)),
    ("docs/accuracy/index.md", "accuracy", accuracy),
)


def filled(path: pathlib.Path, marker: str, content: str) -> str:
    """Return the text of a file with some content between its markers."""
    between = f"(?<=<!-- {marker} -->\n).*?(?=<!-- /{marker} -->)"
    return re.sub(between, lambda _: f"{content}\n", path.read_text(), flags=re.DOTALL)


def main() -> None:
    for path, picture in all_pictures(RESULTS).items():
        (RESULTS / path).write_text(picture)
    for file, marker, content in MARKED:
        (ROOT / file).write_text(filled(ROOT / file, marker, content(RESULTS)))


if __name__ == "__main__":
    main()
