"""Tables of a few floats: in registers where the processor permutes them, in memory for a number."""

import hashlib
import struct
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp.vector.level import level_of
from numbaexp.vector.type import Vector

_INDEX = {types.float32: types.int32, types.float64: types.int64}


def make_table(values: Any, dtype: Any) -> Any:
    """Return ``look_up(index)``: of a power of two of values that with the number of an integer's lowest bits."""
    values = [float(value) for value in values]

    @intrinsic
    def look_up(typingctx, index):
        kind = Vector(dtype, index.lanes) if isinstance(index, Vector) else dtype
        if (index.dtype if isinstance(index, Vector) else index) != _INDEX[dtype]:
            return None

        def codegen(context, builder, signature, args):
            if isinstance(kind, Vector):
                triple, _, features = context.codegen().magic_tuple()
                permute = _PERMUTES.get((level_of(triple, features).permutes, dtype, kind.lanes, len(values)))
                return (permute or _each)(builder, kind, values, args[0])
            return _loaded(builder, context.get_value_type(dtype), values, args[0])

        return kind(index), codegen

    return look_up


def _call(builder: Any, name: str, result: Any, *args: Any) -> Any:
    callee = get_or_insert_function(builder.module, ir.FunctionType(result, [arg.type for arg in args]), name)
    return builder.call(callee, args)


def _of_two_registers(name: str) -> Any:
    def permute(builder, kind, values, index):
        halves = [ir.Constant(kind.llvm, values[start : start + kind.lanes]) for start in (0, kind.lanes)]
        return _call(builder, name, kind.llvm, halves[0], index, halves[1])

    return permute


def _of_one_register(builder: Any, kind: Any, values: Any, index: Any) -> Any:
    return _call(builder, "llvm.x86.avx2.permps", kind.llvm, ir.Constant(kind.llvm, values), index)


# By the instructions, the type, the lanes and the number of values.
_PERMUTES = {
    ("avx512", types.float32, 16, 32): _of_two_registers("llvm.x86.avx512.vpermi2var.ps.512"),
    ("avx512", types.float64, 8, 16): _of_two_registers("llvm.x86.avx512.vpermi2var.pd.512"),
    ("avx2", types.float32, 8, 8): _of_one_register,
}


def _each(builder: Any, kind: Any, values: Any, index: Any) -> Any:
    """Emit a look-up for each lane."""
    found = ir.Constant(kind.llvm, ir.Undefined)
    for lane in range(kind.lanes):
        place = ir.IntType(32)(lane)
        value = _loaded(builder, kind.llvm.element, values, builder.extract_element(index, place))
        found = builder.insert_element(found, value, place)
    return found


def _loaded(builder: Any, number: Any, values: Any, index: Any) -> Any:
    """Emit a load from a constant array, one for equal values."""
    digest = hashlib.sha256(struct.pack(f"{len(values)}d", *values)).hexdigest()[:16]
    name, kind = f"numbaexp_table_{digest}", ir.ArrayType(number, len(values))
    array = builder.module.globals.get(name)
    if array is None:
        array = ir.GlobalVariable(builder.module, kind, name)
        array.linkage, array.global_constant, array.unnamed_addr = "private", True, True
        # A line of a GPU's cache, from which its threads load different entries at once.
        array.align = 128
        array.initializer = ir.Constant(kind, values)
    last = ir.Constant(index.type, len(values) - 1)
    return builder.load(builder.gep(array, [index.type(0), builder.and_(index, last)], inbounds=True))
