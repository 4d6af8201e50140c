"""The decorator that makes a user's scalar function an elementwise one."""

import functools
from collections.abc import Callable
from typing import Any

from numbaexp.once import LOCK


def elementwise(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, wide: bool = True
) -> Any:
    """Make a function of numbers one of arrays."""
    if function is None:
        return functools.partial(elementwise, name=name, wide=wide)
    # Compiling is for those who define functions; importing the package is not to wait for it.
    with LOCK:
        # First, for the package's own use of Numba follows its import.
        import numba  # noqa: F401

        from numbaexp.engine import custom_functions
    return custom_functions.make(function, function.__name__ if name is None else name, bool(wide))
