"""NumPy's promotion of a type to the float type that is computed in."""

import functools

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
