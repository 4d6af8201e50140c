"""Cache folders: the one that the environment names, or the first default one that is writable.

Cached code runs with all rights of the process. So folders are skipped that anyone but the user, root and the owner of
the package can write.
"""

import functools
import os
import pathlib
import stat
import sys

_PACKAGE = pathlib.Path(__file__).parent.parent
_NAME = "numbaexp"
VARIABLES = ("NUMBAEXP_CACHE_DIR", "NUMBA_CACHE_DIR")


def candidates() -> list[pathlib.Path]:
    """Return the folders in the order of search.

    ``NUMBAEXP_CACHE_DIR``, or else ``NUMBA_CACHE_DIR``, names the only one. The defaults are in the package's folder,
    in the user's cache, and in the folder for temporary files.
    """
    for variable in VARIABLES:
        if os.environ.get(variable):
            return [pathlib.Path(os.environ[variable]).absolute() / _NAME]
    # Imported here, as calls with cached machine code do not need it.
    import tempfile

    of_user = _of_user()
    temporary = pathlib.Path(tempfile.gettempdir()) / (f"{_NAME}-{os.getuid()}" if os.name == "posix" else _NAME)
    return [_PACKAGE / "__pycache__" / _NAME, *([of_user / _NAME] if of_user else []), temporary]


def _of_user() -> pathlib.Path | None:
    """Return the user's cache folder; None without a home."""
    given = pathlib.Path(os.environ.get({"win32": "LOCALAPPDATA"}.get(sys.platform, "XDG_CACHE_HOME"), ""))
    if given.is_absolute():
        return given
    home = pathlib.Path(os.path.expanduser("~"))
    if not home.is_absolute() or not os.path.isdir(home):
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _is_safe(folder: pathlib.Path) -> bool:
    """Tell whether a folder exists and only trusted users can write it."""
    try:
        status = folder.stat()
        if not stat.S_ISDIR(status.st_mode):
            return False
        trusted = (os.getuid(), 0, _PACKAGE.stat().st_uid) if os.name == "posix" else (status.st_uid,)
    except OSError:
        return False
    return status.st_uid in trusted and (os.name != "posix" or not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def readable() -> list[pathlib.Path]:
    """Return the folders that exist and can be trusted."""
    return [folder for folder in candidates() if _is_safe(folder)]


def _can_be_written(folder: pathlib.Path) -> bool:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o755, exist_ok=True)
    except OSError:
        return False
    return _is_safe(folder) and os.access(folder, os.W_OK | os.X_OK)


def writable() -> pathlib.Path | None:
    """Return the first writable folder, made if missing; None if there is none."""
    found = next((folder for folder in candidates() if _can_be_written(folder)), None)
    if found is None:
        _tell_once(", ".join(map(str, candidates())))
    return found


@functools.cache
def _tell_once(tried: str) -> None:
    import logging

    # Not a Python warning, which a filter may turn into an error: the call still succeeds.
    logging.getLogger(_NAME).warning(
        "compiled code cannot be kept, and each process compiles anew: of %s no folder can be written that is safe "
        "from other users; set %s to one",
        tried,
        VARIABLES[0],
    )
