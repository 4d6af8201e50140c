"""The class of the elementwise functions: objects that pass for ufuncs of NumPy's, at no cost to a call."""

import ctypes
import functools
import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaexp.cpu.signatures import signatures
from numbaexp.default_mode import in_default_mode
from numbaexp.engine.tracing import in_python
from numbaexp.operations import Operation

# Py_TPFLAGS_HAVE_VECTORCALL, and the offset in bytes of PyTypeObject.tp_flags.
_HAS_VECTORCALL = 1 << 11
_FLAGS = object.__basicsize__ + 152


def called_as_its_base(made: type) -> type:
    """Let calls of a class's objects go by vectorcall, as those of its base do.

    Before Python 3.12 a class inherits how that is done, but not the flag for it, and each call would make a tuple of
    its arguments, and a dictionary of those by keyword.
    """
    assert made.__base__ is not None
    if made.__base__.__flags__ & ~made.__flags__ & _HAS_VECTORCALL:
        ctypes.c_ulong.from_address(id(made) + _FLAGS).value |= _HAS_VECTORCALL
    return made


@called_as_its_base
class UfuncLike(functools.partial):
    """A function that a ufunc computes.

    A partial is the one callable of Python that adds no time to a call, carries attributes, and can be given another
    function to call. Libraries that meet one look through it, at ``func``: they find a plain function that does the
    same. To all who ask ``isinstance(function, numpy.ufunc)``, as pandas does before it calls a function with all
    elements at once, it is a ufunc, with whatever one has; its type stays its own.
    """

    # What functools.wraps copies, the ``__dict__``, is to hold nothing of what makes this a ufunc.
    __slots__ = ("__signature__", "_find_ufunc", "nin", "nout", "operation")

    if TYPE_CHECKING:  # at run time these would be the functions' own annotations
        __name__: str
        __qualname__: str
        __signature__: inspect.Signature
        # Makes the ufunc, or finds the one made: only what needs the ufunc waits for its compilation.
        _find_ufunc: Callable[[], Any]
        nin: int
        nout: int
        operation: Operation
    identity = None
    signature = None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return np.ufunc

    @property
    def nargs(self) -> int:
        return self.nin + self.nout

    @property
    def ntypes(self) -> int:
        return len(self.types)

    @property
    def types(self) -> list[str]:
        return signatures(self.__name__, self.nin)

    @property
    def func(self) -> Any:
        return in_python(self)

    @property
    def args(self) -> Any:
        return ()

    @property
    def __wrapped__(self) -> Any:
        # Where doctest and Sphinx look for a function.
        return self.func

    def __get__(self, instance: Any, owner: Any = None) -> "UfuncLike":
        # As an attribute of a class, a ufunc is no method; from Python 3.14 on a partial is one.
        return self

    def __repr__(self) -> str:
        return f"<ufunc '{self.__name__}'>"

    def __reduce__(self) -> str:
        # Pickled and copied by name, as functions are.
        return self.__qualname__


def _method(name: str) -> Callable[..., Any]:
    def method(self: UfuncLike, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._find_ufunc(), name)(*args, **kwargs)

    method.__name__, method.__qualname__ = name, f"{UfuncLike.__qualname__}.{name}"
    method.__doc__ = getattr(np.ufunc, name).__doc__
    return in_default_mode(method)


for _name, _member in vars(np.ufunc).items():
    if isinstance(_member, types.MethodDescriptorType):
        setattr(UfuncLike, _name, _method(_name))
