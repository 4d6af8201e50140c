"""Calls of LLVM's intrinsics, by name."""

from typing import Any

from llvmlite import ir
from numba.core.cgutils import get_or_insert_function


def call(builder: Any, name: str, result: Any, *args: Any) -> Any:
    """Emit a call of an intrinsic, and declare it by the types of the result and the arguments."""
    callee = get_or_insert_function(builder.module, ir.FunctionType(result, [arg.type for arg in args]), name)
    return builder.call(callee, args)


def suffix(kind: Any) -> str:
    """Return the part of an intrinsic's name that stands for a type of LLVM's: "v8f32" for eight lanes of float32."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{suffix(kind.element)}"
    return kind.intrinsic_name


def by_register(builder: Any, lanes: int, operation: Any, *vectors: Any) -> Any:
    """Emit ``operation(*parts)`` for parts of so many lanes of vectors, and join the results."""
    pieces = [
        operation(*(lanes_of(builder, vector, start, lanes) for vector in vectors))
        for start in range(0, vectors[0].type.count, lanes)
    ]
    while len(pieces) > 1:
        both = _indices(0, 2 * pieces[0].type.count)
        pieces = [builder.shuffle_vector(*pair, both) for pair in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def lanes_of(builder: Any, vector: Any, start: int, lanes: int) -> Any:
    """Emit the vector of so many lanes of another, beginning at ``start``."""
    return vector if lanes == vector.type.count else builder.shuffle_vector(vector, vector, _indices(start, lanes))


def _indices(start: int, count: int) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(start, start + count)))
