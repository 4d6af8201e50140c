"""CuPy's arrays, with NumPy's type promotion."""

from typing import Any

import cupy

from numbaexp.backends.adapter import Elements, check_mask
from numbaexp.backends.promotion import computed_in
from numbaexp.layout import Strided


def device(array: Any, argument: str) -> str:
    return f"cuda:{array.device.id}"


def read(x: Any, argument: str = "x") -> tuple[Elements, str]:
    return Elements(x, _view(x)), computed_in(x.dtype.name, argument)


def write(given: Elements, out: Any, dtype: str) -> Elements:
    x = given.array
    if out is None:
        with x.device:
            out = cupy.empty_like(x, _stored_as(x, dtype))
    elif out.dtype.name != dtype:
        raise TypeError(f"`out` must be of the type of the result, {dtype}; got {out.dtype}")
    return Elements(out, _view(out))


def new(given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
    with given.array.device:
        made = cupy.empty(shape, _stored_as(given.array, dtype))
    return Elements(made, _view(made))


def select(mask: Any, x: Any, value: float, out: Any = None) -> Any:
    check_mask(mask.dtype)
    if out is not None:
        cupy.copyto(out, value, where=~mask)
        return out
    x = convert(x, computed_in(x.dtype.name, "x"))
    return cupy.where(mask, x, x.dtype.type(value))


def convert(x: Any, dtype: str) -> Any:
    return x.astype(_stored_as(x, dtype), copy=False)


def together(a: Any, b: Any) -> tuple[Any, Any]:
    dtype = computed_in(cupy.result_type(a, b).name, "b")
    return tuple(each.astype(dtype, copy=False) for each in cupy.broadcast_arrays(cupy.asarray(a), cupy.asarray(b)))


def stream(x: Any, out: Any) -> int:
    return cupy.cuda.get_current_stream(x.device.id).ptr


def finish(x: Any, out: Any, written: Elements) -> Any:
    return written.array


def _stored_as(x: Any, dtype: str) -> Any:
    """Return the type of that name; for bfloat16 the array's own, as NumPy has none."""
    return x.dtype if x.dtype.name == dtype else dtype


def _view(x: Any) -> Strided:
    return Strided(x.data.ptr, x.shape, x.strides, x.dtype.name, x.device.id)
