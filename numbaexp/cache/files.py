"""Files of compiled code.

A file has a line of JSON that says what it is, a line with the checksum of all else, and the code. It is replaced as a
whole, so whoever reads it while others write gets what was asked for or nothing; and nothing is what a damaged file is.
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from numbaexp.cache import folders, sources
from numbaexp.cache.lock import held

# Changes with the form of the files.
_FORMAT = 1
# Files that were not used for the longest time go once there are so many bytes; locks and what was half written after
# so many seconds.
_MOST_BYTES = 1 << 28
_LEFT_OVER = 86400.0
# A file is marked as used when it was not for so many seconds.
_MARK_AFTER = 86400.0


class Code(NamedTuple):
    """Compiled code of one kernel, and the name of what is to be called in it."""

    entry: str
    binary: bytes


def kept(name: str, key: dict[str, Any], modules: tuple[str, ...], make: Callable[[], Code]) -> Code:
    """Return the outcome of ``make()``, in this process or any before it, under the same name, key and sources.

    Parameters
    ----------
    name : str
        Of the kernel.
    key : dict of str
        What else the outcome depends on; JSON.
    modules : tuple of str
        That define the kernel: they, and what they import of the package, are its sources.
    make : callable
        Of several processes that come here at once one calls it, and the others wait.

    Returns
    -------
    Code
        That outcome.
    """
    digest = sources.digest(modules)
    if digest is None:
        return make()
    about = line({"name": name, **key, "sources": digest})
    file = file_of(name, about)
    code = _find(file, about)
    if code is None:
        folder = folders.writable()
        if folder is None:
            return make()
        with held(str(folder / file)):
            code = _find(file, about)
            if code is None:
                code = make()
                write(folder / file, about, code)
    return code


def line(about: dict[str, Any]) -> bytes:
    """Return what a file says of its kernel."""
    return json.dumps({"format": _FORMAT, **about}, sort_keys=True).encode() + b"\n"


def file_of(name: str, about: bytes) -> str:
    """Return the name of the file of a kernel."""
    return f"{name.replace(' ', '_')}-{hashlib.sha256(about).hexdigest()[:32]}.kernel"


def _checksum(about: bytes, entry: bytes, binary: bytes) -> bytes:
    return hashlib.sha256(about + entry + binary).hexdigest().encode() + b"\n"


def read(path: pathlib.Path, about: bytes) -> Code | None:
    """Return the code of a file that says so of itself, or None."""
    with contextlib.suppress(OSError, ValueError):
        told, entry, checksum, binary = path.read_bytes().split(b"\n", 3)
        if told + b"\n" == about and checksum + b"\n" == _checksum(about, entry, binary):
            return Code(entry.decode(), binary)
    return None


def _find(file: str, about: bytes) -> Code | None:
    for folder in folders.readable():
        code = read(folder / file, about)
        if code is not None:
            _mark(folder / file)
            return code
    return None


def _mark(path: pathlib.Path) -> None:
    """Let the time of a file tell that it is used."""
    with contextlib.suppress(OSError):
        if path.stat().st_mtime < time.time() - _MARK_AFTER:
            os.utime(path)


def write(path: pathlib.Path, about: bytes, code: Code) -> None:
    """Keep code, if that is possible."""
    # Not by ``tempfile``: other users are to read what the one who installs compiles.
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    entry = code.entry.encode()
    try:
        temporary.write_bytes(about + entry + b"\n" + _checksum(about, entry, code.binary) + code.binary)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _prune_once(path.parent)


@functools.cache
def _prune_once(folder: pathlib.Path) -> None:
    prune(folder)


def prune(folder: pathlib.Path) -> None:
    """Remove what was left over, and of kernels those that were not used for the longest time, where they are many."""
    now, total, found = time.time(), 0, []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.suffix == ".kernel":
                    found.append((status.st_mtime, status.st_size, path))
                elif status.st_mtime < now - _LEFT_OVER:
                    path.unlink()
    for _, size, path in sorted(found, reverse=True):
        total += size
        if total > _MOST_BYTES:
            with contextlib.suppress(OSError):
                path.unlink()
