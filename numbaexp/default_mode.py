"""Python functions in the kernels' default floating-point mode; see ``numbaexp.cpu.float_mode``."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from numbaexp.once import LOCK

_Function = TypeVar("_Function", bound=Callable[..., Any])


def in_default_mode(function: _Function) -> _Function:
    """Run a function, and NumPy's conversions in it, in the default mode, and restore the caller's."""
    guarded: Any = None

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal guarded
        if guarded is None:
            # Compiled at the first call, not when the package is imported.
            with LOCK:
                from numbaexp.cpu.entry import in_default_mode as guard

                guarded = guard(function)
        return guarded(*args, **kwargs)

    return call  # type: ignore[return-value]
