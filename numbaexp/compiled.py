"""The public functions inside code that users compile: there they are the scalars."""

import numpy as np
from numba import types
from numba.extending import overload

from numbaexp import functions
from numbaexp.scalar.family import FAMILY


def _register(function, scalars):
    in_float32, in_float64 = scalars["float32"].whole, scalars["float64"].whole

    @overload(function, jit_options={"forceinline": True})
    def of_scalar(x):
        if x == types.float32:
            return in_float32.py_func
        if x == types.float64:
            return in_float64.py_func
        if isinstance(x, (types.Integer, types.Boolean)):
            return lambda x: in_float64(np.float64(x))
        return None


for _name, _scalars in FAMILY.items():
    _register(getattr(functions, _name), _scalars)
