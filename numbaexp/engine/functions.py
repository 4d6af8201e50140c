"""Making of the elementwise functions."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol

from numbaexp.engine import call, ufuncs
from numbaexp.engine.ufunc_like import UfuncLike
from numbaexp.operations import OPERATIONS


class Ufunc(Protocol):
    """Declare the attributes that an elementwise function has, as a NumPy ufunc has them."""

    __name__: str
    nin: int
    nout: int
    nargs: int
    ntypes: int
    types: list[str]
    identity: None
    signature: None
    at: Callable[..., None]

    def __call__(self, x: Any, /, out: Any = None, **kwargs: Any) -> Any: ...


_functions: dict[str, Any] = {}


def make_function(document: Callable[..., Any]) -> Any:
    """Return the function that ``document`` names, describes and gives the signature of, computed by the ufunc of its
    name: a ``Ufunc`` of one input, or a gradient, of two.

    Before the first call it calls a function which compiles.
    """
    name = document.__name__
    function: Any = UfuncLike(_first_call, name)
    for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(function, attribute, getattr(document, attribute))
    function.__signature__, function.nin = inspect.signature(document), len(OPERATIONS[name].arrays)
    function._find_ufunc = functools.partial(_ufunc_of_methods, name)
    _functions[name] = function
    return function


def _first_call(name: str, *args: Any, **kwargs: Any) -> Any:
    function = _functions[name]
    function.__setstate__((ufuncs.fast_path(name, call.make_slow_path(name)), (), {}, function.__dict__))
    return function(*args, **kwargs)


def _ufunc_of_methods(name: str) -> Any:
    ufuncs.learn_bfloat16()
    return ufuncs.ufunc(name, "auto")
