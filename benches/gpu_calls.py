"""Time calls on a GPU: of the package, of its peers and of the device's copy, on the same memory."""

import contextlib
import functools
import importlib.util
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from harness import FIELDS, ORDINARY, array_type, between, row_of, time_in_turn, uniform
from numba import cuda

import numbaexp

ROOT = pathlib.Path(__file__).parents[1]

COPY = "device copy"
PEERS = ("torch", "cupy")
# Rounds of all calls in turn, and calls of one that are timed together.
ROUNDS, CALLS = 20, 4
FEW = 1000
# Elements of a row of softmax, and classes of a cross entropy.
ROW, CLASSES = 1024, 32768
# How rows of the table call what is timed.
IN_KERNELS, ROWS, LOSSES, GRADIENT = "in a user's kernel", "rows", "losses", "gradient"
OF_USERS = "function of a user"

# What is kept of a row beside the usual fields: which arrays or call it was, and whose arrays it was given.
COLUMNS = (*FIELDS, "transfers", "case", "arrays")

Row = dict[str, str]


class WrongResults(Exception):  # noqa: N818
    """Raised for wrong results, which are reported and not timed."""


class Call(NamedTuple):
    """A call: ``run`` is timed; ``before`` is not, and keeps the device busy until ``run`` is queued."""

    provider: str
    arrays: str
    run: Callable[[], object]
    before: Callable[[], object]
    times: int


def seconds_in_turn(calls: list[Call], rounds: int) -> list[np.ndarray]:
    """Return the seconds that each of several calls takes on the device, by the device's clock, in rounds."""
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
    """Return a line of the file."""
    moved = 2 * n * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)
    made = row_of(function, provider, "cuda", dtype, between(*ORDINARY), str(n), seconds, moved, digits=4)
    return {**made, "transfers": "not counted", "case": case, "arrays": "", **others}


class Arrays:
    """Arguments on the host and on the device, and memory for results, which each library sees as its own arrays."""

    def __init__(self, dtype: str, n: int, interval: tuple[float, float] = ORDINARY) -> None:
        self.dtype, self.n, self.interval = dtype, n, interval
        kind = array_type(dtype)
        self._bits = np.dtype(f"u{kind.itemsize}")
        self.host = uniform(dtype, n, interval)
        self.expected, self._result = np.empty_like(self.host), np.empty_like(self.host)
        self.kept = cuda.to_device(self.host.view(self._bits))
        self.x, self.out = (cuda.device_array(n, self._bits) for _ in range(2))
        self.restore()

    def restore(self) -> None:
        """Undo a call in place."""
        self.x.copy_to_device(self.kept)

    def of_numba(self) -> tuple[Any, Any]:
        """Return x and out as Numba's arrays."""
        return self.x.view(array_type(self.dtype)), self.out.view(array_type(self.dtype))

    def of(self, library: str) -> tuple[Any, Any] | None:
        """Return x and out as arrays of a library, or None where that is missing or lacks the GPU or the type."""
        if library == "numba":
            return self.of_numba()
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
        """Tell whether results have the bits of the CPU."""
        getattr(numbaexp, function)(self.host, out=self.expected)
        return self.are_expected(result)

    def are_expected(self, result: Any) -> bool:
        """Tell whether results have the bits of ``expected``."""
        bits = self._result.view(self._bits)
        result.copy_to_host(bits)
        return bool((bits == self.expected.view(self._bits)).all())


def function_of(library: str, function: str) -> Callable[..., object] | None:
    """Return the function of a peer that takes ``out``, or None."""
    if function == "softplus":
        return None
    return getattr(importlib.import_module(library), function, None)


def calls_of(function: str, arrays: Arrays, in_place: bool) -> list[Call]:
    """Return calls of numbaexp, the copy and the peers on the same memory."""

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
    """Check the results of numbaexp, and time it, the copy and the peers in turn."""
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
        row(
            function,
            arrays.dtype,
            arrays.n,
            of_call,
            call.provider,
            case,
            arrays=call.arrays,
            interval=between(*arrays.interval),
        )
        for call, of_call in zip(calls, seconds, strict=True)
    ]


def measure_gradient(name: str, arrays: Arrays) -> list[Row]:
    """Time a gradient, of one array as both arguments; half as much again is moved as by a function."""
    x, out = arrays.of_numba()
    run = functools.partial(getattr(numbaexp, name), x, x, out=out)
    arrays.restore()
    arrays.out.copy_to_device(arrays.kept)
    run()
    getattr(numbaexp, name)(arrays.host, arrays.host, out=arrays.expected)
    if not arrays.are_expected(arrays.out):
        raise WrongResults(f"{name} {arrays.dtype}")
    (seconds,) = seconds_in_turn([Call("numbaexp", "numba", run, run, CALLS)], ROUNDS)
    rate = f"{3 * arrays.host.nbytes / np.median(seconds) / 1e9:.4g}"
    return [row(name, arrays.dtype, arrays.n, seconds, "numbaexp", GRADIENT, **{"GB/s": rate})]


def measure_in_kernel(dtype: str, elements: int) -> list[Row]:
    """Time exp in a kernel of a user and that of ``math``, an element a thread."""
    arrays = Arrays(dtype, elements)
    x, out = arrays.of_numba()
    blocks = -(-elements // 256)

    def make(function: Callable[..., Any]) -> Callable[[], object]:
        @cuda.jit
        def kernel(x, y):
            i = cuda.grid(1)
            if i < x.size:
                y[i] = function(x[i])

        return lambda: kernel[blocks, 256](x, out)

    runs = {"numbaexp": make(numbaexp.exp), "math": make(math.exp)}
    calls = [Call(provider, "numba", run, run, CALLS) for provider, run in runs.items()]
    calls[0].run()
    if not arrays.are_right("exp", arrays.out):
        raise WrongResults(f"exp {dtype} {IN_KERNELS}")
    return [
        row("exp", dtype, elements, of_call, call.provider, IN_KERNELS, arrays="numba")
        for call, of_call in zip(calls, seconds_in_turn(calls, ROUNDS), strict=True)
    ]


def measure_rows(dtype: str, elements: int) -> list[Row]:
    """Time softmax and a cross entropy and PyTorch's, on tensors."""
    given = Arrays(dtype, elements).of("torch")
    if given is None:
        return []
    import torch

    found = []
    x, out = (tensor[: elements // ROW * ROW].reshape(-1, ROW) for tensor in given)
    logits = given[0][: elements // CLASSES * CLASSES].reshape(-1, CLASSES)
    targets = torch.arange(len(logits), device=logits.device) % CLASSES
    for function, case, n, runs in (
        (
            "softmax",
            ROWS,
            x.numel(),
            {
                "numbaexp": functools.partial(numbaexp.softmax, x, -1, out=out),
                "torch": functools.partial(torch.softmax, x, -1, out=out),
            },
        ),
        (
            "cross_entropy",
            LOSSES,
            logits.numel(),
            {
                "numbaexp": functools.partial(numbaexp.cross_entropy, logits, targets),
                "torch": functools.partial(torch.nn.functional.cross_entropy, logits, targets),
            },
        ),
    ):
        calls = [Call(provider, "torch", run, run, CALLS) for provider, run in runs.items()]
        for call in calls:
            call.run()
        for call, seconds in zip(calls, seconds_in_turn(calls, ROUNDS), strict=True):
            found.append(row(function, dtype, n, seconds, call.provider, case, arrays="torch"))
    return found


def square(a: np.ndarray) -> np.ndarray:
    """Return as much of a row as makes a square."""
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
    """Time exp of arrays that are not contiguous or not aligned."""
    from numbaexp.backends.cuda_memory import address
    from numbaexp.cuda import launch

    def strided(there: Any, whole: np.ndarray, view: np.ndarray) -> launch.Strided:
        first, of_view = (a.__array_interface__["data"][0] for a in (whole, view))
        return launch.Strided(address(there) + of_view - first, view.shape, view.strides, arrays.dtype, 0)

    of_x, of_out = LAYOUTS[case]
    x, out = of_x(arrays.host), of_out(arrays.expected)
    arrays.expected[:] = arrays.host
    arrays.out.copy_to_device(arrays.kept)
    x_there, out_there = strided(arrays.x, arrays.host, x), strided(arrays.out, arrays.expected, out)
    run = functools.partial(launch.run, "exp", (x_there, out_there), ("x", "out"), 0)
    run()
    numbaexp.exp(x, out=out)
    if not arrays.are_expected(arrays.out):
        raise WrongResults(f"exp {arrays.dtype} {case}")
    (seconds,) = seconds_in_turn([Call("numbaexp", "", run, run, CALLS)], ROUNDS)
    return [row("exp", arrays.dtype, x.size, seconds, "numbaexp", case)]


def wait(_last: object) -> None:
    """Wait for the device."""
    cuda.synchronize()


def measure_launches(dtype: str) -> list[Row]:
    """Time calls on few elements, many in a row, by the host's clock."""
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
    """Time arrays of the host, copied there and back, and all threads of the host for comparison."""
    x = uniform(dtype, n)
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
from numbaexp.layout import Strided
from numbaexp.cuda.launch import run
from numbaexp.backends.cuda_memory import address
from numbaexp.scalar.family import FAMILY
there = cuda.to_device(np.zeros(64, np.uint8))
for name in FAMILY:
    for dtype in FAMILY[name]:
        x = Strided(address(there), (8,), ({"float32": 4, "float64": 8}.get(dtype, 2),), dtype, 0)
        start = time.perf_counter()
        run(name, (x, x), ("x", "out"), 0)
        cuda.synchronize()
        print(name, dtype, time.perf_counter() - start, flush=True)
"""


def measure_first_calls() -> list[Row]:
    """Time first calls: in a new process, which compiles the kernel, and in another, which finds it on disk."""
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
