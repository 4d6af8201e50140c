"""The public functions inside kernels that users compile: there they are the scalars."""

import functools

import numpy as np
from numba import types
from numba.cuda.types import bfloat16
from numba.extending import intrinsic

from numbaexp.cuda.phases import one_result
from numbaexp.scalar.forms import itemsize

_NAMES = {types.float16: "float16", bfloat16: "bfloat16", types.float32: "float32", types.float64: "float64"}
_WIDE = (types.float32, types.float64)


_scalar = functools.cache(one_result)


@intrinsic
def cast(typingctx, value, like):
    """Return a 16-bit float as its bit pattern, or the reverse."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return like(value, like), codegen


def type_for(kinds):
    """Return the float type that arguments of types of Numba's are computed in; None where there is none."""
    if len(set(kinds)) == 1 and kinds[0] in _NAMES:
        return _NAMES[kinds[0]]
    wide = all(kind in _WIDE or isinstance(kind, (types.Integer, types.Boolean)) for kind in kinds)
    return "float64" if wide else None


def scalar_for(name, *kinds):
    """Return what Numba is to compile for a function of arguments of types of Numba's; None where there is nothing."""
    dtype = type_for(kinds)
    if dtype is None:
        return None
    scalar = _scalar(name, dtype)
    if itemsize(dtype) == 2:
        if len(kinds) == 1:
            return lambda x: cast(scalar(cast(x, np.uint16(0))), x)
        return lambda grad_output, saved: cast(
            scalar(cast(grad_output, np.uint16(0)), cast(saved, np.uint16(0))), saved
        )
    number = np.dtype(dtype).type
    if len(kinds) == 1:
        return lambda x: scalar(number(x))
    return lambda grad_output, saved: scalar(number(grad_output), number(saved))
