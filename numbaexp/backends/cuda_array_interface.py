"""Device arrays with ``__cuda_array_interface__``."""

import math
import reprlib
import sys
from typing import Any

import numpy as np

from numbaexp.backends import dlpack, selection
from numbaexp.backends.adapter import Elements
from numbaexp.backends.promotion import computed_in
from numbaexp.cuda import usable
from numbaexp.layout import Strided


def device(array: Any, argument: str) -> str:
    interface = _interface(array, argument)
    usable.need(argument)
    from numbaexp.backends.cuda_memory import device_of

    if interface.get("mask") is not None:
        raise TypeError(f"`{argument}` has a mask, which numbaexp does not take")
    return f"cuda:{device_of(interface['data'][0])}"


def read(x: Any, argument: str = "x") -> tuple[Elements, str]:
    view = _view(x)
    return Elements(x, view), computed_in(view.dtype, argument)


def write(given: Elements, out: Any, dtype: str) -> Elements:
    if out is None:
        return dlpack.new(given, dtype)
    view = _view(out)
    if view.dtype != dtype:
        raise TypeError(f"`out` must be of the type of the result, {dtype}; got {view.dtype}")
    if out.__cuda_array_interface__["data"][1]:
        raise ValueError("`out` is read-only")
    return Elements(out, view)


new = dlpack.new


def select(mask: Any, x: Any, value: float, out: Any = None) -> Any:
    return selection.select(sys.modules[__name__], mask, x, value, out)


def stream(x: Any, out: Any) -> int:
    if out is not None and _stream(out) != _stream(x):
        _synchronize(out)
    return _stream(x)


def finish(x: Any, out: Any, written: Elements) -> Any:
    # The protocol cannot tell the library of ``out``, or of a new array, which stream to wait for.
    _synchronize(x)
    return out if out is not None else dlpack.hand_over(written, dlpack.importer(x))


def _interface(array: Any, argument: str) -> dict[str, Any]:
    """Return the interface of an array; raise if malformed."""
    interface = array.__cuda_array_interface__
    try:
        (pointer, _), shape, strides = interface["data"], interface["shape"], interface.get("strides")
        numbers = (pointer, *shape, *(() if strides is None else strides))
        sound = all(isinstance(number, (int, np.integer)) for number in numbers) and np.dtype(interface["typestr"])
        sound = sound and (strides is None or len(strides) == len(shape))
    except (AttributeError, KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise TypeError(
            f"`{argument}` must have a `__cuda_array_interface__` of `data`, `shape`, `typestr` and `strides`; got "
            f"{reprlib.repr(interface)}"
        )
    return interface


def _stream(array: Any) -> int:
    """Return the stream that orders the work on an array, or the default one."""
    return array.__cuda_array_interface__.get("stream") or 0


def _synchronize(array: Any) -> None:
    from numbaexp.backends import cuda_memory

    cuda_memory.synchronize(_stream(array), cuda_memory.device_of(array.__cuda_array_interface__["data"][0]))


def _view(x: Any) -> Strided:
    from numbaexp.backends.cuda_memory import device_of

    interface = x.__cuda_array_interface__
    pointer, shape, dtype = interface["data"][0], tuple(interface["shape"]), np.dtype(interface["typestr"])
    strides = interface.get("strides")
    if strides is None:
        strides = (dtype.itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return Strided(pointer, shape, tuple(strides), _name(x, dtype), device_of(pointer))


def _name(x: Any, dtype: np.dtype) -> str:
    """Return the name of a type. The interface has none for bfloat16: ml_dtypes exports a void of two bytes."""
    if dtype == np.dtype("V2") and str(getattr(x, "dtype", "")).endswith("bfloat16"):
        return "bfloat16"
    return dtype.name if dtype.isnative else f"byte-swapped {dtype.name}"
