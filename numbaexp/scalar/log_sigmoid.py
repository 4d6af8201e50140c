"""log_sigmoid: log(1 / (1 + exp(-x))), which is -softplus(-x)."""

import numpy as np

from numbaexp.scalar.forms import Scalar
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.narrow import narrow
from numbaexp.scalar.softplus import SOFTPLUS, softplus, softplus_f64, softplus_f64_inner


@scalar
def log_sigmoid(x):
    """Compute log_sigmoid as the functions of ``numbaexp.scalar.single``."""
    return -softplus(-x)


@scalar
def log_sigmoid_f64_inner(x):
    return -softplus_f64_inner(-x)


@scalar
def log_sigmoid_f64(x):
    return -softplus_f64(-x)


LOG_SIGMOID = {
    **narrow(log_sigmoid, -np.finfo(np.float32).max, 104.0, -np.inf, -0.0),
    "float64": Scalar(log_sigmoid_f64, log_sigmoid_f64_inner, SOFTPLUS["float64"].limit),
}
