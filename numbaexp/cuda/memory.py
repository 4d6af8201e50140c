"""Loads and stores of a GPU's memory, one element or 16 bytes at a time.

A kernel is given addresses as integers: they cost nothing to pass. Each function here is written twice: in Python, for
the simulator, on the memory of the host; and as the instruction of a GPU.
"""

import ctypes
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cuda.jit import overload

# Bytes that the widest load moves.
WIDTH = 16
_GLOBAL = 1  # the number of the address space


class Memory(NamedTuple):
    """How elements of one type are loaded and stored: ``get(source, i)`` and ``put(target, i, value)`` move one,
    ``get_vector(source, first, i)`` and ``put_vector(target, first, i, values)`` the i-th 16 bytes from the element
    ``first`` on, whose address is a multiple of 16."""

    lanes: int
    get: object
    put: object
    get_vector: object
    put_vector: object


def _pointer(builder, itemsize, kind, address, index):
    """Return a pointer to the element with an index, from an address on."""
    offset = builder.mul(index, ir.Constant(ir.IntType(64), itemsize))
    return builder.inttoptr(builder.add(address, offset), ir.PointerType(kind, _GLOBAL))


def _make_instructions(number, itemsize, lanes):
    """Return intrinsics that load and store one element, and a vector of them."""
    several = types.UniTuple(number, lanes)
    # Elements of 16 bits move in words: a vector of eight is loaded in two halves.
    a_word = 2 if itemsize == 2 else 1
    element = ir.IntType(32) if a_word > 1 else ir.DoubleType() if itemsize == 8 else ir.FloatType()
    vector = ir.VectorType(element, lanes // a_word)

    @intrinsic
    def load(typingctx, address, index):
        def codegen(context, builder, signature, args):
            pointer = _pointer(builder, itemsize, context.get_value_type(number), *args)
            return builder.load(pointer, align=itemsize)

        return number(types.int64, types.int64), codegen

    @intrinsic
    def store(typingctx, address, index, value):
        def codegen(context, builder, signature, args):
            pointer = _pointer(builder, itemsize, args[2].type, *args[:2])
            builder.store(args[2], pointer, align=itemsize)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, number), codegen

    @intrinsic
    def load_vector(typingctx, address, index):
        def codegen(context, builder, signature, args):
            loaded = builder.load(_pointer(builder, itemsize, vector, *args), align=WIDTH)
            values = []
            for lane in range(lanes):
                value = builder.extract_element(loaded, ir.IntType(32)(lane // a_word))
                if a_word > 1:
                    shifted = builder.lshr(value, value.type(8 * itemsize * (lane % a_word)))
                    value = builder.trunc(shifted, context.get_value_type(number))
                values.append(value)
            return context.make_tuple(builder, several, values)

        return several(types.int64, types.int64), codegen

    @intrinsic
    def store_vector(typingctx, address, index, values):
        def codegen(context, builder, signature, args):
            values = [builder.extract_value(args[2], lane) for lane in range(lanes)]
            stored = ir.Constant(vector, ir.Undefined)
            for word in range(lanes // a_word):
                value = values[word * a_word]
                for part in range(1, a_word):
                    low, high = (builder.zext(v, vector.element) for v in (value, values[word * a_word + part]))
                    value = builder.or_(low, builder.shl(high, high.type(8 * itemsize * part)))
                stored = builder.insert_element(stored, value, ir.IntType(32)(word))
            builder.store(stored, _pointer(builder, itemsize, vector, *args[:2]), align=WIDTH)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, several), codegen

    return load, store, load_vector, store_vector


def make_memory(dtype):
    """Return the memory of elements of a NumPy type."""
    dtype = np.dtype(dtype)
    lanes, itemsize = WIDTH // dtype.itemsize, dtype.itemsize
    number = types.uint8 if dtype == np.bool_ else getattr(types, dtype.name)
    load, store, load_vector, store_vector = _make_instructions(number, itemsize, lanes)

    element: Any = ctypes.c_char * itemsize
    vector: Any = ctypes.c_char * WIDTH

    def get(source, i):
        return np.frombuffer(element.from_address(int(source + i * itemsize)), dtype)[0]

    def put(target, i, value):
        np.frombuffer(element.from_address(int(target + i * itemsize)), dtype)[0] = value

    def get_vector(source, first, i):
        return tuple(np.frombuffer(vector.from_address(int(source + first * itemsize + i * WIDTH)), dtype))

    def put_vector(target, first, i, values):
        np.frombuffer(vector.from_address(int(target + first * itemsize + i * WIDTH)), dtype)[:] = values

    def load_here(source, i):
        return load(source, i)

    def store_here(target, i, value):
        return store(target, i, value)

    @overload(get)
    def _(source, i):
        return load_here

    @overload(put)
    def _(target, i, value):
        return store_here

    @overload(get_vector)
    def _(source, first, i):
        return lambda source, first, i: load_vector(source, first + i * lanes)

    @overload(put_vector)
    def _(target, first, i, values):
        return lambda target, first, i, values: store_vector(target, first + i * lanes, values)

    return Memory(lanes, get, put, get_vector, put_vector)
