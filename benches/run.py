"""Measure speed and accuracy on this machine, and write one page of HTML with tables and pictures.

``python benches/run.py`` takes about 35 minutes on two cores, ``python benches/run.py --quick`` about 7. Each part is
kept when it is finished: the same command goes on after it was stopped. Leave the machine alone meanwhile.
"""

import argparse
import importlib.util
import pathlib
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import page
from harness import BUDGET, file_of_rows, rows_in

from numbaexp.progress import Progress
from numbaexp.scalar.family import FAMILY

HERE = pathlib.Path(__file__).parent
OUTPUT, QUICK_OUTPUT = HERE.parent / "build" / "benches", HERE.parent / "build" / "benches-quick"
QUICK = "0.03"


class Part(NamedTuple):
    """Hold what is measured at once: a name, the file of its rows, a command, the modules that are needed, and about
    how many seconds pass on two cores: these, and so many times those that one call is timed for."""

    name: str
    result: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    fixed: float
    calls: int = 0

    def expected(self, seconds: float) -> float:
        """Return about how many seconds pass if each call is timed for so many."""
        return self.fixed + self.calls * seconds


def bench(name: str, *arguments: str, needs: Sequence[str] = (), fixed: float, calls: int = 0, part: str = "") -> Part:
    """Return a part that a script of this folder measures."""
    command = (str(HERE / f"{name}.py"), *arguments)
    return Part(f"{name}-{part}" if part else name, name, command, tuple(needs), fixed, calls)


def plan(quick: bool) -> list[Part]:
    """Return the parts in order."""

    def either(of_quick, of_whole):
        return of_quick if quick else of_whole

    sizes = either(("--sizes", "1000", "100000", "1000000", "--types", "float32", "float64"), ())
    most, few = either(("--most", "5e6"), ()), either(("--most", "1e5"), ())
    libraries = ["torch", "numexpr"]
    return [
        Part("kernels", "", ("-m", "numbaexp", "warm"), (), 10),
        bench("speed", "--functions", "exp", *sizes, part="exp", fixed=either(10, 60), calls=either(80, 370)),
        *(
            bench("speed", "--functions", name, *sizes, part=name, fixed=either(8, 12), calls=either(40, 60))
            for name in FAMILY
            if name != "exp"
        ),
        bench("softmax", *most, needs=["torch", "jax", "scipy"], fixed=either(20, 70), calls=45),
        bench("autograd", *most, needs=["torch"], fixed=15, calls=17),
        *(
            bench("custom", "--cases", case, *few, part=case, needs=libraries, fixed=either(60, 100), calls=130)
            for case in ("arrays", "numbers")
        ),
        bench("custom", "--cases", "gradients", *few, part="gradients", needs=libraries, fixed=20, calls=40),
        bench("compiled", fixed=60, calls=180),
        bench("startup", *either(("--runs", "5"), ()), fixed=either(5, 12)),
        *either((), (bench("targets", needs=["jax"], fixed=60, calls=300),)),
        *either((), (bench("accuracy", needs=["gmpy2"], fixed=150),)),
        bench("errors", *either(("--inputs", "50"), ()), needs=["gmpy2"], fixed=either(10, 30)),
        bench(
            "softmax_accuracy", *either(("--most", "1e4"), ()), needs=["torch", "jax", "scipy"], fixed=either(10, 20)
        ),
    ]


def minutes(seconds: float) -> str:
    """Write a time as a reader who waits has it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"


class Run:
    """Measure the parts of a plan that are not finished, in a folder."""

    def __init__(self, parts: Sequence[Part], folder: pathlib.Path, seconds: str) -> None:
        self.parts, self.seconds = parts, seconds
        self.folder, self.finished = folder, folder / "parts"
        self.finished.mkdir(parents=True, exist_ok=True)
        self.progress = Progress(sys.stderr)
        self.began = time.perf_counter()
        # Of the finished parts, what was expected of them, and what they took.
        self.expected = self.took = 0.0

    def left(self) -> list[Part]:
        """Return the parts that are not finished, whose modules are here."""
        return [part for part in self.parts if not self.log(part).exists() and not self.missing(part)]

    def log(self, part: Part) -> pathlib.Path:
        """Return the file that has what a finished part printed."""
        return self.finished / f"{part.name}.txt"

    def missing(self, part: Part) -> list[str]:
        """Return the modules that a part lacks here."""
        return [name for name in part.needs if importlib.util.find_spec(name) is None]

    def measure(self) -> None:
        """Measure one part after another, and tell of each."""
        for part in self.parts:
            lacking = self.missing(part)
            if lacking:
                self.tell(f"{part.name}: skipped, needs {', '.join(lacking)}")
        left = self.left()
        for part in left:
            begin = time.perf_counter()
            code = self.run(part, left[left.index(part) :])
            took = time.perf_counter() - begin
            self.expected += part.expected(float(self.seconds))
            self.took += took
            told = "finished" if code == 0 else f"failed, see {self.unfinished(part)}"
            self.tell(f"{part.name}: {told}, {minutes(took)}")

    def unfinished(self, part: Part) -> pathlib.Path:
        """Return the file that a part prints to while it runs."""
        return self.finished / f"{part.name}.unfinished.txt"

    def run(self, part: Part, left: Sequence[Part]) -> int:
        """Run one part and show how far all are; return the exit status."""
        rows = self.finished / f"{part.name}.unfinished.csv"
        command = [sys.executable, *part.command]
        if part.result:
            command += ["--output", str(rows), "--seconds", self.seconds]
        with open(self.unfinished(part), "w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                begin = time.perf_counter()
                while process.poll() is None:
                    self.show(part, left, time.perf_counter() - begin)
                    time.sleep(0.2)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            finally:
                self.progress.erase()
        if process.returncode == 0:
            if part.result:
                rows.replace(self.finished / f"{part.name}.csv")
            self.unfinished(part).replace(self.log(part))
        return process.returncode

    def show(self, part: Part, left: Sequence[Part], since: float) -> None:
        """Show which part runs, how far the plan is, and how long the rest takes, by what the parts before took."""
        times = {each.name: each.expected(float(self.seconds)) for each in self.parts}
        slower = self.took / self.expected if self.expected else 1.0
        rest = sum(times[each.name] for each in left) * slower - min(since, times[part.name] * slower)
        done = 1 - rest / slower / sum(times.values())
        number = self.parts.index(part) + 1
        self.progress.show(f"{part.name}, {number} of {len(self.parts)}, {minutes(rest)} left", done, self.began)

    def tell(self, line: str) -> None:
        """Print a line."""
        self.progress.erase()
        print(line, flush=True)

    def gather(self, name: str) -> None:
        """Write the files of all finished parts' rows, with the name of the processor."""
        for result in dict.fromkeys(part.result for part in self.parts if part.result):
            paths = [self.finished / f"{part.name}.csv" for part in self.parts if part.result == result]
            rows = [row for path in paths if path.exists() for row in rows_in(path)]
            if rows:
                with file_of_rows(self.folder / f"{result}{name and '-' + name}.csv", list(rows[0])) as write:
                    write(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer sizes, and each call for a shorter time")
    parser.add_argument("--seconds", help=f"that a call is timed for, default: {BUDGET}, or {QUICK} with --quick")
    parser.add_argument("--parts", nargs="+", metavar="NAME", help="the beginnings of the names of parts, default: all")
    parser.add_argument("--name", default="", help="of the processor, for files beside those of others: speed-NAME.csv")
    parser.add_argument("--output", type=pathlib.Path, help=f"folder, default: {OUTPUT} or {QUICK_OUTPUT}")
    given = parser.parse_args(arguments)
    chosen = [part for part in plan(given.quick) if part.name.startswith(tuple(given.parts or [""]))]
    if not chosen:
        parser.error(f"no part begins with {' or '.join(given.parts)}")
    folder = given.output or (QUICK_OUTPUT if given.quick else OUTPUT)
    return measure(chosen, folder, given.seconds or (QUICK if given.quick else str(BUDGET)), given.name)


def measure(parts: Sequence[Part], folder: pathlib.Path, seconds: str, name: str = "") -> int:
    """Measure parts into a folder and write the page; return 1 if some are left."""
    run = Run(parts, folder, seconds)
    left = run.left()
    print(f"{len(left)} of {len(parts)} parts, about {minutes(sum(part.expected(float(seconds)) for part in left))}")
    try:
        run.measure()
    except KeyboardInterrupt:
        run.tell("Stopped. The same command goes on.")
    run.gather(name)
    print(f"Report: {page.write(folder)}")
    return 1 if run.left() else 0


if __name__ == "__main__":
    sys.exit(main())
