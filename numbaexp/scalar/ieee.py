"""What the scalars need of the machine below arithmetic: fused multiply-add, bit patterns, half floats.

This is the only module of ``scalar/`` that speaks LLVM.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# A scalar has to be inlined into the loop that calls it, or the loop cannot become SIMD code.
scalar = njit(forceinline=True, error_model="numpy")


@intrinsic
def fma(typingctx, a, b, c):
    """``a * b + c`` with one rounding."""
    if a != b or a != c or a not in (types.float32, types.float64):
        return None

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return a(a, b, c), codegen


_SAME_WIDTH = {
    types.float32: types.int32,
    types.int32: types.float32,
    types.float64: types.int64,
    types.int64: types.float64,
}


def _bitcast(source):
    if source not in _SAME_WIDTH:
        return None
    target = _SAME_WIDTH[source]

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(target))

    return target(source), codegen


@intrinsic
def bits_of(typingctx, value):
    """The bit pattern of a float, as a signed integer of its width."""
    return _bitcast(value) if isinstance(value, types.Float) else None


@intrinsic
def float_of(typingctx, bits):
    """The float whose bit pattern is the given integer."""
    return _bitcast(bits) if isinstance(bits, types.Integer) else None


@intrinsic
def half_to_float(typingctx, half):
    """The float32 equal to the float16 whose bit pattern is the given uint16."""

    def codegen(context, builder, signature, args):
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), codegen


@intrinsic
def float_to_half(typingctx, value):
    """The bit pattern of the float16 nearest to a float32, ties to even."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), codegen


@scalar
def bfloat_to_float(bfloat):
    """The float32 equal to the bfloat16 whose bit pattern is the given uint16."""
    return float_of(np.int32(np.uint32(bfloat) << np.uint32(16)))


@scalar
def float_to_bfloat(value):
    """The bit pattern of the bfloat16 nearest to a float32 that is no NaN, ties to even."""
    bits = np.uint32(bits_of(value))
    half_ulp = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(bits + half_ulp) >> np.uint32(16))
