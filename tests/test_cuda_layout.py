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

from numbaexp.cuda import kernels, launch, launcher, layout
from numbaexp.cuda.layout import Dimension, Layout, find_layout, pieces


def indices_of(shape, steps):
    """The indices of all operands that belong together, from the first elements of the arrays, in order of the last."""
    found = [
        tuple(sum(i * step for i, step in zip(index, of, strict=True)) for of in steps)
        for index in itertools.product(*map(range, shape))
    ]
    return sorted(found, key=lambda indices: indices[::-1])


def indices_of_pieces(found, operands):
    """The same, as the kernels go through them."""
    indices = []
    for begins, dimensions in pieces(found):
        assert len(dimensions) <= kernels.DIMENSIONS
        assert math.prod(row.length for row in dimensions) < layout._TOO_MANY
        steps = list(zip(*(row.steps for row in dimensions), strict=True)) if dimensions else [()] * operands
        for offsets in indices_of([row.length for row in dimensions], steps):
            indices.append(tuple(begin + offset for begin, offset in zip(begins, offsets, strict=True)))
    return sorted(indices, key=lambda indices: indices[::-1])


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
@given(
    st.data(), st.lists(st.sampled_from([1, 2, 2, 3, 4]), max_size=6).map(tuple), st.integers(0, 3), st.integers(5, 40)
)
def test_every_element_once(data, shape, inputs, too_many):
    of_inputs = [data.draw(steps(shape, repeated=True)) for _ in range(inputs)]
    of_each = (*of_inputs, data.draw(steps(shape)))
    indices = indices_of(shape, of_each)
    found = find_layout(shape, of_each)
    assert found.size == len(indices)
    assert found.starts == indices[0]
    # Neighbouring threads write to neighbouring elements.
    assert all(a.steps[-1] > b.steps[-1] > 0 for a, b in itertools.pairwise(found.dimensions))
    in_a_row = [tuple(first + i for first in indices[0]) for i in range(len(indices))]
    assert found.is_contiguous() == (indices == in_a_row)
    with pytest.MonkeyPatch.context() as patch:
        assert indices_of_pieces(found, len(of_each)) == indices
        patch.setattr(layout, "_TOO_MANY", too_many)
        assert indices_of_pieces(found, len(of_each)) == indices


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
    found = find_layout(shape, (x_steps, y_steps)).dimensions
    assert [(row.length, *row.steps) for row in found] == dimensions


MOST = (1 << 31) - 1


def cut(*dimensions):
    """The pieces of two operands, as (begin of x, begin of y, dimensions)."""
    rows = tuple(Dimension(length, (x, y)) for length, x, y in dimensions)
    size = math.prod(row.length for row in rows)
    return [(x, y, [(row.length, *row.steps) for row in rest]) for (x, y), rest in pieces(Layout(size, (0, 0), rows))]


def test_beyond_31_bits():
    found = cut((1 << 33, 2, 1))
    assert [(x, y) for x, y, _ in found] == [(2 * MOST * i, MOST * i) for i in range(5)]
    assert [rest for _, _, rest in found] == [[(MOST, 2, 1)]] * 4 + [[((1 << 33) - 4 * MOST, 2, 1)]]
    assert cut((MOST, 2, 1)) == [(0, 0, [(MOST, 2, 1)])]
    # Rows of which 2047 are less than 2**31 elements.
    found = cut((1 << 20, 1, 1 << 20), (1 << 20, 1 << 20, 1))
    assert sum(rest[0][0] for _, _, rest in found) == 1 << 20
    assert {rest[0][0] for _, _, rest in found[:-1]} == {2047}
    assert [(x, y) for x, y, _ in found] == [(2047 * i, 2047 * i << 20) for i in range(len(found))]
    # Each row is too long.
    found = cut((3, 7, 1 << 40), (1 << 31, 10, 1))
    assert found == [(7 * i + 10 * j, (i << 40) + j, [(n, 10, 1)]) for i in range(3) for j, n in ((0, MOST), (MOST, 1))]


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
    """Stand for CUDA in the launcher, and record the launches: (blocks, threads, stream, kernel, arguments)."""
    seen = types.SimpleNamespace(launches=[], configured=[], entered=[], gpus=[])
    seen.gpus[:] = [Gpu(132, seen.entered)]

    def config(grid, block):
        seen.configured.append(grid)
        return grid, block

    def launched(stream, configuration, kernel, *arguments):
        seen.launches.append((*configuration, stream, kernel, arguments))

    caches = [launch._contiguous_launch, launch.contiguous, launch.strided, launcher.processors, launcher.configured]
    monkeypatch.setattr(launcher, "LaunchConfig", config)
    monkeypatch.setattr(launcher, "Stream", types.SimpleNamespace(from_handle=lambda handle: ("stream", handle)))
    monkeypatch.setattr(launcher, "launch", launched)
    monkeypatch.setattr(launcher, "compile_kernel", lambda make, name, *_: name)
    monkeypatch.setattr(launcher.cuda, "gpus", seen.gpus)
    monkeypatch.setattr(launcher.cuda, "current_context", lambda: None)
    for cache in caches:
        cache.cache_clear()
    yield seen
    for cache in caches:
        cache.cache_clear()


def run(x, out, stream=0):
    launch.run("exp", (x, out), ("x", "out"), stream)


def flat(address, n, dtype="float32", step=4, device=0):
    return launch.Strided(address, (n,), (step,), dtype, device)


def grid_for(driver, n, **kwargs):
    run(flat(1 << 20, n, **kwargs), flat(1 << 30, n, **kwargs))
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
            run(flat(1 << 20, n), flat(1 << 30, n), stream)
    assert driver.configured == [1, 1]
    assert [stream for _, _, stream, *_ in driver.launches] == [
        ("stream", number) for number in (0, 0, 0, 5, 5, 5, 0, 0, 0, 5, 5, 5)
    ]
    known = launch._contiguous_launch.cache_info().misses
    run(flat((1 << 20) + 16, 10), flat((1 << 30) + 32, 10))
    assert launch._contiguous_launch.cache_info().misses == known


def test_which_kernel_and_its_arguments(driver):
    """The contiguous one where x and out lie alike to multiples of 16; it begins at the first multiple."""
    base = 1 << 20
    for x_offset in range(4):
        for out_offset in range(4):
            for n in (1, 2, 30):
                run(flat(base + 4 * x_offset, n), flat(2 * base + 4 * out_offset, n))
                *_, arguments = driver.launches[-1]
                if x_offset == out_offset:
                    assert arguments == (base + 4 * x_offset, 2 * base + 4 * out_offset, min(-x_offset % 4, n), n)
                else:
                    assert len(arguments) == 14
    reversed_x = launch.Strided(base + 4 * 29, (30,), (-4,), "float32", 0)
    run(reversed_x, reversed_x._replace(pointer=2 * base + 4 * 29))
    assert driver.launches[-1][-1] == (base, 2 * base, 0, 30)
    run(reversed_x, flat(2 * base, 30))
    one = (0, 0, 0)
    assert driver.launches[-1][-1] == (base + 4 * 29, *one, -1, 2 * base, *one, 1, 30, 1, 1, 30)


def test_launches_beyond_31_bits(driver):
    n = (1 << 32) + 5
    run(flat(1 << 40, n, "int8", 1), flat(1 << 50, n, "float64", 8))
    starts = (0, MOST, 2 * MOST)
    sizes = (MOST, MOST, n - 2 * MOST)
    found = [(arguments[0], arguments[5], arguments[10]) for *_, arguments in driver.launches]
    assert found == [((1 << 40) + i, (1 << 50) + 8 * i, size) for i, size in zip(starts, sizes, strict=True)]
    run(flat(1 << 40, n), flat(1 << 50, n))
    assert driver.launches[-1][-1] == (1 << 40, 1 << 50, 0, n)


def test_devices(driver):
    """That of the arrays is made the current one where there are several."""
    run(flat(1 << 20, 10), flat(1 << 30, 10))
    assert driver.entered == []
    driver.gpus.append(Gpu(4, driver.entered))
    n = 1 << 40
    run(flat(1 << 20, n, device=1), flat(1 << 30, n, device=1))
    assert driver.entered == [4, None]
    assert driver.launches[-1][0] == 8 * 4
    run(flat(1 << 20, n), flat(1 << 30, n))
    assert driver.entered == [4, None, 132, None]
    assert driver.launches[-1][0] == 8 * 132


def test_nothing_is_launched_for_nothing(driver):
    nothing = launch.Strided(0, (3, 0), (0, 4), "float32", 0)
    run(nothing, nothing)
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
            run(bad, out)
    with pytest.raises(ValueError, match=r"^`out` must be aligned"):
        run(good, out._replace(pointer=(1 << 30) + 1))
    assert driver.launches == []


def test_gradients_go_the_same_way(driver):
    """Three operands: contiguous where all are aligned alike, reversed ones too."""
    base = 1 << 20
    operands = [flat(base * i + 4, 30) for i in (1, 2, 3)]
    labels = ("grad_output", "output", "out")
    launch.run("exp_backward", operands, labels, 0)
    assert driver.launches[-1][-2:] == ("exp_backward float32 contiguous", (*(base * i + 4 for i in (1, 2, 3)), 3, 30))
    backwards = [each._replace(pointer=each.pointer + 4 * 29, strides=(-4,)) for each in operands]
    launch.run("exp_backward", backwards, labels, 0)
    assert driver.launches[-1][-2:] == driver.launches[-2][-2:]
    launch.run("exp_backward", [backwards[0], *operands[1:]], labels, 0)
    assert driver.launches[-1][-2] == "exp_backward float32 strided from float32 float32"
    with pytest.raises(ValueError, match=r"^`output` must be aligned"):
        launch.run("exp_backward", [operands[0], operands[1]._replace(pointer=base + 1), operands[2]], labels, 0)


def test_temporary_memory_of_a_library(monkeypatch):
    """Take memory of the library's own allocator for the time of a call, which alone a CUDA graph records."""
    from numbaexp.backends.adapter import on_memory_of

    freed, addresses = [], []

    class Memory:
        def __del__(self):
            freed.append(True)

    def work():
        with launcher.temporary(10, 0, 0) as address:
            addresses.append((address, list(freed)))

    library = types.SimpleNamespace(scratch=lambda x, count: (Memory(), x + count))
    monkeypatch.setattr(launcher, "Device", None)
    on_memory_of(library, 1000, work)
    assert addresses == [(1010, [])]
    assert freed == [True]
    with pytest.raises(TypeError):
        work()
    with pytest.raises(TypeError):
        on_memory_of(types.SimpleNamespace(), 1000, work)
