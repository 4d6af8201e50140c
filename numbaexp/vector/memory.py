"""Loads and stores of vectors and numbers at addresses: integers, aligned as for a number."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.vector.intrinsics import call, suffix
from numbaexp.vector.type import Vector, element, splat

_INT32 = ir.IntType(32)


def make_load(kind: Any) -> Any:
    """Return ``load(address)``, which loads a vector of this type, or one number."""
    size = _size(kind)

    @intrinsic
    def load(typingctx, address):
        if not _integers(address):
            return None

        def codegen(context, builder, signature, args):
            return builder.load(_pointer(builder, args[0], context.get_value_type(kind)), align=size)

        return kind(types.intp), codegen

    return load


def make_load_first(vector: Vector) -> Any:
    """Return ``load_first(address, count)``, which loads the first ``count`` lanes. The others are 0, and their memory
    is not read. A count beyond the lanes means all of them, and one below 0 none."""
    size = _size(vector)

    @intrinsic
    def load_first(typingctx, address, count):
        if not _integers(address, count):
            return None

        def codegen(context, builder, signature, args):
            pointer, mask = _pointer(builder, args[0], vector.llvm), _first(builder, args[1], vector.lanes)
            name = f"llvm.masked.load.{suffix(vector.llvm)}.p0"
            # LLVM 22 has the alignment as an attribute of the pointer, but still accepts this form.
            return call(builder, name, vector.llvm, pointer, _INT32(size), mask, ir.Constant(vector.llvm, None))

        return vector(types.intp, types.intp), codegen

    return load_first


@intrinsic
def store(typingctx, address, value):
    """Store a vector or a number at an address."""
    if not _integers(address) or not _is_stored(value):
        return None

    def codegen(context, builder, signature, args):
        builder.store(args[1], _pointer(builder, args[0], args[1].type), align=_size(value))
        return context.get_dummy_value()

    return types.none(types.intp, value), codegen


@intrinsic
def store_first(typingctx, address, value, count):
    """Store the first ``count`` lanes of a vector, counted as by ``load_first``; no other memory is written."""
    if not _integers(address, count) or not (isinstance(value, Vector) and _is_stored(value)):
        return None

    def codegen(context, builder, signature, args):
        pointer, mask = _pointer(builder, args[0], value.llvm), _first(builder, args[2], value.lanes)
        name = f"llvm.masked.store.{suffix(value.llvm)}.p0"
        call(builder, name, ir.VoidType(), args[1], pointer, _INT32(_size(value)), mask)
        return context.get_dummy_value()

    return types.none(types.intp, value, types.intp), codegen


def _integers(*operands: Any) -> bool:
    # Numba would convert floats too, and makes floats of an int64 and a uint64.
    return all(isinstance(operand, types.Integer) for operand in operands)


def _is_stored(kind: Any) -> bool:
    return isinstance(element(kind), (types.Integer, types.Float))


def _size(kind: Any) -> int:
    return element(kind).bitwidth // 8


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _first(builder: Any, count: Any, lanes: int) -> Any:
    """Emit the mask of the first lanes."""
    none, every = ir.Constant(count.type, 0), ir.Constant(count.type, lanes)
    count = builder.select(builder.icmp_signed("<", count, every), count, every)
    count = builder.select(builder.icmp_signed("<", count, none), none, count)
    numbers = ir.Constant(ir.VectorType(_INT32, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, splat(builder, builder.trunc(count, _INT32), lanes))


@intrinsic
def first_lanes(typingctx, vector, count):
    """Return the mask of the first ``count`` lanes of a vector, counted as by ``load_first``."""
    if not _integers(count) or not isinstance(vector, Vector):
        return None

    def codegen(context, builder, signature, args):
        return _first(builder, args[1], vector.lanes)

    return vector.of(types.boolean)(vector, types.intp), codegen


@intrinsic
def store_past_caches(typingctx, address, value):
    """Store a vector past the caches, at a multiple of its size. Its order among other stores is open until
    ``numbaexp.cpu.streaming.fence``."""
    if not _integers(address) or not (isinstance(value, Vector) and _is_stored(value)):
        return None

    def codegen(context, builder, signature, args):
        pointer = _pointer(builder, args[0], args[1].type)
        stored = builder.store(args[1], pointer, align=value.lanes * _size(value))
        stored.set_metadata("nontemporal", builder.module.add_metadata([_INT32(1)]))
        return context.get_dummy_value()

    return types.none(types.intp, value), codegen


def _make_prefetch(for_writing: bool, doc: str) -> Any:
    @intrinsic
    def prefetch(typingctx, address):
        if not _integers(address):
            return None

        def codegen(context, builder, signature, args):
            pointer = _pointer(builder, args[0], ir.IntType(8))
            keep, data = _INT32(3), _INT32(1)
            call(builder, "llvm.prefetch.p0", ir.VoidType(), pointer, _INT32(int(for_writing)), keep, data)
            return context.get_dummy_value()

        return types.none(types.intp), codegen

    prefetch.__doc__ = doc
    return prefetch


prefetch_to_read = _make_prefetch(False, "Fetch the cache line at an address, which may be anyone's, before its use.")
prefetch_to_write = _make_prefetch(True, "Fetch a cache line that is to be written.")
