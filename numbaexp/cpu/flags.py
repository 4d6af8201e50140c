"""Floating-point flags inside kernels: kept, lowered again, raised."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cpu.float_mode import X86
from numbaexp.jit import jit
from numbaexp.scalar.double import UNDERFLOWS
from numbaexp.vector.intrinsics import call
from numbaexp.vector.operations import bits_of, float_of

_INT32 = ir.IntType(32)
# Covers the bits that any C library gives the flags.
_ALL = _INT32(31)


@intrinsic
def status(typingctx):
    """Return the flags that are raised, as ``restore_status`` takes them."""

    def codegen(context, builder, signature, args):
        if builder.module.triple.startswith("x86_64"):
            with builder.goto_entry_block():
                slot = builder.alloca(_INT32)
            return X86.read(builder, slot)
        return call(builder, "fetestexcept", _INT32, _ALL)

    return types.int32(), codegen


@intrinsic
def restore_status(typingctx, flags):
    """Lower all flags but those that ``status`` found raised."""

    def codegen(context, builder, signature, args):
        if builder.module.triple.startswith("x86_64"):
            with builder.goto_entry_block():
                slot = builder.alloca(_INT32)
            X86.write(builder, slot, args[0])
        else:
            call(builder, "feclearexcept", _INT32, builder.and_(builder.not_(args[0]), _ALL))
        return context.get_dummy_value()

    return types.none(types.int32), codegen


@intrinsic
def unforeseen(typingctx, word):
    """Return the int64 itself, of which the compiler then knows nothing: from known ones it would compute results in
    advance, with no flag raised, and write loops anew for each value."""

    def codegen(context, builder, signature, args):
        word = ir.IntType(64)
        return builder.asm(ir.FunctionType(word, [word]), "", "=r,0", args, side_effect=True)

    return types.int64(types.int64), codegen


@intrinsic
def use(typingctx, word):
    """Keep the compiler from leaving out how an int64 is computed."""

    def codegen(context, builder, signature, args):
        builder.asm(ir.FunctionType(ir.VoidType(), [ir.IntType(64)]), "", "r", args, side_effect=True)
        return context.get_dummy_value()

    return types.none(types.int64), codegen


@jit
def raise_flags(overflow, underflow):
    """Raise "overflow" and "underflow", each where it is asked for."""
    tiny = float_of(bits_of(UNDERFLOWS) * unforeseen(np.int64(underflow)))
    huge = float_of(bits_of(np.inf) - unforeseen(np.int64(overflow) << np.int64(61)))
    use(bits_of(tiny * tiny + 1.0 / (huge * huge)))


@jit
def raise_divide():
    """Raise "divide"."""
    use(bits_of(1.0 / float_of(unforeseen(np.int64(0)))))


@jit
def raise_invalid():
    """Raise "invalid"."""
    infinity = float_of(unforeseen(bits_of(np.inf)))
    use(bits_of(infinity - infinity))
