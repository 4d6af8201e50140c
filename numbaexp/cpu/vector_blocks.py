"""A block of contiguous memory, by vectors: the phases of a function one after another.

A first pass takes the fast phase of all elements, and sees on the way whether any is beyond its limit. If one is, the
results and flags of that are dropped, and a second pass takes a form that takes everything. Elements that either of
them leaves undecided are gathered, and done by the phases that remain.
"""

from typing import Any

import numpy as np

from numbaexp.cpu.flags import restore_status, status
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.undecided import out_of_line, trailing_zeros
from numbaexp.cpu.vector_passes import make_fast_pass, make_pass_by_number, make_whole_pass, note_size, vector_of
from numbaexp.jit import jit
from numbaexp.scalar.forms import BITS, STORED_AS, itemsize
from numbaexp.scalar.phases import Phases
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.operations import bits_of, mask_bits

# Elements a block: enough that those of it that are undecided fill a vector, few enough to stay in the first cache.
BLOCK = 2048

# Notes are read eight bytes at a time.
_words = make_pointer(np.uint64)
_places = make_pointer(np.int32)


def make_block(dtype: str, phases: Phases, lanes: int) -> Any:
    """Return ``block(source, target, count, inside)``, of ``count`` elements at one address to another, at most
    ``BLOCK``, in memory that is not shared. Without ``inside`` the first pass is left out. Returns whether all
    magnitudes were within the limit of the fast phase: ``inside`` for a block like this one."""
    noted = note_size(lanes)
    notes_size = BLOCK // lanes * noted + 8
    fast_pass = make_fast_pass(dtype, phases, lanes)
    fast_settles, whole_settles = not phases.fast_decides, phases.range is not None
    whole_pass = make_whole_pass(dtype, phases, lanes) if whole_settles else make_pass_by_number(dtype, phases)
    settle = _make_settle(dtype, phases, lanes) if fast_settles or whole_settles else _nothing_to_settle

    @jit
    def block(source, target, count, inside):
        notes = stack(notes_size)
        used = (count + lanes - 1) // lanes * noted
        _words(notes + used // 8 * 8)[0] = np.uint64(0)
        settles = fast_settles
        if inside:
            before = status()
            inside = fast_pass(source, target, count, notes)
            if not inside:
                restore_status(before)
        if not inside:
            inside = whole_pass(source, target, count, notes)
            settles = whole_settles
        if settles:
            settle(source, target, notes, used)
        return inside

    return block


@jit
def _nothing_to_settle(source, target, notes, used):
    return


def _make_settle(dtype, phases, lanes):
    """``settle(source, target, notes, used)``, which does the elements that have a bit in so many bytes of notes."""
    size = itemsize(dtype)
    elements = make_pointer(STORED_AS[dtype])
    # One vector more, for what is over of the last.
    values_size, places_size = BLOCK * size + 64, BLOCK * 4
    bits_a_byte = min(lanes, 8)
    compute = _make_last(dtype, phases) if phases.middle is None else _make_middle(dtype, phases, lanes)

    @jit
    def settle(source, target, notes, used):
        x, y, places = stack(values_size), stack(values_size), stack(places_size)
        from_source, to_target, place = elements(source), elements(target), _places(places)
        gathered, settled = elements(x), elements(y)
        count = 0
        for byte in range(0, used, 8):
            word = _words(notes + byte)[0]
            while word:
                bit = trailing_zeros(word)
                i = byte * bits_a_byte + bit // 8 * bits_a_byte + bit % 8
                place[count] = i
                gathered[count] = from_source[i]
                count += 1
                word &= word - np.uint64(1)
        if count:
            compute(x, y, count)
            for i in range(count):
                to_target[place[i]] = settled[i]

    return settle


def _make_last(dtype, phases):
    """``compute(x, y, count)``: the last phase alone."""
    elements = make_pointer(STORED_AS[dtype])
    last = phases.last if phases.range is None or dtype != "float64" else out_of_line(phases.last)

    @jit
    def compute(x, y, count):
        from_x, to_y = elements(x), elements(y)
        for i in range(count):
            to_y[i] = last(from_x[i])

    return compute


def _make_middle(dtype, phases, lanes):
    """``compute(x, y, count)``: the middle phase, and the last for those that this leaves or does not take."""
    stored, size, bits = STORED_AS[dtype], itemsize(dtype), BITS[itemsize(dtype)]
    elements, load = make_pointer(stored), make_load(vector_of(dtype, lanes))
    all_but_sign, limit, zero = bits(2 ** (8 * size - 1) - 1), bits(phases.limit), stored(0)
    middle, last = phases.middle, out_of_line(phases.last)

    @jit
    def compute(x, y, count):
        from_x, to_y = elements(x), elements(y)
        for i in range(count, count + lanes):
            from_x[i] = zero
        for start in range(0, count, lanes):
            value = load(x + start * size)
            result, undecided = middle(value)
            store(y + start * size, result)
            left = mask_bits(undecided | ((bits_of(value) & all_but_sign) > limit))
            while left:
                i = start + trailing_zeros(left)
                to_y[i] = last(from_x[i])
                left &= left - np.uint64(1)

    return compute
