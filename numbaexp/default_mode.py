"""Python functions in the floating-point mode that kernels run in; see ``numbaexp.cpu.float_mode``."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from numbaexp.once import LOCK

_Function = TypeVar("_Function", bound=Callable[..., Any])


def in_default_mode(function: _Function) -> _Function:
    """Run a function, and the conversions that NumPy makes for it, in the default mode, and give the caller's back."""
    guarded: Any = None

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal guarded
        if guarded is None:
            # Compiling is for those who call; importing the package is not to wait for it.
            with LOCK:
                from numbaexp.cpu.entry import in_default_mode as guard

                guarded = guard(function)
        return guarded(*args, **kwargs)

    return call  # type: ignore[return-value]
