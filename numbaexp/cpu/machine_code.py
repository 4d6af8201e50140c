"""Machine code in memory, ready to be called."""

import ctypes
import functools
import os
from typing import Any, NamedTuple

import llvmlite.binding as llvm

from numbaexp.cache.files import Code

# What the code calls of the C library's and of Python's. A name that LLVM does not know would become the address 0.
OF_C = ("calloc", "feclearexcept", "feraiseexcept", "fetestexcept", "free", "malloc", "memcpy", "memset")
OF_PYTHON = (
    "PyContextVar_Get",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyFloat_AsDouble",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyLong_AsSsize_t",
    "PyLong_FromSsize_t",
    "PyObject_CallObject",
    "PyTuple_New",
    "PyTuple_SetItem",
    "Py_DecRef",
    "Py_IncRef",
)


# Code stays for as long as the process lives: threads that load it at once may each have an address of their own.
_engines: list[Any] = []


class Loaded(NamedTuple):
    """The address of what is called."""

    address: int


@functools.cache
def prepare() -> None:
    """Do as Numba does, which need not have been imported."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    if os.name == "posix":
        # Python has loaded the C library, and its mathematical part.
        for names, library in ((OF_C, ctypes.CDLL(None)), (OF_PYTHON, ctypes.pythonapi)):
            for name in names:
                llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)


def load(code: Code) -> Loaded:
    """Load code that was compiled for this processor.

    Each kernel has an engine of its own, so that no name in it is taken for another kernel's.
    """
    prepare()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.binary))
    engine.finalize_object()
    _engines.append(engine)
    return Loaded(engine.get_function_address(code.entry))
