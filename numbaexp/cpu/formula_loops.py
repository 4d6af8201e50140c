"""Inner loops that call the formulas of ``numbaexp.cpu.formulas``, block by block.

NumPy's own functions lower the floating-point flags that others have raised, and raise some on the way. So the flags of
a block are told by its results: as IEEE 754 has them, for every finite argument has a finite result that is not 0, but
for poles and zeros that are known.
"""

import ctypes
import functools

import numpy as np

from numbaexp.cpu import pool
from numbaexp.cpu.compile import LOOP, compile_kernel
from numbaexp.cpu.formulas import POLES, ZEROS, computed_in, formula
from numbaexp.scalar.family import arity

# Elements whose temporary arrays stay in a core's caches, and for which calls from Python are a small part of the time.
_BLOCK = 4096

# Bits that the compiled loop takes.
_OVERFLOW, _UNDERFLOW, _INVALID, _DIVIDE = 1, 2, 4, 8


@functools.cache
def compiled_loop():
    return compile_kernel("formula", "compiled_formula_loop.formula_loop", LOOP)


def loop(name, code):
    """Return (address, data pointer) of the loop of a function in the type of a character code of NumPy's."""
    return pool.single_loop(compiled_loop, functools.partial(_compute, name, np.dtype(code)))


class _Strided:
    """Elements at an address, which NumPy takes for an array."""

    def __init__(self, address, length, step, kind):
        self.__array_interface__ = {
            "data": (address, False),
            "shape": (length,),
            "strides": (step,),
            "typestr": kind.str,
            "version": 3,
        }


def _words(address, length):
    return (ctypes.c_ssize_t * length).from_address(address)


def _compute(name, kind, address):
    """Do what the arguments of an inner loop say, whose three addresses are at an address; return the flags."""
    operands = arity(name) + 1
    pointers, dimensions, steps = _words(address, 3)
    (length,), pointers, steps = _words(dimensions, 1), _words(pointers, operands), _words(steps, operands)
    flags, compute = 0, formula(name, kind)
    with np.errstate(all="ignore"):
        for start in range(0, length, _BLOCK):
            count = min(_BLOCK, length - start)
            *inputs, result = (
                np.asarray(_Strided(pointer + start * step, count, step, kind))
                for pointer, step in zip(pointers, steps, strict=True)
            )
            result[...] = compute(*(np.array(each, computed_in(kind)) for each in inputs))
            flags |= _flags_of(inputs, result, POLES.get(name, ()), ZEROS.get(name, ()))
    return flags


def _flags_of(inputs, result, poles, zeros):
    size = np.maximum(np.abs(result.real), np.abs(result.imag))
    unusual = ~((size >= np.finfo(size.dtype).smallest_normal) & np.isfinite(size))
    if not unusual.any():
        return 0
    size, inputs = size[unusual], [each[unusual] for each in inputs]
    finite, at_pole = np.all([np.isfinite(each) for each in inputs], 0), np.isin(inputs[-1], poles)
    # A product of a gradient with 0 is exact.
    exact = np.isin(inputs[-1], zeros) | np.any([each == 0 for each in inputs], 0)
    infinite, undefined = np.isinf(size), np.isnan(size) & ~np.any([np.isnan(each) for each in inputs], 0)
    return (
        _OVERFLOW * bool((finite & infinite & ~at_pole).any())
        | _UNDERFLOW * bool((finite & np.isfinite(size) & ~exact).any())
        | _INVALID * bool(undefined.any())
        | _DIVIDE * bool((finite & infinite & at_pole).any())
    )
