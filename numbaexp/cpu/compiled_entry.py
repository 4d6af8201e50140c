"""The C function of a fast path: hands a number or a small array straight to its ufunc, and any other call to Python.

The type, the size and the element type of the arguments are read from their published C structures.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cpu import entry_state as at
from numbaexp.cpu.float_mode import call_in_default_mode
from numbaexp.cpu.structures import DATA, DESCR, LENGTH, NDIM, SHAPE, TYPE, TYPE_NUMBER

_WORD = ir.IntType(64)


def _load(width):
    @intrinsic
    def load(typingctx, address):
        def codegen(context, builder, signature, args):
            integer = ir.IntType(width)
            value = builder.load(builder.inttoptr(args[0], integer.as_pointer()), align=1)
            return builder.sext(value, _WORD) if width < _WORD.width else value

        return types.intp(types.intp), codegen

    return load


word_at = _load(64)
int_at = _load(32)
look_up = types.ExternalFunction("PyContextVar_Get", types.int32(*[types.intp] * 3))
release = types.ExternalFunction("Py_DecRef", types.void(types.intp))


@intrinsic
def vectorcall(typingctx, function, callee, args, nargs, names):
    """Call a vectorcallfunc; Python 3.10 does not export PyObject_Vectorcall."""

    def codegen(context, builder, signature, llvm_args):
        function, *arguments = llvm_args
        kind = ir.FunctionType(_WORD, [_WORD] * 4)
        return call_in_default_mode(builder, builder.inttoptr(function, kind.as_pointer()), arguments)

    return types.intp(*[types.intp] * 5), codegen


def enter(state_array, args, nargs, names):
    """A C function of METH_FASTCALL | METH_KEYWORDS; its object is the array of the state."""
    state = word_at(state_array + DATA)
    passes, largest = nargs > 0, 0
    for index in range(nargs if names == 0 else nargs + word_at(names + LENGTH)):
        x = word_at(args + 8 * index)
        kind = word_at(x + TYPE)
        if kind == word_at(state + 8 * at.ARRAY_TYPE):
            size = 1
            for axis in range(int_at(x + NDIM)):
                size *= word_at(word_at(x + SHAPE) + 8 * axis)
            foreign = int_at(word_at(x + DESCR) + TYPE_NUMBER) >= word_at(state + 8 * at.TYPE_LIMIT)
            passes, largest = passes and not foreign, max(largest, size)
        else:
            is_number = False
            for number in range(at.NUMBERS):
                is_number = is_number or kind == word_at(state + 8 * (at.NUMBER_TYPES + number))
            passes = passes and is_number
    chosen = state + 8 * at.OF_TARGETS
    variable = word_at(state + 8 * at.CONTEXT_VARIABLE)
    if passes and variable != 0:
        look_up(variable, word_at(chosen + 8 * at.VALUE), state + 8 * at.FOUND)
        found, passes = word_at(state + 8 * at.FOUND), False
        for target in range(at.TARGETS):
            of_target = state + 8 * (at.OF_TARGETS + at.EACH * target)
            if found == word_at(of_target + 8 * at.VALUE):
                passes, chosen = True, of_target
        release(found)
    if passes and largest < word_at(chosen + 8 * at.SIZE_LIMIT):
        return vectorcall(word_at(chosen + 8 * at.UFUNC_CALL), word_at(chosen + 8 * at.UFUNC), args, nargs, names)
    slow_path, call = word_at(state + 8 * at.SLOW_PATH), word_at(state + 8 * at.SLOW_PATH_CALL)
    return vectorcall(call, slow_path, args, nargs, names)
