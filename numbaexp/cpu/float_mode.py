"""The floating-point mode that kernels run in: to nearest, with subnormal numbers, without traps.

A process can change its threads' modes: ``torch.set_flush_denormal``, a library built with ``-ffast-math``,
``fesetround``. Kernels are called by their addresses, and each such call is one that sets the mode where it is another,
and gives the caller's back, with the flags that were raised.
"""

from typing import Any

from llvmlite import ir

from numbaexp.vector.intrinsics import call

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


class X86:
    """MXCSR, with the flags in it."""

    DEFAULT, FLAGS = 0x1F80, 0x3F

    @staticmethod
    def read(builder, slot):
        call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), builder.bitcast(slot, ir.IntType(8).as_pointer()))
        return builder.load(slot)

    @staticmethod
    def write(builder, slot, value):
        builder.store(value, slot)
        call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), builder.bitcast(slot, ir.IntType(8).as_pointer()))


class _Arm:
    """FPCR; flags are in another register."""

    DEFAULT, FLAGS = 0, 0

    @staticmethod
    def read(builder, slot):
        return builder.trunc(call(builder, "llvm.aarch64.get.fpcr", _INT64), _INT32)

    @staticmethod
    def write(builder, slot, value):
        call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), builder.zext(value, _INT64))


# By how the name of a machine begins. Others have no mode that a library is known to change.
_REGISTERS: dict[str, Any] = {"x86_64": X86, "aarch64": _Arm, "arm64": _Arm}


def call_in_default_mode(builder, callee, args):
    """Emit a call in the default mode. The callee is an address, so that none of its arithmetic can be moved out of
    the call."""
    register = _REGISTERS.get(builder.module.triple.partition("-")[0])
    if register is None:
        return builder.call(callee, args)
    with builder.goto_entry_block():
        slot = builder.alloca(_INT32)
    modes, flags = ~register.FLAGS, register.FLAGS
    before = register.read(builder, slot)
    changed = builder.icmp_unsigned("!=", builder.and_(before, _INT32(modes)), _INT32(register.DEFAULT))
    with builder.if_then(changed, likely=False):
        register.write(builder, slot, builder.or_(builder.and_(before, _INT32(flags)), _INT32(register.DEFAULT)))
    result = builder.call(callee, args)
    with builder.if_then(changed, likely=False):
        raised = builder.and_(register.read(builder, slot), _INT32(flags))
        register.write(builder, slot, builder.or_(before, raised))
    return result
