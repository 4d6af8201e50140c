"""Time the softmax family over shapes and providers: in one process, in turn, on the same arrays.

``python benches/softmax.py`` writes ``results/softmax.csv`` and prints the medians. "cross_entropy" is the loss and its
gradient together. The peak of memory is what a process of its own needs for one call beyond its arguments, which is
told for cross_entropy alone.
"""

import functools
import math
import subprocess
import sys

import numpy as np
from harness import FIELDS, MOST, file_of_rows, medians, options, plain, row_of, time_in_turn

import numbaexp

# (function, type, shape, axis)
CASES = [
    ("softmax", "float32", (4096, 1024), -1),
    ("softmax", "float32", (256, 50257), -1),
    ("softmax", "float32", (400_000, 10), -1),
    ("softmax", "float32", (128, 128), -1),
    ("softmax", "float32", (1, 1000), -1),
    ("softmax", "float32", (1, 20_000_000), -1),
    ("softmax", "float32", (1024, 4096), 0),
    ("softmax", "float64", (4096, 1024), -1),
    ("softmax", "float16", (4096, 1024), -1),
    ("log_softmax", "float32", (4096, 1024), -1),
    ("logsumexp", "float32", (4096, 1024), -1),
    ("softmax_backward", "float32", (4096, 1024), -1),
    ("cross_entropy", "float32", (8192, 32000), -1),
]
PACKAGES = ("numbaexp", "torch", "jax", "scipy")
LINUX = sys.platform == "linux"


def arguments_of(function, dtype, shape):
    generator = np.random.default_rng(0)
    x = generator.standard_normal(shape, np.float32).astype(dtype)
    x *= 3
    return x, generator.integers(0, shape[-1], shape[0])


def prepare(package, function, x, classes, axis):
    """Return a call without arguments, or None where the package has no such function or type."""
    return globals()[f"_{package}"](function, x, classes, axis)


def _numbaexp(function, x, classes, axis):
    if function == "cross_entropy":

        def both():
            return numbaexp.cross_entropy(x, classes), numbaexp.cross_entropy_backward(1.0, x, classes)

        return both
    if function == "logsumexp":
        return lambda: numbaexp.logsumexp(x, axis)
    if function == "softmax_backward":
        y = numbaexp.softmax(x, axis)
        return lambda: numbaexp.softmax_backward(x, y, axis)
    out, compute = np.empty_like(x), getattr(numbaexp, function)
    return lambda: compute(x, axis, out=out)


def _torch(function, x, classes, axis):
    import torch

    source = torch.from_numpy(x)
    if function == "cross_entropy":
        targets = torch.from_numpy(classes)

        def both():
            leaf = source.detach().requires_grad_(True)
            torch.nn.functional.cross_entropy(leaf, targets).backward()
            return leaf.grad

        return both
    if function == "softmax_backward":
        y = torch.softmax(source, axis)
        return lambda: torch._softmax_backward_data(source, y, axis, source.dtype)
    if function == "softmax":
        return functools.partial(torch.softmax, source, axis, out=torch.empty_like(source))
    return functools.partial(getattr(torch, function), source, axis)


def _jax(function, x, classes, axis):
    import jax

    jax.config.update("jax_enable_x64", True)
    if function in ("cross_entropy", "softmax_backward"):
        return None
    compute = {"logsumexp": jax.scipy.special.logsumexp}.get(function) or getattr(jax.nn, function)
    call = functools.partial(jax.jit(functools.partial(compute, axis=axis)), jax.device_put(x))
    return lambda: call().block_until_ready()


def _scipy(function, x, classes, axis):
    import scipy.special

    if function in ("cross_entropy", "softmax_backward") or x.dtype == np.float16:
        return None
    return functools.partial(getattr(scipy.special, function), x, axis=axis)


def most_memory():
    """Return the most bytes that this process has had since it was last asked for, as Linux tells."""
    with open("/proc/self/status") as status:
        peak = next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return peak


def peak_here(package):
    """Return the bytes that a call of cross_entropy needs beyond its arguments, in this process."""
    x, classes = arguments_of(*CASES[-1][:3])
    prepare(package, "cross_entropy", x[:2], classes[:2], -1)()
    call = prepare(package, "cross_entropy", x, classes, -1)
    most_memory()
    before = most_memory()
    call()
    return most_memory() - before


def peak_apart(package):
    command = [sys.executable, __file__, "--peak", package]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(function, dtype, shape, axis):
    """Give a row for each package."""
    x, classes = arguments_of(function, dtype, shape)
    prepared = {package: prepare(package, function, x, classes, axis) for package in PACKAGES}
    calls = {package: call for package, call in prepared.items() if call is not None}
    name = " x ".join(map(str, shape)) + (f", axis {axis}" if axis != -1 else "")
    for package, seconds in zip(calls, time_in_turn(plain(calls.values())), strict=True):
        target = "auto" if package == "numbaexp" else "cpu"
        peak = peak_apart(package) if function == "cross_entropy" and LINUX else ""
        yield row_of(function, package, target, dtype, "normal, 3", name, seconds, 2 * x.nbytes, peak=peak)


def main():
    parser = options(__doc__, "softmax.csv")
    parser.add_argument("--peak", choices=PACKAGES, help="print the peak of memory of one package")
    parser.add_argument("--most", **MOST)
    arguments = parser.parse_args()
    if arguments.peak:
        print(peak_here(arguments.peak))
        return
    with file_of_rows(arguments.output, [*FIELDS, "peak"]) as write:
        for case in (case for case in CASES if math.prod(case[2]) <= arguments.most):
            rows = list(measure(*case))
            write(rows)
            own, *others = medians(rows)
            ratios = ", ".join(f"{row['provider']} {p50 / own:.2f}" for row, p50 in zip(rows[1:], others, strict=True))
            print(f"{rows[0]['function']} {rows[0]['dtype']} {rows[0]['shape']}: {own:.3g} s; over numbaexp: {ratios}")


if __name__ == "__main__":
    main()
