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


class Protocol(NamedTuple):
    """An attribute that other arrays are asked for, where a module is loaded, and the adapter of those that have it."""

    attribute: str
    module: str
    adapter: str


# In the order of asking.
_PROTOCOLS = (
    Protocol("__torch_function__", "torch", "torch_function"),
    Protocol("__cuda_array_interface__", "numpy", "cuda_array_interface"),
    Protocol("__dlpack__", "numpy", "dlpack"),
)

# By class: the adapter of its arrays, or None where they are NumPy's to take.
_decided: dict[type, Adapter | None] = {}
# By class, where that differs from one instance to another: which of the protocols' attributes it has.
_undecided: dict[type, frozenset[str]] = {}


def owner_of(array: Any) -> Adapter | None:
    """The adapter of an array that is not NumPy's to take, or None."""
    try:
        return _decided[type(array)]
    except KeyError:
        pass
    kind = type(array)
    if kind not in _undecided:
        _decide(array, kind)
        return owner_of(array)
    # Some objects answer to every name: an attribute is to be one of the class, or of the instance itself.
    own = object.__getattribute__(array, "__dict__") if kind.__dictoffset__ else {}
    for attribute, module, adapter in _PROTOCOLS:
        # A property may raise AttributeError, as where an array does not lie on a device.
        has = attribute in _undecided[kind] or attribute in own
        if has and module in sys.modules and getattr(array, attribute, None) is not None:
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


def _decide(array: Any, kind: type) -> None:
    """Find out what the class of an array tells."""
    # A mock, or a wrapper, may say that it is of another class than it is.
    if array.__class__ is kind:
        for library in TABLE:
            of_library = getattr(sys.modules.get(library.module), library.name, None)
            if of_library is not None and isinstance(array, of_library):
                _decided[kind] = _adapter(library.adapter)
                return
    has = frozenset(each.attribute for each in _PROTOCOLS if in_class(kind, each.attribute) is not None)
    # A class that is an argument itself has none of what it gives to its instances.
    may_have = has or (kind.__dictoffset__ and not issubclass(kind, type))
    if may_have and in_class(kind, "__array_ufunc__") is None:
        _undecided[kind] = has
    else:
        _decided[kind] = None


def in_class(kind: type, attribute: str) -> Any:
    """Look an attribute up in a class, as Python does special methods; None where there is none."""
    return next((vars(base)[attribute] for base in kind.__mro__ if attribute in vars(base)), None)


def _adapter(name: str) -> Adapter:
    return importlib.import_module(f"numbaexp.owners.{name}")
