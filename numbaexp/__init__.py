"""Correctly rounded exp, log and softmax on arrays: fast, with gradients, and the same bits on every machine."""

import importlib
from typing import TYPE_CHECKING, Any

from numbaexp.cache import IS_CARRIED as _IS_CARRIED
from numbaexp.cache import sources as _sources
from numbaexp.integrations.acceleration import accelerate_numba
from numbaexp.integrations.loading import import_with as _import_with
from numbaexp.public import *  # noqa: F403
from numbaexp.public import __all__ as _functions
from numbaexp.version import __version__ as __version__

__all__ = [*_functions, "accelerate_numba", "autograd"]  # noqa: PLE0604

# Numba's overloads for compiled code; PyTorch's operators and JAX's target, which saved programs name before any
# function is called.
# Importing ``sources`` sets the time after which changed sources are not those of this process.
_import_with("numba", "numbaexp.integrations.numba")
_import_with("torch", "numbaexp.integrations.torch.first_use", unless=(Exception,))
_import_with("jax", "numbaexp.integrations.jax.target", unless=(Exception,))
if _IS_CARRIED:
    # With precompiled code, this would take most of the first call's time.
    importlib.import_module("llvmlite.binding")
del _IS_CARRIED, _functions, _import_with, _sources


if TYPE_CHECKING:
    from numbaexp import autograd as autograd
    from numbaexp.integrations.numba_compiler import AcceleratedCompiler as AcceleratedCompiler
else:

    def __getattr__(name: str) -> Any:
        # Imported lazily. Type checkers do not see this function, or every name would be one of the package.
        if name == "autograd":
            return importlib.import_module("numbaexp.autograd")
        if name == "AcceleratedCompiler":
            return importlib.import_module("numbaexp.integrations.numba_compiler").AcceleratedCompiler
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
