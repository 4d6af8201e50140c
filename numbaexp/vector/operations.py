"""Operations that have no operator, on numbers and vectors alike."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp.vector.type import Vector, common, splat, spread

_FLOATS = (types.float32, types.float64)
_SAME_WIDTH = {
    types.float32: types.int32,
    types.float64: types.int64,
    types.int32: types.float32,
    types.int64: types.float64,
}


def element(kind: Any) -> Any:
    """Return the type of one lane; of a number, its own."""
    return kind.dtype if isinstance(kind, Vector) else kind


def of_element(kind: Any, dtype: Any) -> Any:
    """Return the type of as many lanes of another type of number."""
    return Vector(dtype, kind.lanes) if isinstance(kind, Vector) else dtype


def _operands(context: Any, builder: Any, kind: Any, signature: Any, args: Any) -> Any:
    return spread(context, builder, kind, args, signature.args) if isinstance(kind, Vector) else args


def _floats(*operands: Any) -> Any:
    """Return the type that float operands have together, or None."""
    kind = operands[0] if len(set(operands)) == 1 else common(*operands)
    return kind if kind is not None and element(kind) in _FLOATS else None


@intrinsic
def fma(typingctx, a, b, c):
    """``a * b + c`` with one rounding."""
    kind = _floats(a, b, c)
    if kind is None:
        return None

    def codegen(context, builder, signature, args):
        operands = _operands(context, builder, kind, signature, args)
        if not isinstance(kind, Vector):
            return builder.fma(*operands)
        name = f"llvm.fma.v{kind.lanes}f{kind.dtype.bitwidth}"
        callee = get_or_insert_function(builder.module, ir.FunctionType(kind.llvm, [kind.llvm] * 3), name)
        return builder.call(callee, operands)

    return kind(a, b, c), codegen


def _bitcast(source: Any) -> Any:
    target = of_element(source, _SAME_WIDTH[element(source)])

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(target))

    return target(source), codegen


@intrinsic
def bits_of(typingctx, value):
    """The bit pattern of a float, as a signed integer of its width."""
    return _bitcast(value) if element(value) in _FLOATS else None


@intrinsic
def float_of(typingctx, bits):
    """The float whose bit pattern is the given integer."""
    return _bitcast(bits) if element(bits) in (types.int32, types.int64) else None


@intrinsic
def where(typingctx, condition, a, b):
    """``a`` where a condition holds, ``b`` elsewhere: both are computed. A boolean chooses between whole vectors."""
    condition_element = element(condition)
    if condition_element != types.boolean:
        return None
    kind = a if a == b else common(a, b) or (of_element(condition, a) if isinstance(condition, Vector) else None)
    if isinstance(condition, Vector) and not isinstance(kind, Vector):
        kind = of_element(condition, kind)
    if kind is None or (isinstance(condition, Vector) and condition.lanes != kind.lanes):
        return None

    def codegen(context, builder, signature, args):
        condition, *values = args
        if isinstance(kind, Vector):
            values = spread(context, builder, kind, values, signature.args[1:])
        return builder.select(condition, *values)

    return kind(condition, a, b), codegen


@intrinsic
def mask_bits(typingctx, mask):
    """A mask as an integer, of a bit a lane, the lowest that of the first lane; a boolean as 0 or 1."""
    if element(mask) != types.boolean:
        return None

    def codegen(context, builder, signature, args):
        if not isinstance(mask, Vector):
            return builder.zext(args[0], ir.IntType(64))
        bits = builder.bitcast(args[0], ir.IntType(mask.lanes))
        return builder.zext(bits, ir.IntType(64)) if mask.lanes < 64 else bits

    return types.uint64(mask), codegen


@intrinsic
def as_number(typingctx, value, like):
    """A value converted to the type of the lanes of ``like``: of integers the low bits, of floats the nearest."""
    source, dtype = element(value), element(like)
    target = of_element(value, dtype)
    floats = isinstance(source, types.Float), isinstance(dtype, types.Float)

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(target)
        if source == dtype:
            return args[0]
        if floats == (True, True):
            return (builder.fptrunc if source.bitwidth > dtype.bitwidth else builder.fpext)(args[0], kind)
        if floats == (False, False):
            if source != types.boolean and source.bitwidth >= dtype.bitwidth:
                return builder.trunc(args[0], kind) if source.bitwidth > dtype.bitwidth else args[0]
            widen = builder.sext if getattr(source, "signed", False) else builder.zext
            return widen(args[0], kind)
        if floats[1]:
            return (builder.sitofp if source.signed else builder.uitofp)(args[0], kind)
        return (builder.fptosi if dtype.signed else builder.fptoui)(args[0], kind)

    return target(value, like), codegen


@intrinsic
def sum_of_lanes(typingctx, vector):
    """The sum of all lanes, a power of two of them, added up by halves: lane ``i`` to lane ``i + lanes / 2``."""
    if not isinstance(vector, Vector):
        return None

    def codegen(context, builder, signature, args):
        value = args[0]
        while value.type.count > 1:
            half = value.type.count // 2
            lanes = ir.VectorType(ir.IntType(32), half)
            lower, upper = (
                builder.shuffle_vector(value, value, ir.Constant(lanes, list(range(start, start + half))))
                for start in (0, half)
            )
            value = (builder.fadd if isinstance(vector.dtype, types.Float) else builder.add)(lower, upper)
        return builder.extract_element(value, ir.IntType(32)(0))

    return vector.dtype(vector), codegen


@intrinsic
def spread_to(typingctx, value, like):
    """A number in each lane of the type of ``like``; where that is no vector, the number."""
    kind = of_element(like, value)

    def codegen(context, builder, signature, args):
        return splat(builder, args[0], kind.lanes) if isinstance(kind, Vector) else args[0]

    return kind(value, like), codegen


@intrinsic
def scale(typingctx, value, exponent):
    """``value * 2**floor(exponent)``, rounded once, by AVX-512's instruction for it: numbers, and vectors of a whole
    register."""
    dtype = element(value)
    letter = "d" if dtype == types.float64 else "s"
    current_rounding = ir.IntType(32)(4)

    def of_vectors(builder, name, *args):
        kind = args[0].type
        every = ir.IntType(max(kind.count, 8))((1 << kind.count) - 1)
        given = [*args, ir.Constant(kind, ir.Undefined), every, current_rounding]
        callee = get_or_insert_function(builder.module, ir.FunctionType(kind, [arg.type for arg in given]), name)
        return builder.call(callee, given)

    def codegen(context, builder, signature, args):
        name = f"llvm.x86.avx512.mask.scalef.{'p' if isinstance(value, Vector) else 's'}{letter}"
        if isinstance(value, Vector):
            return of_vectors(builder, f"{name}.512", *args)
        first, kind = ir.IntType(32)(0), Vector(dtype, 128 // dtype.bitwidth).llvm
        lanes = [builder.insert_element(ir.Constant(kind, ir.Undefined), arg, first) for arg in args]
        return builder.extract_element(of_vectors(builder, name, *lanes), first)

    return value(value, value), codegen
