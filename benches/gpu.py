"""Test and measure the functions on a GPU, in one run, and write what was found to ``results/gpu.csv`` and ``gpu.md``.

On a machine with an NVIDIA driver, in a virtual environment, in the folder above this one (cuda12 where the driver is
for CUDA 12; PyTorch and CuPy are peers that may be missing):

    python -m pip install '.[test,cuda13]' torch cupy-cuda13x && python benches/gpu.py

It runs ``pytest -m gpu tests/test_gpu.py``, then times the functions on arrays of 2**28 elements beside the device's
own copy and the peers; calls on 1000 elements; first calls; other layouts; and arrays of the host. Exit status: 0 if
all that is required is met, 1 if not, 2 without a GPU. ``--sweep`` instead times exp with other launch parameters.
"""

import argparse
import contextlib
import csv
import functools
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import memory
import numpy as np
from providers import ALL, array_type, device, versions
from speed import FIELDS, ORDINARY, RESULTS, SAMPLE, time_in_turn

import numbaexp
from numbaexp.cuda import usable
from numbaexp.information import report
from numbaexp.scalar.family import FAMILY

ROOT = pathlib.Path(__file__).parents[1]
MET, NOT_MET, NO_GPU = 0, 1, 2

# Of exp, in each type: the least share of the rate of the device's copy, and of the speed of each peer; and the most
# time of a call on few elements over that of PyTorch.
OF_COPY, OF_PEERS, OF_LAUNCHES = 0.93, 1.0, 3.0
COPY = "device copy"
PEERS = ("torch", "cupy")

# Rounds of all calls in turn, and calls of one that are timed together.
ROUNDS, CALLS = 20, 4
FEW = 1000
# Of the arrays whose layouts or transfers are timed, as part of the others.
PART = 4

# What is kept of a row beside speed.py's fields: which arrays or call it was, and whose arrays it was given.
COLUMNS = (*FIELDS, "transfers", "case", "arrays")
PRINTED = ("function", "dtype", "shape", "case", "provider", "target", "arrays", "p50", "GB/s")

Row = dict[str, str]

# Launch parameters that are tried.
THREADS, BLOCKS_A_PROCESSOR = (128, 256, 512), (1, 2, 4, 8, 16, 32)
SWEPT = ("float16", "float32", "float64")


class WrongResults(Exception):  # noqa: N818
    """They are reported, and not timed."""


def lacking() -> str | None:
    """Why nothing can be measured here, or None."""
    if usable.missing() is None and usable.simulated():
        return "NUMBA_ENABLE_CUDASIM is set: its simulator is no GPU"
    return usable.missing()


def lacking_memory(elements: int) -> str | None:
    """How much of the device's memory is missing for large arrays, or None."""
    # Three of float64.
    need, free = 3 * 8 * elements, memory.on_device()
    return f"needs {need / 1e9:.3g} GB of the device, {free / 1e9:.3g} GB are free" if need > free else None


class Call(NamedTuple):
    """``run`` is timed, after ``before`` that is not, and that keeps the device busy until ``run`` is queued."""

    provider: str
    arrays: str
    run: Callable[[], object]
    before: Callable[[], object]
    times: int


def seconds_in_turn(calls: list[Call], rounds: int) -> list[np.ndarray]:
    """Seconds that each of several calls takes on the device, by its own clock, in rounds."""
    from numba import cuda

    events: list[list[tuple[Any, Any]]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, pairs in zip(calls, events, strict=True):
            start, end = cuda.event(), cuda.event()
            call.before()
            start.record()
            for _ in range(call.times):
                call.run()
            end.record()
            pairs.append((start, end))
        cuda.synchronize()
    return [
        np.array([start.elapsed_time(end) for start, end in pairs]) / 1e3 / call.times
        for call, pairs in zip(calls, events, strict=True)
    ]


def row(function: str, dtype: str, n: int, seconds: np.ndarray, provider: str, case: str, **others: str) -> Row:
    """A line of the file."""
    p20, p50, p80 = np.quantile(seconds, [0.2, 0.5, 0.8])
    moved = 2 * n * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)
    return {
        "function": function,
        "provider": provider,
        "target": "cuda",
        "dtype": dtype,
        "interval": "{:g} to {:g}".format(*ORDINARY),
        "shape": str(n),
        "p20": f"{p20:.4g}",
        "p50": f"{p50:.4g}",
        "p80": f"{p80:.4g}",
        "GB/s": f"{moved / p50 / 1e9:.4g}",
        "device": device("cuda"),
        "versions": versions("cuda"),
        "transfers": "not counted",
        "case": case,
        "arrays": "",
        **others,
    }


class Arrays:
    """Arguments on the host and on the device, and memory for results, which each library sees as its own arrays."""

    def __init__(self, dtype: str, n: int) -> None:
        from numba import cuda

        self.dtype, self.n = dtype, n
        kind = array_type(dtype)
        self._bits = np.dtype(f"u{kind.itemsize}")
        sample = np.random.default_rng(0).uniform(*ORDINARY, min(n, SAMPLE)).astype(kind)
        self.host = np.resize(sample, n)
        self.expected, self._result = np.empty_like(self.host), np.empty_like(self.host)
        self.kept = cuda.to_device(self.host.view(self._bits))
        self.x, self.out = (cuda.device_array(n, self._bits) for _ in range(2))
        self.restore()

    def restore(self) -> None:
        """Undo a call in place."""
        self.x.copy_to_device(self.kept)

    def of(self, library: str) -> tuple[Any, Any] | None:
        """x and out as arrays of a library; None where it is missing, cannot use the GPU, or has not the type."""
        if library == "numba":
            return self.x.view(array_type(self.dtype)), self.out.view(array_type(self.dtype))
        if importlib.util.find_spec(library) is None:
            return None
        if library == "torch":
            import torch

            if not torch.cuda.is_available():
                return None
            signed, kind = f"i{self._bits.itemsize}", getattr(torch, self.dtype)
            x, out = (torch.as_tensor(array.view(signed), device="cuda").view(kind) for array in (self.x, self.out))
        else:
            import cupy

            x, out = (cupy.asarray(array).view(array_type(self.dtype)) for array in (self.x, self.out))
        return x, out

    def are_right(self, function: str, result: Any) -> bool:
        """Whether results have the bits of the CPU."""
        getattr(numbaexp, function)(self.host, out=self.expected)
        return self.are_expected(result)

    def are_expected(self, result: Any) -> bool:
        """Whether they have the bits of ``expected``."""
        bits = self._result.view(self._bits)
        result.copy_to_host(bits)
        return bool((bits == self.expected.view(self._bits)).all())


def function_of(library: str, function: str) -> Callable[..., object] | None:
    """The function of a peer that takes ``out``, or None."""
    if function == "softplus":
        return None
    return getattr(importlib.import_module(library), function, None)


def calls_of(function: str, arrays: Arrays, in_place: bool) -> list[Call]:
    """numbaexp, the copy and the peers on the same memory."""

    def call(provider: str, library: str, run: Callable[[], object]) -> Call:
        return Call(provider, library, run, arrays.restore if in_place else run, 1 if in_place else CALLS)

    own = "numba" if arrays.of("torch") is None else "torch"
    calls = []
    for provider, library in (("numbaexp", own), *((peer, peer) for peer in PEERS)):
        try:
            given = arrays.of(library)
            compute = (
                getattr(numbaexp, function) if provider == "numbaexp" else given and function_of(provider, function)
            )
            if given is None or compute is None:
                continue
            x, out = given
            run = functools.partial(compute, x, out=x if in_place else out)
            run()
        except (TypeError, ValueError):  # bfloat16 in CuPy, before version 14
            if provider == "numbaexp":
                raise
            continue
        calls.append(call(provider, library, run))
    copy = functools.partial(arrays.out.copy_to_device, arrays.kept)
    return [*calls, Call(COPY, "numba", copy, copy, CALLS)]


def measure_large(function: str, arrays: Arrays, in_place: bool) -> list[Row]:
    """numbaexp beside the copy and the peers, after a look at its results."""
    case = "in place" if in_place else "out"
    calls = calls_of(function, arrays, in_place)
    # What peers have written is nearly right.
    arrays.restore()
    arrays.out.copy_to_device(arrays.kept)
    calls[0].run()
    if not arrays.are_right(function, arrays.x if in_place else arrays.out):
        raise WrongResults(f"{function} {arrays.dtype} {case}")
    arrays.restore()
    seconds = seconds_in_turn(calls, ROUNDS)
    return [
        row(function, arrays.dtype, arrays.n, of_call, call.provider, case, arrays=call.arrays)
        for call, of_call in zip(calls, seconds, strict=True)
    ]


def square(a: np.ndarray) -> np.ndarray:
    """As much of a row as makes a square."""
    side = int(a.size**0.5)
    return a[: side * side].reshape(side, side)


# Of a gapless row: what is read, and what is written of another one.
LAYOUTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "misaligned alike": (lambda a: a[1:], lambda a: a[1:]),
    "misaligned apart": (lambda a: a[1:], lambda a: a[:-1]),
    "every other one read": (lambda a: a[::2], lambda a: a[: a.size // 2]),
    "read backwards": (lambda a: a[::-1], lambda a: a),
    "transposed": (lambda a: square(a).T, square),
}


def measure_layout(case: str, arrays: Arrays) -> list[Row]:
    """exp of what is not gapless or not aligned."""
    from numbaexp.cuda import launch
    from numbaexp.owners.device import address

    def strided(there: Any, whole: np.ndarray, view: np.ndarray) -> launch.Strided:
        first, of_view = (a.__array_interface__["data"][0] for a in (whole, view))
        return launch.Strided(address(there) + of_view - first, view.shape, view.strides, arrays.dtype, 0)

    of_x, of_out = LAYOUTS[case]
    x, out = of_x(arrays.host), of_out(arrays.expected)
    arrays.expected[:] = arrays.host
    arrays.out.copy_to_device(arrays.kept)
    x_there, out_there = strided(arrays.x, arrays.host, x), strided(arrays.out, arrays.expected, out)
    run = functools.partial(launch.run, "exp", x_there, out_there, 0)
    run()
    numbaexp.exp(x, out=out)
    if not arrays.are_expected(arrays.out):
        raise WrongResults(f"exp {arrays.dtype} {case}")
    (seconds,) = seconds_in_turn([Call("numbaexp", "", run, run, CALLS)], ROUNDS)
    return [row("exp", arrays.dtype, x.size, seconds, "numbaexp", case)]


def wait(_last: object) -> None:
    """For the device."""
    from numba import cuda

    cuda.synchronize()


def measure_launches(dtype: str) -> list[Row]:
    """Calls on few elements, many in a row, by the host's clock."""
    arrays = Arrays(dtype, FEW)
    launches = functools.partial(contextlib.nullcontext, wait)
    named: list[tuple[str, str, Callable[[], object]]] = []
    for library in ("torch", "cupy", "numba"):
        given = arrays.of(library)
        if given is None or (library, dtype) == ("cupy", "bfloat16"):
            continue
        x, out = given
        run = functools.partial(numbaexp.exp, x, out=out)
        arrays.out.copy_to_device(arrays.kept)
        run()
        if not arrays.are_right("exp", arrays.out):
            raise WrongResults(f"exp {dtype}, {FEW} elements, of {library}")
        named.append(("numbaexp", library, run))
        if library in PEERS:
            compute = importlib.import_module(library).exp
            named.append((library, library, functools.partial(compute, x, out=out)))
    seconds = time_in_turn([(launches, run) for _, _, run in named])
    return [
        row("exp", dtype, FEW, of_call, provider, "few", arrays=library)
        for (provider, library, _), of_call in zip(named, seconds, strict=True)
    ]


def measure_host(dtype: str, n: int) -> list[Row]:
    """Arrays of the host, copied there and back, and beside it all threads of the host."""
    x = np.resize(np.random.default_rng(0).uniform(*ORDINARY, min(n, SAMPLE)).astype(array_type(dtype)), n)
    out = np.empty_like(x)
    run = functools.partial(numbaexp.exp, x, out=out)
    targets = ("cuda", "parallel")
    seconds = time_in_turn([(functools.partial(numbaexp.use_target, target), run) for target in targets], 5)
    return [
        row("exp", dtype, n, of_call, "numbaexp", "of the host", target=target, transfers=transfers)
        for target, transfers, of_call in zip(targets, ("counted", ""), seconds, strict=True)
    ]


FIRST_CALLS = """
import time
import numpy as np
from numba import cuda
from numbaexp.cuda.launch import Strided, run
from numbaexp.owners.device import address
from numbaexp.scalar.family import FAMILY
there = cuda.to_device(np.zeros(64, np.uint8))
for name in FAMILY:
    for dtype in FAMILY[name]:
        x = Strided(address(there), (8,), ({"float32": 4, "float64": 8}.get(dtype, 2),), dtype, 0)
        start = time.perf_counter()
        run(name, x, x, 0)
        cuda.synchronize()
        print(name, dtype, time.perf_counter() - start, flush=True)
"""


def measure_first_calls() -> list[Row]:
    """First calls in a new process, which compile the kernel, and in another one, which finds it on disk."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for case in ("compiled", "found on disk"):
            printed = subprocess.run(
                [sys.executable, "-c", FIRST_CALLS],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env={**os.environ, "NUMBA_CACHE_DIR": folder},
            ).stdout
            for function, dtype, seconds in map(str.split, printed.splitlines()):
                rows.append(row(function, dtype, 8, np.array([float(seconds)]), "numbaexp", case))
    return rows


class Tests(NamedTuple):
    """What pytest found: how many tests, by their outcome, and of those that did not pass which, and why."""

    counts: dict[str, int]
    others: list[str]

    def all_passed(self) -> bool:
        """Whether some passed, and none failed."""
        return self.counts["passed"] > 0 and not self.counts["failed"]


def run_tests(file: str) -> Tests:
    """Run the tests that need a GPU."""
    with tempfile.TemporaryDirectory() as folder:
        junit = pathlib.Path(folder, "junit.xml")
        command = [sys.executable, "-m", "pytest", "-m", "gpu", "--durations=10", f"--junitxml={junit}", file]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if not junit.exists():
            return Tests({"passed": 0, "failed": 1, "skipped": 0}, [f"pytest ended with status {status}"])
        return outcomes(junit)


def outcomes(junit: pathlib.Path) -> Tests:
    """What stands in the file that pytest writes."""
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


class Required(NamedTuple):
    """A measured ratio and its bound; without a value, it could not be measured."""

    what: str
    value: float | None
    bound: str
    is_met: bool

    def verdict(self) -> str:
        """In words."""
        if self.value is None:
            return "not measured"
        return "met" if self.is_met else "not met"


def ratio(rows: list[Row], above: Row, below: Row) -> float | None:
    """The median of the row that has the first entries over that of the row that has the others."""
    medians = [[float(each["p50"]) for each in rows if entries.items() <= each.items()] for entries in (above, below)]
    return medians[0][0] / medians[1][0] if all(medians) else None


def requirements(rows: list[Row]) -> list[Required]:
    """What is required of exp, and whether it is met."""
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
        what = f"exp {dtype}, {FEW} elements: time over that of torch"
        found.append(Required(what, value, f"<= {OF_LAUNCHES}", value is not None and value <= OF_LAUNCHES))
    return found


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *lines))


def number(value: float | None) -> str:
    """To three digits."""
    return "" if value is None else f"{value:.3g}"


def large_table(rows: list[Row]) -> str:
    """Rates of numbaexp, and its speed over that of the others."""
    lines = []
    for own in rows:
        if own["provider"] != "numbaexp" or own["case"] not in ("out", "in place"):
            continue
        same = {name: own[name] for name in ("function", "dtype", "case")}
        over = (number(ratio(rows, {**same, "provider": other}, own)) for other in (COPY, *PEERS))
        lines.append((", ".join(same.values()), own["GB/s"], *over))
    return table(("function, type, case", "GB/s", "over the copy", *(f"over {peer}" for peer in PEERS)), lines)


def others_table(rows: list[Row], cases: tuple[str, ...]) -> str:
    """Medians and rates of these cases, one line each."""
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
    return table(("function, type, case, elements", "provider", "arrays or target", "microseconds", "GB/s"), lines)


def first_calls_table(rows: list[Row]) -> str:
    """Seconds of first calls: compiled, and found on disk."""
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
    return table(("function", *ALL), lines)


def written(rows: list[Row], wrong: list[str], tests: Tests | None) -> str:
    """The report."""
    required = requirements(rows)
    lines = [(each.what, number(each.value), each.bound, each.verdict()) for each in required]
    counts = "not run" if tests is None else ", ".join(f"{count} {name}" for name, count in tests.counts.items())
    parts = [
        "# numbaexp on a GPU",
        "By `python benches/gpu.py`. Rates are of the bytes of arguments and results.",
        f"```\n{report()}\n```",
        "## Required",
        table(("what", "measured", "required", "verdict"), lines),
        "## Tests",
        f"`pytest -m gpu tests/test_gpu.py`: {counts}.",
        *(["\n".join(f"- {other}" for other in tests.others)] if tests is not None and tests.others else []),
        *(["## Wrong results, not timed", "\n".join(f"- {each}" for each in wrong)] if wrong else []),
        "## Large arrays",
        large_table(rows),
        "## Few elements, by the host's clock",
        others_table(rows, ("few",)),
        "## Other layouts",
        others_table(rows, tuple(LAYOUTS)),
        "## Arrays of the host, copied there and back, and the host's own threads",
        others_table(rows, ("of the host",)),
        "## First calls, in seconds: compiled / found on disk",
        first_calls_table(rows),
    ]
    return "\n\n".join(parts) + "\n"


def measurements(elements: int) -> Iterator[Callable[[], list[Row]]]:
    """All that is measured, one after the other."""
    yield measure_first_calls
    for dtype in ALL:
        if array_type(dtype) is None:
            continue
        yield functools.partial(measure_launches, dtype)
        arrays = Arrays(dtype, elements)
        yield functools.partial(measure_large, "exp", arrays, True)
        for function in FAMILY:
            yield functools.partial(measure_large, function, arrays, False)
        arrays = Arrays(dtype, elements // PART)
        for case in LAYOUTS:
            yield functools.partial(measure_layout, case, arrays)
        yield functools.partial(measure_host, dtype, elements // PART)


def sweep(elements: int) -> None:
    """Print how fast exp is with other launch parameters."""
    from numba import config

    from numbaexp.cuda import kernels, launch

    for dtype in SWEPT:
        arrays = Arrays(dtype, elements)
        for threads in THREADS:
            kernels.THREADS = threads
            # Kernels that are kept on disk have the number of threads that they were compiled for.
            with tempfile.TemporaryDirectory() as config.CACHE_DIR:
                for blocks in BLOCKS_A_PROCESSOR:
                    launch._BLOCKS_A_PROCESSOR = blocks
                    for kept in vars(launch).values():
                        if hasattr(kept, "cache_clear"):
                            kept.cache_clear()
                    own, copy = (each for each in measure_large("exp", arrays, False) if each["provider"] not in PEERS)
                    share = float(copy["p50"]) / float(own["p50"])
                    print(
                        f"exp {dtype}: {threads} threads, {blocks} blocks a processor: {own['GB/s']} GB/s, "
                        f"{share:.3f} of the copy",
                        flush=True,
                    )


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--elements", type=int, default=1 << 28, help="of large arrays (default: 2**28)")
    parser.add_argument("--no-tests", action="store_true", help="measure alone")
    parser.add_argument("--sweep", action="store_true", help="only time exp with other launch parameters, and print it")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS, help="the folder of gpu.csv and gpu.md")
    arguments = parser.parse_args(given)
    reason = lacking()
    tests = None
    if reason is None:
        if not arguments.no_tests and not arguments.sweep:
            # First, as their process wants the memory of the device too.
            tests = run_tests("tests/test_gpu.py")
        reason = lacking_memory(arguments.elements)
    if reason is not None:
        print(f"nothing is measured: {reason}")
        return NO_GPU
    if arguments.sweep:
        sweep(arguments.elements)
        return MET
    rows: list[Row] = []
    wrong: list[str] = []
    try:
        with open(arguments.output / "gpu.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for measure in measurements(arguments.elements):
                try:
                    found = measure()
                except WrongResults as error:
                    wrong.append(str(error))
                    continue
                writer.writerows(found)
                file.flush()
                rows += found
                for each in found:
                    print(*(each[name] for name in PRINTED), flush=True)
    finally:
        # Whatever has been found, if not all could be.
        (arguments.output / "gpu.md").write_text(written(rows, wrong, tests))
    print(written(rows, wrong, tests))
    missed = [each for each in requirements(rows) if each.verdict() == "not met"]
    return NOT_MET if missed or wrong or (tests is not None and not tests.all_passed()) else MET


if __name__ == "__main__":
    sys.exit(main())
