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
