"""The instructions around a kernel's call, for processors that the tests do not run on too."""

import llvmlite.binding as llvm
import pytest
from llvmlite import ir

from numbaexp.cpu.float_mode import call_in_default_mode

# By triple: what reads the control register, what writes it, and what calls.
INSTRUCTIONS = {
    "x86_64-unknown-linux-gnu": ("stmxcsr", "ldmxcsr", "call"),
    "aarch64-unknown-linux-gnu": ("mrs", "msr", "blr"),
    "arm64-apple-darwin": ("mrs", "msr", "blr"),
    "powerpc64le-unknown-linux-gnu": (None, None, "bctrl"),
}


@pytest.fixture(scope="module", autouse=True)
def _all_targets():
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def assembly(triple):
    word = ir.IntType(64)
    module = ir.Module()
    module.triple = triple
    function = ir.Function(module, ir.FunctionType(word, [word, word]), "entered")
    builder = ir.IRBuilder(function.append_basic_block())
    address, argument = function.args
    callee = builder.inttoptr(address, ir.FunctionType(word, [word]).as_pointer())
    builder.ret(call_in_default_mode(builder, callee, [argument]))
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    machine = llvm.Target.from_triple(triple).create_target_machine(opt=3)
    text = machine.emit_assembly(parsed)
    return [line.split()[0].lstrip("*") for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("triple", INSTRUCTIONS)
def test_the_mode_is_set_around_the_call(triple):
    read, write, call = INSTRUCTIONS[triple]
    code = assembly(triple)
    # The compiler may make two calls of one: in the default mode, and between two changes of another.
    calls = [i for i, name in enumerate(code) if name.startswith(call)]
    assert 1 <= len(calls) <= 2
    if read is None:
        assert not {"stmxcsr", "ldmxcsr", "mrs", "msr"} & set(code)
        return
    assert code.index(read) < calls[0]
    assert code.count(write) == 2
