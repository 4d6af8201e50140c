"""The scalars that stand for the public functions inside loops that users compile for the CPU."""

import functools

import numpy as np
from numba import types

from numbaexp.cpu.cached_code import of_this_version
from numbaexp.cpu.flags import raise_divide, raise_flags, raise_invalid
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.variants import (
    Variants,
    make_function,
    make_settled,
    prefer_whole_registers,
    seldom,
    symbol_of,
)
from numbaexp.scalar.family import FAMILY, SAVED
from numbaexp.scalar.fast import fast_phase
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.phases import phases
from numbaexp.scalar.wide import WIDE
from numbaexp.vector.level import AVX512, current_level
from numbaexp.vector.operations import bits_of, mask_bits

_NUMBERS = {"float32": types.float32, "float64": types.float64}
_FLOATS = frozenset(_NUMBERS.values())
# Bytes of the widest register.
_REGISTER = AVX512.register
_words = make_pointer(np.int64)


def _make_settle(name, dtype, level):
    """``settle(x, y, n)``, of any arguments at one address to another, no more than a register holds."""
    row, of_type = FAMILY[name][dtype], phases(name, dtype, level)
    whole, accurate = row.whole if row.domain is None else _raising(row.whole, row.domain), row.accurate

    def settle_by_whole(x, y, n):
        for i in range(n):
            y[i] = whole(x[i])

    @scalar
    def settled(x):
        result, other, overflow, underflow = whole(x)
        if overflow or underflow:
            raise_flags(overflow, underflow)
        return result if bits_of(result) == bits_of(other) else accurate(x)

    def settle_each(x, y, n):
        for i in range(n):
            y[i] = settled(x[i])

    middle, beyond = of_type.middle, of_type.beyond

    def settle_by_middle(x, y, n):
        left = _words(stack(_REGISTER))
        # Two loops, of which the first becomes vectors.
        for i in range(n):
            rest = beyond(x[i])
            y[i], undecided = middle(0.5 if rest else x[i])
            left[i] = np.int64(undecided | rest)
        for i in range(n):
            if left[i]:
                y[i] = settled(x[i])

    settle = settle_by_whole if accurate is None else settle_each if middle is None else settle_by_middle
    # The name of the compiled function: loops that were cached apart are loaded into one process.
    settle.__qualname__ = symbol_of(f"settle_{name}_{dtype}")
    return settle


def _raising(whole, domain):
    """Return a function of any number that raises the flags of its domain."""
    is_pole, is_outside = domain.is_pole, domain.is_outside

    @scalar
    def raising(x):
        if is_pole(x):
            raise_divide()
        if is_outside(x):
            raise_invalid()
        return whole(x)

    return raising


def _make_whole(settled, of_type):
    """``compute(x)``, of any number or vector: the fast phase, and in a seldom branch the rest."""
    beyond, phase = of_type.beyond, of_type.fast

    def compute(x):
        result, rare = x, mask_bits(beyond(x))
        if not seldom(rare != 0):
            result, undecided = phase(x)
            rare = mask_bits(undecided)
        # In one block for both: the registers that the caller keeps are then saved there, and nowhere else.
        if seldom(rare != 0):
            result = settled(x)
        return result

    return compute


def _by_fast_phase(name, dtype, settled, of_type, level):
    """A call, of which a loop calls explicit vectors."""
    compute = _make_whole(settled, of_type)
    compute.__qualname__ = symbol_of(f"compute_{name}")
    call = make_function(Variants(name, _NUMBERS[dtype], compute, level))

    @scalar
    def rounded(x):
        return call(x)

    return rounded


def _by_scalar(name, inner, settled, of_type, level):
    """The fast phase of the scalar for float64, inlined, with a call in a branch for what that leaves undecided and
    what is not ordinary."""
    beyond = of_type.beyond

    def compute(x):
        return settled(x)

    compute.__qualname__ = symbol_of(f"rarely_{name}")
    call = make_function(Variants(f"rarely_{name}", types.float64, compute, level, conditional=True))

    @scalar
    def rounded(x):
        rare = beyond(x)
        result, other = inner(0.5 if rare else x)
        if rare or bits_of(result) != bits_of(other):
            result = call(x)
        return result

    return rounded


@functools.cache
def rounded_scalar(name, dtype):
    """A function of one number that leaves a loop around it SIMD code, as suits the processor."""
    row, level, symbol = FAMILY[name][dtype], current_level(), f"{name}_{dtype}"
    of_type, settled = phases(name, dtype, level), make_settled(_make_settle(name, dtype, level))
    if _has_vectors(name, dtype, level):
        return _by_fast_phase(symbol, dtype, settled, of_type, level)
    return row.whole if row.accurate is None else _by_scalar(symbol, row.inner, settled, of_type, level)


def _has_vectors(name, dtype, level):
    """Tell whether loops of a level call explicit vectors: those with tables, and the logarithms, which have one."""
    return FAMILY[name][dtype].domain is not None or fast_phase(name, dtype, level) is not None


def wide_scalar(name):
    """A function of ``numbaexp.scalar.wide``; a call of it where loops look its table up in registers."""
    wide, level = WIDE[name], current_level()
    if level is not AVX512 or name == "expm1":  # that has no table
        return wide

    def compute(x):
        return wide(x)

    compute.__qualname__ = symbol_of(f"compute_wide_{name}")
    call = make_function(Variants(f"wide_{name}", types.float64, compute, level))

    @scalar
    def in_loop(x):
        return call(x)

    return in_loop


@functools.cache
def rounded_vector(name, dtype):
    """A function of one vector; None where the level has no fast phase for it."""
    level = current_level()
    if not _has_vectors(name, dtype, level):
        return None
    return scalar(_make_whole(make_settled(_make_settle(name, dtype, level)), phases(name, dtype, level)))


def type_for(kinds):
    """Return the float type that arguments of types of Numba's are computed in; None where there is none."""
    if not all(kind in _FLOATS or isinstance(kind, (types.Integer, types.Boolean)) for kind in kinds):
        return None
    return "float32" if set(kinds) == {types.float32} else "float64"


def scalar_for(name, *kinds):
    """Return the Python function that Numba compiles for a call with arguments of types of Numba's; None where there is
    none."""
    dtype = type_for(kinds)
    if dtype is None:
        return None
    number = np.dtype(dtype).type
    if name in SAVED:
        gradient = GRADIENTS[name][dtype]

        def gradient_in_code(grad_output, saved):
            of_this_version()
            return gradient(number(grad_output), number(saved))

        return gradient_in_code
    rounded = rounded_scalar(name, dtype)

    def in_code(x):
        of_this_version()
        prefer_whole_registers()
        return rounded(number(x))

    return in_code
