"""Checks for arrays whose memory overlaps so that the result would depend on the order of writes."""

import numpy as np

from numbaexp.layout import Strided
from numbaexp.scalar.forms import itemsize

# Limit of NumPy's search for a solution: enough for any layout but those made to be hard.
_WORK = 100_000


def refuse_overlap(x: np.ndarray | Strided, out: np.ndarray | Strided, argument: str) -> None:
    """Raise where an element of ``out`` shares memory with another one, or with an argument's at another index."""
    if not (isinstance(out, np.ndarray) and out.flags.forc):
        refuse_repeats(out.shape, out.strides)
    if _apart(x, out):
        return
    of_x, of_out = _seen_by_numpy(x), _seen_by_numpy(out)
    if _may_share_memory(of_x, of_out) and (_address(of_x), x.strides, x.dtype) != (
        _address(of_out),
        out.strides,
        out.dtype,
    ):
        raise ValueError(
            f"`out` overlaps `{argument}` without being the same array: pass another `out`, or a copy of `{argument}`"
        )


def refuse_shared(out: np.ndarray | Strided, other: np.ndarray | Strided) -> None:
    """Raise where two results share memory."""
    if not _apart(out, other) and _may_share_memory(*(_seen_by_numpy(view) for view in (out, other))):
        raise ValueError("the arrays of `out` overlap: pass one for each result")


def refuse_repeats(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    """Raise where elements of ``out`` share memory."""
    reach = 0
    for step, length in sorted((abs(step), length) for step, length in zip(strides, shape, strict=True) if length > 1):
        if step <= reach:
            raise ValueError(f"elements of `out` share memory (shape {shape}, strides {strides}): pass a copy")
        reach += step * (length - 1)


def _apart(x: np.ndarray | Strided, out: np.ndarray | Strided) -> bool:
    """Tell whether one device array ends before the other begins, faster than NumPy would."""
    if isinstance(x, np.ndarray) or isinstance(out, np.ndarray):
        return False
    (x_low, x_high), (out_low, out_high) = _extent(x), _extent(out)
    return x_high <= out_low or out_high <= x_low


def _extent(array: Strided) -> tuple[int, int]:
    low = high = array.pointer
    for length, step in zip(array.shape, array.strides, strict=True):
        if step > 0:
            high += (length - 1) * step
        else:
            low += (length - 1) * step
    return low, high + itemsize(array.dtype)


def _may_share_memory(x: np.ndarray, out: np.ndarray) -> bool:
    try:
        return np.shares_memory(x, out, max_work=_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _seen_by_numpy(view: np.ndarray | Strided) -> np.ndarray:
    return view if isinstance(view, np.ndarray) else np.asarray(_Addresses(view))


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


class _Addresses:
    """Expose the addresses of a device array to NumPy, which must not dereference them."""

    def __init__(self, x: Strided):
        self.__array_interface__ = {
            "data": (x.pointer, True),
            "shape": x.shape,
            "strides": x.strides,
            "typestr": f"|V{itemsize(x.dtype)}",
            "version": 3,
        }
