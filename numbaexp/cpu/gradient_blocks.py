"""A block of contiguous memory of n inputs: the fast phase by vectors where there is one, else number by number."""

from typing import Any

import numpy as np

from numbaexp.cpu.flags import restore_status, status, unforeseen
from numbaexp.cpu.pieces import BLOCK
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.streaming import stream
from numbaexp.cpu.undecided import trailing_zeros
from numbaexp.cpu.vector_passes import vector_of
from numbaexp.jit import jit
from numbaexp.scalar.family import arity
from numbaexp.scalar.fast_gradients import fast_gradient
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.unrolled import make_each
from numbaexp.vector.level import Level
from numbaexp.vector.memory import first_lanes, make_load, make_load_first, store, store_first, store_past_caches
from numbaexp.vector.operations import mask_bits

# Bytes that are computed between stores past the caches: only short bursts of these overlap with loads.
TILE = 256
# One in so many elements may be undecided; with more, all are computed anew.
FEW = 16

_indices = make_pointer(np.int32)


def make_block(name: str, dtype: str, level: Level) -> Any:
    """Return ``block(sources, target, count, inside, past_caches)``, of ``count`` elements at most ``BLOCK``, at the
    addresses of all inputs, in memory that is not shared with the target. Returns ``inside``."""
    inputs = arity(name)
    by_number = _make_by_number(dtype, GRADIENTS[name][dtype], inputs)
    fast = fast_gradient(name, dtype, level)
    if fast is None:
        return _make_tiled(dtype, by_number, inputs)
    return _make_fast(dtype, fast.compute, by_number, level.lanes(4), inputs)


@jit
def _moved(address, by):
    return address + by


@jit
def _item(numbers, i):
    return numbers[i]


def _make_by_number(dtype, function, inputs):
    elements = make_pointer(STORED_AS[dtype])
    elements_each, item_each = make_each([elements] * inputs), make_each([_item] * inputs)

    @jit
    def by_number(sources, target, count):
        numbers, to_target = elements_each(sources), elements(target)
        for i in range(count):
            to_target[i] = function(*item_each(numbers, i))

    return by_number


def _make_tiled(dtype, by_number, inputs):
    tile_length, moved_each = TILE // itemsize(dtype), make_each([_moved] * inputs)

    @jit
    def block(sources, target, count, inside, past_caches):
        if unforeseen(past_caches):
            tile = stack(TILE)
            while count >= tile_length:
                by_number(sources, tile, tile_length)
                stream(target, tile, TILE)
                sources, target, count = moved_each(sources, TILE), target + TILE, count - tile_length
        by_number(sources, target, count)
        return inside

    return block


def _make_fast(dtype, fast, by_number, lanes, inputs):
    size, vector = itemsize(dtype), vector_of(dtype, lanes)
    load, load_first = make_load(vector), make_load_first(vector)
    moved_each, load_each, load_first_each = (make_each([each] * inputs) for each in (_moved, load, load_first))
    step, most = lanes * size, BLOCK // FEW
    indices_size = most * 4
    settle = _make_settle(dtype, by_number, most, inputs)
    # The conversion to 16 bits may underflow, and raises the flag; no other step of the fast phase may raise one.
    silent = size > 2
    some = 0 if size == 2 else most

    @jit
    def note(undecided, i, indices, count):
        """Note the undecided elements of a vector, as far as there is room; return how many were found so far."""
        index = _indices(indices)
        bits = mask_bits(undecided)
        while bits:
            if count < most:
                index[count] = i + trailing_zeros(bits)
            count += 1
            bits &= bits - np.uint64(1)
        return count

    @jit
    def fast_pass(sources, target, count, past_caches, indices):
        found, i = 0, 0
        aligned = past_caches and target % step == 0
        while count - i >= lanes:
            y, undecided = fast(*load_each(moved_each(sources, i * size)))
            if aligned:
                store_past_caches(target + i * size, y)
            else:
                store(target + i * size, y)
            found = note(undecided, i, indices, found)
            i += lanes
        if i < count:
            y, undecided = fast(*load_first_each(moved_each(sources, i * size), count - i))
            store_first(target + i * size, y, count - i)
            found = note(undecided & first_lanes(y, count - i), i, indices, found)
        return found

    @jit
    def block(sources, target, count, inside, past_caches):
        indices = stack(indices_size)
        before = status()
        found = fast_pass(sources, target, count, unforeseen(past_caches), indices)
        if (silent or found) and status() != before:
            restore_status(before)
        if found > some:
            by_number(sources, target, count)
        elif found:
            settle(sources, target, indices, found)
        return inside

    return block


def _make_settle(dtype, by_number, most, inputs):
    """Return ``settle(sources, target, indices, count)``: gather noted elements, compute them, scatter the results."""
    elements, values_size = make_pointer(STORED_AS[dtype]), most * itemsize(dtype)
    all_values_size = inputs * values_size

    def make_gather(k):
        @jit
        def gather(source, values, indices, count):
            buffer = values + k * values_size
            from_source, to_buffer, index = elements(source), elements(buffer), _indices(indices)
            for i in range(count):
                to_buffer[i] = from_source[index[i]]
            return buffer

        return gather

    gather_each = make_each([make_gather(k) for k in range(inputs)])

    @jit
    def settle(sources, target, indices, count):
        values, results = stack(all_values_size), stack(values_size)
        by_number(gather_each(sources, values, indices, count), results, count)
        from_results, to_target, index = elements(results), elements(target), _indices(indices)
        for i in range(count):
            to_target[index[i]] = from_results[i]

    return settle
