"""The traceable implementation: what PyTorch's compiler goes through in place of functions that it cannot see into.

The compiler finds it by an attribute of a function: nothing has to be told to PyTorch, which need not be loaded.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from numbaexp.operations import Operation

_Function = TypeVar("_Function", bound=Callable[..., Any])

# The implementation that ``numbaexp.integrations.torch`` registers: ``(name, arrays, out, options)`` to the result; and
# what it does for the function of a user before that is traced.
_registered: list[Callable[..., Any]] = []


def register(implementation: Callable[..., Any], prepare: Callable[[Operation], None]) -> None:
    """Set the traceable implementation of all functions, and what prepares a user's."""
    _registered[:] = [implementation, prepare]


def prepare(operation: Operation) -> None:
    """Prepare the function of a user for being traced."""
    for each in _registered[1:]:
        each(operation)


def run_traceable(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call the traceable implementation."""
    return _registered[0](name, arrays, out, options)


def traceable(function: _Function, implementation: Callable[..., Any]) -> _Function:
    """Mark a function, in place of which the compiler goes through ``implementation``.

    Functions that users see are not marked: ``functools.wraps`` would hand the mark on to functions of users.
    """
    function._torchdynamo_inline = implementation  # type: ignore[attr-defined]
    return function


@functools.cache
def in_python(function: Any) -> Callable[..., Any]:
    """Return a plain function that calls one which is a partial, and stands for it wherever partials are looked
    through."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    for attribute in ("__name__", "__doc__", "__module__", "__signature__"):
        setattr(call, attribute, getattr(function, attribute))
    call.__qualname__ = f"{function.__qualname__}.func"  # by which pickle finds it
    operation, inputs, results = function.operation, function.nin, function.nout

    def implementation(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if len(args) > inputs:
            args, positional = args[:inputs], args[inputs:]
            out = positional[0] if results == 1 else (*positional, *[None] * (results - len(positional)))
        # A user's may get another kernel, with a gradient.
        return run_traceable(operation.kernel, args, out, kwargs)

    return traceable(call, implementation)
