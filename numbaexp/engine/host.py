"""Rows in the host's memory, as the kernels take them."""

import numpy as np

from numbaexp.layout import find_rows
from numbaexp.target import CUDA, current_target


def fits(array: np.ndarray, dtype: np.dtype, axes: tuple[int, ...]) -> bool:
    """Tell whether the kernels can go through an array as it lies."""
    if array.dtype != dtype or not array.dtype.isnative or not array.flags.aligned:
        return False
    return len(axes) == 1 or not array.size or find_rows(array.shape, (array.strides,), axes) is not None


def empty(shape: tuple[int, ...], dtype: np.dtype, axes: tuple[int, ...]) -> np.ndarray:
    """Return a new array whose axes are one dimension in memory."""
    if len(axes) == 1:
        return np.empty(shape, dtype)
    others = [axis for axis in range(len(shape)) if axis not in axes]
    order = [*others, *axes]
    made = np.empty([shape[axis] for axis in order], dtype)
    return made.transpose(np.argsort(order))


def as_rows(x: np.ndarray, dtype: np.dtype, axes: tuple[int, ...]) -> np.ndarray:
    """Return an array as the kernels can go through it: itself or a copy."""
    if fits(x, dtype, axes):
        return x
    made = empty(x.shape, dtype, axes)
    convert(x, made)
    return made


def convert(x: np.ndarray, into: np.ndarray, where: np.ndarray | bool = True) -> None:
    """Copy an array into one of another type where a mask is true, without warnings."""
    with np.errstate(all="ignore"):
        np.copyto(into, x, "unsafe", where)


def as_float64(view: np.ndarray, dtype: str) -> np.ndarray:
    """Return a copy in float64; bfloat16 is in uint16."""
    if dtype == "bfloat16" and view.dtype == np.uint16:
        return (view.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return view.astype(np.float64)


def run_on_rows(name: str, dtype: str, axes: tuple[int, ...], **operands: np.ndarray | None) -> None:
    """Run the kernels of a function; see ``numbaexp.cpu.row_functions.Operands``."""
    from numbaexp.cpu import row_functions

    given, target = row_functions.Operands(**operands), current_target()  # type: ignore[arg-type]
    if target == CUDA:
        from numbaexp.cuda import host

        host.rows(name, dtype, given, axes)
    else:
        row_functions.run(name, dtype, given, axes, target)
