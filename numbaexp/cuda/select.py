"""Selections on a device: the elements of an array under a mask, and a number elsewhere."""

import functools
from typing import Any

from numbaexp.cuda import kernels, launch
from numbaexp.cuda.runtime import launcher
from numbaexp.layout import Strided
from numbaexp.scalar.ieee import scalar


def make_select(source: str, dtype: str, value: float) -> Any:
    """Return the kernel of ``numbaexp.cuda.kernels.over_elements`` of a mask and an array of the type ``source``."""
    convert, stored = kernels.conversion(source, dtype), kernels.conversion("float64", dtype)

    @scalar
    def select(values):
        return convert(values[1]) if values[0] else stored(value)

    return kernels.over_elements(select, ("bool", source), dtype)


def run(mask: Strided, x: Strided, value: float, out: Strided, stream: int) -> None:
    """Write the elements of ``x`` where a mask is true, and a number elsewhere, asynchronously on a stream.

    Parameters
    ----------
    mask, x, out : Strided
        Of one shape, which lie on one device. The mask is of bool, and ``x`` of the float type of ``out``, of integers
        or of bool. ``out`` is the same memory as ``x``, or does not overlap the others.
    value : float
        Of which a kernel is compiled for each.
    stream : int
        A CUstream of that device; 0 is the default one.

    Raises
    ------
    ValueError
        If an address or a step is not a multiple of the size of an element.
    """
    if 0 in out.shape:
        return
    with launcher.on(out.device):
        kernel = compiled(x.dtype, out.dtype, value, out.device)
        launch.run_strided(kernel, (mask, x, out), ("where", "x", "out"), stream)


@functools.cache
def compiled(source: str, dtype: str, value: float, device: int) -> Any:
    """Return the compiled kernel."""
    make = functools.partial(make_select, source, dtype, value)
    label = f"select {dtype} or {value} from {source}"
    return launcher.compiled(make, label, (__name__,), kernels.strided_types(2), device)
