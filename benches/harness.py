"""Measure alike in every bench: on which machine, in turn and by the median, in rows of a CSV file."""

import argparse
import contextlib
import csv
import ctypes
import datetime
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np

import numbaexp
from numbaexp.vector.level import current_level

RESULTS = pathlib.Path(__file__).with_name("results")
FIELDS = (
    "function",
    "provider",
    "target",
    "dtype",
    "interval",
    "shape",
    "p20",
    "p50",
    "p80",
    "GB/s",
    "device",
    "versions",
    "date",
)
ALL = ("float16", "bfloat16", "float32", "float64")

# Arguments whose results are ordinary, and how many differ: of a larger array they are repeated.
ORDINARY = (-10.0, 10.0)
SAMPLE = 10**6
# Of functions that are not real of all of those.
_REAL = {**dict.fromkeys(("log", "log2", "log10"), (0.01, 100.0)), "log1p": (-0.9, 10.0), "logit": (0.001, 0.999)}

# Seconds that one call is timed for, and the least number of rounds.
BUDGET = 0.6
LEAST_ROUNDS = 9
# Seconds that a row of calls lasts of which one is too short for the clock, and one of launches on a device, of which
# the wait at its end is to be a small part.
ROW, LAUNCHES = 20e-6, 10e-3

# A context that gives what waits for the last call, or None where each call waits itself; and the call.
Timed = tuple[Callable[[], contextlib.AbstractContextManager], Callable[[], object]]


# Arguments.


def array_type(name: str) -> Any:
    """Return the NumPy type of a name, or None for the bfloat16 of a package that is missing."""
    if name != "bfloat16":
        return np.dtype(name)
    if importlib.util.find_spec("ml_dtypes") is None:
        return None
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


def types_here(names: Iterable[str] = ALL) -> list[str]:
    """Return those of some float types that NumPy has here."""
    return [name for name in names if array_type(name) is not None]


def uniform(dtype_name: str, n: int, interval: tuple[float, float] = ORDINARY) -> np.ndarray:
    """Return so many random arguments of an interval, the same ones every time."""
    sample = np.random.default_rng(0).uniform(*interval, min(n, SAMPLE))
    return np.resize(sample.astype(array_type(dtype_name)), n)


def ordinary(function: str) -> tuple[float, float]:
    """Return the interval of arguments of a function whose results are ordinary."""
    return _REAL.get(function, ORDINARY)


def between(low: float, high: float) -> str:
    """Write an interval as the rows do."""
    return f"{low:g} to {high:g}"


# The machine.


def today() -> str:
    """Return the date."""
    return datetime.date.today().isoformat()


def keep_to(threads: int) -> None:
    """Let numbaexp, the copy loop and PyTorch take so many threads."""
    numba.set_num_threads(threads)
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(threads)


def device(target: str = "cpu") -> str:
    """Name the processor, as the system and LLVM do, and for its target the GPU."""
    name = "unknown processor"
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), name)
    threads = numba.get_num_threads()
    name = f"{name} ({llvm.get_host_cpu_name()} to LLVM), {threads} thread{'s' if threads > 1 else ''}"
    if target == "cuda":
        from numba import cuda

        name = f"{name}; {cuda.get_current_device().name}"
    return name


def versions(target: str = "cpu") -> str:
    """List package versions, with those that a target has of its own, and whose code computes on the CPU."""
    names = ["numba", "numpy", "scipy", "torch", "jax", "numexpr"]
    if target == "cuda":
        names += ["numba-cuda", "cupy", "cupy-cuda12x", "cupy-cuda13x"]
    found = [f"numbaexp {numbaexp.__version__} ({current_level().name})"]
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            code = _CODE.get(name)
            found.append(f"{name} {importlib.metadata.version(name)}" + (f" ({code()})" if code else ""))
    if target == "cuda":
        from numba.cuda.cudadrv.driver import driver

        found.append("CUDA driver {}.{}".format(*driver.get_version()))
    return ", ".join(found)


def machine() -> str:
    """Write in one line where the host's functions are measured, and with which packages."""
    return f"{device()}; {versions()}"


def _code_of_numpy() -> str:
    """Name the highest of the sets of instructions that NumPy has loops for and finds here."""
    core = importlib.import_module("numpy._core._multiarray_umath")
    return [*core.__cpu_baseline__, *(name for name in core.__cpu_dispatch__ if core.__cpu_features__[name])][-1]


@functools.cache
def _code_of_torch() -> str:
    """Name the instructions of PyTorch's loops, and whose its exp is: MKL's where that has the same bits, else that of
    the loops, which call SLEEF."""
    import torch

    x = np.random.default_rng(0).uniform(-10, 10, 10_000).astype(np.float32)
    y = np.empty_like(x)
    capability = torch.backends.cpu.get_cpu_capability()
    try:
        library = ctypes.CDLL(os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so"))
        # With the mode that PyTorch gives it: VML_HA | VML_FTZDAZ_OFF | VML_ERRMODE_IGNORE.
        library.vmsExp(*map(ctypes.c_int64, (x.size, x.ctypes.data, y.ctypes.data, 0x140102)))
    except (OSError, AttributeError):
        return f"{capability}, exp of SLEEF"
    same = np.array_equal(torch.exp(torch.from_numpy(x)).numpy(), y)
    return f"{capability}, exp of {'MKL' if same else 'SLEEF'}"


_CODE: dict[str, Callable[[], str]] = {"numpy": _code_of_numpy, "torch": _code_of_torch}


# Timing.


def seconds_a_call(call: Callable[[], object], repeat: int, wait: Callable[[object], object] | None) -> float:
    """Time a row of calls, with the wait for what they launched, if they do not wait themselves."""
    start = time.perf_counter()
    for _ in range(repeat - 1):
        call()
    if wait is None:
        call()
    else:
        wait(call())
    return (time.perf_counter() - start) / repeat


def time_in_turn(calls: Sequence[Timed], least_rounds: int = LEAST_ROUNDS) -> list[np.ndarray]:
    """Return the seconds per call of each of several, in rounds.

    In each round each gets two calls, and the second is timed: the threads of the one before, which go on spinning
    for a while, would else take a core from it.
    """
    seconds: list[list[float]] = [[] for _ in calls]
    inner = []
    for during, call in calls:
        with during() as wait:
            seconds_a_call(call, 1, wait)
            once = seconds_a_call(call, 1, wait)
        inner.append(max(1, int((ROW if wait is None else LAUNCHES) / max(once, 1e-9))))
    begin = time.perf_counter()
    while len(seconds[0]) < least_rounds or time.perf_counter() - begin < BUDGET * len(calls):
        for (during, call), repeat, list_of in zip(calls, inner, seconds, strict=True):
            with during() as wait:
                seconds_a_call(call, 1, wait)
                list_of.append(seconds_a_call(call, repeat, wait))
    return [np.array(s) for s in seconds]


def plain(calls: Iterable[Callable[[], object]]) -> list[Timed]:
    """Return calls that need no context as those that are timed."""
    return [(contextlib.nullcontext, call) for call in calls]


# Rows.


def row_of(
    function: str,
    provider: str,
    target: str,
    dtype_name: str,
    interval: str,
    shape: object,
    seconds: np.ndarray,
    moved: float,
    digits: int = 3,
    **others: Any,
) -> dict[str, Any]:
    """Return a row: its quantiles, the rate of so many bytes that a call moves, and where and when that was."""
    p20, p50, p80 = np.quantile(seconds, [0.2, 0.5, 0.8])
    return {
        "function": function,
        "provider": provider,
        "target": target,
        "dtype": dtype_name,
        "interval": interval,
        "shape": shape,
        "p20": f"{p20:.4g}",
        "p50": f"{p50:.4g}",
        "p80": f"{p80:.4g}",
        "GB/s": f"{moved / p50 / 1e9:.{digits}g}",
        "device": device(target),
        "versions": versions(target),
        "date": today(),
        **others,
    }


@contextlib.contextmanager
def file_of_rows(path: pathlib.Path, fields: Sequence[str]) -> Iterator[Callable[[Iterable[dict[str, Any]]], None]]:
    """Open a CSV file; give what writes rows, which are on disk at once, without fields that the file has not."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fields, extrasaction="ignore")
        writer.writeheader()

        def write(rows: Iterable[dict[str, Any]]) -> None:
            writer.writerows(rows)
            file.flush()

        yield write


def rows_in(path: pathlib.Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def medians(rows: Iterable[dict[str, Any]]) -> list[float]:
    """Return the seconds that the calls of rows take."""
    return [float(row["p50"]) for row in rows]


def markdown(header: Sequence[str], lines: Iterable[Sequence[str]], others: str = "---:") -> str:
    """Write a table in Markdown; ``others`` aligns all columns but the first: to the right, as numbers are."""
    rule = ("---", *(others for _ in header[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *lines))


# The command line.

# Of cases with more elements than this none is timed.
MOST: dict[str, Any] = {
    "type": float,
    "default": float("inf"),
    "help": "elements of a case, beyond which the case is left out",
}


class _Seconds(argparse.Action):
    """Set for how long each call is timed."""

    def __call__(self, parser, namespace, values, option_string=None):
        global BUDGET
        BUDGET = values


def options(description: str | None, output: str, told: str = "") -> argparse.ArgumentParser:
    """Return a parser with the first line of a description, ``--output``, a file in ``RESULTS`` or the folder, and
    ``--seconds``."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    told = told or f"default: results/{output}"
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS / output, help=told)
    parser.add_argument("--seconds", type=float, action=_Seconds, help=f"that a call is timed for, default: {BUDGET}")
    return parser
