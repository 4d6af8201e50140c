"""Lookup tables of a few floats: in registers where the processor can permute them, else in memory."""

import hashlib
import struct
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.vector.intrinsics import by_register, call, suffix
from numbaexp.vector.level import level_for
from numbaexp.vector.type import Vector, element, of_element

_INDEX = {types.float32: types.int32, types.float64: types.int64}


def make_table(values: Any, dtype: Any) -> Any:
    """Return ``look_up(index)`` of a table whose number of entries is a power of two.

    The index is a signed integer of the width of the values, or a vector of such, modulo the number of entries.
    """
    values = [float(value) for value in values]
    if len(values) & (len(values) - 1) or not values:
        raise ValueError(f"`values` must be a power of two of floats; got {len(values)}")

    @intrinsic
    def look_up(typingctx, index):
        if element(index) != _INDEX[dtype]:
            return None
        kind = of_element(index, dtype)

        def codegen(context, builder, signature, args):
            if not isinstance(kind, Vector):
                return _loaded(builder, context.get_value_type(dtype), values, args[0])
            lanes, permute = _PERMUTES.get((level_for(context).permutes, dtype, len(values)), (kind.lanes, _each))
            if kind.lanes % lanes:
                lanes, permute = kind.lanes, _each
            number = context.get_value_type(dtype)
            return by_register(builder, lanes, lambda part: permute(builder, number, values, part), args[0])

        return kind(index), codegen

    return look_up


def _of_two_registers(name: str) -> Any:
    def permute(builder, number, values, index):
        kind = ir.VectorType(number, index.type.count)
        first, second = (ir.Constant(kind, values[start : start + kind.count]) for start in (0, kind.count))
        return call(builder, name, kind, first, index, second)

    return permute


def _of_one_register(builder: Any, number: Any, values: Any, index: Any) -> Any:
    kind = ir.VectorType(number, index.type.count)
    return call(builder, "llvm.x86.avx2.permps", kind, ir.Constant(kind, values), index)


# By the instructions, the type and the number of values: the lanes of a register, and the lookup in one.
_PERMUTES = {
    ("avx512", types.float32, 32): (16, _of_two_registers("llvm.x86.avx512.vpermi2var.ps.512")),
    ("avx512", types.float64, 16): (8, _of_two_registers("llvm.x86.avx512.vpermi2var.pd.512")),
    ("avx2", types.float32, 8): (8, _of_one_register),
}


def _each(builder: Any, number: Any, values: Any, index: Any) -> Any:
    """Emit a load for each lane."""
    kind = ir.VectorType(number, index.type.count)
    found = ir.Constant(kind, ir.Undefined)
    for lane in range(kind.count):
        place = ir.IntType(32)(lane)
        value = _loaded(builder, kind.element, values, builder.extract_element(index, place))
        found = builder.insert_element(found, value, place)
    return found


def _loaded(builder: Any, number: Any, values: Any, index: Any) -> Any:
    """Emit a load from a constant array; a module has one for equal values of a type."""
    digest = hashlib.sha256(struct.pack(f"{len(values)}d", *values)).hexdigest()[:16]
    name, kind = f"numbaexp_table_{suffix(number)}_{digest}", ir.ArrayType(number, len(values))
    array = builder.module.globals.get(name)
    if array is None:
        array = ir.GlobalVariable(builder.module, kind, name)
        array.linkage, array.global_constant, array.unnamed_addr = "private", True, True
        # A GPU's cache line, from which threads load different entries at once.
        array.align = 128
        array.initializer = ir.Constant(kind, values)
    last = ir.Constant(index.type, len(values) - 1)
    return builder.load(builder.gep(array, [index.type(0), builder.and_(index, last)], inbounds=True))
