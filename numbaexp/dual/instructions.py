"""The instructions of reals: IEEE's, each rounded once, which no compiler contracts or replaces.

Compilers for GPUs contract products and sums, and under a caller's ``fastmath=True`` divide less precisely and take
subnormal float32 for 0, but for the intrinsics that say how they round.
"""

from typing import Any

from llvmlite import ir

from numbaexp.vector.intrinsics import call, suffix

_ON_CUDA = {"fadd": "add", "fmul": "mul", "fdiv": "div", "sqrt": "sqrt"}


def _on_cuda(builder: Any) -> bool:
    return builder.module.triple.startswith("nvptx")


def _rounded(builder: Any, name: str, *args: Any) -> Any:
    kind = args[0].type
    if _on_cuda(builder):
        letter = "f" if isinstance(kind, ir.FloatType) else "d"
        return call(builder, f"llvm.nvvm.{_ON_CUDA[name]}.rn.{letter}", kind, *args)
    if name == "sqrt":
        return call(builder, f"llvm.sqrt.{suffix(kind)}", kind, *args)
    return getattr(builder, name)(*args)


def add(builder: Any, a: Any, b: Any) -> Any:
    """Emit a sum."""
    return _rounded(builder, "fadd", a, b)


def subtract(builder: Any, a: Any, b: Any) -> Any:
    """Emit a difference, for which there is no intrinsic of CUDA."""
    return add(builder, a, negate(builder, b)) if _on_cuda(builder) else builder.fsub(a, b)


def multiply(builder: Any, a: Any, b: Any) -> Any:
    """Emit a product."""
    return _rounded(builder, "fmul", a, b)


def divide(builder: Any, a: Any, b: Any) -> Any:
    """Emit a quotient."""
    return _rounded(builder, "fdiv", a, b)


def square_root(builder: Any, x: Any) -> Any:
    """Emit a square root."""
    return _rounded(builder, "sqrt", x)


def constant(kind: Any, number: Any) -> Any:
    """Return a constant of a type of LLVM's; in each lane of a vector."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def _bits(builder: Any, x: Any) -> tuple[Any, int]:
    """Emit the bit pattern; return that and the place of the sign."""
    is_vector = isinstance(x.type, ir.VectorType)
    width = 32 if isinstance(x.type.element if is_vector else x.type, ir.FloatType) else 64
    word = ir.IntType(width)
    return builder.bitcast(x, ir.VectorType(word, x.type.count) if is_vector else word), width - 1


def negate(builder: Any, x: Any) -> Any:
    """Emit a change of sign, of the bit: NVVM knows no ``fneg``."""
    bits, place = _bits(builder, x)
    return builder.bitcast(builder.xor(bits, constant(bits.type, 1 << place)), x.type)


def magnitude(builder: Any, x: Any) -> Any:
    """Emit the float without its sign."""
    bits, place = _bits(builder, x)
    return builder.bitcast(builder.and_(bits, constant(bits.type, (1 << place) - 1)), x.type)


_COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "neu"}


def compare(builder: Any, sign: str, a: Any, b: Any) -> Any:
    """Emit a comparison: false beside a NaN, but for "!="."""
    if _on_cuda(builder) and isinstance(a.type, ir.FloatType):
        # Written out, subnormal numbers are none of 0.
        code = f"{{.reg .pred %is; setp.{_COMPARISONS[sign]}.f32 %is, $1, $2; selp.b32 $0, 1, 0, %is;}}"
        word = ir.IntType(32)
        answer = builder.asm(ir.FunctionType(word, [a.type, b.type]), code, "=r,f,f", [a, b], side_effect=False)
        return builder.icmp_unsigned("!=", answer, word(0))
    return (builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered)(sign, a, b)
