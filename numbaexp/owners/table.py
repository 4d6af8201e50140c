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
    Library("numbaexp.autograd.tensor", "Tensor", "autograd"),
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


def recorded(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a library makes of a call of the public function ``name`` that it has to know of, to differentiate it or to
    trace it; or NotImplemented, where none has to.

    A library asks for calls on its arrays by a function of its adapter, ``record(name, args, kwargs)``, with the
    arrays in ``args``, but for ``out`` and ``weight``; that may return NotImplemented too.
    """
    for array in (*args, kwargs.get("out"), kwargs.get("weight")):
        if array is None:
            continue
        record = getattr(owner_of(array), "record", None)
        if record is not None:
            result = record(name, args, kwargs)
            if result is not NotImplemented:
                return result
    return NotImplemented


def _find(array: Any) -> Adapter | bool:
    for library in TABLE:
        kind = getattr(sys.modules.get(library.module), library.name, None)
        if kind is not None and isinstance(array, kind):
            return _adapter(library.adapter)
    return hasattr(type(array), "__array_ufunc__")


def _adapter(name: str) -> Adapter:
    return importlib.import_module(f"numbaexp.owners.{name}")
