"""The sources of a kernel: its module, and the package's modules that it imports, directly or not."""

import contextlib
import functools
import hashlib
import os
import re
import time

_PACKAGE = "numbaexp"
_IMPORT = re.compile(rb"^[ \t]*from (numbaexp[.\w]*) import (\([^)]*\)|[^\n]*)|^[ \t]*import (numbaexp\.[.\w]*)", re.M)
_NAME = re.compile(rb"\w+")
_FOLDER = os.path.dirname(os.path.dirname(__file__))
_LOADED = time.time()


@functools.cache
def _source(module: str) -> tuple[bytes, bool] | None:
    """Return a module's source, and whether it is a package; None if there is no such module."""
    # Imported here, as importing numbaexp does not need it.
    import pkgutil

    path = module.replace(".", "/")[len(_PACKAGE) + 1 :]
    for file, is_package in ((f"{path}.py", False), (f"{path}/__init__.py", True)):
        with contextlib.suppress(OSError):
            content = pkgutil.get_data(_PACKAGE, file)
            if content is not None:
                return content, is_package
    return None


def imported_by(content: bytes) -> dict[str, set[str]]:
    """Return the package's modules that a source imports, each with the names imported from it."""
    names: dict[str, set[str]] = {}
    for of_from, taken, whole in _IMPORT.findall(content):
        names.setdefault((of_from or whole).decode(), set()).update(name.decode() for name in _NAME.findall(taken))
    return names


@functools.cache
def closure(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``modules`` and all of the package's that they import, directly or not, sorted."""
    found: set[str] = set()
    # The package itself imports everything.
    seen, left = {_PACKAGE}, list(modules)
    while left:
        module = left.pop()
        source = None if module in seen else _source(module)
        seen.add(module)
        if source is None:
            continue
        found.add(module)
        # A module's package runs before.
        left.append(module.rpartition(".")[0])
        for name, taken in imported_by(source[0]).items():
            left.append(name)
            of_package = name == _PACKAGE or ((given := _source(name)) is not None and given[1])
            left += [f"{name}.{each}" for each in taken] if of_package else []
    return tuple(sorted(found))


def digest(modules: tuple[str, ...]) -> str | None:
    """Return a digest of the sources of ``modules``.

    None if a source is missing, or has been changed, by an upgrade, say, since this process began to load the package.
    """
    found = closure(modules)
    # Checked at every call: modules are imported when their kernel is compiled, maybe long after the first digest.
    return _digest(found) if found and not any(map(_changed, found)) else None


@functools.cache
def _digest(found: tuple[str, ...]) -> str:
    made = hashlib.sha256()
    for module in found:
        content, _ = _source(module) or (b"", False)
        made.update(f"{module} {len(content)}\n".encode() + content)
    return made.hexdigest()


def _changed(module: str) -> bool:
    path = os.path.join(_FOLDER, *module.split(".")[1:])
    for file in (f"{path}.py", os.path.join(path, "__init__.py")):
        with contextlib.suppress(OSError):
            status = os.stat(file)
            # A file that is put in place by a hard link has a new ctime alone.
            return max(status.st_mtime, status.st_ctime) > _LOADED
    return False
