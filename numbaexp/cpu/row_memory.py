"""Elements of a row, wherever they lie, as contiguous values of the type that the row is computed in, and back."""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.scalar.ieee import bfloat_to_float, half_to_float, scalar
from numbaexp.scalar.narrow import to_bfloat, to_half

# A compiled part of a kernel.
part = jit

# Elements a tile. Loops over as many need neither a check of their length nor a remainder, and become SIMD code whole.
TILE = 64


def make_pointer(number):
    """A function that takes an address as a pointer to numbers of a type of NumPy's."""
    kind = from_dtype(np.dtype(number))

    @intrinsic
    def pointer(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(kind).as_pointer())

        return types.CPointer(kind)(types.intp), codegen

    return pointer


@intrinsic(prefer_literal=True)
def stack(typingctx, size):
    """The address of so many bytes, a number known when compiling, on the stack of the kernel."""

    def codegen(context, builder, signature, args):
        with builder.goto_entry_block():
            place = builder.alloca(ir.ArrayType(ir.IntType(8), signature.args[0].literal_value))
        place.align = 64
        return builder.ptrtoint(place, ir.IntType(64))

    return types.intp(size), codegen


@intrinsic
def keep(typingctx, array):
    """Nothing, but that the memory of an array, of which only the address is used, is there until here."""

    def codegen(context, builder, signature, args):
        return context.get_dummy_value()

    return types.none(array), codegen


_TO_VALUE = {"float16": half_to_float, "bfloat16": bfloat_to_float}
_FROM_RESULT = {"float16": to_half, "bfloat16": to_bfloat}


class RowMemory(NamedTuple):
    """Of one type.

    to_value(element) : a value.
    load(x, step, count, scratch, tile) : the address of contiguous values, which is that of the elements themselves
        where they are such; what is over after whole tiles is put into ``tile`` too, filled up with -infinity.
    rounded(result) : an element.
    settle(y, step, count, target, tile) : puts results where they belong that were written to ``target``, which is
        ``y`` where its elements are contiguous, and, what is over after whole tiles, to ``tile``.
    """

    stored_as: Any
    size: int
    value_size: int
    to_value: Any
    load: Any
    rounded: Any
    settle: Any


def make_row_memory(dtype, arithmetic):
    """Elements of a type, and values as an arithmetic takes them."""
    stored_as, value = STORED_AS[dtype], arithmetic.value
    size, value_size = itemsize(dtype), np.dtype(value).itemsize
    element, number = make_pointer(stored_as), make_pointer(value)
    as_they_are = stored_as is value

    to_float = _TO_VALUE.get(dtype, stored_as)

    @scalar
    def to_value(x):
        return value(to_float(x))

    @scalar
    def to_element(result):
        return stored_as(result)

    @part
    def load(x, step, count, scratch, tile):
        if step != size:
            values = number(scratch)
            for i in range(count):
                values[i] = to_value(element(x + i * step)[0])
        elif not as_they_are:
            source, values = element(x), number(scratch)
            for i in range(count):
                values[i] = to_value(source[i])
        address = x if as_they_are and step == size else scratch
        whole = count // TILE * TILE
        if whole < count:
            over, padded = number(address + whole * value_size), number(tile)
            for i in range(TILE):
                padded[i] = over[i] if whole + i < count else value(-np.inf)
        return address

    @part
    def settle(y, step, count, target, tile):
        results, over, whole = element(target), element(tile), count // TILE * TILE
        for i in range(count - whole):
            results[whole + i] = over[i]
        if step != size:
            for i in range(count):
                element(y + i * step)[0] = results[i]

    return RowMemory(stored_as, size, value_size, to_value, load, _FROM_RESULT.get(dtype, to_element), settle)
