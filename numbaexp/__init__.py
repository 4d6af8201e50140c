"""The correctly rounded exponential on arrays: the same bits everywhere, on all cores, compiled by Numba."""

from numbaexp import compiled as _compiled
from numbaexp.dispatch import use_target
from numbaexp.functions import exp, exp_

__version__ = "0.1.0"

__all__ = ["exp", "exp_", "use_target"]

del _compiled
