"""Passes over contiguous memory by vectors: one phase of a function each.

Each takes the addresses of arguments and results, their number, and an address for notes, a bit for each argument that
the phase leaves undecided; and returns whether all magnitudes were within the limit of the fast phase. The pass of that
phase may miss a NaN, which is undecided.
"""

from typing import Any

import numpy as np
from numba import types

from numbaexp.cpu.flags import raise_divide, raise_flags, raise_invalid, unforeseen
from numbaexp.cpu.row_memory import make_pointer
from numbaexp.jit import jit
from numbaexp.scalar.forms import BITS, STORED_AS, itemsize
from numbaexp.scalar.ieee import lowest
from numbaexp.scalar.phases import Phases
from numbaexp.vector.memory import first_lanes, make_load, make_load_first, store, store_first, store_past_caches
from numbaexp.vector.operations import as_number, bits_of, greater_magnitude, mask_bits, where
from numbaexp.vector.type import Vector

ALL_BUT_SIGN_16 = np.uint16(0x7FFF)


@jit
def _same(x):
    return x


def vector_of(dtype: str, lanes: int) -> Vector:
    """Return the type of vectors of elements of a float type, as they are stored."""
    return Vector(getattr(types, np.dtype(STORED_AS[dtype]).name), lanes)


def note_size(lanes: int) -> int:
    """Return how many bytes the notes of a vector take."""
    return max(lanes // 8, 1)


def _make_note(lanes):
    kind = {1: np.uint8, 2: np.uint16, 4: np.uint32}[note_size(lanes)]

    @jit
    def note(address, mask):
        store(address, kind(mask_bits(mask)))

    return note


def make_fast_pass(dtype: str, phases: Phases, lanes: int) -> Any:
    """Return the pass of the fast phase."""
    size, bits = itemsize(dtype), BITS[itemsize(dtype)]
    vector = vector_of(dtype, lanes)
    load, load_first, note = make_load(vector), make_load_first(vector), _make_note(lanes)
    step, noted, all_but_sign, limit = lanes * size, note_size(lanes), bits(2 ** (8 * size - 1) - 1), bits(phases.limit)
    greater, bits_of_greatest = (_greater_bits, _same) if size == 2 else (greater_magnitude, bits_of)
    if phases.domain is not None:
        # All magnitudes are within the limit.
        greater = _first
    fast = phases.fast

    def fast_pass(source, target, count, notes, past_caches):
        greatest = load_first(source, 0)
        other_greatest = greatest
        aligned = past_caches if target % step == 0 else np.int64(0)
        # Two at a time: the operations of one wait for each other.
        while count >= 2 * lanes:
            x, other_x = load(source), load(source + step)
            greatest, other_greatest = greater(greatest, x), greater(other_greatest, other_x)
            y, undecided = fast(x)
            other_y, other_undecided = fast(other_x)
            note(notes, undecided)
            note(notes + noted, other_undecided)
            # Of a known condition the compiler would write the whole loop twice.
            if unforeseen(aligned):
                store_past_caches(target, y)
                store_past_caches(target + step, other_y)
            else:
                store(target, y)
                store(target + step, other_y)
            source, target, count = source + 2 * step, target + 2 * step, count - 2 * lanes
            notes += 2 * noted
        while count > 0:
            x = load_first(source, count)
            greatest = greater(greatest, x)
            y, undecided = fast(x)
            store_first(target, y, count)
            note(notes, undecided & first_lanes(x, count))
            source, target, notes, count = source + step, target + step, notes + noted, count - lanes
        return mask_bits((bits_of_greatest(greater(greatest, other_greatest)) & all_but_sign) > limit) == np.uint64(0)

    return jit(fast_pass)


@jit
def _first(greatest, x):
    return greatest


@jit
def _greater_bits(greatest, x):
    """Return the greater magnitude, as ``greater_magnitude``, of the bits of 16-bit floats."""
    magnitude = x & ALL_BUT_SIGN_16
    return where(magnitude > greatest, magnitude, greatest)


def make_pass_by_number(dtype: str, phases: Phases) -> Any:
    """Return the pass, number by number, of a function of every argument that decides all and raises its flags."""
    size, bits = itemsize(dtype), BITS[itemsize(dtype)]
    elements, whole = make_pointer(STORED_AS[dtype]), phases.whole
    none, all_but_sign, limit = bits(0), bits(2 ** (8 * size - 1) - 1), bits(phases.limit)
    pattern_of = _same if size == 2 else bits_of

    def pass_by_number(source, target, count, notes):
        x, y = elements(source), elements(target)
        greatest = none
        for i in range(count):
            magnitude = bits(pattern_of(x[i]) & all_but_sign)
            greatest = max(greatest, magnitude)
            y[i] = whole(x[i])
        return greatest <= limit

    return jit(pass_by_number)


def make_whole_pass(dtype: str, phases: Phases, lanes: int) -> Any:
    """Return the pass of a function of every argument, by vectors."""
    assert phases.range is not None
    number: Any = STORED_AS[dtype]
    vector = vector_of(dtype, lanes)
    load, load_first, note = make_load(vector), make_load_first(vector), _make_note(lanes)
    step, noted = lanes * itemsize(dtype), note_size(lanes)
    whole, complete = phases.whole, _make_completion(dtype, phases, lanes)
    # The bits of floats order positive ones as signed integers, above all negative ones, and these, by their
    # magnitude, as unsigned ones, above all positive ones.
    unsigned_zero = lowest(number(0.0))
    limit = BITS[itemsize(dtype)](phases.limit)
    lower_limit = lowest(-limit.view(number))

    @jit
    def greater(signed, unsigned, x):
        bits = bits_of(x)
        unsigned_bits = as_number(bits, unsigned_zero)
        return where(bits > signed, bits, signed), where(unsigned_bits > unsigned, unsigned_bits, unsigned)

    def whole_pass(source, target, count, notes):
        first, into, left = source, target, count
        signed = bits_of(load_first(source, 0))
        unsigned = as_number(signed, unsigned_zero)
        while left >= 2 * lanes:
            x, other_x = load(source), load(source + step)
            signed, unsigned = greater(signed, unsigned, x)
            signed, unsigned = greater(signed, unsigned, other_x)
            y, undecided = whole(x)
            other_y, other_undecided = whole(other_x)
            store(target, y)
            store(target + step, other_y)
            note(notes, undecided)
            note(notes + noted, other_undecided)
            source, target, left = source + 2 * step, target + 2 * step, left - 2 * lanes
            notes += 2 * noted
        while left > 0:
            x = load_first(source, left)
            signed, unsigned = greater(signed, unsigned, x)
            y, undecided = whole(x)
            store_first(target, y, left)
            note(notes, undecided & first_lanes(x, left))
            source, target, notes, left = source + step, target + step, notes + noted, left - lanes
        complete(first, into, count, signed, unsigned)
        return mask_bits((signed > limit) | (unsigned > lower_limit)) == np.uint64(0)

    return jit(whole_pass)


def make_domain_pass(dtype: str, phases: Phases, lanes: int) -> Any:
    """Return the pass of a function of every argument, by vectors, which raises the flags of arguments that are not
    inside the function's domain; returns whether all are."""
    assert phases.domain is not None
    vector = vector_of(dtype, lanes)
    load, load_first, note = make_load(vector), make_load_first(vector), _make_note(lanes)
    step, noted = lanes * itemsize(dtype), note_size(lanes)
    whole, beyond, is_pole, is_outside = phases.whole, phases.beyond, phases.domain.is_pole, phases.domain.is_outside

    def domain_pass(source, target, count, notes):
        none = first_lanes(load_first(source, 0), 0)
        beyonds, poles, outsides = none, none, none
        while count >= lanes:
            x = load(source)
            y, undecided = whole(x)
            store(target, y)
            note(notes, undecided)
            beyonds, poles, outsides = beyonds | beyond(x), poles | is_pole(x), outsides | is_outside(x)
            source, target, notes, count = source + step, target + step, notes + noted, count - lanes
        if count > 0:
            x, present = load_first(source, count), first_lanes(none, count)
            y, undecided = whole(x)
            store_first(target, y, count)
            note(notes, undecided & present)
            beyonds = beyonds | (beyond(x) & present)
            poles, outsides = poles | (is_pole(x) & present), outsides | (is_outside(x) & present)
        if mask_bits(poles):
            raise_divide()
        if mask_bits(outsides):
            raise_invalid()
        return mask_bits(beyonds) == np.uint64(0)

    return jit(domain_pass)


def _make_completion(dtype, phases, lanes):
    """Return ``complete(source, target, count, signed, unsigned)``, which sets special values and raises flags, where
    the greatest bits of the arguments tell that there are any."""
    special, underflow = phases.range.special, phases.range.underflow
    greatest, subnormal_below = phases.range.greatest, phases.range.subnormal_below
    least = phases.range.least
    load_first, step = make_load_first(vector_of(dtype, lanes)), lanes * itemsize(dtype)

    @jit
    def put_special(source, target, count):
        overflows = np.uint64(0)
        while count > 0:
            result, overflow = special(load_first(source, count), load_first(target, count))
            overflows |= mask_bits(overflow)
            store_first(target, result, count)
            source, target, count = source + step, target + step, count - lanes
        return overflows != np.uint64(0)

    @jit
    def any_underflow(source, count):
        found = np.uint64(0)
        while count > 0 and found == np.uint64(0):
            found = mask_bits(underflow(load_first(source, count)))
            source, count = source + step, count - lanes
        return found != np.uint64(0)

    def complete(source, target, count, signed, unsigned):
        overflows = underflows = False
        if mask_bits((signed > greatest) | (unsigned > least)):
            overflows = put_special(source, target, count)
        if mask_bits(unsigned > subnormal_below):
            underflows = any_underflow(source, count)
        if overflows or underflows:
            raise_flags(overflows, underflows)

    return jit(complete)
