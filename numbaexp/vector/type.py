"""The type of vectors and its operators."""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from numbaexp.vector.intrinsics import call, suffix

_ELEMENTS = {
    types.boolean: ir.IntType(1),
    types.int8: ir.IntType(8),
    types.uint8: ir.IntType(8),
    types.int16: ir.IntType(16),
    types.uint16: ir.IntType(16),
    types.int32: ir.IntType(32),
    types.uint32: ir.IntType(32),
    types.int64: ir.IntType(64),
    types.uint64: ir.IntType(64),
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
}


class Vector(types.Type):
    """Represent a vector of ``lanes`` numbers of a type of Numba's; of booleans, a mask."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        """Return LLVM's type."""
        return ir.VectorType(_ELEMENTS[self.dtype], self.lanes)

    def of(self, dtype: Any) -> "Vector":
        """Return the type of as many lanes of another type of number."""
        return Vector(dtype, self.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, kind.llvm)


def element(kind: Any) -> Any:
    """Return the type of one lane; of a number, its own."""
    return kind.dtype if isinstance(kind, Vector) else kind


def of_element(kind: Any, dtype: Any) -> Any:
    """Return the type of as many lanes of another type of number; of a number, that type."""
    return kind.of(dtype) if isinstance(kind, Vector) else dtype


def common(*operands: Any) -> Any:
    """Return the common type of operands, or None: the one vector type, with numbers of its lanes' type, or the one
    type of all."""
    kinds = {types.unliteral(operand) for operand in operands}
    kind = next((kind for kind in kinds if isinstance(kind, Vector)), next(iter(kinds)))
    return kind if kinds <= {kind, element(kind)} else None


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Emit a vector with one value in all lanes."""
    kind = ir.VectorType(value.type, lanes)
    if isinstance(value, ir.Constant):
        return ir.Constant(kind, [value] * lanes)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))


def spread(builder: Any, kind: Any, operands: Any) -> list[Any]:
    """Emit operands of their common type ``kind``: numbers among vectors are broadcast."""
    if not isinstance(kind, Vector):
        return list(operands)
    return [
        operand if isinstance(operand.type, ir.VectorType) else splat(builder, operand, kind.lanes)
        for operand in operands
    ]


# A comparison with NaN is false, but for "!=". On vectors "==" and "!=" raise no flag, while "<" and so on raise
# "invalid" for every NaN on x86 and Arm. Compare bit patterns where a NaN may come.
_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# Each with the supported types of lanes; others fail in typing. Right shifts of signed integers keep the sign. Shifts
# by the width of the lanes or more are undefined.
_FLOAT, _INTEGER, _BITS = (types.Float,), (types.Integer,), (types.Integer, types.Boolean)
_NUMBER = (types.Float, types.Integer)
_BINARY: dict[Any, tuple[str, tuple[Any, ...]]] = {
    operator.add: ("add", _NUMBER),
    operator.sub: ("sub", _NUMBER),
    operator.mul: ("mul", _NUMBER),
    operator.truediv: ("div", _FLOAT),
    operator.and_: ("and_", _BITS),
    operator.or_: ("or_", _BITS),
    operator.xor: ("xor", _BITS),
    operator.lshift: ("shl", _INTEGER),
    operator.rshift: ("shr", _INTEGER),
    **{function: (symbol, _NUMBER) for symbol, function in _COMPARISONS.items()},
}
_UNARY: dict[Any, tuple[str, tuple[Any, ...]]] = {
    operator.neg: ("neg", _NUMBER),
    operator.invert: ("not_", _BITS),
    abs: ("abs", _FLOAT),
}


def _emit(builder: Any, dtype: Any, operation: str, operands: Any) -> Any:
    """Emit an operation on vectors of LLVM's, of lanes of a type of Numba's."""
    is_float, signed = isinstance(dtype, types.Float), getattr(dtype, "signed", False)
    if operation in _COMPARISONS:
        if is_float:
            compare = builder.fcmp_unordered if operation == "!=" else builder.fcmp_ordered
        else:
            compare = builder.icmp_signed if signed else builder.icmp_unsigned
        return compare(operation, *operands)
    if operation == "abs":
        kind = operands[0].type
        return call(builder, f"llvm.fabs.{suffix(kind)}", kind, *operands)
    if operation == "shr":
        operation = "ashr" if signed else "lshr"
    elif is_float:
        operation = f"f{operation}"
    return getattr(builder, operation)(*operands)


def _define(function: Any, operation: str, of: tuple[Any, ...], count: int) -> None:
    @infer_global(function)
    class _Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            kind = common(*args) if len(args) == count else None
            if not isinstance(kind, Vector) or not isinstance(kind.dtype, of):
                return None
            return signature(kind.of(types.boolean) if operation in _COMPARISONS else kind, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = common(*sig.args)
        return _emit(builder, kind.dtype, operation, spread(builder, kind, args))

    kinds = ((Vector,),) if count == 1 else ((Vector, Vector), (Vector, types.Any), (types.Any, Vector))
    for each in kinds:
        lower_builtin(function, *each)(lower)


for _count, _operators in ((1, _UNARY), (2, _BINARY)):
    for _function, (_operation, _of) in _operators.items():
        _define(_function, _operation, _of, _count)
        # Of ``a + b`` also ``a += b``.
        if _augmented := getattr(operator, f"i{_function.__name__.rstrip('_')}", None):
            _define(_augmented, _operation, _of, _count)
