"""What a kernel is made of: the contents of its module, and of those of the package that this imports, to any depth."""

import contextlib
import functools
import hashlib
import os
import pkgutil
import re
import time

_PACKAGE = "numbaexp"
_IMPORT = re.compile(rb"^[ \t]*from (numbaexp[.\w]*) import (\([^)]*\)|[^\n]*)|^[ \t]*import (numbaexp\.[.\w]*)", re.M)
_NAME = re.compile(rb"\w+")
_LOADED = time.time()


@functools.cache
def _content(module: str) -> bytes | None:
    """Return a module's source; None where there is none of this name."""
    path = module.replace(".", "/")[len(_PACKAGE) + 1 :]
    for file in (f"{path}.py", f"{path}/__init__.py"):
        with contextlib.suppress(OSError):
            return pkgutil.get_data(_PACKAGE, file)
    return None


def imported_by(content: bytes) -> set[str]:
    """Return the names that a source imports from the package, of modules or not."""
    names = set()
    for of_from, imported, whole in _IMPORT.findall(content):
        names.add((of_from or whole).decode())
        names |= {f"{of_from.decode()}.{name.decode()}" for name in _NAME.findall(imported)}
    # The package itself imports everything.
    return names - {_PACKAGE}


@functools.cache
def closure(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules that take part in what some modules define, sorted."""
    found: set[str] = set()
    left = set(modules)
    while left:
        module = left.pop()
        content = _content(module)
        if content is not None:
            found.add(module)
            left |= imported_by(content) - found
    return tuple(sorted(found))


def digest(modules: tuple[str, ...]) -> str | None:
    """Return a digest of the sources that take part in what some modules define.

    None where that is unknown: a source that has been changed, by an upgrade, say, since this process began to load the
    package, or that is not there.
    """
    made = hashlib.sha256()
    for module in closure(modules):
        content = _content(module)
        if content is None or _changed(module):
            return None
        made.update(f"{module} {len(content)}\n".encode() + content)
    return made.hexdigest() if closure(modules) else None


def _changed(module: str) -> bool:
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), *module.split(".")[1:])
    for file in (f"{path}.py", os.path.join(path, "__init__.py")):
        with contextlib.suppress(OSError):
            status = os.stat(file)
            # Where a file is put by a link, its times of change alone are new.
            return max(status.st_mtime, status.st_ctime) > _LOADED
    return False
