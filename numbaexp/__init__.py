"""Correctly rounded exponentials on arrays: the same bits everywhere, on all cores and on GPUs, compiled by Numba."""

import importlib
from typing import Any

from numbaexp.cache import IS_CARRIED as _IS_CARRIED
from numbaexp.cache import sources as _sources
from numbaexp.integrations.loading import import_with as _import_with
from numbaexp.public import *  # noqa: F403
from numbaexp.public import __all__ as _functions
from numbaexp.version import __version__ as __version__

__all__ = [*_functions, "autograd"]  # noqa: PLE0604, F405

# In code that Numba compiles the functions above are scalars; of them PyTorch's operators are made, which programs that
# were saved name before any function is called. Sources that change from now on are not those of this process.
_import_with("numba", "numbaexp.integrations.numba")
_import_with("torch", "numbaexp.integrations.torch.intercept", unless=(Exception,))
if _IS_CARRIED:
    # With machine code at hand, this would be most of what the first call takes.
    importlib.import_module("llvmlite.binding")
del _IS_CARRIED, _functions, _import_with, _sources


def __getattr__(name: str) -> Any:
    # Those who differentiate nothing do not wait for it.
    if name == "autograd":
        return importlib.import_module("numbaexp.autograd")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
