"""Which library an array belongs to, told without importing any."""

import importlib
import sys
from typing import Any, NamedTuple

from numbaexp.owners.adapter import Adapter


class Library(NamedTuple):
    """A class of arrays, by the module where it is found if that is loaded, and the file here that knows about them."""

    module: str
    name: str
    adapter: str


# A new library is a line here and its adapter.
TABLE = (
    Library("torch", "Tensor", "torch"),
    Library("cupy", "ndarray", "cupy"),
    Library("numba.cuda.cudadrv.devicearray", "DeviceNDArray", "numba"),
    Library("numba.cuda.cudadrv.devicearray", "FakeCUDAArray", "numba"),  # of Numba's simulator
    Library("jax", "Array", "jax"),
)
# What other arrays are asked for, in this order, and the adapters of what answers.
_PROTOCOLS = (("__cuda_array_interface__", "cuda_array_interface"), ("__dlpack__", "dlpack"))

# By type: the adapter, or whether arrays of the type are NumPy's to take.
_known: dict[type, Adapter | bool] = {}


def owner_of(array: Any) -> Adapter | None:
    """The adapter of an array that is not NumPy's to take, or None."""
    kind = type(array)
    try:
        found = _known[kind]
    except KeyError:
        found = _known[kind] = _find(array)
    if found is True:
        return None
    if found is not False:
        return found
    # An instance may have what its type does not tell of.
    for attribute, adapter in _PROTOCOLS:
        if hasattr(array, attribute):
            return _adapter(adapter)
    return None


def _find(array: Any) -> Adapter | bool:
    for library in TABLE:
        kind = getattr(sys.modules.get(library.module), library.name, None)
        if kind is not None and isinstance(array, kind):
            return _adapter(library.adapter)
    return hasattr(type(array), "__array_ufunc__")


def _adapter(name: str) -> Adapter:
    return importlib.import_module(f"numbaexp.owners.{name}")
