"""Which library an array belongs to, told without importing any; and what is imported late, by name.

This is the one place where names of modules above stand: a library's interceptor is imported with its first array.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from numbaexp.backends import numpy

Interceptor = Callable[..., Any]


class Library(NamedTuple):
    """A class of arrays, by the module where it is found if that is loaded; the module of ``numbaexp.backends`` that
    computes on them; and that of ``numbaexp`` which intercepts calls on them."""

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
    Library("dask.array", "Array", "numpy", "integrations.dask"),
    Library("numbaexp.autograd.tensor", "Tensor", interceptor="autograd.intercept"),
)


class Protocol(NamedTuple):
    """An attribute that other arrays are asked for, where a module is loaded; and, as of a library, what knows of those
    that have it."""

    attribute: str
    module: str
    backend: str = ""
    interceptor: str = ""


# In the order of asking.
_PROTOCOLS = (
    Protocol("__torch_function__", "torch", interceptor="integrations.torch.proxies"),
    Protocol("__cuda_array_interface__", "numpy", "cuda_array_interface"),
    Protocol("__dlpack__", "numpy", "dlpack"),
)


class Found(NamedTuple):
    """What knows of an array: the adapter, but of arrays on which nothing is computed; and, where its library has to
    know of calls, ``intercept(operation, arrays, out, options)``, which may return NotImplemented; and the adapter's
    ``compute_small``, where there is one.
    """

    backend: Any
    intercept: Interceptor | None
    compute_small: Callable[..., Any] | None = None


NUMPY = Found(numpy, None, numpy.compute_small)

# By class: what was found of its arrays, for those that spare a call of ``find``.
decided: dict[type, Found] = {}
# By class, where that differs from one instance to another: which of the protocols' attributes it has.
_undecided: dict[type, frozenset[str]] = {}


def find(array: Any) -> Found:
    """Return what knows of an array."""
    try:
        return decided[type(array)]
    except KeyError:
        pass
    kind = type(array)
    if kind not in _undecided:
        _decide(array, kind)
        return find(array)
    # Some objects answer to every name: an attribute is to be one of the class, or of the instance itself.
    own = object.__getattribute__(array, "__dict__") if kind.__dictoffset__ else {}
    for protocol in _PROTOCOLS:
        # A property may raise AttributeError, as where an array does not lie on a device.
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
    """Find out what the class of an array tells."""
    # A mock, or a wrapper, may say that it is of another class than it is.
    if array.__class__ is kind:
        for library in TABLE:
            of_library = getattr(sys.modules.get(library.module), library.name, None)
            if of_library is not None and isinstance(array, of_library):
                decided[kind] = _found(library)
                return
    has = frozenset(each.attribute for each in _PROTOCOLS if in_class(kind, each.attribute) is not None)
    # A class that is an argument itself has none of what it gives to its instances.
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
