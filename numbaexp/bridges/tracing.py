"""What PyTorch's compiler goes through in place of the functions, into which it cannot see.

It finds the way by an attribute of a function, so that nothing has to be told to PyTorch, which need not be loaded.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


@functools.cache
def way(name: str) -> Callable[..., Any]:
    """From the arguments of the public function to the operator, in Python."""

    def go(*args: Any, **kwargs: Any) -> Any:
        return way_by_name(name, *args, **kwargs)

    return go


def way_by_name(name: str, *args: Any, **kwargs: Any) -> Any:
    """The same for what is called with the name first."""
    from numbaexp.bridges import torch as bridge

    return bridge.call_compiled(name, args, kwargs)


@functools.cache
def in_python(function: Any) -> Callable[..., Any]:
    """A plain function that calls one which is a partial, and stands for it wherever partials are looked through."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    for attribute in ("__name__", "__doc__", "__module__", "__signature__"):
        setattr(call, attribute, getattr(function, attribute))
    call.__qualname__ = f"{function.__qualname__}.func"  # by which pickle finds it
    return traceable(call, way(function.__name__))


def computed_by_operator(name: str) -> Callable[[_Function], _Function]:
    """Decorate what the public function ``name`` calls with its own arguments, in place of which the compiler goes to
    the operator. The public function itself bears no mark: ``functools.wraps`` would hand it on to functions of users,
    in whose place the compiler would go there too."""
    return lambda function: traceable(function, way(name))


def traceable(function: _Function, go: Callable[..., Any]) -> _Function:
    """The function, in place of which the compiler goes through ``go``."""
    function._torchdynamo_inline = go  # type: ignore[attr-defined]
    return function
