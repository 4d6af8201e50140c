"""Elements of a row, wherever they lie, as contiguous values of the type that the row is computed in, and back."""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from numbaexp.cpu.row_job import INNER, STEPS, TILE
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize, result_of, source_of
from numbaexp.scalar.ieee import bfloat_to_float, float_to_bfloat, half_to_float, scalar, to_float32
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.scalar.row_order import CHUNK
from numbaexp.vector.memory import make_load
from numbaexp.vector.operations import as_number, bits_of, mask_bits
from numbaexp.vector.type import Vector

# A compiled part of a kernel.
part = jit


def make_pointer(number):
    """Return a function that takes an address as a pointer to numbers of a type of NumPy's."""
    kind = from_dtype(np.dtype(number))

    @intrinsic
    def pointer(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(kind).as_pointer())

        return types.CPointer(kind)(types.intp), codegen

    return pointer


@intrinsic(prefer_literal=True)
def stack(typingctx, size):
    """Return the address of so many bytes, a number known when compiling, on the stack of the kernel."""

    def codegen(context, builder, signature, args):
        with builder.goto_entry_block():
            memory = builder.alloca(ir.ArrayType(ir.IntType(8), signature.args[0].literal_value))
        memory.align = 64
        return builder.ptrtoint(memory, ir.IntType(64))

    return types.intp(size), codegen


@part
def steps_of(base):
    """Return the indices, in the job, of the outer and the inner step of the operand at the index ``base``."""
    return STEPS + 3 * base, STEPS + 3 * base + 1


@part
def row_at(j, row, base):
    """Return the address of a row of the operand at the index ``base`` of the job."""
    outer, inner = steps_of(base)
    of_inner = j[INNER]
    # A division takes the time of a dozen elements.
    if row < of_inner:
        return j[base] + row * j[inner]
    return j[base] + row // of_inner * j[outer] + row % of_inner * j[inner]


@scalar
def to_bfloat_by_float(result):
    """Round as ``to_bfloat``, without regard to flags: rounding twice matters only where the first gives halfway."""
    once = to_float32(result)
    halfway = (bits_of(once) & np.int32(0xFFFF)) == np.int32(0x8000)
    if mask_bits(halfway) != np.uint64(0):
        return to_bfloat(result)
    return float_to_bfloat(once)


_TO_VALUE = {"float16": half_to_float, "bfloat16": bfloat_to_float}
_FROM_RESULT = {"float16": to_half, "bfloat16": to_bfloat_by_float}


class RowMemory(NamedTuple):
    """Of one type of elements, ``stored_as``, and one of results, ``results_as``, each with its size in bytes.

    load(x, step, count, scratch, tile) : the address of contiguous elements, which is their own where they are such;
        what is over after whole tiles is put into ``tile`` too, filled up with -infinity.
    values(address) : a vector of the values of a tile.
    to_value(element) : a value.
    rounded(result) : an element, or a vector of them.
    settle(y, step, count, target, tile) : puts results where they belong that were written to ``target``, which is
        ``y`` where its elements are contiguous, and, what is over after whole tiles, to ``tile``.
    """

    stored_as: Any
    size: int
    results_as: Any
    size_of_results: int
    load: Any
    values: Any
    to_value: Any
    rounded: Any
    settle: Any


_MINUS_INFINITY: dict[str, Any] = {"float16": 0xFC00, "bfloat16": 0xFF80, "float32": -np.inf, "float64": -np.inf}


def make_row_memory(dtype, arithmetic):
    """Return how elements of a type are read and written, as values of an arithmetic; of a type of
    ``numbaexp.scalar.forms.mixed``, how those of its one type are read and those of its other are written."""
    source, written = source_of(dtype), result_of(dtype)
    stored_as, size = STORED_AS[source], itemsize(source)
    results_as, size_of_results = STORED_AS[written], itemsize(written)
    element, load_elements = make_pointer(stored_as), make_load(Vector(from_dtype(np.dtype(stored_as)), TILE))
    result_element = make_pointer(results_as)
    zero, nothing, minus_infinity = arithmetic.value(0.0), results_as(0), stored_as(_MINUS_INFINITY[source])

    @scalar
    def same(x):
        return x

    to_float = _TO_VALUE.get(source, same)

    @scalar
    def to_value(x):
        return as_number(to_float(x), zero)

    @scalar
    def to_element(result):
        return as_number(result, nothing)

    @part
    def values(address):
        return to_value(load_elements(address))

    # Elements that are copied stand at the end, so that wider results can be written over those that have been read.
    end = (size_of_results - size) * CHUNK

    @part
    def load(x, step, count, scratch, tile):
        address = x if step == size else scratch + end
        if step != size:
            copied = element(address)
            for i in range(count):
                copied[i] = element(x + i * step)[0]
        whole = count // TILE * TILE
        if whole < count:
            over, padded = element(address + whole * size), element(tile)
            for i in range(TILE):
                padded[i] = over[i] if whole + i < count else minus_infinity
        return address

    @part
    def settle(y, step, count, target, tile):
        results, over, whole = result_element(target), result_element(tile), count // TILE * TILE
        for i in range(count - whole):
            results[whole + i] = over[i]
        if step != size_of_results:
            for i in range(count):
                result_element(y + i * step)[0] = results[i]

    rounded = _FROM_RESULT.get(written, to_element)
    return RowMemory(stored_as, size, results_as, size_of_results, load, values, to_value, rounded, settle)
