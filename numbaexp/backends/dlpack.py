"""Arrays of any library that exports them by DLPack."""

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.backends import capsule, selection
from numbaexp.backends.adapter import Elements
from numbaexp.backends.promotion import computed_in
from numbaexp.layout import Strided

# The legacy default stream, as DLPack numbers it and CUDA names it.
_STREAM = 1


def device(array: Any, argument: str) -> str:
    kind, number = _device(array, argument)
    if kind in (capsule.HOST, capsule.CUDA_HOST):
        return "cpu"
    if kind not in (capsule.CUDA, capsule.CUDA_MANAGED):
        raise TypeError(f"`{argument}` must be on a CPU or a CUDA device; got DLPack's device type {int(kind)}")
    return f"cuda:{number}"


def read(x: Any, argument: str = "x") -> tuple[Elements, str]:
    lent = _borrow(x, argument)
    dtype = computed_in(lent.dtype, argument)
    if dtype == "bfloat16" and importer(x) is None:
        raise TypeError(f"`{argument}` is bfloat16, which NumPy has no arrays of, and its library has no `from_dlpack`")
    return _elements(x, lent), dtype


def write(given: Elements, out: Any, dtype: str) -> Elements:
    if out is None:
        return new(given, dtype)
    lent = _borrow(out, "out")
    if lent.dtype != dtype:
        raise TypeError(f"`out` must be of the type of the result, {dtype}; got {lent.dtype}")
    if lent.read_only:
        raise ValueError("`out` is read-only")
    return _elements(out, lent)


def select(mask: Any, x: Any, value: float, out: Any = None) -> Any:
    return selection.select(sys.modules[__name__], mask, x, value, out)


def stream(x: Any, out: Any) -> int:
    return _STREAM


def finish(x: Any, out: Any, written: Elements) -> Any:
    synchronize(written)
    return out if out is not None else hand_over(written, importer(x))


def synchronize(written: Elements) -> None:
    """Wait until a result is written."""
    if not isinstance(written.view, np.ndarray):
        from numbaexp.backends import cuda_memory

        cuda_memory.synchronize(_STREAM, written.view.device)


def new(given: Elements, dtype: str, shape: tuple[int, ...] | None = None) -> Elements:
    """Return a new ndarray or Numba device array; without a ``shape``, of the shape and memory order of ``given``."""
    view, stored_as = given.view, np.dtype(np.uint16 if dtype == "bfloat16" else dtype)
    if isinstance(view, np.ndarray):
        made = np.empty_like(view, stored_as) if shape is None else np.empty(shape, stored_as)
        return Elements(made, made)
    from numbaexp.backends import cuda_memory

    return cuda_memory.allocate(view if shape is None else cuda_memory.of_shape(view, shape), dtype, stored_as)


def importer(x: Any) -> Callable[[Any], Any] | None:
    """Return ``from_dlpack`` of an array's library."""
    if hasattr(x, "__array_namespace__"):
        library = x.__array_namespace__()
    else:
        library = sys.modules.get(type(x).__module__.partition(".")[0])
    return getattr(library, "from_dlpack", None)


def hand_over(made: Elements, import_it: Callable[[Any], Any] | None) -> Any:
    """Return a new array as one of the library of ``import_it``."""
    if import_it is None:
        return made.array
    # NumPy exports its arrays as writable, which the unversioned capsules here cannot.
    lends_itself = isinstance(made.view, np.ndarray) and made.view.dtype != np.uint16
    return import_it(made.array if lends_itself else capsule.Offer(made.view, made.array))


def _device(array: Any, argument: str) -> tuple[int, int]:
    """Return the DLPack type and number of an array's device."""
    device = array.__dlpack_device__() if hasattr(array, "__dlpack_device__") else None
    try:
        kind, number = device  # type: ignore[misc]
        return operator.index(kind), operator.index(number)
    except (TypeError, ValueError):
        raise TypeError(
            f"`{argument}` must tell its device by `__dlpack_device__`, as two numbers; got {device!r}"
        ) from None


def _borrow(array: Any, argument: str) -> capsule.Lent:
    lent = capsule.borrow(array, None if device(array, argument) == "cpu" else _STREAM)
    if lent is None:
        raise TypeError(f"`{argument}` must give a capsule by `__dlpack__`; got none that is unused")
    return lent


def _elements(array: Any, lent: capsule.Lent) -> Elements:
    if device(array, "x") == "cpu":
        return Elements(array, capsule.on_host(lent))
    return Elements(array, Strided(lent.pointer, lent.shape, lent.strides, lent.dtype, lent.device), lent)
