"""The lock for lazy initialization: late imports and compilation.

Forking takes the lock: a child could not release another thread's lock, nor import the modules that such a thread was
importing.
"""

import os
import threading


class _ForkLock:
    """A lock of one thread, as ``threading.RLock``, that who forks takes first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_registered = False

    def __enter__(self) -> None:
        if not self._is_registered:
            self._register()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _register(self) -> None:
        # What was registered last is called first. The compiler logs: a lock of ``logging`` that forking had taken
        # before this one, which a thread that compiles holds, would be waited for without end.
        import logging  # noqa: F401

        self._is_registered = True
        if hasattr(os, "register_at_fork"):
            lock = self._lock
            os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


LOCK = _ForkLock()
