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
from numbaexp.losses import cross_entropy, cross_entropy_backward
from numbaexp.softmax_family import (
    log_softmax,
    log_softmax_backward,
    logsumexp,
    logsumexp_backward,
    softmax,
    softmax_backward,
)

__version__ = "0.4.0"

__all__ = [
    "cross_entropy",
    "cross_entropy_backward",
    "exp",
    "exp2",
    "exp2_",
    "exp10",
    "exp10_",
    "exp_",
    "expit",
    "expm1",
    "expm1_",
    "log_softmax",
    "log_softmax_backward",
    "logsumexp",
    "logsumexp_backward",
    "sigmoid",
    "sigmoid_",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_",
    "targets",
    "use_target",
]

del _compiled
