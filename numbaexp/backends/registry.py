"""The registry of array libraries, by class or protocol, which imports none of them.

Modules of higher layers are named here alone: a library's interceptor is imported with its first array.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from numbaexp.backends import numpy

Interceptor = Callable[..., Any]


class Library(NamedTuple):
    """Register a class of arrays by its module and name, with its backend (a module of ``numbaexp.backends``) and its
    interceptor (a module of ``numbaexp``)."""

    module: str
    name: str
    backend: str = ""
    interceptor: str = ""


# A new library is a line here and its adapter.
TABLE = (
    Library("torch", "Tensor", "torch", "integrations.torch.intercept"),
    Library("cupy", "ndarray", "cupy"),
    Library("numba.cuda.cudadrv.devicearray", "DeviceNDArray", "numba"),
    Library("numba.cuda.cudadrv.devicearray", "FakeCUDAArray", "numba"),  # of Numba's simulator
    Library("jax", "Array", "jax", "integrations.jax.intercept"),
    Library("dask.array", "Array", "numpy", "integrations.dask.intercept"),
    Library("pandas", "Series", "numpy", "integrations.pandas"),
    Library("pandas", "DataFrame", "numpy", "integrations.pandas"),
    Library("xarray", "DataArray", "numpy", "integrations.xarray"),
    Library("astropy.units", "Quantity", "numpy", "integrations.astropy"),
    Library("unyt", "unyt_array", "numpy", "integrations.unyt"),
    Library("numbaexp.autograd.tensor", "Tensor", interceptor="autograd.intercept"),
)


class Protocol(NamedTuple):
    """Register an attribute that marks other arrays once a module is loaded, with their backend and interceptor."""

    attribute: str
    module: str
    backend: str = ""
    interceptor: str = ""


# In the order of lookup.
_PROTOCOLS = (
    Protocol("__torch_function__", "torch", interceptor="integrations.torch.proxies"),
    Protocol("__cuda_array_interface__", "numpy", "cuda_array_interface"),
    Protocol("__dlpack__", "numpy", "dlpack"),
)


class Found(NamedTuple):
    """Hold the adapter of an array, if numbaexp computes on it; the interceptor of its library, if any:
    ``intercept(operation, arrays, out, options)``, which may return NotImplemented; and the ``compute_small`` of the
    adapter, if any."""

    backend: Any
    intercept: Interceptor | None
    compute_small: Callable[..., Any] | None = None


NUMPY = Found(numpy, None, numpy.compute_small)

# What ``find`` returns, by class: hot paths look here first.
decided: dict[type, Found] = {}
# Attributes of protocols that a class has, where its instances differ.
_undecided: dict[type, frozenset[str]] = {}


def find(array: Any) -> Found:
    """Return the backend and the interceptor of an array."""
    try:
        return decided[type(array)]
    except KeyError:
        pass
    kind = type(array)
    if kind not in _undecided:
        _decide(array, kind)
        return find(array)
    # Some objects have a ``__getattr__`` for every name: the class, or the instance itself, must have the attribute.
    own = object.__getattribute__(array, "__dict__") if kind.__dictoffset__ else {}
    for protocol in _PROTOCOLS:
        # A property may raise AttributeError, as for an array on the host.
        has = protocol.attribute in _undecided[kind] or protocol.attribute in own
        if has and protocol.module in sys.modules and getattr(array, protocol.attribute, None) is not None:
            return _found(protocol)
    return NUMPY


def are_numpys(*arrays: Any) -> bool:
    """Tell whether NumPy is to compute on all of some arguments."""
    for array in arrays:
        found = decided.get(type(array)) or find(array)
        if found.backend is not numpy:
            return False
    return True


def _decide(array: Any, kind: type) -> None:
    """Fill the caches above for the class of an array."""
    # Mocks and wrappers may override ``__class__``.
    if array.__class__ is kind:
        for library in TABLE:
            of_library = getattr(sys.modules.get(library.module), library.name, None)
            if of_library is not None and isinstance(array, of_library):
                decided[kind] = _found(library)
                return
    has = frozenset(each.attribute for each in _PROTOCOLS if in_class(kind, each.attribute) is not None)
    # A class passed as an argument has none of its instances' attributes.
    may_have = has or (kind.__dictoffset__ and not issubclass(kind, type))
    if may_have and in_class(kind, "__array_ufunc__") is None:
        _undecided[kind] = has
    else:
        decided[kind] = NUMPY


def in_class(kind: type, attribute: str) -> Any:
    """Look an attribute up in a class, as Python does special methods; None where there is none."""
    return next((vars(base)[attribute] for base in kind.__mro__ if attribute in vars(base)), None)


def _found(of: Library | Protocol) -> Found:
    backend = importlib.import_module(f"numbaexp.backends.{of.backend}") if of.backend else None
    intercept = importlib.import_module(f"numbaexp.{of.interceptor}").intercept if of.interceptor else None
    return Found(backend, intercept, getattr(backend, "compute_small", None))
