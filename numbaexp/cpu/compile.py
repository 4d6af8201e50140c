"""Compile an inner loop to machine code, or take it from the disk.

Numba's ``@vectorize`` would make the ufunc itself, but it compiles its loop anew in every process (0.24 s each, even
with ``cache=True``), has no float16, and does not make SIMD code under ``target="parallel"``. ``@cfunc`` gives the loop
whole; what it gives is kept by :mod:`numbaexp.cache`, since Numba's own cache compiles all anew when a file's time
changes.
"""

import sys
from collections.abc import Callable
from typing import Any

import numba
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from numbaexp.cache.files import Code, kept
from numbaexp.cpu.machine_code import Loaded, load
from numbaexp.jit import callback, compile_callback, stamp


def compile_kernel(
    name: str, make: Callable[[], Any], signature: str, modules: tuple[str, ...], *, parallel: bool = False
) -> Loaded:
    """Return the machine code of a function; keep it for as long as its ``address`` is used.

    Parameters
    ----------
    name : str
        Its own among all of the package: that of a file, and of symbols.
    make : callable
        Returns the function. Where its code is on the disk, it is not called.
    signature : str
        As Numba reads it.
    modules : tuple of str
        That the function is made of, beside those that they import.
    parallel : bool
        Whether the function has loops for Numba's threads, which are there then.
    """
    context = cpu_target.target_context
    triple, processor, features = context.codegen().magic_tuple()
    key = {
        "signature": signature,
        "parallel": parallel,
        "settings": stamp(),
        "target": [triple, processor, features],
        "numba": numba.__version__,
        # Of the structures of objects that the fast paths read.
        "python": [sys.implementation.cache_tag, object.__basicsize__],
    }

    def compile_now() -> Code:
        function = make()
        function.__qualname__ = "_".join(name.split())
        made = callback(function, signature, parallel=parallel)
        compile_callback(made)
        return Code(made.native_name, made._library._get_compiled_object())

    if parallel:
        # Loops for threads report errors by Numba's run-time system.
        rtsys.initialize(context)
    return load(kept(name, key, modules, compile_now))
