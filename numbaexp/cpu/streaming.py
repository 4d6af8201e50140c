"""Stores that go past the caches: what would be evicted before anybody reads it need not be fetched to be written."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.jit import jit

# Bytes of a cache line.
LINE = 64


@intrinsic
def stream_line(typingctx, target, source):
    """Copy a line from one address to another, a multiple of ``LINE``."""

    def codegen(context, builder, signature, args):
        line = ir.VectorType(ir.IntType(32), LINE // 4).as_pointer()
        target, source = (builder.inttoptr(address, line) for address in args)
        store = builder.store(builder.load(source, align=8), target, align=LINE)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.none(types.intp, types.intp), codegen


@intrinsic
def fence(typingctx):
    """Order such stores before all that follow."""

    def codegen(context, builder, signature, args):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), codegen


@jit
def stream(target, source, size):
    """Copy so many bytes, a multiple of ``LINE``, to an address that is one too."""
    for i in range(0, size, LINE):
        stream_line(target + i, source + i)
