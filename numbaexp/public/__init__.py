"""The public functions: signatures, documentation, and the fast paths of ordinary calls."""

from numbaexp.custom.unsupported import UnsupportedError
from numbaexp.public.custom import elementwise
from numbaexp.public.distributions import entropy, entropy_backward, log_prob, log_prob_backward
from numbaexp.public.exponentials import (
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
from numbaexp.public.gradients import (
    exp2_backward,
    exp10_backward,
    exp_backward,
    expm1_backward,
    sigmoid_backward,
    softplus_backward,
)
from numbaexp.public.logarithms import _made
from numbaexp.public.losses import cross_entropy, cross_entropy_backward
from numbaexp.public.rows import (
    log_softmax,
    log_softmax_backward,
    logsumexp,
    logsumexp_backward,
    softmax,
    softmax_backward,
)
from numbaexp.public.targets import targets, use_target

__all__ = [
    "UnsupportedError",
    "cross_entropy",
    "cross_entropy_backward",
    "elementwise",
    "entropy",
    "entropy_backward",
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
    "log_prob",
    "log_prob_backward",
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
globals().update(_made)
__all__ += list(_made)
