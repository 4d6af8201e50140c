"""How arrays on a device are cut into launches, and what is launched, without a device."""

import itertools
import math
import types

import hypothesis.strategies as st
import pytest
from helpers import patterns_type
from hypothesis import given, settings

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

from numba.cuda.core import config

if config.ENABLE_CUDASIM:
    pytest.skip("the simulator launches nothing", allow_module_level=True)

from numbaexp.cuda import kernels, launch, layout
from numbaexp.cuda.layout import Dimension, find_layout, pieces


def pairs_of(shape, x_steps, y_steps):
    """The places of x and y that belong together, from the first elements of the arrays, in order of y."""
    pairs = [
        tuple(sum(i * step for i, step in zip(index, steps, strict=True)) for steps in (x_steps, y_steps))
        for index in itertools.product(*map(range, shape))
    ]
    return sorted(pairs, key=lambda pair: pair[::-1])


def pairs_of_pieces(found):
    """The same, as the kernels go through them."""
    pairs = []
    for x, y, dimensions in pieces(found.dimensions):
        assert len(dimensions) <= kernels.DIMENSIONS
        assert math.prod(row.length for row in dimensions) < layout._TOO_MANY
        rows = [(row.length, row.x, row.y) for row in dimensions]
        for i, j in pairs_of(*zip(*rows, strict=True)) if rows else [(0, 0)]:
            pairs.append((found.x_low + found.x_first + x + i, found.y_low + y + j))
    return sorted(pairs, key=lambda pair: pair[::-1])


@st.composite
def steps(draw, shape, repeated=False):
    """Those of an array whose axes lie in memory in any order, with gaps, reversed, or repeated."""
    step, found = 1, [0] * len(shape)
    for axis in draw(st.permutations(range(len(shape)))):
        if repeated and draw(st.sampled_from([False, False, True])):
            continue
        gap = draw(st.sampled_from([1, 1, 1, 2, 3]))
        found[axis] = step * gap * draw(st.sampled_from([1, 1, -1]))
        step *= gap * shape[axis]
    return tuple(found)


@settings(deadline=None, max_examples=1500)
@given(st.data(), st.lists(st.sampled_from([1, 2, 2, 3, 4]), max_size=6).map(tuple), st.integers(5, 40))
def test_every_element_once(data, shape, too_many):
    x_steps, y_steps = data.draw(steps(shape, repeated=True)), data.draw(steps(shape))
    pairs = pairs_of(shape, x_steps, y_steps)
    found = find_layout(shape, x_steps, y_steps)
    assert found.size == len(pairs)
    assert found.x_low == min(x for x, _ in pairs)
    assert found.y_low == min(y for _, y in pairs)
    # Threads beside each other write beside each other.
    assert all(a.y > b.y > 0 for a, b in itertools.pairwise(found.dimensions))
    in_a_row = [(pairs[0][0] + i, pairs[0][1] + i) for i in range(len(pairs))]
    assert found.is_contiguous() == (pairs == in_a_row)
    with pytest.MonkeyPatch.context() as patch:
        assert pairs_of_pieces(found) == pairs
        patch.setattr(layout, "_TOO_MANY", too_many)
        assert pairs_of_pieces(found) == pairs


@pytest.mark.parametrize(
    ("shape", "x_steps", "y_steps", "dimensions"),
    [
        ((), (), (), []),
        ((1, 1), (5, 7), (-3, 2), []),
        ((2, 3, 4), (12, 4, 1), (12, 4, 1), [(24, 1, 1)]),
        ((2, 3, 4), (1, 2, 6), (1, 2, 6), [(24, 1, 1)]),
        ((2, 3, 4), (-12, -4, -1), (-12, -4, -1), [(24, 1, 1)]),
        ((24,), (-1,), (1,), [(24, -1, 1)]),
        ((2, 3, 4), (24, 8, 2), (12, 4, 1), [(24, 2, 1)]),
        ((2, 3, 4), (12, 4, 1), (1, 2, 6), [(4, 1, 6), (3, 4, 2), (2, 12, 1)]),
        ((2, 3, 4), (0, 0, 1), (12, 4, 1), [(6, 0, 4), (4, 1, 1)]),
        ((2, 3, 4), (15, 5, 1), (12, 4, 1), [(6, 5, 4), (4, 1, 1)]),
    ],
)
def test_few_dimensions(shape, x_steps, y_steps, dimensions):
    assert list(find_layout(shape, x_steps, y_steps).dimensions) == dimensions


MOST = (1 << 31) - 1


def test_beyond_31_bits():
    row = (Dimension(1 << 33, 2, 1),)
    cut = list(pieces(row))
    assert [(x, y) for x, y, _ in cut] == [(2 * MOST * i, MOST * i) for i in range(5)]
    assert [rest for _, _, rest in cut] == [(Dimension(MOST, 2, 1),)] * 4 + [(Dimension((1 << 33) - 4 * MOST, 2, 1),)]
    assert list(pieces((Dimension(MOST, 2, 1),))) == [(0, 0, (Dimension(MOST, 2, 1),))]
    # Rows of which 2047 are less than 2**31 elements.
    rows = (Dimension(1 << 20, 1, 1 << 20), Dimension(1 << 20, 1 << 20, 1))
    cut = list(pieces(rows))
    assert sum(rest[0].length for _, _, rest in cut) == 1 << 20
    assert {rest[0].length for _, _, rest in cut[:-1]} == {2047}
    assert [(x, y) for x, y, _ in cut] == [(2047 * i, 2047 * i << 20) for i in range(len(cut))]
    # Each row is too long.
    rows = (Dimension(3, 7, 1 << 40), Dimension(1 << 31, 10, 1))
    assert list(pieces(rows)) == [
        (7 * i + 10 * j, (i << 40) + j, (Dimension(n, 10, 1),)) for i in range(3) for j, n in ((0, MOST), (MOST, 1))
    ]


class Gpu:
    """A device of so many processors, which is told when it is made the current one."""

    def __init__(self, processors, entered):
        self.MULTIPROCESSOR_COUNT, self.entered, self.compute_capability = processors, entered, (9, 0)

    def __enter__(self):
        self.entered.append(self.MULTIPROCESSOR_COUNT)

    def __exit__(self, *_):
        self.entered.append(None)


@pytest.fixture
def driver(monkeypatch):
    """What ``numbaexp.cuda.launch`` asks of CUDA, and the launches: (blocks, threads, stream, kernel, arguments)."""
    seen = types.SimpleNamespace(launches=[], configured=[], entered=[], gpus=[])
    seen.gpus[:] = [Gpu(132, seen.entered)]

    def config(grid, block):
        seen.configured.append(grid)
        return grid, block

    def launched(stream, configuration, kernel, *arguments):
        seen.launches.append((*configuration, stream, kernel, arguments))

    caches = [launch._one_row, launch._contiguous, launch._strided, launch._processors, launch._configured]
    monkeypatch.setattr(launch, "LaunchConfig", config)
    monkeypatch.setattr(launch, "Stream", types.SimpleNamespace(from_handle=lambda handle: ("stream", handle)))
    monkeypatch.setattr(launch, "launch", launched)
    monkeypatch.setattr(launch, "compile_kernel", lambda make, name, *_: name)
    monkeypatch.setattr(launch.cuda, "gpus", seen.gpus)
    monkeypatch.setattr(launch.cuda, "current_context", lambda: None)
    for cache in caches:
        cache.cache_clear()
    yield seen
    for cache in caches:
        cache.cache_clear()


def flat(address, n, dtype="float32", step=4, device=0):
    return launch.Strided(address, (n,), (step,), dtype, device)


def grid_for(driver, n, **kwargs):
    launch.run("exp", flat(1 << 20, n, **kwargs), flat(1 << 30, n, **kwargs), 0)
    return driver.launches[-1][0]


def test_grids(driver):
    """Powers of two, of two vectors of 16 bytes a thread, up to eight blocks for each processor."""
    a_block = kernels.THREADS * kernels.VECTORS * 4
    for n, blocks in [(1, 1), (a_block, 1), (a_block + 1, 2), (2 * a_block + 1, 4), (5 * a_block, 8)]:
        assert grid_for(driver, n) == blocks
    assert grid_for(driver, 1000 * a_block) == 1024
    assert grid_for(driver, 1025 * a_block) == grid_for(driver, 1 << 40) == 8 * 132
    # One element a thread where they are strided.
    for n, blocks in [(1, 1), (256, 1), (257, 2), (1025, 8), (1 << 30, 8 * 132)]:
        assert grid_for(driver, n, step=8) == blocks
    assert {threads for _, threads, *_ in driver.launches} == {kernels.THREADS}


def test_one_configuration_is_kept(driver):
    """For a kernel, a grid and a stream; and what is launched again is looked up."""
    for stream in (0, 5, 0, 5):
        for n in (10, 20, 10):
            launch.run("exp", flat(1 << 20, n), flat(1 << 30, n), stream)
    assert driver.configured == [1, 1]
    assert [stream for _, _, stream, *_ in driver.launches] == [
        ("stream", number) for number in (0, 0, 0, 5, 5, 5, 0, 0, 0, 5, 5, 5)
    ]
    known = launch._one_row.cache_info().misses
    launch.run("exp", flat((1 << 20) + 16, 10), flat((1 << 30) + 32, 10), 0)
    assert launch._one_row.cache_info().misses == known


def test_which_kernel_and_its_arguments(driver):
    """The contiguous one where x and out lie alike to multiples of 16; it begins at the first multiple."""
    base = 1 << 20
    for x_offset in range(4):
        for out_offset in range(4):
            for n in (1, 2, 30):
                launch.run("exp", flat(base + 4 * x_offset, n), flat(2 * base + 4 * out_offset, n), 0)
                *_, arguments = driver.launches[-1]
                if x_offset == out_offset:
                    assert arguments == (base + 4 * x_offset, 2 * base + 4 * out_offset, min(-x_offset % 4, n), n)
                else:
                    assert len(arguments) == 15
    reversed_x = launch.Strided(base + 4 * 29, (30,), (-4,), "float32", 0)
    launch.run("exp", reversed_x, reversed_x._replace(pointer=2 * base + 4 * 29), 0)
    assert driver.launches[-1][-1] == (base, 2 * base, 0, 30)
    launch.run("exp", reversed_x, flat(2 * base, 30), 0)
    one = (0, 0, 0)
    assert driver.launches[-1][-1] == (base, 2 * base, 29, 30, 1, 1, 30, *one, -1, *one, 1)


def test_launches_beyond_31_bits(driver):
    n = (1 << 32) + 5
    launch.run("exp", flat(1 << 40, n, "int8", 1), flat(1 << 50, n, "float64", 8), 0)
    starts = (0, MOST, 2 * MOST)
    sizes = (MOST, MOST, n - 2 * MOST)
    places = [(x, y, first, size) for *_, (x, y, first, size, *_) in driver.launches]
    assert places == [(1 << 40, (1 << 50) + 8 * i, i, size) for i, size in zip(starts, sizes, strict=True)]
    launch.run("exp", flat(1 << 40, n), flat(1 << 50, n), 0)
    assert driver.launches[-1][-1] == (1 << 40, 1 << 50, 0, n)


def test_devices(driver):
    """That of the arrays is made the current one where there are several."""
    launch.run("exp", flat(1 << 20, 10), flat(1 << 30, 10), 0)
    assert driver.entered == []
    driver.gpus.append(Gpu(4, driver.entered))
    n = 1 << 40
    launch.run("exp", flat(1 << 20, n, device=1), flat(1 << 30, n, device=1), 0)
    assert driver.entered == [4, None]
    assert driver.launches[-1][0] == 8 * 4
    launch.run("exp", flat(1 << 20, n), flat(1 << 30, n), 0)
    assert driver.entered == [4, None, 132, None]
    assert driver.launches[-1][0] == 8 * 132


def test_nothing_is_launched_for_nothing(driver):
    nothing = launch.Strided(0, (3, 0), (0, 4), "float32", 0)
    launch.run("exp", nothing, nothing, 0)
    assert driver.launches == driver.configured == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32"])
def test_misaligned(driver, dtype):
    size = patterns_type(dtype).itemsize
    out_dtype = "float64" if dtype == "int32" else dtype
    out_size = 8 if dtype == "int32" else size
    good, out = flat(1 << 20, 10, dtype, size), flat(1 << 30, 10, out_dtype, out_size)
    wanted = f"must be aligned to its elements of {size} bytes, as every access on a GPU must be$"
    for bad in (good._replace(pointer=(1 << 20) + 1), good._replace(strides=(size + 1,))):
        with pytest.raises(ValueError, match=f"^`x` {wanted}"):
            launch.run("exp", bad, out, 0)
    with pytest.raises(ValueError, match=r"^`out` must be aligned"):
        launch.run("exp", good, out._replace(pointer=(1 << 30) + 1), 0)
    assert driver.launches == []
