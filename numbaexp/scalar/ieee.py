"""What the scalars need of the machine below arithmetic: fused multiply-add, bit patterns, half floats.

The compilers for GPUs fuse a product and the sum that it feeds into one instruction, across statements, and cannot be
told not to by the kernel's author. So a scalar writes ``fma`` where it wants that, and ``rounded_product`` where not.

This is the only module of ``scalar/`` that speaks LLVM.
"""

from math import ldexp

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp.jit import jit
from numbaexp.vector.operations import bits_of, float_of
from numbaexp.vector.type import Vector, common, element, spread

# A scalar has to be inlined into the loop that calls it, or the loop cannot become SIMD code.
scalar = jit


def _is_gpu(builder):
    return builder.module.triple.startswith("nvptx")


@intrinsic
def rounded_product(typingctx, a, b):
    """``a * b``, for a product that feeds a sum, where a GPU's compilers would leave out the rounding of ``*``, or that
    may be subnormal, which they would take for 0 under a caller's ``fastmath=True``."""
    kind = common(a, b)
    if element(kind) not in _ROUNDING_PRODUCT:
        return None

    def codegen(context, builder, signature, args):
        if isinstance(kind, Vector):
            return builder.fmul(*spread(builder, kind, args))
        if not _is_gpu(builder):
            return builder.fmul(*args)
        number = context.get_value_type(kind)
        callee = get_or_insert_function(builder.module, ir.FunctionType(number, [number] * 2), _ROUNDING_PRODUCT[kind])
        return builder.call(callee, args)

    return kind(a, b), codegen


_ROUNDING_PRODUCT = {types.float32: "llvm.nvvm.mul.rn.f", types.float64: "llvm.nvvm.mul.rn.d"}


@intrinsic
def to_float64(typingctx, value):
    """A float32 as float64. On a GPU a caller's ``fastmath=True`` would take a subnormal one for 0."""
    if value != types.float32:
        return None

    def codegen(context, builder, signature, args):
        if not _is_gpu(builder):
            return builder.fpext(args[0], ir.DoubleType())
        kind = ir.FunctionType(ir.DoubleType(), [ir.FloatType()])
        return builder.asm(kind, "cvt.f64.f32 $0, $1;", "=d,f", args, side_effect=False)

    return types.float64(value), codegen


@intrinsic
def to_float32(typingctx, value):
    """The float32 nearest to a float64; as in ``to_float64``, subnormal ones are kept."""
    if value != types.float64:
        return None

    def codegen(context, builder, signature, args):
        if not _is_gpu(builder):
            return builder.fptrunc(args[0], ir.FloatType())
        kind = ir.FunctionType(ir.FloatType(), [ir.DoubleType()])
        return builder.call(get_or_insert_function(builder.module, kind, "llvm.nvvm.d2f.rn"), args)

    return types.float32(value), codegen


@intrinsic
def floor(typingctx, value):
    """The greatest integer that is not above a float, as a float."""
    if value not in _ROUNDING_PRODUCT:
        return None

    def codegen(context, builder, signature, args):
        callee = builder.module.declare_intrinsic("llvm.floor", [args[0].type])
        return builder.call(callee, args)

    return value(value), codegen


def emit_rank(builder, bits):
    """The instructions of ``rank_of_bits``, for an integer or a vector of them."""
    lanes = bits.type.count if isinstance(bits.type, ir.VectorType) else None
    number = bits.type if lanes is None else bits.type.element

    def constant(value):
        return number(value) if lanes is None else ir.Constant(bits.type, [value] * lanes)

    exponents = (0xFF << 23) if number.width == 32 else (0x7FF << 52)
    magnitude = (1 << (number.width - 1)) - 1
    negative = builder.ashr(bits, constant(number.width - 1))
    ordered = builder.xor(bits, builder.and_(negative, constant(magnitude)))
    return builder.add(ordered, constant(exponents + 1))


@intrinsic
def rank_of_bits(typingctx, bits):
    """An unsigned integer that orders floats as they are ordered, from the bit pattern of one: from -infinity, whose
    rank is 0, with any NaN on top."""
    ranks = {types.int32: types.uint32, types.int64: types.uint64}
    if bits not in ranks:
        return None

    def codegen(context, builder, signature, args):
        return emit_rank(builder, args[0])

    return ranks[bits](bits), codegen


MAGNITUDE_F32 = np.int32(0x7FFFFFFF)
INFINITY_F32 = np.int32(0x7F800000)
MINUS_INFINITY_F32 = np.int32(-0x800000)
MAGNITUDE_F64 = np.int64(0x7FFFFFFFFFFFFFFF)
INFINITY_F64 = np.int64(0x7FF0000000000000)


def highest(value):
    """The bit pattern of a positive float, for the comparisons of ``clamp_f32`` and ``clamp_f64``."""
    return value.view(np.int32 if value.itemsize == 4 else np.int64)


def lowest(value):
    """The bit pattern of a negative float, for the same: as an unsigned integer it grows as the float falls."""
    return value.view(np.uint32 if value.itemsize == 4 else np.uint64)


@scalar
def clamp_f32(bits, lowest, highest):
    """The bit pattern of a float32 clamped to [lowest, highest], the former negative and the latter positive."""
    as_unsigned = np.uint32(bits)
    above_lowest = np.int32(lowest if as_unsigned > lowest else as_unsigned)
    return highest if above_lowest > highest else above_lowest


@scalar
def clamp_f64(bits, lowest, highest):
    """As ``clamp_f32``, for float64."""
    as_unsigned = np.uint64(bits)
    above_lowest = np.int64(lowest if as_unsigned > lowest else as_unsigned)
    return highest if above_lowest > highest else above_lowest


@intrinsic
def converts_halves(typingctx):
    """Whether the processor that is compiled for converts halves: on x86 without F16C LLVM calls a library that is
    not there.

    It is a constant, and the branch not taken is not compiled.
    """

    def codegen(context, builder, signature, args):
        x86 = builder.module.triple.startswith("x86")
        return ir.Constant(ir.IntType(1), not x86 or "+f16c" in context.codegen().magic_tuple()[2])

    return types.boolean(), codegen


@intrinsic
def half_to_float_in_hardware(typingctx, half):
    def codegen(context, builder, signature, args):
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), codegen


@intrinsic
def float_to_half_in_hardware(typingctx, value):
    def codegen(context, builder, signature, args):
        return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), codegen


# Between the exponents of halves and those of float32; of the least subnormal half.
ABOVE_HALF, BELOW_HALF = np.float32(ldexp(1.0, 112)), np.float32(ldexp(1.0, -112))
UNITS_OF_HALF = np.float32(ldexp(1.0, 24))


@scalar
def half_to_float(half):
    """The float32 equal to the float16 whose bit pattern is the given uint16."""
    if converts_halves():
        return half_to_float_in_hardware(half)
    sign = np.int32(np.uint32(half & np.uint16(0x8000)) << np.uint32(16))
    magnitude = np.int32(np.uint32(half & np.uint16(0x7FFF)) << np.uint32(13))
    special = INFINITY_F32 if magnitude >= np.int32(0x0F800000) else np.int32(0)
    return float_of(np.int32(bits_of(float_of(magnitude) * ABOVE_HALF) | special | sign))


@scalar
def float_to_half(value):
    """The bit pattern of the float16 nearest to a float32."""
    if converts_halves():
        return float_to_half_in_hardware(value)
    # Either product puts the bits of the half at the head of those of a float32, and raises the flag of the conversion.
    magnitude = np.int32(bits_of(value) & MAGNITUDE_F32)
    # What rounds to the least normal half without regard to its range, 2**-14 (1 - 2**-12) and more, is no underflow.
    subnormal = magnitude < np.int32(0x387FF000)
    units = float_of(magnitude) * UNITS_OF_HALF
    odd = np.int32(magnitude | np.int32(units != floor(units)))
    below = bits_of(float_of(odd if subnormal else np.int32(0)) * BELOW_HALF)
    # What rounds to 2**16, 65520 and more, is taken for it.
    great = max(magnitude, np.int32(0x47800000)) if magnitude >= np.int32(0x477FF000) else magnitude
    above = bits_of(float_of(great) * ABOVE_HALF)
    pattern = np.uint32(below if subnormal else above)
    rounded = np.uint32(pattern + np.uint32(0xFFF) + ((pattern >> np.uint32(13)) & np.uint32(1))) >> np.uint32(13)
    sign = np.uint32(bits_of(value)) >> np.uint32(16) & np.uint32(0x8000)
    return np.uint16(np.uint32(rounded - np.uint32(0 if subnormal else 0x38000)) | sign)


@scalar
def bfloat_to_float(bfloat):
    """The float32 equal to the bfloat16 whose bit pattern is the given uint16."""
    return float_of(np.int32(np.uint32(bfloat) << np.uint32(16)))


# As a bit pattern, the greatest NaN that still is one when it has been rounded.
GREATEST_NAN = np.int32(0x7FFF0000)


@scalar
def float_to_bfloat(value):
    """The bit pattern of the bfloat16 nearest to a float32, ties to even.

    Of a NaN the upper half is kept. A GPU's arithmetic gives it all ones, which rounding would carry into the sign.
    """
    bits = np.uint32(min(bits_of(value), GREATEST_NAN))
    half_ulp = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(bits + half_ulp) >> np.uint32(16))
