"""Test and measure the functions on a GPU, in one run, and write what was found to ``results/gpu.csv`` and ``gpu.md``.

On a machine with an NVIDIA driver, in a virtual environment, in the folder above this one (cuda12 where the driver is
for CUDA 12; PyTorch and CuPy are peers that may be missing):

    python -m pip install '.[test,cuda13]' torch cupy-cuda13x && python benches/gpu.py

Nothing need be installed where numba-cuda is: ``PYTHONPATH=. python3 benches/gpu.py``.

It goes in stages, the most telling first, and writes the report after each step, so that a run that is cut off leaves
what it found:

1. bits of exp in four types, against the CPU's;
2. rates of exp beside the device's own copy and the peers;
3. bits of the other functions and of the gradients;
4. rates of the other functions;
5. kernels of users, rows and losses: their tests and rates;
6. gradients' rates, few elements, other layouts, arrays of the host, first calls, and the other tests.

Exit status: 0 if all that is required is met, 1 if not, 2 without a GPU. ``--sweep`` instead times exp with other
launch parameters.
"""

import functools
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gpu_bits
import gpu_calls
import gpu_custom
import memory
from gpu_bits import Compared
from gpu_calls import (
    COLUMNS,
    GRADIENT,
    IN_KERNELS,
    LAYOUTS,
    LOSSES,
    OF_USERS,
    PEERS,
    ROOT,
    ROWS,
    Arrays,
    Row,
    WrongResults,
)
from gpu_report import first_calls_table, large_table, number, others_table, requirements
from harness import ALL, file_of_rows, markdown, options, ordinary, types_here

from numbaexp.cuda import usable
from numbaexp.information import report
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.gradients import GRADIENTS

MET, NOT_MET, NO_GPU = 0, 1, 2

# Of the arrays whose layouts or transfers are timed, as part of the others.
PART = 4
# Of the tests those of what has no bits or rates of its own here.
FIRST_TESTS = "in_kernels_of_users or rows or cross_entropy"
PRINTED = ("function", "dtype", "shape", "case", "provider", "target", "arrays", "p50", "GB/s")

# Launch parameters that are tried.
THREADS, BLOCKS_A_PROCESSOR = (128, 256, 512), (1, 2, 4, 8, 16, 32)
SWEPT = ("float16", "float32", "float64")


def lacking() -> str | None:
    """Tell why nothing can be measured here, or return None."""
    if usable.missing() is None and usable.simulated():
        return "NUMBA_ENABLE_CUDASIM is set: its simulator is no GPU"
    return usable.missing()


def lacking_memory(elements: int) -> str | None:
    """Tell how much of the device's memory is missing for large arrays, or return None."""
    # Three of float64.
    need, free = 3 * 8 * elements, memory.on_device()
    return f"needs {need / 1e9:.3g} GB of the device, {free / 1e9:.3g} GB are free" if need > free else None


class Tests(NamedTuple):
    """Outcomes of pytest: how many tests had each; which did not pass, and why."""

    counts: dict[str, int]
    others: list[str]

    def all_passed(self) -> bool:
        """Tell whether some passed, and none failed."""
        return self.counts["passed"] > 0 and not self.counts["failed"]


def run_tests(file: str, chosen: str) -> Tests:
    """Run the tests that need a GPU, those that an expression of pytest chooses."""
    with tempfile.TemporaryDirectory() as folder:
        junit = pathlib.Path(folder, "junit.xml")
        # One process, and no plugin is needed: the GPU is one.
        options = [
            "-o",
            "addopts=",
            "-m",
            "gpu",
            "-k",
            chosen,
            "-p",
            "no:cacheprovider",
            "--durations=10",
            f"--junitxml={junit}",
        ]
        command = [sys.executable, "-m", "pytest", *options, file]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if not junit.exists():
            return Tests({"passed": 0, "failed": 1, "skipped": 0}, [f"pytest ended with status {status}"])
        return outcomes(junit)


def outcomes(junit: pathlib.Path) -> Tests:
    """Read the file that pytest writes."""
    tests = Tests({"passed": 0, "failed": 0, "skipped": 0}, [])
    for case in ET.parse(junit).iter("testcase"):
        outcome, message = "passed", ""
        for tag, name in (("skipped", "skipped"), ("failure", "failed"), ("error", "failed")):
            found = case.find(tag)
            if found is not None:
                outcome, message = name, found.get("message", "").partition("\n")[0]
        tests.counts[outcome] += 1
        if outcome != "passed":
            tests.others.append(f"{outcome}: {case.get('name')}: {message}")
    return tests


class Stage(NamedTuple):
    """A part of the run: ``steps`` gives functions that each find rows, comparisons or outcomes of tests."""

    name: str
    steps: Callable[[int], Iterator[Callable[[], list[Any]]]]


def bits_of_exp(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Compare the bits of exp, float32 first."""
    for dtype in sorted(types(), key="float32".__ne__):
        yield functools.partial(bits, "exp", dtype)


def rates_of_exp(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Time exp, with ``out`` and in place."""
    for dtype in types():
        arrays = Arrays(dtype, elements)
        yield functools.partial(gpu_calls.measure_large, "exp", arrays, False)
        yield functools.partial(gpu_calls.measure_large, "exp", arrays, True)


def other_bits(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Compare the bits of the other functions and of the gradients."""
    for function in (*FAMILY, *GRADIENTS):
        if function != "exp":
            for dtype in types():
                yield functools.partial(bits, function, dtype)


def other_rates(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Time the other functions."""
    for dtype in types():
        for interval in dict.fromkeys(map(ordinary, FAMILY)):
            arrays = Arrays(dtype, elements, interval)
            for function in FAMILY:
                if function != "exp" and ordinary(function) == interval:
                    yield functools.partial(gpu_calls.measure_large, function, arrays, False)


def kernels_and_rows(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Test users' kernels, rows and losses, and time them."""
    yield functools.partial(tests, FIRST_TESTS)
    for dtype in types():
        if dtype in ("float32", "float64"):
            yield functools.partial(gpu_calls.measure_in_kernel, dtype, elements // PART)
        yield functools.partial(gpu_calls.measure_rows, dtype, elements)


def functions_of_users(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Compare the bits of functions that users write, and of their gradients, and time them."""
    for dtype in types():
        arrays = Arrays(dtype, elements)
        for name in gpu_custom.FUNCTIONS:
            yield functools.partial(gpu_custom.compare, name, dtype)
            yield functools.partial(gpu_custom.measure, name, arrays)


def the_rest(elements: int) -> Iterator[Callable[[], list[Any]]]:
    """Time the gradients and other calls, and run the other tests."""
    for dtype in types():
        yield functools.partial(gpu_calls.measure_launches, dtype)
        arrays = Arrays(dtype, elements // PART)
        for name in GRADIENTS:
            yield functools.partial(gpu_calls.measure_gradient, name, arrays)
        for case in LAYOUTS:
            yield functools.partial(gpu_calls.measure_layout, case, arrays)
        yield functools.partial(gpu_calls.measure_host, dtype, elements // PART)
    yield gpu_calls.measure_first_calls
    yield functools.partial(tests, f"not ({FIRST_TESTS})")


STAGES = (
    Stage("bits of exp", bits_of_exp),
    Stage("rates of exp", rates_of_exp),
    Stage("other bits", other_bits),
    Stage("other rates", other_rates),
    Stage("kernels of users, rows and losses", kernels_and_rows),
    Stage("functions of users", functions_of_users),
    Stage("the rest", the_rest),
)


def types() -> list[str]:
    """Return the float types that can be tried."""
    return types_here(ALL)


def bits(function: str, dtype: str) -> list[Compared]:
    """Compare the bits of a function with the CPU's."""
    return [gpu_bits.compare(function, dtype)]


def tests(chosen: str) -> list[Tests]:
    """Run tests, in a process that needs the memory of the device too."""
    memory.on_device()
    return [run_tests("tests/test_gpu.py", chosen)]


class Report:
    """All findings so far, on disk after each step."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.machine = report()
        self.rows: list[Row] = []
        self.compared: list[Compared] = []
        self.tests: list[Tests] = []
        self.wrong: list[str] = []
        self.broken: list[str] = []
        # Seconds of each stage, of the last one so far.
        self.seconds: dict[str, float] = {}

    def add(self, found: list[Any]) -> None:
        """Keep what a step found, and print it."""
        for each in found:
            if isinstance(each, Compared):
                self.compared.append(each)
                if each.differing:
                    self.wrong.append(f"{each.function} {each.dtype}: {each.differing} of {each.results} results")
                print(*each, flush=True)
            elif isinstance(each, Tests):
                self.tests.append(each)
            else:
                self.rows.append(each)
                print(*(each[name] for name in PRINTED), flush=True)

    def run(self, stage: Stage, elements: int) -> None:
        """Take the steps of a stage. One that fails is reported, and the next is taken."""
        start = time.perf_counter()
        steps = stage.steps(elements)
        while True:
            try:
                step = next(steps, None)
                if step is None:
                    break
                self.add(step())
            except WrongResults as error:
                self.wrong.append(str(error))
            except Exception as error:
                self.broken.append(f"{stage.name}: {type(error).__name__}: {error}".partition("\n")[0])
                print(self.broken[-1], flush=True)
            self.seconds[stage.name] = time.perf_counter() - start
            self.write()

    def write(self) -> None:
        """Write all findings."""
        with file_of_rows(self.folder / "gpu.csv", COLUMNS) as write:
            write(self.rows)
        (self.folder / "gpu.md").write_text(self.text())

    def status(self) -> int:
        """Return the exit status."""
        missed = [each for each in requirements(self.rows) if each.verdict() == "not met"]
        failed = [each for each in self.tests if not each.all_passed()]
        return NOT_MET if missed or self.wrong or self.broken or failed else MET

    def text(self) -> str:
        """Return the report."""
        lines = [(each.what, number(each.value), each.bound, each.verdict()) for each in requirements(self.rows)]
        seconds = [(stage.name, number(self.seconds.get(stage.name)) or "not begun") for stage in STAGES]
        compared = [
            (f"{each.function}, {each.dtype}", f"{each.results:,}", f"{each.differing:,}", each.where)
            for each in self.compared
        ]
        counts = [", ".join(f"{count} {name}" for name, count in each.counts.items()) for each in self.tests]
        others = [f"- {other}" for each in self.tests for other in each.others]
        parts = [
            "# numbaexp on a GPU",
            "By `python benches/gpu.py`. Rates are of the bytes of arguments and results.",
            f"```\n{self.machine}\n```",
            "## Stages, in seconds",
            markdown(("stage", "seconds"), seconds),
            *(["## Wrong results, not timed", "\n".join(f"- {each}" for each in self.wrong)] if self.wrong else []),
            *(["## Failed steps", "\n".join(f"- {each}" for each in self.broken)] if self.broken else []),
            "## Bits that differ from the CPU's",
            markdown(("function, type", "results", "differing", "first of them at"), compared),
            "## Required",
            markdown(("what", "measured", "required", "verdict"), lines),
            "## Large arrays",
            large_table(self.rows),
            "## Kernels of users, rows and losses",
            others_table(self.rows, (IN_KERNELS, ROWS, LOSSES)),
            "## Functions of users, of an array and two numbers",
            others_table(self.rows, (OF_USERS,)),
            "## Gradients",
            others_table(self.rows, (GRADIENT,)),
            "## Few elements, by the host's clock",
            others_table(self.rows, ("few",)),
            "## Other layouts",
            others_table(self.rows, tuple(LAYOUTS)),
            "## Arrays of the host, copied there and back, and the host's own threads",
            others_table(self.rows, ("of the host",)),
            "## First calls, in seconds: compiled / found on disk",
            first_calls_table(self.rows),
            "## Tests",
            "\n\n".join(f"`pytest -m gpu tests/test_gpu.py`: {each}." for each in counts or ["not run"]),
            "\n".join(others),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def sweep(elements: int) -> None:
    """Print how fast exp is with other launch parameters."""
    from numba import config

    from numbaexp.cuda import kernels, launch, launcher

    for dtype in SWEPT:
        arrays = Arrays(dtype, elements)
        for threads in THREADS:
            kernels.THREADS = launcher.THREADS = threads
            # Kernels that are kept on disk have the number of threads that they were compiled for.
            with tempfile.TemporaryDirectory() as config.CACHE_DIR:
                for blocks in BLOCKS_A_PROCESSOR:
                    launch.BLOCKS_A_PROCESSOR = blocks
                    for kept in (*vars(launch).values(), *vars(launcher).values()):
                        if hasattr(kept, "cache_clear"):
                            kept.cache_clear()
                    own, copy = (
                        each for each in gpu_calls.measure_large("exp", arrays, False) if each["provider"] not in PEERS
                    )
                    share = float(copy["p50"]) / float(own["p50"])
                    print(
                        f"exp {dtype}: {threads} threads, {blocks} blocks a processor: {own['GB/s']} GB/s, "
                        f"{share:.3f} of the copy",
                        flush=True,
                    )


def main(given: list[str] | None = None) -> int:
    parser = options(__doc__, "", "the folder of gpu.csv and gpu.md")
    parser.add_argument("--elements", type=int, default=1 << 26, help="of large arrays (default: 2**26)")
    places = range(1, len(STAGES) + 1)
    parser.add_argument("--stages", type=int, nargs="+", choices=places, default=places, help="default: all")
    parser.add_argument("--sweep", action="store_true", help="only time exp with other launch parameters, and print it")
    arguments = parser.parse_args(given)
    reason = lacking() or lacking_memory(arguments.elements)
    if reason is not None:
        print(f"nothing is measured: {reason}")
        return NO_GPU
    if arguments.sweep:
        sweep(arguments.elements)
        return MET
    report = Report(arguments.output)
    for place in arguments.stages:
        report.run(STAGES[place - 1], arguments.elements)
    print(report.text())
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
