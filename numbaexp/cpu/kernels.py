"""Every kernel of the CPU, by the public functions that call them."""

import functools
from collections.abc import Callable
from typing import Any

from numbaexp.cpu import (
    address_entry,
    array_walk,
    entry,
    formula_loops,
    pool,
    row_entry,
    row_functions,
    share,
    ufunc,
    xla_handler,
)
from numbaexp.operations import OPERATIONS, Kind, Operation

# Of losses and selections their functions of ``row_functions``.
_OF_SEVERAL = {
    "log_prob": ("statistics", "selected_logs"),
    "log_prob_backward": ("total", "statistics", "scaled_softmax", "selected_gradients"),
    "cross_entropy": ("statistics", "losses", "expected_losses", "total", "rounded"),
    "cross_entropy_backward": ("class_gradients", "expected_gradients", "total"),
}
# Of those that go through an array of Dask whose chunks cut rows.
_OF_PIECES = ("statistics", "sums_of_statistics", "merged_sums")
# Of sums, which are pairs of float64 whatever the elements are.
_IN_FLOAT64 = ("total", "sums_of_statistics", "merged_sums", "logsumexp_of_sums")
# Dask tries what it is given to call on an array of its own.
_IN_FLOAT64_TOO = ("statistics",)

# What stands between Python and the kernels, and shares them out.
_AROUND: dict[str, Callable[[], Any]] = {
    "first": pool.compiled_first_loop,
    "current": pool.compiled_current_loop,
    "parallel": pool.compiled_parallel_loop,
    "formula": formula_loops.compiled_loop,
    "shared": share.compiled_shared,
    "single": share.compiled_single,
    "entry": entry.compiled_entry,
    "row entry": row_entry.compiled_entry,
    "address entry": address_entry.compiled_entry,
    "xla handler": xla_handler.compiled_handler,
    **{name: functools.partial(array_walk.compiled_walk, name) for name in array_walk.WALKS},
}

Kernel = tuple[str, ...]


def kernels(functions: tuple[str, ...], dtypes: tuple[str, ...]) -> list[Kernel]:
    """Return the kernels of public functions in types of elements, as ``compile_one`` takes them."""
    found: dict[Kernel, None] = dict.fromkeys((name,) for name in _AROUND)
    for function in functions:
        if OPERATIONS[function].kind is Kind.ELEMENTWISE:
            found.update(dict.fromkeys((function, dtype) for dtype in dtypes))
        for name in _of_rows(OPERATIONS[function]):
            ways = row_functions.FUNCTIONS[name].makes()
            of_types = ("float64",) if name in _IN_FLOAT64 else dtypes
            of_types = (*of_types, "float64") if name in _IN_FLOAT64_TOO else of_types
            found.update(dict.fromkeys((name, way, dtype) for way in ways for dtype in of_types))
    return list(found)


def _of_rows(operation: Operation) -> tuple[str, ...]:
    """Return the functions of ``row_functions`` that an operation runs."""
    if operation.name in _OF_SEVERAL:
        return _OF_SEVERAL[operation.name]
    name, of_sums = operation.name, f"{operation.name}_of_sums"
    own = [each for each in (operation.kernel, f"weighted_{name}", of_sums) if each in row_functions.FUNCTIONS]
    if operation.per_row:
        own.append("widened")
    return (*own, *_OF_PIECES) if of_sums in own else tuple(own)


def compile_one(kernel: Kernel) -> None:
    """Compile a kernel, or load it."""
    # Loops for Numba's threads refer to what these bring.
    pool.launch()
    match kernel:
        case (name,):
            _AROUND[name]()
        case (name, dtype):
            ufunc.serial_loop(name, dtype)
        case _:
            row_functions.kernel(*kernel)
