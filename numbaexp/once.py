"""The lock of what is made once in a process: imported late, built, compiled.

Who forks holds it, for in the child nobody would give it back; and modules that another thread was importing then could
not be imported there any more.
"""

import os
import threading

LOCK = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)
