"""IEEE 754 operations below Python's arithmetic: products without contraction, bit patterns, half floats.

Compilers for GPUs contract a product and the sum that it feeds into a fused multiply-add, across statements, which a
kernel cannot turn off. So scalars call ``fma`` for a fused multiply-add, and else ``rounded_product``.

This is the only module of ``scalar/`` with LLVM IR.
"""

from math import ldexp

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp.jit import jit
from numbaexp.vector.operations import as_number, bits_of, float_of, where
from numbaexp.vector.type import Vector, common, element, of_element, spread

# Scalars must be inlined, or the loops that call them cannot be vectorized.
scalar = jit


def _is_gpu(builder):
    return builder.module.triple.startswith("nvptx")


@intrinsic
def rounded_product(typingctx, a, b):
    """Compute ``a * b`` where it feeds a sum, with which a GPU's compilers would contract ``*``, or may be subnormal,
    which they would flush to 0 under a caller's ``fastmath=True``."""
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
    """Convert a float32 to float64. On a GPU a caller's ``fastmath=True`` would flush subnormal numbers to 0."""
    if element(value) != types.float32:
        return None
    target = of_element(value, types.float64)

    def codegen(context, builder, signature, args):
        if not _is_gpu(builder):
            return builder.fpext(args[0], context.get_value_type(target))
        kind = ir.FunctionType(ir.DoubleType(), [ir.FloatType()])
        return builder.asm(kind, "cvt.f64.f32 $0, $1;", "=d,f", args, side_effect=False)

    return target(value), codegen


@intrinsic
def to_float32(typingctx, value):
    """Convert a float64 to the nearest float32; as in ``to_float64``, subnormal numbers are kept."""
    if element(value) != types.float64:
        return None
    target = of_element(value, types.float32)

    def codegen(context, builder, signature, args):
        if not _is_gpu(builder):
            return builder.fptrunc(args[0], context.get_value_type(target))
        kind = ir.FunctionType(ir.FloatType(), [ir.DoubleType()])
        return builder.call(get_or_insert_function(builder.module, kind, "llvm.nvvm.d2f.rn"), args)

    return target(value), codegen


@intrinsic
def reciprocal(typingctx, value):
    """Compute ``1 / value`` of float32. On a GPU a caller's ``fastmath=True`` would divide less precisely."""
    if element(value) != types.float32:
        return None

    def codegen(context, builder, signature, args):
        number = args[0].type
        if not _is_gpu(builder):
            # AVX-512's estimate and a step of Newton's method take a tenth longer on Zen 5.
            one = number(1.0) if not isinstance(value, Vector) else ir.Constant(number, [1.0] * value.lanes)
            return builder.fdiv(one, args[0])
        callee = get_or_insert_function(builder.module, ir.FunctionType(number, [number]), "llvm.nvvm.rcp.rn.f")
        return builder.call(callee, args)

    return value(value), codegen


@intrinsic
def floor(typingctx, value):
    """Round a float down to an integer, as a float."""
    if element(value) not in _ROUNDING_PRODUCT:
        return None
    lanes = f"v{value.lanes}" if isinstance(value, Vector) else ""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        name = f"llvm.floor.{lanes}f{element(value).bitwidth}"
        return builder.call(get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name), args)

    return value(value), codegen


@intrinsic
def rank_of_bits(typingctx, bits):
    """Map the bit pattern of a float to an unsigned integer in the same order, 0 for -infinity, NaN on top."""
    number = element(bits)
    ranks = {types.int32: types.uint32, types.int64: types.uint64}
    if number not in ranks:
        return None
    width = number.bitwidth
    exponents = (0xFF << 23) if width == 32 else (0x7FF << 52)

    def codegen(context, builder, signature, args):
        values = width - 1, (1 << (width - 1)) - 1, exponents + 1
        sign, magnitude, least = spread(builder, bits, [ir.IntType(width)(value) for value in values])
        ordered = builder.xor(args[0], builder.and_(builder.ashr(args[0], sign), magnitude))
        return builder.add(ordered, least)

    return of_element(bits, ranks[number])(bits), codegen


MAGNITUDE_F32 = np.int32(0x7FFFFFFF)
INFINITY_F32 = np.int32(0x7F800000)
MINUS_INFINITY_F32 = np.int32(-0x800000)
MAGNITUDE_F64 = np.int64(0x7FFFFFFFFFFFFFFF)
INFINITY_F64 = np.int64(0x7FF0000000000000)


def highest(value):
    """Return the bit pattern of a positive float, for the comparisons of ``clamp_f32`` and ``clamp_f64``."""
    return value.view(np.int32 if value.itemsize == 4 else np.int64)


def lowest(value):
    """Return the bit pattern of a negative float, for the same: as an unsigned integer, which falls as floats grow."""
    return value.view(np.uint32 if value.itemsize == 4 else np.uint64)


@scalar
def clamp_f32(bits, lowest, highest):
    """Clamp the bit pattern of a float32 to [lowest, highest], the former negative and the latter positive."""
    as_unsigned = np.uint32(bits)
    above_lowest = np.int32(lowest if as_unsigned > lowest else as_unsigned)
    return highest if above_lowest > highest else above_lowest


@scalar
def clamp_f64(bits, lowest, highest):
    """Clamp the bit pattern of a float64 as ``clamp_f32``."""
    above_lowest = where(as_number(bits, np.uint64(0)) > lowest, np.int64(lowest), bits)
    return where(above_lowest > highest, highest, above_lowest)


@intrinsic
def converts_halves(typingctx):
    """Tell whether the target processor converts halves: on x86 without F16C LLVM calls a library that is missing.

    The result is a constant, so the other branch is not compiled.
    """

    def codegen(context, builder, signature, args):
        x86 = builder.module.triple.startswith("x86")
        return ir.Constant(ir.IntType(1), not x86 or "+f16c" in context.codegen().magic_tuple()[2])

    return types.boolean(), codegen


def _halves(value):
    """Return the LLVM type of as many halves as a type of Numba's has numbers."""
    return ir.VectorType(ir.HalfType(), value.lanes) if isinstance(value, Vector) else ir.HalfType()


@intrinsic
def half_to_float_in_hardware(typingctx, half):
    target = of_element(half, types.float32)

    def codegen(context, builder, signature, args):
        return builder.fpext(builder.bitcast(args[0], _halves(half)), context.get_value_type(target))

    return target(half), codegen


@intrinsic
def float_to_half_in_hardware(typingctx, value):
    target = of_element(value, types.uint16)

    def codegen(context, builder, signature, args):
        return builder.bitcast(builder.fptrunc(args[0], _halves(value)), context.get_value_type(target))

    return target(value), codegen


# Scales between the exponents of halves and of float32; the inverse of the least subnormal half.
ABOVE_HALF, BELOW_HALF = np.float32(ldexp(1.0, 112)), np.float32(ldexp(1.0, -112))
UNITS_OF_HALF = np.float32(ldexp(1.0, 24))
# Numba computes sums of int32 in int64: ``as_number`` narrows them to the types of these.
INT32, UINT32, UINT16 = np.int32(0), np.uint32(0), np.uint16(0)


@scalar
def half_to_float(half):
    """Convert the bit pattern of a float16 to float32; of vectors too."""
    if converts_halves():
        return half_to_float_in_hardware(half)
    sign = as_number(half & np.uint16(0x8000), INT32) << np.int32(16)
    magnitude = as_number(as_number(half & np.uint16(0x7FFF), INT32) << np.int32(13), INT32)
    special = where(magnitude >= np.int32(0x0F800000), INFINITY_F32, np.int32(0))
    return float_of(as_number(bits_of(float_of(magnitude) * ABOVE_HALF) | special | sign, INT32))


@scalar
def float_to_half(value):
    """Convert a float32 to the bit pattern of the nearest float16; of vectors too."""
    if converts_halves():
        return float_to_half_in_hardware(value)
    # Either product has the half's bits as the high bits of a float32, and raises the flags of the conversion.
    magnitude = as_number(bits_of(value) & MAGNITUDE_F32, INT32)
    # Numbers from 2**-14 (1 - 2**-12) on round to a normal half with unbounded exponents, and so do not underflow.
    subnormal = magnitude < np.int32(0x387FF000)
    units = float_of(magnitude) * UNITS_OF_HALF
    # Twelve bits below half a unit become one sticky bit, which the product keeps, so that there is one rounding; the
    # last bit, which is lost in the product, raises the flag.
    sticky = where((magnitude & np.int32(0xFFF)) != np.int32(0), np.int32(0x800), np.int32(0))
    inexact = as_number(units != floor(units), INT32)
    odd = as_number((magnitude & np.int32(-0x1000)) | sticky | inexact, INT32)
    below = bits_of(float_of(where(subnormal, odd, INT32)) * BELOW_HALF)
    # Numbers that round to 2**16, from 65520 on, are replaced by it.
    overflows = (magnitude >= np.int32(0x477FF000)) & (magnitude < np.int32(0x47800000))
    great = where(overflows, np.int32(0x47800000), magnitude)
    above = bits_of(float_of(great) * ABOVE_HALF)
    pattern = as_number(where(subnormal, below, above), UINT32)
    rounded = as_number(pattern + np.uint32(0xFFF) + ((pattern >> np.uint32(13)) & np.uint32(1)), UINT32)
    exponents = where(subnormal, np.uint32(0), np.uint32(0x38000))
    sign = (as_number(bits_of(value), UINT32) >> np.uint32(16)) & np.uint32(0x8000)
    return as_number(((rounded >> np.uint32(13)) - exponents) | sign, UINT16)


@scalar
def bfloat_to_float(bfloat):
    """Convert the bit pattern of a bfloat16 to float32; of vectors too."""
    return float_of(as_number(as_number(bfloat, UINT32) << np.uint32(16), INT32))


# The greatest bit pattern of a NaN that rounding leaves a NaN.
GREATEST_NAN = np.int32(0x7FFF0000)


@scalar
def float_to_bfloat(value):
    """Convert a float32 to the bit pattern of the nearest bfloat16, ties to even; of vectors too.

    The upper half of a NaN is kept. A GPU's NaN is all ones, which rounding would carry into the sign.
    """
    bits = bits_of(value)
    bits = as_number(where(bits > GREATEST_NAN, GREATEST_NAN, bits), UINT32)
    half_ulp = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return as_number(as_number(bits + half_ulp, UINT32) >> np.uint32(16), UINT16)
