"""Compiled code on disk, a file for each kernel, in the folder that Numba keeps such code in.

A file says what it was compiled of and for, and is replaced as a whole. So whoever reads it, while others write, gets
what was asked for or nothing.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import pickle
import sys
import uuid
from collections.abc import Callable, Hashable
from typing import Any

import numba
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

import numbaexp

# The rooms whose files are compiled.
_COMPILED = ("scalar", "vector", "cpu", "cuda")


@functools.cache
def _source_stamp() -> Hashable:
    """Size and time of every file that takes part: Numba itself looks at the file of one function alone."""
    package = pathlib.Path(numbaexp.__file__).parent
    sources = [path for room in _COMPILED for path in (package / room).glob("*.py")]
    return tuple(sorted((str(path), *_size_and_time(path.stat())) for path in sources))


def _size_and_time(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


@functools.cache
def folder() -> str | None:
    """Return the folder where compiled code is kept; None if there is none that can be written."""
    try:
        return FunctionCache(folder.__wrapped__).cache_path
    except RuntimeError:
        return None


def _path(name: str, key: Hashable) -> str | None:
    """Return the file of a kernel, whatever the state of the sources: a new one replaces the old."""
    where = folder()
    if where is None:
        return None
    digest = hashlib.sha256(repr((name, key, numba.__version__, sys.version_info)).encode()).hexdigest()
    return os.path.join(where, f"{name.replace(' ', '_')}-{digest[:16]}.kernel")


def _content(name: str, key: Hashable) -> tuple[Hashable, ...]:
    """Describe a kernel as its file does."""
    return name, repr(key), numba.__version__, _source_stamp()


def load(name: str, key: Hashable) -> Any:
    """Return what was kept under the name and the key by this state of the sources, or None."""
    path = _path(name, key)
    # Damaged files, of a crash or a full disk, say, are as good as none.
    with contextlib.suppress(Exception):
        if path is not None:
            with open(path, "rb") as file:
                content, value = pickle.load(file)
            return value if content == _content(name, key) else None
    return None


def store(name: str, key: Hashable, value: Any) -> None:
    """Keep a value, which is not None, if that is possible here."""
    path = _path(name, key)
    if path is None:
        return
    # Not by ``tempfile``: other users are to read what the one who installs compiles.
    temporary = f"{path}.{uuid.uuid4().hex}"
    try:
        with open(temporary, "wb") as file:
            file.write(dumps((_content(name, key), value)))
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def kept(name: str, key: Hashable, make: Callable[[], Any]) -> Any:
    """Return the outcome of ``make()``, in this process or any before it, under the same name and key.

    Parameters
    ----------
    name : str
        Of the kernel.
    key : hashable
        What else the outcome depends on, beside the sources; its ``repr`` is the same in each process.
    make : callable
        Its outcome can be pickled, and is not None.

    Returns
    -------
    object
        That outcome.
    """
    known = load(name, key)
    if known is None:
        known = make()
        store(name, key, known)
    return known
