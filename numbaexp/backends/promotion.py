"""The float types that are computed in: NumPy's promotion, and the names of the types that callers ask for."""

import contextlib
import functools
from typing import Any

import numpy as np

from numbaexp.scalar.forms import FLOATS


@functools.cache
def computed_in(dtype: str, argument: str = "x") -> str:
    """Return the name of the float type that ``numpy.exp`` would compute in; bfloat16 counts as one."""
    if dtype == "bfloat16":
        return dtype
    try:
        given = np.dtype(dtype)
    except TypeError:
        given = np.dtype(object)
    promoted = np.exp.resolve_dtypes((given, None))[1].name if given.kind in "biuf" else ""
    if promoted not in FLOATS:
        way = f": convert it, `{argument}.astype('float32')`" if dtype.startswith("float8") else ""
        raise TypeError(f"`{argument}` must be of a float, integer or bool type; got {dtype}{way}")
    return promoted


def float_named(dtype: Any) -> str:
    """Return the name of a float type, given by its name or as a type of NumPy or another library."""
    name = str(dtype).removeprefix("torch.")
    if name not in FLOATS:
        with contextlib.suppress(TypeError):
            name = np.dtype(dtype).name
    if name not in FLOATS:
        raise TypeError(f"`dtype` must be one of {', '.join(FLOATS)}; got {name}")
    return name
