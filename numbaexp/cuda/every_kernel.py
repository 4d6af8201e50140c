"""Every kernel of a GPU, by the public functions that launch them: of arrays in the types that are computed in."""

from collections.abc import Callable
from typing import Any

from numba import cuda

from numbaexp.cuda import launch, launch_gradients, launch_rows
from numbaexp.cuda.row_kernels import ELEMENTS
from numbaexp.cuda.row_passes import RowKernels
from numbaexp.scalar.family import FAMILY

# Of each function of rows those of ``launch_rows``.
_LOSSES = ("statistics", "targets", "numbers", "factors", "total")
ROWS = {
    "softmax": ("softmax",),
    "log_softmax": ("log_softmax",),
    "logsumexp": ("logsumexp",),
    "softmax_backward": ("softmax_backward",),
    "log_softmax_backward": ("log_softmax_backward",),
    "logsumexp_backward": ("logsumexp_backward",),
    "cross_entropy": (*_LOSSES, "expected_losses", "losses", "means"),
    "cross_entropy_backward": (*_LOSSES, "class_gradients", "expected_gradients"),
}

# In types of their own: of classes, and of pairs of float64.
_TYPES = {"targets": ("int64",), "total": ("float64",)}

Kernel = tuple[str, ...]


def kernels(functions: tuple[str, ...], dtypes: tuple[str, ...]) -> list[Kernel]:
    """Return the kernels of public functions in types of elements, as ``compile_one`` takes them."""
    found: dict[Kernel, None] = {}
    for function in functions:
        for name in ROWS.get(function, (function,)):
            ways: tuple[str, ...] = RowKernels._fields
            if function not in ROWS:
                ways = "contiguous", "strided"
            elif name in ELEMENTS:
                ways = ("of_threads",)
            found.update(dict.fromkeys((name, dtype, way) for way in ways for dtype in _TYPES.get(name, dtypes)))
    return list(found)


def compile_one(kernel: Kernel) -> None:
    """Compile a kernel for each device, or load it."""
    for device in range(len(cuda.gpus)):
        _of_device(*kernel)(device)


def _of_device(name: str, dtype: str, way: str) -> Callable[[int], Any]:
    if way == "contiguous":
        return lambda device: (launch if name in FAMILY else launch_gradients)._contiguous(name, dtype, device)
    if way == "strided" and name in FAMILY:
        return lambda device: launch._strided(name, dtype, dtype, device)
    if way == "strided":
        return lambda device: launch_gradients._strided(name, dtype, device)
    return lambda device: launch_rows._kernel(name, dtype, way, device)
