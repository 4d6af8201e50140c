"""A block of a gradient in contiguous memory: the fast phase by vectors where there is one, else number by number."""

from typing import Any

import numpy as np

from numbaexp.cpu.flags import restore_status, status
from numbaexp.cpu.pieces import BLOCK
from numbaexp.cpu.row_memory import make_pointer, stack
from numbaexp.cpu.streaming import stream
from numbaexp.cpu.undecided import trailing_zeros
from numbaexp.cpu.vector_passes import vector_of
from numbaexp.jit import jit
from numbaexp.scalar.fast_gradients import fast_gradient
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.vector.level import Level
from numbaexp.vector.memory import first_lanes, make_load, make_load_first, store, store_first, store_past_caches
from numbaexp.vector.operations import mask_bits

# Bytes that are computed between stores past the caches: only short bursts of these overlap with loads.
TILE = 256
# One in so many elements may be undecided; with more, all are computed anew.
FEW = 16

_places = make_pointer(np.int32)


def make_block(name: str, dtype: str, level: Level) -> Any:
    """Return ``block(g, saved, target, count, past_caches)``, of ``count`` elements at most ``BLOCK``, in memory that
    is not shared with the target."""
    by_number = _make_by_number(dtype, GRADIENTS[name][dtype])
    fast = fast_gradient(name, dtype, level)
    if fast is None:
        return _make_tiled(dtype, by_number)
    return _make_fast(dtype, fast.compute, by_number, level.lanes(4))


def _make_by_number(dtype, gradient):
    elements = make_pointer(STORED_AS[dtype])

    @jit
    def by_number(g, saved, target, count):
        from_g, from_saved, to_target = elements(g), elements(saved), elements(target)
        for i in range(count):
            to_target[i] = gradient(from_g[i], from_saved[i])

    return by_number


def _make_tiled(dtype, by_number):
    size = itemsize(dtype)
    tile_length = TILE // size

    @jit
    def block(g, saved, target, count, past_caches):
        if past_caches:
            tile = stack(TILE)
            while count >= tile_length:
                by_number(g, saved, tile, tile_length)
                stream(target, tile, TILE)
                g, saved, target, count = g + TILE, saved + TILE, target + TILE, count - tile_length
        by_number(g, saved, target, count)

    return block


def _make_fast(dtype, fast, by_number, lanes):
    size, vector = itemsize(dtype), vector_of(dtype, lanes)
    load, load_first, elements = make_load(vector), make_load_first(vector), make_pointer(STORED_AS[dtype])
    step, most = lanes * size, BLOCK // FEW
    values_size, places_size = most * size, most * 4
    # The conversion to 16 bits may underflow, and raises the flag; no other step of the fast phase may raise one.
    silent = size > 2
    some = 0 if size == 2 else most

    @jit
    def note(undecided, i, places, count):
        """Note the undecided elements of a vector, as far as there is room; return how many were found so far."""
        place = _places(places)
        bits = mask_bits(undecided)
        while bits:
            if count < most:
                place[count] = i + trailing_zeros(bits)
            count += 1
            bits &= bits - np.uint64(1)
        return count

    @jit
    def fast_pass(g, saved, target, count, past_caches, places):
        found, i = 0, 0
        aligned = past_caches and target % step == 0
        while count - i >= lanes:
            y, undecided = fast(load(g + i * size), load(saved + i * size))
            if aligned:
                store_past_caches(target + i * size, y)
            else:
                store(target + i * size, y)
            found = note(undecided, i, places, found)
            i += lanes
        if i < count:
            y, undecided = fast(load_first(g + i * size, count - i), load_first(saved + i * size, count - i))
            store_first(target + i * size, y, count - i)
            found = note(undecided & first_lanes(y, count - i), i, places, found)
        return found

    @jit
    def settle(g, saved, target, places, count):
        g_values, saved_values, results = stack(values_size), stack(values_size), stack(values_size)
        to_g, to_saved, from_results = elements(g_values), elements(saved_values), elements(results)
        place, from_g, from_saved, to_target = _places(places), elements(g), elements(saved), elements(target)
        for k in range(count):
            to_g[k], to_saved[k] = from_g[place[k]], from_saved[place[k]]
        by_number(g_values, saved_values, results, count)
        for k in range(count):
            to_target[place[k]] = from_results[k]

    @jit
    def block(g, saved, target, count, past_caches):
        places = stack(places_size)
        before = status()
        found = fast_pass(g, saved, target, count, past_caches, places)
        if (silent or found) and status() != before:
            restore_status(before)
        if found > some:
            by_number(g, saved, target, count)
        elif found:
            settle(g, saved, target, places, found)

    return block
