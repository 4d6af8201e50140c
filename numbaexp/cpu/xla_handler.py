"""The handler of XLA's calls, and what it asks of Python: kernels, when each is first called, threads, and errors."""

import ctypes
import functools
from typing import Any

import numpy as np

from numbaexp.cpu import pool, row_functions, share, ufunc
from numbaexp.cpu import xla_state as at
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.xla_errors import told
from numbaexp.once import LOCK
from numbaexp.operations import OPERATIONS, Kind, Operation
from numbaexp.target import AUTO, SERIAL_BELOW

_TYPES = tuple(at.FLOATS)
_KINDS = {Kind.ELEMENTWISE: at.ELEMENTS, Kind.ROWS: at.ROWS, Kind.REDUCTION: at.REDUCTION}
FUNCTIONS = tuple(each for each in OPERATIONS.values() if each.kind in _KINDS)
_UNITS = {
    row_functions.ROW: at.OF_ROWS,
    row_functions.CHUNK_OF_ROW: at.OF_CHUNKS,
    row_functions.CHUNK_OF_BLOCK: at.OF_BLOCKS,
}
_REFUSED = {
    at.NO_SUCH_ABI: (RuntimeError, "this version of XLA's foreign function interface is not known to numbaexp"),
    at.NO_SUCH_CALL: (ValueError, "numbaexp has no such function of such arrays; was it exported by another version?"),
    at.NO_MEMORY: (MemoryError, "no memory for rows"),
}

_Ask = ctypes.CFUNCTYPE(ctypes.c_ssize_t, *[ctypes.c_ssize_t] * 4)
_keep_alive: list[Any] = []


@functools.cache
def compiled_handler() -> Any:
    return compile_kernel("xla handler", "compiled_xla_handler.handle", "intp(intp, intp)")


def make_ready(state: np.ndarray) -> int:
    """Fill the state in, if nobody has, and return the address of the handler, which is called from now on."""
    if state[at.ASK]:
        return int(state[at.HANDLER])
    address = compiled_handler().address
    ask = _Ask(told(functools.partial(_answer, state)))
    _keep_alive.append(ask)
    state[[at.RUNNING, at.SHARED]] = pool.RUNNING.ctypes.data, share.ADDRESS.ctypes.data
    state[at.THREADS_FROM], state[at.FUNCTIONS_COUNT] = SERIAL_BELOW, len(FUNCTIONS)
    for index, operation in enumerate(FUNCTIONS):
        _describe(operation, state[at.FUNCTIONS + at.EACH * index :])
    state[at.ASK] = ctypes.cast(ask, ctypes.c_void_p).value
    state[at.HANDLER] = address
    return address


def _describe(operation: Operation, words: np.ndarray) -> None:
    name = ctypes.create_string_buffer(operation.name.encode())
    _keep_alive.append(name)
    words[[at.NAME, at.NAME_LENGTH]] = ctypes.addressof(name), len(operation.name)
    words[at.KIND] = at.SCALED if operation.per_row else _KINDS[operation.kind]
    # With optional ones XLA calls back to Python.
    words[at.ARRAYS] = len(operation.arrays) - len(operation.optional)
    if operation.kind is not Kind.ELEMENTWISE:
        variants = row_functions.FUNCTIONS[operation.kernel]
        words[at.IS_BATCHED] = variants.batched is not None
        for first, passes in enumerate((variants.by_chunks, variants.batched_by_chunks)):
            units = at.UNITS + at.PASSES * first
            words[units : units + len(passes)] = [_UNITS[unit] for _, _, unit in passes]


def _answer(state: np.ndarray, frame: int, what: int, of_type: int, variant: int) -> int:
    if what in _REFUSED:
        error, text = _REFUSED[what]
        raise error(text)
    if what == at.THREADS:
        if pool.start():
            share.compiled_shared()
        state[at.ASKED] = 1
        return 0
    if what in (at.CUSTOM, at.CUSTOM_LOOP):
        # Of numbers of Numba's own, which other functions do without.
        with LOCK:
            from numbaexp.cpu import xla_custom

        if what == at.CUSTOM:
            return xla_custom.add(state, ctypes.string_at(variant, of_type).decode())
        return xla_custom.add_loop(variant, of_type)
    operation, dtype = FUNCTIONS[what], _TYPES[of_type]
    kernels = state[at.FUNCTIONS + at.EACH * what + at.OF_TYPES + at.EACH_TYPE * of_type :]
    if operation.kind is Kind.ELEMENTWISE:
        ufunc.serial_loop(operation.name, dtype)
        # In this order: another thread calls as soon as the loop is there.
        loop, kernels[at.LOOP_DATA] = ufunc.inner_loop(operation.name, dtype, AUTO)
        kernels[at.LOOP] = loop
    elif variant == at.WIDENED:
        kernels[variant] = row_functions.kernel("widened", "by row", dtype)
    else:
        kernels[variant] = row_functions.kernel(operation.kernel, _label(operation, variant), dtype)
    return 0


def _label(operation: Operation, variant: int) -> str:
    if variant < at.BY_CHUNKS:
        return "batched" if variant == at.BATCHED else "by row"
    variants = row_functions.FUNCTIONS[operation.kernel]
    which, number = divmod(variant - at.BY_CHUNKS, at.PASSES)
    return (variants.by_chunks, variants.batched_by_chunks)[which][number][0]
