"""Device arrays of numba.cuda, and of its simulator."""

import sys
from typing import Any

import numpy as np

from numbaexp.backends import selection
from numbaexp.backends.adapter import Elements
from numbaexp.backends.promotion import computed_in
from numbaexp.cuda import usable
from numbaexp.layout import Strided


def device(array: Any, argument: str) -> str:
    usable.need(argument)
    from numbaexp.backends.cuda_memory import address, device_of

    return f"cuda:{device_of(address(array))}"


def read(x: Any, argument: str = "x") -> tuple[Elements, str]:
    view = _view(x)
    return Elements(x, view), computed_in(view.dtype, argument)


def write(given: Elements, out: Any, dtype: str) -> Elements:
    if out is None:
        return _allocated(given, dtype, given.view)
    if out.dtype.name != dtype:
        raise TypeError(f"`out` must be of the type of the result, {dtype}; got {out.dtype}")
    return Elements(out, _view(out))


def new(given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
    from numbaexp.backends.cuda_memory import of_shape

    return _allocated(given, dtype, of_shape(given.view, shape))


def select(mask: Any, x: Any, value: float, out: Any = None) -> Any:
    return selection.select(sys.modules[__name__], mask, x, value, out)


def stream(x: Any, out: Any) -> int:
    number, of_out = _stream(x), _stream(x if out is None else out)
    if number != of_out:
        from numbaexp.backends.cuda_memory import address, device_of, synchronize

        synchronize(number, device_of(address(x)))
    return of_out


def finish(x: Any, out: Any, written: Elements) -> Any:
    return written.array


def _allocated(given: Elements, dtype: str, like: Strided) -> Elements:
    from numbaexp.backends.cuda_memory import allocate

    # NumPy itself has no bfloat16.
    stored_as = given.array.dtype if dtype == "bfloat16" else np.dtype(dtype)
    return allocate(like, dtype, stored_as, given.array.stream)


def _stream(array: Any) -> int:
    return int(array.stream) if array.stream else 0


def _view(x: Any) -> Strided:
    from numbaexp.backends.cuda_memory import address, device_of

    pointer = address(x)
    return Strided(pointer, tuple(x.shape), tuple(x.strides), x.dtype.name, device_of(pointer))
