"""The functions that a user's function may call, beside its own helpers and other elementwise functions."""

import math
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from numbaexp.dual.functions import FUNCTIONS
from numbaexp.jit import jit


@jit
def _where(condition, x, y):
    return x if condition else y


# What stands for each name in compiled code.
COMPILED: dict[str, Any] = {
    **FUNCTIONS,
    "abs": abs,
    "max": max,
    "min": min,
    "range": range,
    "sqrt": math.sqrt,
    "where": _where,
}
_PYTHONS = {
    "abs": (abs, math.fabs, np.abs, np.fabs),
    "max": (max,),
    "min": (min,),
    "range": (range,),
    "sqrt": (math.sqrt, np.sqrt),
    "where": (np.where,),
    "exp": (math.exp, np.exp),
    "exp2": (getattr(math, "exp2", np.exp2), np.exp2),
    "expm1": (math.expm1, np.expm1),
    "logaddexp": (np.logaddexp,),
    "logaddexp2": (np.logaddexp2,),
    **{
        name: (getattr(math, name), getattr(np, name))
        for name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
    },
}
_NAMES = {id(function): name for name, those in _PYTHONS.items() for function in those}


def name_of(value: Any) -> str | None:
    """Return the name of a function in this table; None of any other object."""
    # Only the ufuncs among the package's own functions have ``nin``.
    if _library(value) == "numbaexp" and hasattr(value, "nin"):
        return value.__name__ if value.__name__ in FUNCTIONS else None
    return _NAMES.get(id(value))


def helper(value: Any) -> FunctionType | None:
    """Return the Python function of a helper; None of any other object."""
    plain = value.py_func if isinstance(value, Dispatcher) else value
    return plain if isinstance(plain, FunctionType) and _library(plain) not in {"numbaexp", "numpy"} else None


def _library(value: Any) -> str:
    """Return the name of the library that an object belongs to."""
    return str(getattr(value, "__module__", "")).partition(".")[0]


def operation_of(value: Any) -> Any:
    """Return the operation of an elementwise function that a user has made; None of any other object."""
    operation = getattr(value, "operation", None)
    return operation if hasattr(operation, "digest") and name_of(value) is None else None
