"""How many threads the library of the arrays uses itself, in a call on such arrays."""

import threading

NO_LIMIT = 1 << 30


class _Limit(threading.local):
    """Those of the call that runs in this thread."""

    threads = NO_LIMIT


of_call = _Limit()
