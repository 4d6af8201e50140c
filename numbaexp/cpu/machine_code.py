"""Machine code in memory, ready to be called."""

from typing import Any, NamedTuple

import llvmlite.binding as llvm

from numbaexp.cache.files import Code


class Loaded(NamedTuple):
    """The address of what is called, which holds for as long as the engine lives."""

    address: int
    engine: Any


def load(code: Code) -> Loaded:
    """Load code that was compiled for this processor.

    Each kernel has an engine of its own, so that no name in it is taken for another kernel's.
    """
    # As Numba does, which need not have been imported.
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.binary))
    engine.finalize_object()
    return Loaded(engine.get_function_address(code.entry), engine)
