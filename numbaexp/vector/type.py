"""The type and its operators."""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

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
    """``lanes`` numbers of a type of Numba's; a vector of booleans is a mask."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        """The type of LLVM's."""
        return ir.VectorType(_ELEMENTS[self.dtype], self.lanes)

    @property
    def mask(self) -> "Vector":
        """The type of a comparison."""
        return Vector(types.boolean, self.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, kind.llvm)


def common(*operands: Any) -> Vector | None:
    """Return the type of the vectors among operands, or None where there is none, where they differ, or where another
    operand is no number."""
    vectors = {operand for operand in operands if isinstance(operand, Vector)}
    others = [operand for operand in operands if not isinstance(operand, Vector)]
    if len(vectors) != 1 or not all(isinstance(other, (types.Number, types.Boolean)) for other in others):
        return None
    return vectors.pop()


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Emit a vector of one value."""
    kind = ir.VectorType(value.type, lanes)
    if isinstance(value, ir.Constant):
        return ir.Constant(kind, [value] * lanes)
    lane = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(lane, lane, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))


def spread(context: Any, builder: Any, vector: Vector, operands: Any, kinds: Any) -> list[Any]:
    """Emit vectors of a type for operands of which some are numbers."""
    return [
        operand
        if isinstance(kind, Vector)
        else splat(builder, context.cast(builder, operand, kind, vector.dtype), vector.lanes)
        for operand, kind in zip(operands, kinds, strict=True)
    ]


def emit(builder: Any, dtype: Any, operation: str, *operands: Any) -> Any:
    """Emit an arithmetic operation or a comparison on operands of LLVM's, numbers or vectors alike."""
    if operation in _COMPARISONS:
        if isinstance(dtype, types.Float):
            compare = builder.fcmp_unordered if operation == "!=" else builder.fcmp_ordered
        else:
            compare = builder.icmp_signed if getattr(dtype, "signed", False) else builder.icmp_unsigned
        return compare(operation, *operands)
    if operation == "shr":
        return (builder.ashr if dtype.signed else builder.lshr)(*operands)
    if operation == "neg":
        return builder.fneg(*operands) if isinstance(dtype, types.Float) else builder.neg(*operands)
    name = f"f{operation}" if isinstance(dtype, types.Float) else operation
    return getattr(builder, name)(*operands)


_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# Those that a type has not are refused when typed.
_FLOAT, _INTEGER, _BITS = (types.Float,), (types.Integer,), (types.Integer, types.Boolean)
_ANY = (types.Float, types.Integer)
_BINARY: dict[Any, tuple[str, tuple[Any, ...]]] = {
    operator.add: ("add", _ANY),
    operator.sub: ("sub", _ANY),
    operator.mul: ("mul", _ANY),
    operator.truediv: ("div", _FLOAT),
    operator.and_: ("and_", _BITS),
    operator.or_: ("or_", _BITS),
    operator.xor: ("xor", _BITS),
    operator.lshift: ("shl", _INTEGER),
    operator.rshift: ("shr", _INTEGER),
    **{function: (symbol, _ANY) for symbol, function in _COMPARISONS.items()},
}
_UNARY: dict[Any, tuple[str, tuple[Any, ...]]] = {
    operator.neg: ("neg", _ANY),
    operator.invert: ("not_", _BITS),
    abs: ("abs", _FLOAT),
}


def _define(function: Any, operation: str, of: tuple[Any, ...], count: int) -> None:
    @infer_global(function)
    class _Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            vector = common(*args) if len(args) == count else None
            if vector is None or not isinstance(vector.dtype, of):
                return None
            return signature(vector.mask if operation in _COMPARISONS else vector, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = common(*sig.args)
        assert vector is not None
        operands = spread(context, builder, vector, args, sig.args)
        if operation == "abs":
            name = f"llvm.fabs.v{vector.lanes}f{vector.dtype.bitwidth}"
            callee = get_or_insert_function(builder.module, ir.FunctionType(vector.llvm, [vector.llvm]), name)
            return builder.call(callee, operands)
        return emit(builder, vector.dtype, operation, *operands)

    kinds = ((Vector,),) if count == 1 else ((Vector, Vector), (Vector, types.Any), (types.Any, Vector))
    for kind in kinds:
        lower_builtin(function, *kind)(lower)


for _count, _operators in ((1, _UNARY), (2, _BINARY)):
    for _function, (_operation, _of) in _operators.items():
        _define(_function, _operation, _of, _count)
