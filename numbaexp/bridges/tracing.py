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
        from numbaexp.bridges import torch as bridge

        return bridge.call_compiled(name, args, kwargs)

    return go


def way_in_place(name: str) -> Callable[[Any], Any]:
    """The same for a function that stores its result in its argument."""
    go = way(name)
    return lambda x, /: go(x, out=x)


@functools.cache
def in_python(function: Any) -> Callable[..., Any]:
    """A plain function that calls one which is a partial, and stands for it wherever partials are looked through."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    for attribute in ("__name__", "__doc__", "__module__", "__signature__"):
        setattr(call, attribute, getattr(function, attribute))
    call.__qualname__ = f"{function.__qualname__}.func"  # by which pickle finds it
    return traceable(call, way(function.__name__))


def traceable(function: _Function, go: Callable[..., Any]) -> _Function:
    """The function, in place of which the compiler goes through ``go``."""
    function._torchdynamo_inline = go  # type: ignore[attr-defined]
    return function
