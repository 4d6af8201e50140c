"""Numba's compiler with every flag given.

Numba hands flags that a function does not give down from its caller, and keeps what is compiled first: under a caller's
``fastmath=True`` our functions would be compiled wrongly for the whole process. So all of the package is compiled from
here, and ``NUMBA_DISABLE_JIT``, which is for users' functions, does not hold.
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

# Those that Numba's targets have in common: the CUDA target takes them too.
FLAGS = {
    "fastmath": False,
    "boundscheck": False,
    "debug": False,
    "error_model": "numpy",
    "forceinline": True,
    "nogil": False,
}
_CPU_FLAGS = {**FLAGS, "_nrt": True, "no_rewrites": False, "parallel": False}

# Inlined functions are called by compiled code alone, but for the simulator of the CUDA target: what Python and C would
# call in their stead takes half of the time of compiling.
_INLINED = (
    {}
    if config.ENABLE_CUDASIM
    else {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": InliningCompiler}
)

# Settings of Numba's, most of them for debugging, that change compiled code.
_SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "BOUNDSCHECK")


def stamp() -> dict[str, str]:
    """Return the settings, as a part of the keys under which compiled code is kept."""
    return {name: str(getattr(config, name, None)) for name in _SETTINGS}


@contextlib.contextmanager
def _enabled() -> Iterator[None]:
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        yield
    finally:
        config.DISABLE_JIT = disabled


def jit(function: Callable[..., Any] | None = None, **flags: Any) -> Any:
    """Make a function one that compiled code calls, inlined unless ``forceinline=False``; also with flags alone, as a
    decorator."""
    if function is None:
        return functools.partial(jit, **flags)
    with _enabled():
        flags = {**_CPU_FLAGS, **flags}
        return numba.njit(function, **flags, **(_INLINED if flags["forceinline"] else {}))


def overload(stand_in: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Implement a function in compiled code, as :func:`numba.extending.overload`."""
    return extending.overload(stand_in, jit_options=FLAGS, **options)


def callback(function: Callable[..., Any], signature: Any, **flags: Any) -> Any:
    """Make a function one that C calls by its address; ``compile_callback`` compiles."""
    # A module of Numba's that nothing else here needs.
    from numba.core.ccallback import CFunc

    options = {**_CPU_FLAGS, **flags}
    return CFunc(function, normalize_signature(signature), locals={}, options=options)


def compile_callback(made: Any) -> None:
    """Compile a callback."""
    with _enabled(), _without_collections():
        made.compile()


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Leave garbage for later: compiling makes little, and each full collection goes through all that Numba is made of,
    a tenth of the time."""
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
    """Compile a function that the code of an intrinsic calls; returns what that calls."""
    flags = Flags()
    flags.forceinline = inline
    flags.nrt, flags.error_model, flags.fastmath, flags.boundscheck = True, "numpy", False, False
    compiled = context.compile_subroutine(builder, function, signature, flags=flags)
    return context.declare_function(builder.module, compiled.fndesc)
