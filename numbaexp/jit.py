"""Numba's compiler with explicit flags.

In Numba, functions without explicit flags inherit those of their first caller: under a caller's ``fastmath=True`` our
functions would be compiled wrongly for the whole process. So all of the package is compiled from here. Users' setting
``NUMBA_DISABLE_JIT`` has no effect.
"""

import contextlib
import functools
import gc
from collections.abc import Callable, Iterator
from typing import Any

import numba
from numba import extending
from numba.core import config
from numba.core.compiler import Flags
from numba.core.sigutils import normalize_signature

from numbaexp.inlining import InliningCompiler

# The flags that Numba's CPU and CUDA targets have in common.
FLAGS = {
    "fastmath": False,
    "boundscheck": False,
    "debug": False,
    "error_model": "numpy",
    "forceinline": True,
    "nogil": False,
}
_CPU_FLAGS = {**FLAGS, "_nrt": True, "no_rewrites": False, "parallel": False}

# Except in the CUDA simulator, compiled code alone calls inlined functions: wrappers for Python and C would take half
# of the compile time.
_INLINED = (
    {}
    if config.ENABLE_CUDASIM
    else {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": InliningCompiler}
)

# Settings of Numba that change compiled code, most of them for debugging.
_SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "BOUNDSCHECK")


def stamp() -> dict[str, str]:
    """Return the settings, for cache keys."""
    return {name: str(getattr(config, name, None)) for name in _SETTINGS}


@contextlib.contextmanager
def _enabled() -> Iterator[None]:
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        yield
    finally:
        config.DISABLE_JIT = disabled


def jit(function: Callable[..., Any] | None = None, **flags: Any) -> Any:
    """Compile a function for calls from compiled code, inlined unless ``forceinline=False``; also as a decorator with
    flags."""
    if function is None:
        return functools.partial(jit, **flags)
    with _enabled():
        flags = {**_CPU_FLAGS, **flags}
        return numba.njit(function, **flags, **(_INLINED if flags["forceinline"] else {}))


def overload(stand_in: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Implement a function in compiled code, as :func:`numba.extending.overload`."""
    return extending.overload(stand_in, jit_options=FLAGS, **options)


def callback(function: Callable[..., Any], signature: Any, **flags: Any) -> Any:
    """Make a C callback of a function, yet to be compiled by ``compile_callback``."""
    # Imported here, as nothing else needs it.
    from numba.core.ccallback import CFunc

    options = {**_CPU_FLAGS, **flags}
    return CFunc(function, normalize_signature(signature), locals={}, options=options)


def compile_callback(made: Any) -> None:
    """Compile a callback."""
    with _enabled(), _without_collections():
        made.compile()


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Disable garbage collection: compiling makes little garbage, and full collections take a tenth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def subroutine(
    context: Any, builder: Any, function: Callable[..., Any], signature: Any, *, inline: bool = False
) -> Any:
    """Compile a function that the code of an intrinsic calls, and return its LLVM declaration."""
    flags = Flags()
    flags.forceinline = inline
    flags.nrt, flags.error_model, flags.fastmath, flags.boundscheck = True, "numpy", False, False
    compiled = context.compile_subroutine(builder, function, signature, flags=flags)
    return context.declare_function(builder.module, compiled.fndesc)
