"""A block of contiguous memory, by vectors: the phases of a function one after another.

A first pass takes the fast phase of all elements, and sees on the way whether any is beyond its limit. If one is, the
results and flags of that are dropped, and a second pass takes a form that takes everything. Elements that either of
them leaves undecided are gathered, and done by the phases that remain.
"""

from typing import Any

import numpy as np

from numbaexp.cpu.flags import restore_status, status
from numbaexp.cpu.pieces import BLOCK
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.undecided import out_of_line, trailing_zeros
from numbaexp.cpu.vector_passes import (
    make_domain_pass,
    make_fast_pass,
    make_pass_by_number,
    make_whole_pass,
    note_size,
    vector_of,
)
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.scalar.phases import INSIDE
from numbaexp.scalar.phases import phases as phases_of
from numbaexp.vector.level import Level
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.operations import mask_bits

# Notes are read eight bytes at a time.
_words = make_pointer(np.uint64)
_indices = make_pointer(np.int32)


def make_block(name: str, dtype: str, level: Level) -> Any:
    """Return ``block(sources, target, count, inside, past_caches)``, of ``count`` elements at most ``BLOCK``, at the
    address of the one input, in memory that is not shared with the target. Without ``inside`` the first pass is left
    out. Returns whether all magnitudes were within the limit of the fast phase: ``inside`` for a block like this one.
    """
    phases, lanes = phases_of(name, dtype, level), level.lanes(max(itemsize(dtype), 4))
    noted = note_size(lanes)
    # One vector of values more, for what the middle phase lacks of its last.
    notes_size, values_size, indices_size = BLOCK // lanes * noted + 8, BLOCK * itemsize(dtype) + 64, BLOCK * 4
    fast_settles = not phases.fast_decides
    whole_settles = phases.range is not None or phases.domain is not None
    silent = not phases.fast_raises
    fast_pass = make_fast_pass(dtype, phases, lanes)
    if phases.domain is not None:
        whole_pass = make_domain_pass(dtype, phases, lanes)
    else:
        whole_pass = make_whole_pass(dtype, phases, lanes) if whole_settles else make_pass_by_number(dtype, phases)
    gather = _make_gather(dtype, phases, lanes)
    settle = _make_settle(dtype, phases, lanes) if fast_settles or whole_settles else _nothing_to_settle

    # Not literals, for each of which the compiler would make a function of its own.
    within, anywhere = np.int64(1), np.int64(0)

    @jit
    def block(sources, target, count, inside, past_caches):
        (source,) = sources
        notes, x, indices = stack(notes_size), stack(values_size), stack(indices_size)
        used = (count + lanes - 1) // lanes * noted
        _words(notes + used // 8 * 8)[0] = np.uint64(0)
        undecided = 0
        if inside:
            before = status()
            inside = fast_pass(source, target, count, notes, past_caches)
            if inside and fast_settles:
                undecided = gather(source, notes, used, within, x, indices)
                inside = undecided >= 0
            if (silent or not inside) and status() != before:
                restore_status(before)
        if not inside:
            inside = whole_pass(source, target, count, notes)
            undecided = gather(source, notes, used, anywhere, x, indices) if whole_settles else 0
        if undecided:
            settle(target, x, indices, undecided)
        return inside

    return block


def _make_gather(dtype, phases, lanes):
    """Return ``gather(source, notes, used, within, x, indices)``: copy elements that have a bit in so many bytes of
    notes to x, and note their indices; returns how many, or -1 where ``within`` is asked and one is beyond the limit of
    the fast phase."""
    elements, bits_a_byte, beyond = make_pointer(STORED_AS[dtype]), min(lanes, 8), phases.beyond

    @jit
    def gather(source, notes, used, within, x, indices):
        from_source, to_x, index = elements(source), elements(x), _indices(indices)
        count = 0
        for byte in range(0, used, 8):
            word = _words(notes + byte)[0]
            while word:
                bit = trailing_zeros(word)
                i = byte * bits_a_byte + bit // 8 * bits_a_byte + bit % 8
                if within and beyond(from_source[i]):
                    return -1
                index[count] = i
                to_x[count] = from_source[i]
                count += 1
                word &= word - np.uint64(1)
        return count

    return gather


@jit
def _nothing_to_settle(target, x, indices, count):
    return


def _make_settle(dtype, phases, lanes):
    """Return ``settle(target, x, indices, count)``: compute gathered elements by the remaining phases, and scatter them
    to the target."""
    elements = make_pointer(STORED_AS[dtype])
    values_size = BLOCK * itemsize(dtype) + 64
    compute = _make_last(dtype, phases) if phases.middle is None else _make_middle(dtype, phases, lanes)

    @jit
    def settle(target, x, indices, count):
        y = stack(values_size)
        to_target, from_y, index = elements(target), elements(y), _indices(indices)
        compute(x, y, count)
        for i in range(count):
            to_target[index[i]] = from_y[i]

    return settle


def _make_last(dtype, phases):
    """Return ``compute(x, y, count)``: the last phase alone."""
    elements = make_pointer(STORED_AS[dtype])
    last = out_of_line(phases.last) if dtype == "float64" else phases.last

    @jit
    def compute(x, y, count):
        from_x, to_y = elements(x), elements(y)
        for i in range(count):
            to_y[i] = last(from_x[i])

    return compute


def _make_middle(dtype, phases, lanes):
    """Return ``compute(x, y, count)``: the middle phase, and the last for those that this leaves or does not take."""
    size, filling = itemsize(dtype), INSIDE[dtype]
    elements, load = make_pointer(STORED_AS[dtype]), make_load(vector_of(dtype, lanes))
    middle, last, beyond = phases.middle, out_of_line(phases.last), phases.beyond

    @jit
    def compute(x, y, count):
        from_x, to_y = elements(x), elements(y)
        for i in range(count, count + lanes):
            from_x[i] = filling
        for start in range(0, count, lanes):
            value = load(x + start * size)
            result, undecided = middle(value)
            store(y + start * size, result)
            left = mask_bits(undecided | beyond(value))
            while left:
                i = start + trailing_zeros(left)
                to_y[i] = last(from_x[i])
                left &= left - np.uint64(1)

    return compute
