"""The inner loop that calls a formula; see ``numbaexp.cpu.formula_loops``."""

from numba import types

from numbaexp.cpu import flags
from numbaexp.cpu.parallel import (
    ALL_FLAGS,
    address_of,
    call_object,
    clear_flags,
    ensure_lock,
    give_back_lock,
    let_go,
    raise_flags,
    test_flags,
)
from numbaexp.cpu.row_memory import make_pointer, stack

_words = make_pointer("i8")
_new_tuple = types.ExternalFunction("PyTuple_New", types.intp(types.intp))
_set_item = types.ExternalFunction("PyTuple_SetItem", types.int32(types.intp, types.intp, types.intp))
_new_int = types.ExternalFunction("PyLong_FromSsize_t", types.intp(types.intp))
_as_int = types.ExternalFunction("PyLong_AsSsize_t", types.intp(types.intp))


def formula_loop(args, dimensions, steps, data):
    """Call the Python object ``data[8]`` with the address of this loop's arguments, and raise the flags that the object
    returns. An exception is left to NumPy, which looks for one behind every loop."""
    before = test_flags(ALL_FLAGS)
    given = stack(24)
    _words(given)[0], _words(given)[1], _words(given)[2] = address_of(args), address_of(dimensions), address_of(steps)
    state = ensure_lock()
    raised, arguments = 0, _new_tuple(1)
    if arguments != 0:
        _set_item(arguments, 0, _new_int(given))
        result = call_object(data[8], arguments)
        let_go(arguments)
        if result != 0:
            raised = _as_int(result)
            let_go(result)
    give_back_lock(state)
    clear_flags(ALL_FLAGS)
    if before:
        raise_flags(before)
    flags.raise_flags(raised & 1, raised >> 1 & 1)
    if raised & 4:
        flags.raise_invalid()
    if raised & 8:
        flags.raise_divide()
