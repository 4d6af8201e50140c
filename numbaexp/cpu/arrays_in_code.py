"""The kernels that stand for the public functions of arrays inside code that users compile for the CPU.

They are those of calls from Python, called by their addresses, so that there is no more to compile than the call.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbaexp.cpu import array_call as at
from numbaexp.cpu import cached_code
from numbaexp.cpu import row_job as at_job
from numbaexp.cpu.cached_code import Kernel
from numbaexp.cpu.float_mode import call_in_default_mode
from numbaexp.scalar.row_order import CHUNK

_WORD = ir.IntType(64)


def _words_of(context: Any, builder: Any, kind: Any, value: Any, ndim: int) -> tuple[list[Any], list[Any]]:
    """Return the shape of an array, and its address with as many strides as are wanted."""
    view = context.make_array(kind)(context, builder, value)
    strides = cgutils.unpack_tuple(builder, view.strides, kind.ndim)
    address = builder.ptrtoint(view.data, _WORD)
    shape = cgutils.unpack_tuple(builder, view.shape, kind.ndim)
    return shape, [address, *strides, *[_WORD(0)] * (ndim - kind.ndim)]


def _stored(builder: Any, words: list[Any]) -> Any:
    """Emit words on the stack."""
    with builder.goto_entry_block():
        memory = builder.alloca(_WORD, len(words))
    for i, word in enumerate(words):
        builder.store(word, builder.gep(memory, [_WORD(i)]))
    return memory


def _emit_call(context: Any, builder: Any, name: str, words: dict[int, Any], arrays: list[list[Any]]) -> Any:
    """Emit a call of a function of ``numbaexp.cpu.compiled_arrays``."""
    shape, *of_each = arrays
    given = [words[place] for place in range(at.SHAPE)] + shape + [word for each in of_each for word in each]
    function = cached_code.address_of(context, builder, (name,))
    kind = ir.FunctionType(_WORD, [_WORD]).as_pointer()
    return builder.call(builder.inttoptr(function, kind), [builder.ptrtoint(_stored(builder, given), _WORD)])


def make_elements(kernel: Kernel) -> Any:
    """Return ``compute(arrays)``, of a tuple of arrays of one shape, the result last."""

    @intrinsic
    def compute(typingctx, arrays):
        def codegen(context, builder, signature, args):
            kinds, values = arrays.types, cgutils.unpack_tuple(builder, args[0])
            ndim = kinds[0].ndim
            views = [_words_of(context, builder, *each, ndim) for each in zip(kinds, values, strict=True)]
            words = {
                at.FIRST: cached_code.address_of(context, builder, kernel),
                at.ARRAYS: _WORD(len(kinds)),
                at.NDIM: _WORD(ndim),
                at.AXIS: _WORD(-1),
                **dict.fromkeys((at.SECOND, at.ITEMSIZE, at.IS_REDUCTION), _WORD(0)),
            }
            _emit_call(context, builder, "elements", words, [views[0][0], *(words for _, words in views)])
            return context.get_dummy_value()

        return types.none(arrays), codegen

    return compute


def _emit_row(builder, kernel, length, of_x, of_y):
    """Emit a call for one row."""
    words = [_WORD(0)] * at_job.PLACES
    words[at_job.X], words[at_job.X_STEP] = of_x
    words[at_job.Y], words[at_job.Y_STEP] = of_y
    words[at_job.LENGTH], words[at_job.INNER] = length, _WORD(1)
    words[at_job.CHUNKS_OF_ROWS] = builder.udiv(builder.add(length, _WORD(CHUNK - 1)), _WORD(CHUNK))
    job = _stored(builder, words)
    kind = ir.FunctionType(ir.VoidType(), [_WORD] * 3).as_pointer()
    arguments = [builder.ptrtoint(job, _WORD), _WORD(0), _WORD(1)]
    call_in_default_mode(builder, builder.inttoptr(kernel, kind), arguments)
    return builder.load(builder.gep(job, [_WORD(at_job.FAILED)]))


def _emit_rows(context, builder, name, kind, x, of_y, axis, is_reduction):
    """Emit a call for the rows of an array along an axis; ``of_y`` is the address of the result, and its strides."""
    shape, of_x = _words_of(context, builder, kind, x, kind.ndim)
    by_row, batched = ((name, variant, str(kind.dtype)) for variant in ("by row", "batched"))
    kernel = cached_code.address_of(context, builder, by_row)
    if kind.ndim == 1:
        return _emit_row(builder, kernel, shape[0], of_x, of_y)
    words = {
        at.FIRST: kernel,
        at.SECOND: cached_code.address_of(context, builder, batched),
        at.ARRAYS: _WORD(2),
        at.NDIM: _WORD(kind.ndim),
        at.AXIS: axis,
        at.ITEMSIZE: _WORD(kind.dtype.bitwidth // 8),
        at.IS_REDUCTION: _WORD(int(is_reduction)),
    }
    return _emit_call(context, builder, "rows", words, [shape, of_x, of_y])


def make_rows(name: str) -> Any:
    """Return ``compute(x, y, axis)``, of an array that is not empty, which tells whether there was no memory. The
    result has the axis, or has one number for each row."""

    @intrinsic
    def compute(typingctx, x, y, axis):
        def codegen(context, builder, signature, args):
            _, of_y = _words_of(context, builder, y, args[1], x.ndim)
            return _emit_rows(context, builder, name, x, args[0], of_y, args[2], y.ndim < x.ndim)

        return types.intp(x, y, types.intp), codegen

    return compute


def make_row(name: str) -> Any:
    """Return ``compute(x)``, of an array of one dimension that is not empty: the number for it, and whether there was
    no memory."""

    @intrinsic
    def compute(typingctx, x):
        def codegen(context, builder, signature, args):
            result = cgutils.alloca_once(builder, context.get_value_type(x.dtype))
            of_y = [builder.ptrtoint(result, _WORD), _WORD(0)]
            failed = _emit_rows(context, builder, name, x, args[0], of_y, _WORD(0), True)
            return context.make_tuple(builder, signature.return_type, [builder.load(result), failed])

        return types.Tuple([x.dtype, types.intp])(x), codegen

    return compute
