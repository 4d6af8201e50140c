"""Correctly rounded exponentials on arrays: the same bits everywhere, on all cores and on GPUs, compiled by Numba."""

from numbaexp import compiled as _compiled
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
from numbaexp.information import targets

__version__ = "0.3.0"

__all__ = [
    "exp",
    "exp2",
    "exp2_",
    "exp10",
    "exp10_",
    "exp_",
    "expit",
    "expm1",
    "expm1_",
    "sigmoid",
    "sigmoid_",
    "softplus",
    "softplus_",
    "targets",
    "use_target",
]

del _compiled
