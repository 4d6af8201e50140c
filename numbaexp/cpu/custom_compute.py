"""Users' functions of elements that follow each other: by vectors, or number by number."""

import functools
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import NumbaError
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from numbaexp.cpu.custom_numbers import make_access
from numbaexp.cpu.variants import prefer_whole_registers
from numbaexp.custom.operation import CustomOperation
from numbaexp.dual.elements import kind_of, make_from_element, make_to_element
from numbaexp.dual.type import real
from numbaexp.jit import jit, subroutine
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.unrolled import make_each
from numbaexp.vector.level import AVX512, current_level
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.type import Vector


def lanes_of(operation: CustomOperation, dtype: str) -> int:
    """Return the lanes of the vectors that a function is computed of.

    There is one lane where a branch depends on an element, of which LLVM makes a selection; and without AVX-512, for
    the tables of the package's functions have no registers there.
    """
    level, kind = current_level(), kind_of(dtype, operation.wide)
    if level is not AVX512:
        return 1
    lanes = level.lanes(4 if kind == "float32" else 8)
    try:
        operation.function.get_call_template((real(kind, lanes),) * len(operation.arrays), {})
    except NumbaError:
        return 1
    return lanes


def make_compute(operation: CustomOperation, dtype: str, lanes: int) -> Any:
    """Return ``compute(sources, targets, count)``, of contiguous elements at so many addresses, of whole vectors."""
    kind = kind_of(dtype, operation.wide)
    function, number, element = operation.function, make_from_element(dtype, kind), make_to_element(dtype, kind, lanes)
    load, stores = (
        make_access(dtype, operation.results) if lanes == 1 else _make_vector_access(dtype, operation.results, lanes)
    )

    load_each = _make_load_each(load, number, len(operation.arrays))
    if operation.results == 1:
        (store,) = stores

        @jit
        def put(targets, i, result):
            store(targets[0], i, element(result))
    else:

        def make_put(k):
            store = stores[k]

            @jit
            def put_one(address, i, results):
                store(address, i, element(results[k]))
                return 0

            return put_one

        put_each = make_each([make_put(k) for k in range(operation.results)])

        @jit
        def put(targets, i, result):
            put_each(targets, i, result)

    def compute(sources, targets, count):
        prefer_whole_registers()
        for i in range(0, count, lanes):
            put(targets, i, function(*load_each(sources, i)))

    compute.__qualname__ = f"compute_{operation.name}"

    # Not inlined, for LLVM would write the loop anew for each way that operands may lie.
    @intrinsic
    def called(typingctx, sources, targets, count):
        def codegen(context, builder, signature, args):
            callee = subroutine(context, builder, compute, signature)
            context.call_conv.call_function(
                builder, callee, signature.return_type, signature.args, args, attrs=("noinline",)
            )
            return context.get_dummy_value()

        return types.none(sources, targets, count), codegen

    return called


@functools.cache
def _make_load_each(load, number, inputs):
    """Return ``load_each(addresses, i)``, of the inputs as numbers."""

    @jit
    def load_one(address, i):
        return number(load(address, i))

    return make_each([load_one] * inputs)


@functools.cache
def _make_vector_access(dtype, outputs, lanes):
    """Return the functions of ``make_access``, of vectors."""
    size = itemsize(dtype)
    load_vector = make_load(Vector(from_dtype(np.dtype(STORED_AS[dtype])), lanes))

    @jit
    def load(address, i):
        return load_vector(address + i * size)

    @jit
    def put(address, i, vector):
        store(address + i * size, vector)

    return load, [put] * outputs
