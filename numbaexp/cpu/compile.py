"""Compile an inner loop to machine code, or take it from Numba's cache on disk.

Numba's ``@vectorize`` would make the ufunc itself, but it compiles its loop anew in every process (0.24 s each, even
with ``cache=True``), has no float16, and does not make SIMD code under ``target="parallel"``. ``@cfunc`` caches the
loop whole.
"""

import contextlib

from numba import config
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from numba.core.sigutils import normalize_signature

from numbaexp.cache import source_stamp


class _LoopCache(FunctionCache):
    """Numba's cache of one function, told apart by a name of ours, and treated as empty where it cannot be used."""

    def __init__(self, function, name):
        super().__init__(function)
        self._name = name

    def _index_key(self, sig, codegen):
        # Numba would hash the closure, whose functions are pickled differently in each process.
        return sig, codegen.magic_tuple(), self._name, source_stamp()

    def load_overload(self, sig, target_context):
        # Numba would fill its registries first (0.2 s): compiling needs them, machine code only the run-time system.
        rtsys.initialize(target_context)
        try:
            return self._load_overload(sig, target_context)
        except Exception:
            # Damaged files, of a crash or a full disk, say: begin anew.
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


def compile_loop(function, signature, name, **options):
    """The compiled callback of ``function``; keep it for as long as its ``address`` is used."""
    if config.DISABLE_JIT:
        raise RuntimeError(
            "numbaexp needs Numba's compiler, which the environment variable NUMBA_DISABLE_JIT turns off"
        )
    callback = CFunc(function, normalize_signature(signature), locals={}, options=options)
    # Without a folder that can be written there is no cache, and the loop is compiled in each process.
    with contextlib.suppress(RuntimeError):
        callback._cache = _LoopCache(function, name)  # type: ignore[attr-defined]
    callback.compile()
    return callback
