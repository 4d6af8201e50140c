"""The kernels, launched on the host's memory: the same bits as on the CPU, of any arguments in any layout."""

import functools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import FLOATS, assert_same_stored, computed, patterns_type
from hypothesis import given, settings
from numba import cuda

import numbaexp
from numbaexp.cpu.ufunc import bits_ufunc
from numbaexp.cuda import host, launch, select, simulator
from numbaexp.cuda.kernels import contiguous_types
from numbaexp.cuda.settling import make_settling
from numbaexp.scalar.family import FAMILY, SAVED
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.verify.hard_cases import hard_cases

pytestmark = pytest.mark.sampled(name=("exp", "exp_backward"), dtype="float32", share="0.1", before="31")

ROWS = [(name, dtype) for name in FAMILY for dtype in FAMILY[name]]
# An accurate phase settles them in float64.
SETTLED = [name for name in FAMILY if FAMILY[name]["float64"].accurate is not None]
THREADS = simulator.THREADS


def strided(array, dtype=None):
    return launch.Strided(array.ctypes.data, array.shape, array.strides, dtype or array.dtype.name, 0)


def compute(name, x, out, dtype, source=None):
    launch.run(name, (strided(x, source or dtype), strided(out, dtype)), ("x", "out"), 0)


def on_cpu(name, x, dtype):
    if dtype != "bfloat16":
        return computed(name, x, dtype=dtype)
    with np.errstate(all="ignore"):
        return bits_ufunc(name, "cpu")(x)


@functools.cache
def _arguments(dtype):
    kind = patterns_type(dtype)
    words = np.dtype(f"u{kind.itemsize}")
    if kind.itemsize == 2:
        return np.arange(1 << 16).astype(words).view(kind)
    # Every exponent of either sign, down to subnormals and up to NaN; what is ordinary; the ends of all ranges.
    spread = np.array([i * int(np.iinfo(words).max) // 799 for i in range(800)], words).view(kind)
    ordinary = np.random.default_rng(0).uniform(-20, 20, 400)
    wide = np.random.default_rng(1).uniform(-760, 760, 400)
    info = np.finfo(kind)
    special = [np.nan, -np.nan, np.inf, -np.inf, 0, -0.0, info.max, info.min, info.tiny, -info.tiny]
    special += [info.smallest_subnormal, -info.smallest_subnormal]
    ends = [88.72284, 89, -87.4, -104, 127, 128, -126, -149, 150, 38.5, -45.2]
    ends += [709.78, 709.79, -708.4, -745.2, 1024, -1075]
    with np.errstate(over="ignore"):
        return np.concatenate([spread, *(np.array(v).astype(kind) for v in (ordinary, wide, special, ends))])


def arguments(dtype):
    return _arguments(dtype).copy()


def some_arguments(dtype, n):
    """Finite ones of which few have the same result, so that none can be taken for another."""
    x = np.random.default_rng(n).uniform(-8, 8, n)
    return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16) if dtype == "bfloat16" else x.astype(dtype)


def with_a_release(rows):
    """Mark bfloat16 as a release's: the PTX tests execute every argument of it."""
    return [pytest.param(*row, marks=pytest.mark.whole) if "bfloat16" in row else row for row in rows]


@pytest.mark.by_form
@pytest.mark.parametrize(("name", "dtype"), with_a_release(ROWS))
def test_arguments_of_all_kinds(name, dtype):
    """All of the 16-bit types; in place too."""
    x = arguments(dtype)
    expected = on_cpu(name, x, dtype)
    out = np.empty_like(x)
    compute(name, x, out, dtype)
    assert_same_stored(out, expected)
    x = x[:: max(1, x.size // 1500)].copy()
    expected = on_cpu(name, x, dtype)
    every_other = np.empty(2 * x.size, x.dtype)[::2]
    compute(name, x, every_other, dtype)
    assert_same_stored(every_other, expected)
    compute(name, x, x, dtype)
    assert_same_stored(x, expected)
    every_other[::-1] = out[:: max(1, out.size // 1500)]
    expected = on_cpu(name, every_other, dtype)
    compute(name, every_other, every_other, dtype)
    assert_same_stored(every_other, expected)


def offsets_of(dtype):
    return range(16 // patterns_type(dtype).itemsize)


def aligned(n, dtype):
    """Zeros, of which the first is at a multiple of 16."""
    kind = patterns_type(dtype)
    raw = np.zeros(n * kind.itemsize + 16, np.uint8)
    start = -raw.ctypes.data % 16
    return raw[start : start + n * kind.itemsize].view(kind)


CANARY = 7


@pytest.mark.parametrize(
    ("name", "dtype", "lengths"),
    [
        ("exp", "float16", range(41)),
        ("exp", "float32", range(41)),
        ("sigmoid", "float64", range(41)),
        ("exp", "float64", (0, 1, 2, 3, 4, 5, 18, 41)),
    ],
)
def test_heads_and_tails(name, dtype, lengths):
    """At each place relative to multiples of 16 bytes, and of each length; nothing else is written."""
    values = some_arguments(dtype, 41)
    for x_offset in offsets_of(dtype):
        for out_offset in offsets_of(dtype):
            for n in lengths if x_offset == out_offset else (0, 1, 3, 18, 41):
                x, memory = aligned(64, dtype), aligned(64, dtype)
                x[x_offset : x_offset + n], memory[:] = values[:n], CANARY
                out = memory[out_offset : out_offset + n]
                compute(name, x[x_offset : x_offset + n], out, dtype)
                assert_same_stored(out, on_cpu(name, values[:n], dtype))
                assert np.all(memory[:out_offset] == CANARY)
                assert np.all(memory[out_offset + n :] == CANARY)


@pytest.mark.thorough
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [63, 64, 65, 129, 1023, 1024, 1025, 2500, 5000])
def test_more_than_a_grid_does_at_once(dtype, n):
    x, out = aligned(n + 1, dtype)[1:], aligned(n + 1, dtype)[1:]
    x[:] = some_arguments(dtype, n)
    compute("expm1", x, out, dtype)
    assert_same_stored(out, on_cpu("expm1", x, dtype))
    spaced = np.repeat(x, 3)[::3]
    compute("expm1", spaced, out[::-1], dtype)
    assert_same_stored(out[::-1], on_cpu("expm1", x, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_zero_dimensions_and_nothing(dtype):
    x = some_arguments(dtype, 3)
    out = np.empty_like(x)
    compute("exp", x[1:2].reshape(()), out[1:2].reshape(()), dtype)
    assert_same_stored(out[1:2], on_cpu("exp", x[1:2], dtype))
    for shape in ((0,), (3, 0), (0, 2, 3)):
        compute("exp", np.empty(shape, x.dtype), np.empty(shape, x.dtype), dtype)


def laid_out(values, order, steps):
    """An equal array whose axes lie in memory in this order, the first outermost, with these steps along each."""
    lengths = [values.shape[axis] * abs(steps[axis]) for axis in order]
    memory = np.zeros(lengths, values.dtype).transpose(np.argsort(order))
    view = memory[(*(slice(None, None, step) for step in steps), ...)]
    view[...] = values
    return view


@st.composite
def layouts(draw, ndim):
    return draw(st.permutations(range(ndim))), draw(st.tuples(*[st.sampled_from([1, 1, 1, 2, 3, -1, -2])] * ndim))


@pytest.mark.thorough
@settings(deadline=None, max_examples=80)
@given(st.data(), st.lists(st.integers(1, 4), max_size=6).map(tuple), st.sampled_from(FLOATS))
def test_any_layout(data, shape, dtype):
    ndim = len(shape)
    # Along some axes x is repeated.
    repeated = data.draw(st.tuples(*[st.sampled_from([False, False, False, True])] * ndim))
    own = tuple(1 if again else length for again, length in zip(repeated, shape, strict=True))
    values = some_arguments(dtype, math.prod(own)).reshape(own)
    x = np.broadcast_to(laid_out(values, *data.draw(layouts(ndim))), shape)
    out = laid_out(np.zeros(shape, x.dtype), *data.draw(layouts(ndim)))
    compute("exp", x, out, dtype)
    assert_same_stored(out, on_cpu("exp", x, dtype))
    own_memory = laid_out(x, *data.draw(layouts(ndim)))
    compute("exp", own_memory, own_memory, dtype)
    assert_same_stored(own_memory, on_cpu("exp", x, dtype))


@pytest.mark.sampled(dtype="float64")
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_many_dimensions(dtype):
    """Seven that cannot be taken together: the first three are gone through one by one."""
    shape = (2, 2, 3, 2, 2, 3, 2)
    values = some_arguments(dtype, math.prod(shape)).reshape(shape)
    x = laid_out(values, range(7), (2,) * 7)
    out = laid_out(np.zeros_like(values), (3, 1, 6, 0, 2, 5, 4), (1, -2, 1, 2, -1, 1, 2))
    compute("exp", x, out, dtype)
    assert_same_stored(out, on_cpu("exp", values, dtype))


SOURCES = {
    "float16": ("bool", "int8", "uint8"),
    "bfloat16": ("int16", "int64"),
    "float32": ("bool", "int16", "uint16", "int64"),
    "float64": ("bool", "int8", "int32", "uint32", "int64", "uint64"),
}


@pytest.mark.parametrize("dtype", FLOATS)
def test_selections(dtype):
    """Of any bits; in place too, and of integers."""
    x = arguments(dtype)[:900].reshape(30, 30)
    mask = (np.arange(900) % 7 < 3).reshape(30, 30)
    for value in (0.0, -math.inf):
        of_value = np.float32(value).view(np.uint32) >> 16 if dtype == "bfloat16" else value
        expected = np.where(mask, x, np.array(of_value, x.dtype))
        out = np.ones_like(x)
        select.run(strided(mask[::-1].T, "bool"), strided(x[::-1].T, dtype), value, strided(out[::-1].T, dtype), 0)
        assert_same_stored(out, expected)
        out = x.copy()
        select.run(strided(mask), strided(out, dtype), value, strided(out, dtype), 0)
        assert_same_stored(out, expected)
    few = np.arange(900, dtype=np.int16).reshape(30, 30) % 200
    select.run(strided(mask), strided(few), 0.0, strided(out, dtype), 0)
    stored = few.astype(np.float32).view(np.uint32) >> 16 if dtype == "bfloat16" else few
    assert_same_stored(out, np.where(mask, stored, 0).astype(x.dtype))


@pytest.mark.parametrize(("source", "dtype"), [(source, dtype) for dtype in SOURCES for source in SOURCES[dtype]])
@pytest.mark.parametrize("name", ["exp", "softplus"])
def test_integers(name, source, dtype):
    """softplus hands great arguments on, and so shows how they were rounded."""
    if source == "bool":
        x = np.array([True, False, True])
    else:
        info, generator = np.iinfo(source), np.random.default_rng(0)
        ends = np.array([info.min, info.min + 1, 0, 1, 2, info.max // 3, info.max - 1, info.max], source)
        any_size = generator.integers(info.min, info.max, 40, source, endpoint=True) >> generator.integers(
            0, info.bits, 40, endpoint=False
        ).astype(source)
        x = np.concatenate([ends, any_size, np.arange(100).astype(source)])
    x = x.repeat(2)[::2]
    out = np.empty(x.size, patterns_type(dtype))
    compute(name, x, out, dtype, source)
    if dtype == "bfloat16":
        bits = x.astype(np.float32).view(np.uint32)
        rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
        expected = on_cpu(name, rounded, dtype)
    else:
        expected = on_cpu(name, x, dtype)
    assert_same_stored(out, expected)


@functools.cache
def undecided(name):
    """Arguments that the fast phase leaves open."""
    whole = FAMILY[name]["float64"].whole
    found = [x for x in hard_cases(name) if len({np.float64(v).tobytes() for v in whole(x)[:2]}) == 2]
    assert len(found) > 100
    return np.array(found)


@pytest.mark.by_form
@pytest.mark.parametrize("name", SETTLED)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1])
def test_undecided_arguments(name, share):
    """Those noted are settled again and again, in any number, in place or not."""
    generator = np.random.default_rng(0)
    x = generator.uniform(-20, 20, 4001)
    few = generator.random(x.size) < share
    x[few] = generator.choice(undecided(name), few.sum())
    expected = on_cpu(name, x, "float64")
    out = np.empty_like(x)
    compute(name, x, out, "float64")
    assert_same_stored(out, expected)
    compute(name, x, x, "float64")
    assert_same_stored(x, expected)


@functools.cache
def settling():
    """A kernel for just the threads that it is run with, so that what it notes has no room to spare."""
    kernel = make_settling("exp", "float64", THREADS), contiguous_types("exp")
    return simulator.configured(kernel, simulator.BLOCKS, 0)


@pytest.mark.parametrize("before", [0, 1, THREADS - 1, THREADS, THREADS + 1, 2 * THREADS - 1, 4 * THREADS - 1])
def test_as_many_undecided_as_may_be(before):
    """So many in the first step, which are settled if they are one for each thread, and in the second all there are."""
    step = 2 * simulator.BLOCKS * THREADS * 2  # elements: two vectors of two for each thread of each block
    x = np.resize(undecided("exp"), 1 + 2 * step + 1)
    of_first_block = 1 + np.arange(step).reshape(-1, 2 * THREADS)[:: simulator.BLOCKS].ravel()
    x[1 : 1 + step] = 0.5
    x[of_first_block[:before]] = np.resize(undecided("exp"), before)
    out = np.empty_like(x)
    settling()(x.ctypes.data, out.ctypes.data, 1, x.size)
    assert_same_stored(out, on_cpu("exp", x, "float64"))


def test_what_lies_between_elements_is_refused():
    raw = np.zeros(64, np.uint8)
    x, out = raw[1:33].view(np.float32), np.zeros(8, np.float32)
    message = "`{}` must be aligned to its elements of 4 bytes, as every access on a GPU must be"
    with pytest.raises(ValueError, match=f"^{message.format('x')}$"):
        compute("exp", x, out, "float32")
    with pytest.raises(ValueError, match=f"^{message.format('out')}$"):
        compute("exp", out, x, "float32")
    records = np.zeros(4, np.dtype([("a", np.float32), ("b", np.uint8)]))
    with pytest.raises(ValueError, match=f"^{message.format('x')}$"):
        compute("exp", records["a"], np.zeros(4, np.float32), "float32")
    assert not raw.any()
    assert not out.any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_arrays_of_the_host(dtype):
    """Copied, computed, copied back: of any layout, misaligned ones too."""
    values = some_arguments(dtype, 24).reshape(2, 3, 4)
    expected = on_cpu("exp", values, dtype)
    misaligned = np.zeros(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
    misaligned[...] = values
    inputs = [values, np.asfortranarray(values), laid_out(values, (1, 2, 0), (-1, 2, -3)), misaligned]
    for x in inputs:
        before = x.copy()
        for out in (np.zeros_like(values), laid_out(np.zeros_like(values), (2, 0, 1), (2, -1, 1)), np.zeros_like(x)):
            host.elementwise("exp", [x], out, dtype)
            assert_same_stored(out, expected)
        np.testing.assert_array_equal(x, before)
    for x in inputs:
        host.elementwise("exp", [x], x, dtype)
        assert_same_stored(np.ascontiguousarray(x), expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_arrays_of_the_host_that_are_small(dtype):
    x = some_arguments(dtype, 1)
    out = np.zeros_like(x)
    host.elementwise("exp", [x.reshape(())], out.reshape(()), dtype)
    assert_same_stored(out, on_cpu("exp", x, dtype))
    host.elementwise("exp", [x[:0]], out[:0], dtype)


GRADIENT_ROWS = [(name, dtype) for name in GRADIENTS for dtype in GRADIENTS[name]]


def compute_gradient(name, g, x, out, dtype):
    operands = strided(g, dtype), strided(x, dtype), strided(out, dtype)
    launch.run(name, operands, ("grad_output", SAVED[name], "out"), 0)


def gradient_on_cpu(name, g, x, dtype):
    if dtype != "bfloat16":
        return computed(name, g, x)
    with np.errstate(all="ignore"):
        return bits_ufunc(name, "cpu")(g, x)


@pytest.mark.by_form
@pytest.mark.parametrize(("name", "dtype"), with_a_release(GRADIENT_ROWS))
def test_gradients_of_arguments_of_all_kinds(name, dtype):
    """Of each kind times each; in place of either too."""
    kinds = arguments(dtype)
    kinds = kinds[:: max(1, kinds.size // 400)]
    g = kinds[np.random.default_rng(0).permutation(kinds.size)]
    for x in (kinds, some_arguments(dtype, kinds.size)):
        expected, out = gradient_on_cpu(name, g, x, dtype), np.empty_like(g)
        compute_gradient(name, g, x, out, dtype)
        assert_same_stored(out, expected)
        for place in (0, 1):
            given = [g.copy(), x.copy()]
            compute_gradient(name, *given, given[place], dtype)
            assert_same_stored(given[place], expected)
        every_other = np.empty(2 * x.size, x.dtype)[::-2]
        compute_gradient(name, g, x, every_other, dtype)
        assert_same_stored(every_other.copy(), expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_heads_and_tails_of_gradients(dtype):
    """At each place relative to multiples of 16 bytes, and of each length; nothing else is written."""
    g, x = some_arguments(dtype, 41), some_arguments(dtype, 40)[::-1]
    x = np.append(x, x[:1])
    expected = gradient_on_cpu("exp_backward", g, x, dtype)
    for offset in offsets_of(dtype):
        for n in range(41):
            memory = [aligned(64, dtype) for _ in range(3)]
            memory[2][:] = CANARY
            of_g, of_x, out = (values[offset : offset + n] for values in memory)
            of_g[:], of_x[:] = g[:n], x[:n]
            compute_gradient("exp_backward", of_g, of_x, out, dtype)
            assert_same_stored(out, expected[:n])
            assert np.all(memory[2][:offset] == CANARY)
            assert np.all(memory[2][offset + n :] == CANARY)
    # One of the three lies elsewhere.
    for elsewhere in range(3):
        memory = [aligned(64, dtype) for _ in range(3)]
        of_g, of_x, out = (values[i == elsewhere :][:41] for i, values in enumerate(memory))
        of_g[:], of_x[:] = g, x
        compute_gradient("exp_backward", of_g, of_x, out, dtype)
        assert_same_stored(out, expected)


@pytest.mark.thorough
@pytest.mark.parametrize("n", [63, 64, 65, 1023, 1025, 5000])
@pytest.mark.parametrize("dtype", FLOATS)
def test_gradients_of_more_than_a_grid_does_at_once(dtype, n):
    g, x = some_arguments(dtype, n), some_arguments(dtype, n + 1)[1:].copy()
    expected, out = gradient_on_cpu("sigmoid_backward", g, x, dtype), np.zeros_like(g)
    compute_gradient("sigmoid_backward", g, x, out, dtype)
    assert_same_stored(out, expected)
    compute_gradient("sigmoid_backward", np.repeat(g, 2)[::2], x, out[::-1], dtype)
    assert_same_stored(out[::-1].copy(), expected)


@pytest.mark.thorough
@settings(deadline=None, max_examples=60)
@given(st.data(), st.lists(st.integers(1, 4), max_size=6).map(tuple), st.sampled_from(FLOATS))
def test_gradients_in_any_layout(data, shape, dtype):
    ndim, n = len(shape), math.prod(shape)
    values = [some_arguments(dtype, n).reshape(shape), some_arguments(dtype, n + 1)[1:].reshape(shape)]
    expected = gradient_on_cpu("expm1_backward", *values, dtype)
    g, x = (laid_out(array, *data.draw(layouts(ndim))) for array in values)
    out = laid_out(np.zeros(shape, g.dtype), *data.draw(layouts(ndim)))
    compute_gradient("expm1_backward", g, x, out, dtype)
    assert_same_stored(out, expected)
    compute_gradient("expm1_backward", g, x, x, dtype)
    assert_same_stored(x, expected)
    if ndim:
        row = np.broadcast_to(values[0][:1], shape)
        compute_gradient("expm1_backward", row, values[1], out, dtype)
        assert_same_stored(out, gradient_on_cpu("expm1_backward", row.copy(), values[1], dtype))


def test_gradients_of_many_dimensions():
    """Seven that cannot be taken together: the first three are gone through one by one."""
    shape, dtype = (2, 2, 3, 2, 2, 3, 2), "float32"
    values = some_arguments(dtype, math.prod(shape)).reshape(shape)
    x = laid_out(values, range(7), (2,) * 7)
    out = laid_out(np.zeros_like(values), (3, 1, 6, 0, 2, 5, 4), (1, -2, 1, 2, -1, 1, 2))
    compute_gradient("exp_backward", values, x, out, dtype)
    assert_same_stored(out, gradient_on_cpu("exp_backward", values, values, dtype))


def test_gradients_of_what_lies_between_elements_are_refused():
    good, bad = np.zeros(8, np.float32), np.zeros(64, np.uint8)[1:33].view(np.float32)
    for place, label in enumerate(("grad_output", "x", "out")):
        operands = [bad if i == place else good for i in range(3)]
        with pytest.raises(ValueError, match=f"^`{label}` must be aligned to its elements of 4 bytes"):
            compute_gradient("sigmoid_backward", *operands, "float32")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["exp_backward", "softplus_backward"])
def test_gradients_under_the_target(name, dtype):
    """NumPy's arrays, by NumPy's rules, and those of a device."""
    function = getattr(numbaexp, name)
    g, x = some_arguments(dtype, 24).reshape(4, 6), some_arguments(dtype, 25)[1:].reshape(4, 6)
    calls = [
        lambda: function(g, x),
        lambda: function(2.0, x),
        lambda: function(g[0], x[:, :1]),
        lambda: function(g.T, x.T, out=np.zeros((6, 4), dtype)),
        lambda: function(g, x, out=np.zeros((4, 6), dtype), where=g > 0),
        lambda: function(g, x, dtype=np.float64),
        lambda: function(g.astype(np.float16), x),
        lambda: function(1.0, 2.0),
        lambda: function(g[:0], x[:0]),
    ]
    for call in calls:
        expected = call()
        with numbaexp.use_target("cuda"):
            result = call()
        assert type(result) is type(expected)
        assert_same_stored(np.asarray(result), np.asarray(expected))
    with numbaexp.use_target("cuda"), pytest.raises(TypeError, match=r"^`grad_output` must be an array of NumPy's own"):
        function(np.ma.masked_array(g), x)
    there = [cuda.to_device(array) for array in (g, x)]
    result = function(*there)
    assert type(result) is type(there[0])
    assert_same_stored(result.copy_to_host(), function(g, x))
    out = cuda.device_array_like(there[0])
    assert function(there[0][:, ::2], there[1][:, ::2], out=out[:, ::2]) is not out
    assert_same_stored(out.copy_to_host()[:, ::2].copy(), function(g, x)[:, ::2].copy())
    with pytest.raises(ValueError, match="numbaexp copies nothing between devices"):
        function(there[0], x)
