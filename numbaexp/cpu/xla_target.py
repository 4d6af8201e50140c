"""The function that XLA is given for all of the package's functions, before any of them has been compiled.

XLA hands a handler nothing of the handler's own, and takes no other one in its place later. So it is given a few
instructions, which pass the call on, with the state, to what stands in the state: at first to Python, which compiles
the handler, and from then on to that.
"""

import ctypes
import functools
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from numbaexp.cpu import xla_state as at
from numbaexp.cpu.machine_code import prepare
from numbaexp.cpu.xla_errors import told
from numbaexp.once import LOCK
from numbaexp.operations import OPERATIONS

_NAME = "numbaexp_xla"
_TEXT = f"""
define i64 @{_NAME}(i64 %frame) {{
  %extension_at = add i64 %frame, {at.EXTENSION}
  %to_extension = inttoptr i64 %extension_at to i64*
  %extension = load i64, i64* %to_extension
  %is_extended = icmp ne i64 %extension, 0
  br i1 %is_extended, label %extended, label %call
extended:
  %type_at = add i64 %extension, {at.EXTENSION_TYPE}
  %to_type = inttoptr i64 %type_at to i32*
  %type = load i32, i32* %to_type
  %asks = icmp eq i32 %type, {at.METADATA_EXTENSION}
  br i1 %asks, label %answer, label %call
answer:
  %metadata_at = add i64 %extension, {at.METADATA}
  %to_metadata = inttoptr i64 %metadata_at to i64*
  %metadata = load i64, i64* %to_metadata
  %major_at = add i64 %metadata, {at.MAJOR_AT}
  %to_major = inttoptr i64 %major_at to i32*
  store i32 {at.MAJOR}, i32* %to_major
  %minor_at = add i64 %metadata, {at.MINOR_AT}
  %to_minor = inttoptr i64 %minor_at to i32*
  store i32 {at.MINOR}, i32* %to_minor
  %traits_at = add i64 %metadata, {at.TRAITS_AT}
  %to_traits = inttoptr i64 %traits_at to i32*
  store i32 0, i32* %to_traits
  ret i64 0
call:
  %to_handler = inttoptr i64 STATE to i64*
  %address = load i64, i64* %to_handler
  %handler = inttoptr i64 %address to i64 (i64, i64)*
  %error = call i64 %handler(i64 %frame, i64 STATE)
  ret i64 %error
}}
"""

_Handler = ctypes.CFUNCTYPE(ctypes.c_ssize_t, *[ctypes.c_ssize_t] * 2)
_keep_alive: list[Any] = []


@told
def _first(frame: int, state: int) -> int:
    # Compiling is for those who call; importing JAX is not to wait for it.
    with LOCK:
        from numbaexp.cpu import xla_handler

        address = xla_handler.make_ready(_state())
    return _Handler(address)(frame, state)


@functools.cache
def _state() -> np.ndarray:
    first = _Handler(_first)
    _keep_alive.append(first)
    state = np.zeros(at.FUNCTIONS + at.EACH * len(OPERATIONS), np.int64)
    state[at.HANDLER] = ctypes.cast(first, ctypes.c_void_p).value or 0
    return state


@functools.cache
def address() -> int:
    """Return the address of the function."""
    prepare()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    text = _TEXT.replace("STATE", str(_state().ctypes.data))
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    engine.finalize_object()
    _keep_alive.append(engine)
    return engine.get_function_address(_NAME)
