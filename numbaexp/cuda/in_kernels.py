"""The public functions inside kernels that users compile: there they are the scalars."""

import functools

import numpy as np
from numba import types
from numba.cuda.types import bfloat16
from numba.extending import intrinsic

from numbaexp.cuda.phases import one_result

_NAMES = {types.float16: "float16", bfloat16: "bfloat16", types.float32: "float32", types.float64: "float64"}


_scalar = functools.cache(one_result)


@intrinsic
def _cast(typingctx, value, like):
    """Return a 16-bit float as its bit pattern, or the reverse."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return like(value, like), codegen


def scalar_for(name, x):
    """Return what Numba is to compile for a function of an argument of the type ``x``; None where there is nothing."""
    if isinstance(x, (types.Integer, types.Boolean)):
        in_float64 = _scalar(name, "float64")
        return lambda x: in_float64(np.float64(x))
    if x not in _NAMES:
        return None
    scalar = _scalar(name, _NAMES[x])
    if x.bitwidth > 16:
        return scalar.py_func
    return lambda x: _cast(scalar(_cast(x, np.uint16(0))), x)
