"""logaddexp and logaddexp2 in loops: by numbers or vectors, with a call for the few results that are near 0."""

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cpu.undecided import trailing_zeros
from numbaexp.cpu.variants import seldom, symbol_of
from numbaexp.jit import subroutine
from numbaexp.scalar.ieee import scalar, to_float32, to_float64
from numbaexp.scalar.logaddexp import ACCURATE, ATTEMPTS
from numbaexp.vector.level import AVX512, current_level
from numbaexp.vector.operations import mask_bits

_WORD = types.uint64
_POINTER = types.CPointer(types.float64)
ONE = np.uint64(1)


def _make_settled(accurate: Any, name: str) -> Any:
    """Return ``settled(x1, x2, results, left)``: the results, of numbers or vectors of float64, where a bit of ``left``
    is set those of the accurate phase, by a function that is not inlined."""

    def settle(x1, x2, y, left):
        while left:
            i = trailing_zeros(left)
            y[i] = accurate(x1[i], x2[i])
            left &= left - ONE

    settle.__qualname__ = symbol_of(f"settle_{name}")
    done = types.void(_POINTER, _POINTER, _POINTER, _WORD)

    @intrinsic
    def settled(typingctx, x1, x2, results, left):
        def codegen(context, builder, signature, args):
            number = ir.DoubleType().as_pointer()
            with builder.goto_entry_block():
                slots = [builder.alloca(each.type) for each in args[:3]]
            for slot, each in zip(slots, args[:3], strict=True):
                builder.store(each, slot)
            given = [*(builder.bitcast(slot, number) for slot in slots), args[3]]
            callee = subroutine(context, builder, settle, done)
            context.call_conv.call_function(builder, callee, done.return_type, done.args, given, attrs=("noinline",))
            return builder.load(slots[2])

        return results(x1, x2, results, left), codegen

    return settled


@functools.cache
def number_of_two(name: str, kind: str) -> Any:
    """Return the function of two numbers of a kind, or of two vectors."""
    if kind == "float32":
        wide = number_of_two(name, "wide")

        @scalar
        def single(x1, x2):
            return to_float32(wide(to_float64(x1), to_float64(x2)))

        return single
    attempt, settled = ATTEMPTS[name][kind], _make_settled(ACCURATE[name], name)

    @scalar
    def of_two(x1, x2):
        result, cancelled = attempt(x1, x2)
        left = mask_bits(cancelled)
        if seldom(left != 0):
            result = settled(x1, x2, result, left)
        return result

    return of_two


def vector_of_two(name: str, kind: str) -> Any:
    """Return the function of two vectors; None where the level has no registers for its table."""
    return number_of_two(name, kind) if current_level() is AVX512 else None
