"""NumPy ufuncs of functions that users have written."""

import ctypes
import functools
from typing import Any

import numpy as np

from numbaexp.cpu import pool
from numbaexp.cpu.compile import LOOP, compile_kernel
from numbaexp.cpu.logaddexp_in_loops import number_of_two
from numbaexp.cpu.ufunc import AUTO_THRESHOLDS, CODES, make_ufunc, with_bfloat16
from numbaexp.custom.capture import capture
from numbaexp.custom.operation import CustomOperation
from numbaexp.scalar.family import FAMILY, modules_of
from numbaexp.scalar.forms import itemsize

# What a user's function is captured with stands in compiled code too.
_MODULES = (capture.__module__, number_of_two.__module__, *(module for name in FAMILY for module in modules_of(name)))


@functools.cache
def serial_loop(operation: CustomOperation, dtype: str) -> Any:
    return compile_kernel(
        f"{operation.name} {dtype}",
        "custom_loops.make_loop",
        LOOP,
        arguments=(operation, dtype),
        modules=_MODULES,
        digest=operation.digest,
    )


def inner_loop(operation: CustomOperation, dtype: str, target: str) -> tuple[int, int]:
    """(address, data pointer) of the loop of a function in a type, which is compiled when it is first called."""
    serial = functools.partial(serial_loop, operation, dtype)
    if target == "cpu":
        return pool.single_loop(serial)
    threshold = AUTO_THRESHOLDS[dtype] if target == "auto" else 1
    return pool.switched_loop(serial, threshold, itemsize(dtype), len(operation.arrays), operation.results)


def _made(operation: CustomOperation, loops: list[Any], types: list[Any]) -> np.ufunc:
    functions, data = ((ctypes.c_void_p * len(loops))(*addresses) for addresses in zip(*loops, strict=True))
    operands = len(operation.arrays) + operation.results
    numbers = [np.dtype(kind).num for kind in types for _ in range(operands)]
    return make_ufunc(operation.name, functions, data, numbers, operation.results)


def ufunc(operation: CustomOperation, target: str) -> np.ufunc:
    """Return the ufunc of a function for a target: "cpu", "parallel" or "auto"."""
    made = _made(operation, [inner_loop(operation, dtype, target) for dtype in CODES.values()], list(CODES))
    with_bfloat16(made, functools.partial(inner_loop, operation, "bfloat16", target))
    return made


def bits_ufunc(operation: CustomOperation, target: str) -> np.ufunc:
    """Return the function in bfloat16 of bit patterns in uint16."""
    return _made(operation, [inner_loop(operation, "bfloat16", target)], [np.uint16])
