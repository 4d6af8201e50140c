"""Overloads of the elementwise functions, which Numba would take for ufuncs."""

import functools
from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.target_extension import current_target
from numba.core.typing.templates import builtin_registry

import numbaexp.public
from numbaexp.jit import overload


@functools.cache
def _stand_in(name: str) -> Any:
    def stand_in(*args):
        """Stand for the public function in Numba's typing, which would take the function itself for a ufunc."""

    stand_in.__name__ = stand_in.__qualname__ = name
    return stand_in


def overload_elementwise(name: str, function: Callable[..., Any], **options: Any) -> None:
    """Implement an elementwise function for some types of arguments, as :func:`numba.extending.overload`."""
    stand_in = _stand_in(name)
    overload(stand_in, **options)(function)
    builtin_registry.register_global(getattr(numbaexp.public, name), type_of(stand_in))


def type_of(function: Any) -> Any:
    """Return the type that Numba has been told of a function."""
    return next(kind for value, kind in reversed(builtin_registry.globals) if value is function)


def is_for_cuda() -> bool:
    """Tell whether a kernel for CUDA is being compiled."""
    return current_target() == "cuda"


def is_left_out(option: Any) -> bool:
    """Tell whether the type of an argument is that of one that is not given."""
    return option is None or isinstance(option, (types.Omitted, types.NoneType))


def refuse(label: str, wanted: str, got: Any) -> None:
    """Raise the error of an argument of another type than those wanted."""
    raise TypingError(f"`{label}` must be {wanted}; got {got}")
