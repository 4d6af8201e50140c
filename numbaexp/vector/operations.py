"""Operations without an operator, on numbers and vectors alike."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.vector.intrinsics import by_register, call, lanes_of, suffix
from numbaexp.vector.level import level_for
from numbaexp.vector.type import Vector, common, element, of_element, splat, spread

_FLOATS = (types.float32, types.float64)
_SAME_WIDTH = {
    types.float32: types.int32,
    types.float64: types.int64,
    types.int32: types.float32,
    types.int64: types.float64,
}
_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


@intrinsic
def fma(typingctx, a, b, c):
    """Compute ``a * b + c`` of floats with one rounding."""
    kind = common(a, b, c)
    if element(kind) not in _FLOATS:
        return None

    def codegen(context, builder, signature, args):
        number = context.get_value_type(kind)
        return call(builder, f"llvm.fma.{suffix(number)}", number, *spread(builder, kind, args))

    return kind(a, b, c), codegen


def _bitcast(source: Any) -> Any:
    target = of_element(source, _SAME_WIDTH[element(source)])

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(target))

    return target(source), codegen


@intrinsic
def bits_of(typingctx, value):
    """Return the bit pattern of a float, as a signed integer of its width."""
    return _bitcast(value) if element(value) in _FLOATS else None


@intrinsic
def float_of(typingctx, bits):
    """Return the float whose bit pattern is a signed integer."""
    return _bitcast(bits) if element(bits) in (types.int32, types.int64) else None


@intrinsic
def where(typingctx, condition, a, b):
    """Select ``a`` where a condition is true, and ``b`` where false; both are computed.

    A mask chooses lanes, of vectors of as many or of numbers. A boolean chooses one of two vectors.
    """
    kind = common(a, b)
    if element(condition) != types.boolean or not isinstance(element(kind), (types.Number, types.Boolean)):
        return None
    if isinstance(condition, Vector):
        kind = kind if isinstance(kind, Vector) else condition.of(kind)
        if condition.lanes != kind.lanes:
            return None

    def codegen(context, builder, signature, args):
        condition, *values = args
        return builder.select(condition, *spread(builder, kind, values))

    return kind(condition, a, b), codegen


@intrinsic
def mask_bits(typingctx, mask):
    """Return a mask of up to 64 lanes as a uint64, lane i in bit i; a boolean as 0 or 1."""
    if element(mask) != types.boolean or (isinstance(mask, Vector) and mask.lanes > _INT64.width):
        return None

    def codegen(context, builder, signature, args):
        bits = builder.bitcast(args[0], ir.IntType(mask.lanes)) if isinstance(mask, Vector) else args[0]
        return builder.zext(bits, _INT64) if bits.type.width < _INT64.width else bits

    return types.uint64(mask), codegen


@intrinsic
def count_lanes(typingctx, mask):
    """Count the lanes of a mask that are set, of fewer than 64, as an int64."""
    if not isinstance(mask, Vector) or mask.dtype != types.boolean or mask.lanes >= _INT64.width:
        return None

    def codegen(context, builder, signature, args):
        bits = ir.IntType(mask.lanes)
        return builder.zext(call(builder, f"llvm.ctpop.i{mask.lanes}", bits, builder.bitcast(args[0], bits)), _INT64)

    return types.int64(mask), codegen


@intrinsic
def as_number(typingctx, value, like):
    """Convert to the type of number of ``like``: a number, or each lane.

    Integers are truncated or extended; floats are rounded to nearest; booleans become 0 or 1. Floats become integers
    toward 0; NaN, and floats beyond the integers, have undefined results. Conversions to boolean are not supported.
    """
    source, dtype = element(value), element(like)
    numbers = (types.Integer, types.Float)
    if not isinstance(source, (*numbers, types.Boolean)) or not isinstance(dtype, numbers):
        return None
    target = of_element(value, dtype)

    def codegen(context, builder, signature, args):
        convert = getattr(builder, _conversion(source, dtype))
        return args[0] if source == dtype else convert(args[0], context.get_value_type(target))

    return target(value, like), codegen


def _conversion(source: Any, dtype: Any) -> str:
    """Return the name of LLVM's instruction for a conversion."""
    signed = getattr(source, "signed", False)
    if isinstance(source, types.Float) and isinstance(dtype, types.Float):
        return "fptrunc" if source.bitwidth > dtype.bitwidth else "fpext"
    if isinstance(source, types.Float):
        return "fptosi" if dtype.signed else "fptoui"
    if isinstance(dtype, types.Float):
        return "sitofp" if signed else "uitofp"
    if isinstance(source, types.Boolean) or source.bitwidth < dtype.bitwidth:
        return "sext" if signed else "zext"
    return "trunc" if source.bitwidth > dtype.bitwidth else "bitcast"


@intrinsic
def sum_of_lanes(typingctx, vector):
    """Add up all lanes, a power of two of them, by halves: lane ``i`` and lane ``i + lanes / 2``. Return numbers as is.

    The order is the same on every processor, so the sum has the same bits.
    """
    dtype = element(vector)
    if not isinstance(dtype, types.Number) or (isinstance(vector, Vector) and vector.lanes & (vector.lanes - 1)):
        return None

    def codegen(context, builder, signature, args):
        value = args[0]
        if not isinstance(vector, Vector):
            return value
        while value.type.count > 1:
            half = value.type.count // 2
            lower, upper = (lanes_of(builder, value, start, half) for start in (0, half))
            value = (builder.fadd if isinstance(dtype, types.Float) else builder.add)(lower, upper)
        return builder.extract_element(value, ir.IntType(32)(0))

    return dtype(vector), codegen


@intrinsic
def halves(typingctx, vector):
    """Return the lower and the upper half of the lanes, of a power of two of them; of two lanes, two numbers."""
    if not isinstance(vector, Vector) or vector.lanes < 2 or vector.lanes & (vector.lanes - 1):
        return None
    count = vector.lanes // 2
    kind = types.UniTuple(Vector(vector.dtype, count) if count > 1 else vector.dtype, 2)

    def codegen(context, builder, signature, args):
        if count > 1:
            pair = [lanes_of(builder, args[0], start, count) for start in (0, count)]
        else:
            pair = [builder.extract_element(args[0], _INT32(lane)) for lane in (0, 1)]
        return context.make_tuple(builder, kind, pair)

    return kind(vector), codegen


@intrinsic
def spread_to(typingctx, value, like):
    """Broadcast a number to the lanes of ``like``; if that is no vector, return the number."""
    if not isinstance(value, (types.Number, types.Boolean)):
        return None
    kind = of_element(like, value)

    def codegen(context, builder, signature, args):
        return splat(builder, args[0], kind.lanes) if isinstance(kind, Vector) else args[0]

    return kind(value, like), codegen


@intrinsic
def scale(typingctx, value, exponent):
    """Compute ``value * 2**floor(exponent)``, rounded once, by AVX-512's instruction.

    Both are vectors of float32 or float64 that fill a register of 64 bytes, or numbers. Compiling for another processor
    fails.
    """
    if value != exponent or value not in _SCALED:
        return None
    register = value if isinstance(value, Vector) else Vector(value, 128 // value.bitwidth)

    def codegen(context, builder, signature, args):
        if not level_for(context).scales:
            raise NotImplementedError("`scale` needs a processor with AVX-512")
        every = ir.Constant(ir.IntType(max(register.lanes, 8)), (1 << register.lanes) - 1)
        current_rounding = ir.Constant(ir.IntType(32), 4)
        first, unused = ir.Constant(ir.IntType(32), 0), ir.Constant(register.llvm, ir.Undefined)
        name = f"llvm.x86.avx512.mask.scalef.{_SCALED[value]}"
        if register is value:
            return call(builder, name, register.llvm, *args, unused, every, current_rounding)
        args = [builder.insert_element(unused, arg, first) for arg in args]
        scaled = call(builder, name, register.llvm, *args, unused, every, current_rounding)
        return builder.extract_element(scaled, first)

    return value(value, value), codegen


_RANGED = {Vector(types.float32, 16): "ps.512", Vector(types.float64, 8): "pd.512"}
_SCALED = {**_RANGED, types.float32: "ss", types.float64: "sd"}


@intrinsic
def ldexp_significand(typingctx, significand, exponent):
    """Compute ``significand * 2**exponent`` for significands from 1 to 2 and integers from -1022 on; infinity from 1024
    on. A NaN for the significand gives NaN."""
    if significand != exponent or element(significand) != types.float64:
        return None
    kind = significand

    def codegen(context, builder, signature, args):
        if _fills_registers(context, kind):
            return by_register(builder, 8, lambda *parts: _of_register(builder, "scalef", *parts), *args)
        number, bits = args[0].type, context.get_value_type(of_element(kind, types.int64))
        constants = ir.DoubleType()(1024.0), ir.DoubleType()(_BIASED_INTEGER), _INT64(52)
        greatest, bias, places = spread(builder, kind, constants)
        exponent = builder.select(builder.fcmp_ordered("<", greatest, args[1]), greatest, args[1])
        power = builder.shl(builder.bitcast(builder.fadd(exponent, bias), bits), places)
        power = builder.bitcast(power, number)
        if builder.module.triple.startswith("nvptx"):
            # A GPU's compiler would contract the product and a sum that it feeds.
            return call(builder, "llvm.nvvm.mul.rn.d", number, args[0], power)
        return builder.fmul(args[0], power)

    return kind(kind, kind), codegen


@intrinsic
def split(typingctx, value):
    """Return (m, k), floats with value = m 2**k, 1 <= m < 2 and k an integer, of a positive finite float.

    Of other arguments m + k is NaN, which may raise "invalid".
    """
    if element(value) not in _FLOATS:
        return None
    kind = types.UniTuple(value, 2)

    def codegen(context, builder, signature, args):
        lanes = 64 // (element(value).bitwidth // 8)
        if isinstance(value, Vector) and value.lanes % lanes == 0 and level_for(context).scales:
            pair = _split_by_registers(builder, lanes, args[0])
        else:
            pair = _split_by_bits(context, builder, value, args[0])
        return context.make_tuple(builder, kind, pair)

    return kind(value), codegen


# To [1, 2); NaN of negative arguments.
_MANTISSA_OF_POSITIVE = 0b1000


def _split_by_registers(builder: Any, lanes: int, value: Any) -> tuple[Any, Any]:
    """Emit ``split`` by AVX-512's instructions."""
    register = ir.VectorType(value.type.element, lanes)
    unused, every, usual = ir.Constant(register, ir.Undefined), ir.Constant(ir.IntType(lanes), -1), _INT32(4)
    name = f"p{'s' if lanes == 16 else 'd'}.512"

    def mantissa(part: Any) -> Any:
        kind = _INT32(_MANTISSA_OF_POSITIVE)
        return call(builder, f"llvm.x86.avx512.mask.getmant.{name}", register, part, kind, unused, every, usual)

    def exponent(part: Any) -> Any:
        return call(builder, f"llvm.x86.avx512.mask.getexp.{name}", register, part, unused, every, usual)

    return by_register(builder, lanes, mantissa, value), by_register(builder, lanes, exponent, value)


def _split_by_bits(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any]:
    """Emit ``split`` by operations on bits. A subnormal float is a mantissa f, from which 1 + f and f are made."""
    integers = of_element(kind, _SAME_WIDTH[element(kind)])
    number, bits = value.type, context.get_value_type(integers)
    width = element(kind).bitwidth
    places, bias = (52, 1023) if width == 64 else (23, 127)

    def integer(constant: int) -> Any:
        return spread(builder, integers, [ir.IntType(width)(constant)])[0]

    def real(constant: float) -> Any:
        return spread(builder, kind, [context.get_value_type(element(kind))(constant)])[0]

    def mantissa(pattern: Any) -> Any:
        fraction = builder.and_(pattern, integer((1 << places) - 1))
        return builder.bitcast(builder.or_(fraction, integer(bias << places)), number)

    pattern = builder.bitcast(value, bits)
    subnormal = builder.icmp_signed("<", pattern, integer(1 << places))
    fraction = builder.bitcast(builder.fsub(mantissa(pattern), real(1.0)), bits)
    normal = builder.select(subnormal, fraction, pattern)
    # The sum with 2**places has the biased exponent in its low bits.
    shifted = builder.or_(builder.lshr(normal, integer(places)), integer((bias + places) << places))
    offset = 2.0**places + bias
    exponent = builder.fsub(
        builder.bitcast(shifted, number), builder.select(subnormal, real(offset + bias - 1), real(offset))
    )
    # The bits of positive finite floats, less 1, are less than any others.
    above = builder.icmp_unsigned(">=", builder.sub(pattern, integer(1)), integer(((2 * bias + 1) << places) - 1))
    return builder.select(above, real(float("nan")), mantissa(normal)), exponent


@intrinsic
def times_power(typingctx, value, steps, integer):
    """Compute ``value * 2**floor(steps)``, rounded once, of values from 1/2 to 4, and steps between -1100 and 1100;
    ``integer`` is that power. A NaN for the value gives NaN."""
    if value != steps or element(value) != types.float64 or integer != of_element(value, types.int64):
        return None

    def codegen(context, builder, signature, args):
        value, steps, whole = args
        if _fills_registers(context, signature.return_type):
            return by_register(builder, 8, lambda *parts: _of_register(builder, "scalef", *parts), value, steps)
        one, bias, places = spread(builder, signature.args[2], (_INT64(1), _INT64(1023), _INT64(52)))
        half = builder.ashr(whole, one)
        # By one half after the other: the first product is exact.
        for part in (half, builder.sub(whole, half)):
            power = builder.bitcast(builder.shl(builder.add(part, bias), places), value.type)
            if builder.module.triple.startswith("nvptx"):
                value = call(builder, "llvm.nvvm.mul.rn.d", value.type, value, power)
            else:
                value = builder.fmul(value, power)
        return value

    return value(value, steps, integer), codegen


# The sum with an integer has the exponent of a float64 of that power in its low bits.
_BIASED_INTEGER = 1.5 * 2.0**52 + 1023.0


def _fills_registers(context: Any, kind: Any) -> bool:
    """Tell whether vectors of float64 fill registers of AVX-512."""
    return isinstance(kind, Vector) and kind.lanes % 8 == 0 and level_for(context).scales


def _of_register(builder: Any, name: str, *args: Any) -> Any:
    """Emit an instruction of AVX-512 for 8 lanes of float64, with the usual rounding."""
    register = args[0].type
    unused, every, usual = ir.Constant(register, ir.Undefined), ir.Constant(ir.IntType(8), 255), _INT32(4)
    return call(builder, f"llvm.x86.avx512.mask.{name}.pd.512", register, *args, unused, every, usual)


@intrinsic
def greater_magnitude(typingctx, a, b):
    """Return the greater magnitude of two vectors of floats, lane by lane; of a NaN and a number, either."""
    if a != b or not isinstance(a, Vector) or a.dtype not in _FLOATS:
        return None

    def codegen(context, builder, signature, args):
        if a in _RANGED and level_for(context).scales:
            greatest_magnitude, no_rounding = ir.Constant(ir.IntType(32), 0b1011), ir.Constant(ir.IntType(32), 4)
            every, unused = (
                ir.Constant(ir.IntType(max(a.lanes, 8)), (1 << a.lanes) - 1),
                ir.Constant(a.llvm, ir.Undefined),
            )
            name = f"llvm.x86.avx512.mask.range.{_RANGED[a]}"
            return call(builder, name, a.llvm, *args, greatest_magnitude, unused, every, no_rounding)
        bits = a.of(_SAME_WIDTH[a.dtype]).llvm
        all_but_sign = ir.Constant(bits, [(1 << (a.dtype.bitwidth - 1)) - 1] * a.lanes)
        some, others = (builder.and_(builder.bitcast(value, bits), all_but_sign) for value in args)
        return builder.bitcast(builder.select(builder.icmp_signed(">", some, others), some, others), a.llvm)

    return a(a, b), codegen
