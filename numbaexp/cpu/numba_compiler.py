"""Functions compiled by Numba, and kept on disk.

Numba's ``@vectorize`` would make the ufunc itself, but it compiles its loop anew in every process (0.24 s each, even
with ``cache=True``), has no float16, and does not make SIMD code under ``target="parallel"``. ``@cfunc`` gives the loop
whole; what it gives is kept by :mod:`numbaexp.cache`, since Numba's own cache compiles all anew when a file's time
changes.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from numbaexp.cache.files import Code, kept
from numbaexp.jit import callback, compile_callback, stamp


class MadeBy(NamedTuple):
    """Where a function is, or the one that makes it of some arguments, if they are not None."""

    module: str
    name: str
    arguments: tuple[Any, ...] | None
    options: dict[str, Any]

    def make(self) -> Callable[..., Any]:
        """Return the function."""
        found = getattr(importlib.import_module(self.module), self.name)
        return found if self.arguments is None else found(*self.arguments, **self.options)


def start_run_time() -> None:
    """Have Numba's run-time system ready, by which loops for threads report errors."""
    rtsys.initialize(cpu_target.target_context)


def compiled(name: str, made_by: MadeBy, signature: str, sources: tuple[str, ...], digest: str, parallel: bool) -> Code:
    """Compile a function for this processor, or read it from the disk; see ``numbaexp.cpu.compile``."""
    triple, processor, features = cpu_target.target_context.codegen().magic_tuple()
    key = {
        "signature": signature,
        "digest": digest,
        "parallel": parallel,
        "settings": stamp(),
        "target": [triple, processor, features],
        "numba": numba.__version__,
        # Of the structures of objects that the fast paths read.
        "head of objects": object.__basicsize__,
    }

    def compile_now() -> Code:
        function = made_by.make()
        function.__qualname__ = "_".join(name.split())
        made = callback(function, signature, parallel=parallel)
        compile_callback(made)
        return Code(made.native_name, made._library._get_compiled_object())

    return kept(name, key, sources, compile_now)
