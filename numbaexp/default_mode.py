"""Python functions in the kernels' default floating-point mode; see ``numbaexp.cpu.float_mode``."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from numbaexp.once import LOCK

_Function = TypeVar("_Function", bound=Callable[..., Any])


@functools.cache
def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a built-in function that runs a function, and NumPy's conversions in it, in the default mode, and restores
    the caller's."""
    # Compiling is for those who call; importing the package is not to wait for it.
    with LOCK:
        from numbaexp.cpu.entry import in_default_mode

        return in_default_mode(function)


def in_default_mode(function: _Function) -> _Function:
    """Let a function run in the default mode; the guard is compiled at the first call."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return guarded(function)(*args, **kwargs)

    return call  # type: ignore[return-value]
