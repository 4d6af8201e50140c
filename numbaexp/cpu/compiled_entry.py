"""The C function of a door: hands a small array straight to its ufunc, and any other call to Python.

The type, the size and the element type of the arguments are read from their published C structures.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cpu.entry_state import (
    ARRAY_TYPE,
    CONTEXT_VARIABLE,
    ELSEWHERE,
    ELSEWHERE_CALL,
    FLOAT_TYPE,
    FOUND,
    SIZE_LIMIT,
    TYPE_LIMIT,
    UFUNC,
    UFUNC_CALL,
    USUAL_VALUE,
)
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
    passes = nargs > 0
    for place in range(nargs if names == 0 else nargs + word_at(names + LENGTH)):
        x = word_at(args + 8 * place)
        kind = word_at(x + TYPE)
        if kind == word_at(state + 8 * ARRAY_TYPE):
            size = 1
            for axis in range(int_at(x + NDIM)):
                size *= word_at(word_at(x + SHAPE) + 8 * axis)
            foreign = int_at(word_at(x + DESCR) + TYPE_NUMBER) >= word_at(state + 8 * TYPE_LIMIT)
            passes = passes and size < word_at(state + 8 * SIZE_LIMIT) and not foreign
        else:
            passes = passes and place == 0 and kind == word_at(state + 8 * FLOAT_TYPE)
    variable = word_at(state + 8 * CONTEXT_VARIABLE)
    if passes and variable != 0:
        usual = word_at(state + 8 * USUAL_VALUE)
        look_up(variable, usual, state + 8 * FOUND)
        found = word_at(state + 8 * FOUND)
        passes = found == usual
        release(found)
    if passes:
        return vectorcall(word_at(state + 8 * UFUNC_CALL), word_at(state + 8 * UFUNC), args, nargs, names)
    return vectorcall(word_at(state + 8 * ELSEWHERE_CALL), word_at(state + 8 * ELSEWHERE), args, nargs, names)
