"""The lock for lazy initialization: late imports and compilation.

Forking takes the lock: a child could not release another thread's lock, nor import the modules that such a thread was
importing.
"""

import os
import threading

LOCK = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)
