"""Compiled code on disk: in the folder that Numba keeps such code in, until the sources change it was made from."""

import contextlib
import functools
import os
import pathlib
from collections.abc import Callable, Hashable
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

import numbaexp

# The rooms whose files are compiled.
_COMPILED = ("scalar", "cpu", "cuda")


@functools.cache
def source_stamp() -> Hashable:
    """Size and time of every file that takes part: Numba itself looks at the file of one function alone."""
    package = pathlib.Path(numbaexp.__file__).parent
    sources = [path for room in _COMPILED for path in (package / room).glob("*.py")]
    return tuple(sorted((str(path), *_size_and_time(path.stat())) for path in sources))


def _size_and_time(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def folder_of(function: Callable[..., Any]) -> str | None:
    """The folder where Numba keeps what it compiles of a function; None if there is none that can be written."""
    try:
        return FunctionCache(function).cache_path
    except RuntimeError:
        return None


def kept(name: str, key: Hashable, make: Callable[[], Any]) -> Any:
    """What ``make()`` gives, or gave under the same name and key, in whatever process.

    Parameters
    ----------
    name : str
        Of the file.
    key : hashable
        What else the outcome depends on.
    make : callable
        Its outcome can be pickled.

    Returns
    -------
    object
        That outcome.
    """
    path = folder_of(kept)
    if path is None:
        return make()
    file = IndexDataCacheFile(path, name, source_stamp())
    try:
        known = file.load(key)
    except Exception:
        # Damaged files, of a crash or a full disk, say: begin anew.
        known = None
        with contextlib.suppress(OSError):
            file.flush()
    if known is None:
        known = make()
        with contextlib.suppress(OSError):
            file.save(key, known)
    return known
