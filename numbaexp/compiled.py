"""The public functions inside code that users compile: there they are the scalars."""

import numpy as np
from numba import types
from numba.core.typing.templates import builtin_registry
from numba.extending import overload

from numbaexp import functions
from numbaexp.scalar.family import FAMILY


def _register(name, scalars):
    in_float32, in_float64 = scalars["float32"].whole, scalars["float64"].whole

    def stand_in(x):
        """What Numba types for the public function: that object itself would bind as a method where Numba keeps it."""

    stand_in.__name__ = stand_in.__qualname__ = name

    @overload(stand_in, jit_options={"forceinline": True})
    def of_scalar(x):
        if x == types.float32:
            return in_float32.py_func
        if x == types.float64:
            return in_float64.py_func
        if isinstance(x, (types.Integer, types.Boolean)):
            return lambda x: in_float64(np.float64(x))
        return None

    typed = next(kind for value, kind in reversed(builtin_registry.globals) if value is stand_in)
    builtin_registry.register_global(getattr(functions, name), typed)


for _name, _scalars in FAMILY.items():
    _register(_name, _scalars)
