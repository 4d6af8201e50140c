"""Correctly rounded exponentials on arrays: the same bits everywhere, on all cores and on GPUs, compiled by Numba."""

__version__ = "0.9.0"

import importlib
from typing import Any

from numbaexp.bridges.loading import import_with as _import_with
from numbaexp.cache import IS_CARRIED as _IS_CARRIED
from numbaexp.cache import sources as _sources
from numbaexp.dispatch import use_target
from numbaexp.functions import (
    exp,
    exp2,
    exp2_,
    exp10,
    exp10_,
    exp_,
    expit,
    expm1,
    expm1_,
    sigmoid,
    sigmoid_,
    softplus,
    softplus_,
)
from numbaexp.gradients import (
    exp2_backward,
    exp10_backward,
    exp_backward,
    expm1_backward,
    sigmoid_backward,
    softplus_backward,
)
from numbaexp.information import targets
from numbaexp.losses import cross_entropy, cross_entropy_backward
from numbaexp.softmax_family import (
    log_softmax,
    log_softmax_backward,
    logsumexp,
    logsumexp_backward,
    softmax,
    softmax_backward,
)

__all__ = [
    "autograd",
    "cross_entropy",
    "cross_entropy_backward",
    "exp",
    "exp2",
    "exp2_",
    "exp2_backward",
    "exp10",
    "exp10_",
    "exp10_backward",
    "exp_",
    "exp_backward",
    "expit",
    "expm1",
    "expm1_",
    "expm1_backward",
    "log_softmax",
    "log_softmax_backward",
    "logsumexp",
    "logsumexp_backward",
    "sigmoid",
    "sigmoid_",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_",
    "softplus_backward",
    "targets",
    "use_target",
]

# In code that Numba compiles the functions above are scalars; of them PyTorch's operators are made, which programs that
# were saved name before any function is called. Sources that change from now on are not those of this process.
_import_with("numba", "numbaexp.compiled")
_import_with("torch", "numbaexp.bridges.torch", unless=(Exception,))
if _IS_CARRIED:
    # With machine code at hand, this would be most of what the first call takes.
    importlib.import_module("llvmlite.binding")
del _IS_CARRIED, _import_with, _sources


def __getattr__(name: str) -> Any:
    # Those who differentiate nothing do not wait for it.
    if name == "autograd":
        return importlib.import_module("numbaexp.autograd")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
