"""Loads and stores of vectors, at addresses."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp.vector.type import Vector


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def make_load(kind: Any) -> Any:
    """Return ``load(address)``, of a vector of this type or of one number."""
    size = (kind.dtype if isinstance(kind, Vector) else kind).bitwidth // 8

    @intrinsic
    def load(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.load(_pointer(builder, args[0], context.get_value_type(kind)), align=size)

        return kind(types.intp), codegen

    return load


def make_load_first(vector: Vector) -> Any:
    """Return ``load_first(address, count)``, of as many lanes as there are; the others are 0, and not read."""
    size = vector.dtype.bitwidth // 8

    @intrinsic
    def load_first(typingctx, address, count):
        def codegen(context, builder, signature, args):
            pointer = _pointer(builder, args[0], vector.llvm)
            mask = _first(builder, args[1], vector.lanes)
            zero = ir.Constant(vector.llvm, None)
            given = [pointer, ir.IntType(32)(size), mask, zero]
            name = f"llvm.masked.load.{_mangled(vector)}.p0"
            return builder.call(_declared(builder, name, vector.llvm, given), given)

        return vector(types.intp, types.intp), codegen

    return load_first


@intrinsic
def store(typingctx, address, value):
    """Store a vector or a number."""
    dtype = value.dtype if isinstance(value, Vector) else value

    def codegen(context, builder, signature, args):
        builder.store(args[1], _pointer(builder, args[0], args[1].type), align=dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(types.intp, value), codegen


@intrinsic
def store_first(typingctx, address, value, count):
    """Store as many lanes of a vector as there are."""
    size = value.dtype.bitwidth // 8

    def codegen(context, builder, signature, args):
        pointer = _pointer(builder, args[0], value.llvm)
        given = [args[1], pointer, ir.IntType(32)(size), _first(builder, args[2], value.lanes)]
        name = f"llvm.masked.store.{_mangled(value)}.p0"
        builder.call(_declared(builder, name, ir.VoidType(), given), given)
        return context.get_dummy_value()

    return types.none(types.intp, value, types.intp), codegen


def _declared(builder: Any, name: str, result: Any, args: Any) -> Any:
    return get_or_insert_function(builder.module, ir.FunctionType(result, [arg.type for arg in args]), name)


def _mangled(vector: Vector) -> str:
    letter = "f" if isinstance(vector.dtype, types.Float) else "i"
    return f"v{vector.lanes}{letter}{vector.dtype.bitwidth}"


def _first(builder: Any, count: Any, lanes: int) -> Any:
    """Emit the mask of the first lanes."""
    kind = ir.VectorType(ir.IntType(32), lanes)
    counts = builder.insert_element(
        ir.Constant(kind, ir.Undefined), builder.trunc(count, ir.IntType(32)), kind.element(0)
    )
    counts = builder.shuffle_vector(counts, counts, ir.Constant(kind, [0] * lanes))
    return builder.icmp_signed("<", ir.Constant(kind, list(range(lanes))), counts)


@intrinsic
def first_lanes(typingctx, vector, count):
    """Return the mask of as many lanes of a vector, from the first on."""

    def codegen(context, builder, signature, args):
        return _first(builder, args[1], vector.lanes)

    return vector.mask(vector, types.intp), codegen


@intrinsic
def store_past_caches(typingctx, address, value):
    """Store a vector at a multiple of its size, without a place in the caches: ``numbaexp.cpu.streaming``."""
    size = value.lanes * value.dtype.bitwidth // 8

    def codegen(context, builder, signature, args):
        store = builder.store(args[1], _pointer(builder, args[0], args[1].type), align=size)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.none(types.intp, value), codegen
