"""Numba's caches on disk (``cache=True``): what was compiled with Numba's exponentials and with ours is kept apart."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from numba.core.caching import Cache
from numba.core.registry import cpu_target

from numbaexp.version import __version__

_OURS = ("numbaexp", __version__)
# In LLVM's code, a call of one of Numba's exponentials.
_NUMBAS = re.compile(r"@(llvm\.exp|expm1)")

_accelerated = False


def is_accelerated() -> bool:
    """Return whether what is compiled now has our functions."""
    return _accelerated


def keep_apart(accelerated: bool) -> None:
    """Look from now on for what was compiled in this state, and keep such alone."""
    global _accelerated
    _install()
    _accelerated = accelerated


@functools.cache
def _install() -> None:
    """Tell Numba's caches and compiler of the state.

    This is never undone: code with our functions would go on to be linked into what is compiled later.
    """
    codegen = cpu_target.target_context.codegen()
    Cache._index_key = _with_state(Cache._index_key, codegen)
    Cache.save_overload = _of_one_state(Cache.save_overload)
    codegen.create_library = _with_mark(codegen.create_library)


def _with_state(original: Callable[..., Any], codegen: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def index_key(self: Any, sig: Any, of: Any) -> Any:
        key = original(self, sig, of)
        return (*key, _OURS) if _accelerated and of is codegen else key

    return index_key


def _with_mark(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def create_library(*args: Any, **kwargs: Any) -> Any:
        library = original(*args, **kwargs)
        library.accelerated = _accelerated
        return library

    return create_library


def _of_one_state(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def save_overload(self: Any, sig: Any, data: Any) -> None:
        # What is kept is the result of a compilation, or a library by itself.
        if not any(map(_is_of_other_state, _linked(getattr(data, "library", data)))):
            original(self, sig, data)

    return save_overload


def _linked(library: Any) -> Iterator[Any]:
    """Yield the libraries that a library links, and those that these link."""
    for each in library._linking_libraries:
        yield each
        yield from _linked(each)


def _is_of_other_state(library: Any) -> bool:
    """Return whether a library has functions of the other state: it was compiled before the switch."""
    marked = getattr(library, "accelerated", False)
    if marked or not _accelerated:
        return marked != _accelerated
    return bool(_NUMBAS.search(str(library._get_module_for_linking())))
