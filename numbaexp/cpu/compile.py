"""Compile an inner loop to machine code, or take it from the disk.

Numba's ``@vectorize`` would make the ufunc itself, but it compiles its loop anew in every process (0.24 s each, even
with ``cache=True``), has no float16, and does not make SIMD code under ``target="parallel"``. ``@cfunc`` gives the loop
whole.
"""

from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys

from numbaexp import cache
from numbaexp.jit import callback, compile_callback, stamp


class _Kept:
    """A cache of one kernel, by the two methods that Numba's callbacks call."""

    def __init__(self, name, flags):
        self._name, self._flags = name, flags

    def _key(self, sig, context):
        return str(sig), context.codegen().magic_tuple(), stamp(), self._flags

    def load_overload(self, sig, target_context):
        # Numba would fill its registries first (0.2 s): compiling needs them, machine code only the run-time system.
        rtsys.initialize(target_context)
        kept = cache.load(self._name, self._key(sig, target_context))
        return None if kept is None else CompileResult._rebuild(target_context, *kept)

    def save_overload(self, sig, compiled):
        cache.store(self._name, self._key(sig, compiled.target_context), compiled._reduce())


def compile_loop(function, signature, name, **flags):
    """The compiled callback of ``function``; keep it for as long as its ``address`` is used.

    ``name`` is its own among all of the package: that of a file, and of symbols, which the loader of machine code looks
    up in all that it has loaded.
    """
    function.__qualname__ = "_".join(name.split())
    made = callback(function, signature, **flags)
    made._cache = _Kept(name, tuple(flags.items()))
    compile_callback(made)
    return made
