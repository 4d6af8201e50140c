"""A file lock between processes, with a timeout."""

import contextlib
import os
import time
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

    def _give_back(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


# Seconds: longer than any kernel takes to compile.
_LIMIT = 60.0
_BETWEEN_TRIES = 0.02


@contextlib.contextmanager
def held(path: str) -> Iterator[None]:
    """Hold the lock of a path inside a ``with`` statement; after the timeout, go on without.

    The system releases the lock of a process that dies."""
    try:
        file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        # No folder, or a full disk: nothing will be written.
        yield
        return
    try:
        taken = _wait(file)
        try:
            yield
        finally:
            if taken:
                # Waiting processes have this file open; later ones make another file, and find the code.
                with contextlib.suppress(OSError):
                    os.unlink(f"{path}.lock")
                # Closing the file does not release the lock if a forked child has it open too.
                _give_back(file)
    finally:
        os.close(file)


def _wait(file: int) -> bool:
    """Take a lock; tell whether this succeeded."""
    end = time.monotonic() + _LIMIT
    while True:
        try:
            _take(file)
        except (BlockingIOError, PermissionError):
            if time.monotonic() > end:
                return False
            time.sleep(_BETWEEN_TRIES)
        except OSError:
            # The file system has no locks.
            return False
        else:
            return True
