"""Files of compiled code.

A file has a header of JSON, the name of the entry, a checksum, and the code. Writes are atomic: readers get a whole
file or none, and skip damaged ones.
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

# Version of the file format.
_FORMAT = 1
# Least recently used files are removed above so many bytes; locks and temporary files after so many seconds.
_MOST_BYTES = 1 << 28
_LEFT_OVER = 86400.0
# Seconds between updates of a file's time of last use.
_MARK_AFTER = 86400.0


class Code(NamedTuple):
    """Hold the compiled code of a kernel, and the name of its entry point."""

    entry: str
    binary: bytes


def kept(name: str, key: dict[str, Any], modules: tuple[str, ...], make: Callable[[], Code]) -> Code:
    """Return the code that ``make()`` returns, from disk if there is a file of the same name, key and sources.

    Parameters
    ----------
    name : str
        The kernel.
    key : dict of str
        Everything else that the code depends on; JSON.
    modules : tuple of str
        The modules that define the kernel. Its sources are these and their imports from the package.
    make : callable
        The compiler. One of several concurrent processes calls it, and the others wait.

    Returns
    -------
    Code
        The code.
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
    """Return the header of a kernel's file."""
    return json.dumps({"format": _FORMAT, **about}, sort_keys=True).encode() + b"\n"


def file_of(name: str, about: bytes) -> str:
    """Return the name of the file of a kernel."""
    return f"{name.replace(' ', '_')}-{hashlib.sha256(about).hexdigest()[:32]}.kernel"


def _checksum(about: bytes, entry: bytes, binary: bytes) -> bytes:
    return hashlib.sha256(about + entry + binary).hexdigest().encode() + b"\n"


def read(path: pathlib.Path, about: bytes) -> Code | None:
    """Return the code of a file with this header, or None."""
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
    """Update the time of last use of a file."""
    with contextlib.suppress(OSError):
        if path.stat().st_mtime < time.time() - _MARK_AFTER:
            os.utime(path)


def write(path: pathlib.Path, about: bytes, code: Code) -> None:
    """Write code to a file, if possible."""
    # Not by ``tempfile``, whose files other users cannot read.
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
    """Remove old locks and temporary files, and the least recently used kernels above the size limit."""
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
