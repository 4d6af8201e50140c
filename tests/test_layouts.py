"""One value, one result: the bits do not depend on shape, strides, position, size, ``out``, ``where`` or target."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import OF_NUMPY, assert_same_but_nan
from hypothesis import given, settings

import numbaexp
from numbaexp.engine.ufuncs import SLABS_FROM
from numbaexp.scalar.family import FAMILY
from numbaexp.verify.hard_cases import hard_cases

pytestmark = pytest.mark.sampled(dtype="float32", target="auto")

TARGETS = ("cpu", "auto", "parallel")


def one_by_one(x, function=numbaexp.exp):
    """The reference: each element alone, contiguous and native."""
    plain = np.ascontiguousarray(x).astype(x.dtype.newbyteorder("="))
    with np.errstate(all="ignore"):
        results = [function(value) for value in plain.ravel()]
    return np.array(results, plain.dtype if plain.dtype.kind == "f" else None).reshape(x.shape)


@st.composite
def views(draw):
    """An array cut, reversed, permuted, broadcast, byte-swapped or misaligned out of another."""
    dtype = np.dtype(draw(st.sampled_from(OF_NUMPY)))
    shape = draw(hnp.array_shapes(max_dims=4, max_side=9))
    x = draw(hnp.arrays(dtype, shape, elements=st.floats(width=8 * dtype.itemsize)))
    x = x[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1, -2, 3]))) for _ in shape)]
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    change = draw(st.sampled_from(["none", "swap", "misalign", "broadcast", "copy"]))
    if change == "swap":
        x = x.astype(dtype.newbyteorder())
    elif change == "misalign":
        raw = np.empty(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
        raw[...] = x
        x = raw
    elif change == "broadcast":
        x = np.broadcast_to(x, (2, *x.shape))
    elif change == "copy":
        x = x.copy(order="K")
    return x


@settings(deadline=None, max_examples=300)
@given(views(), st.sampled_from(list(FAMILY)), st.sampled_from(TARGETS), st.data())
def test_any_view(x, name, target, data):
    function = getattr(numbaexp, name)
    expected = one_by_one(x, function)
    out = np.empty(x.shape, expected.dtype, order=data.draw(st.sampled_from("CF")))
    where = data.draw(st.one_of(st.just(True), hnp.arrays(bool, x.shape)))
    out[...] = 7
    with numbaexp.use_target(target), np.errstate(all="ignore"):
        assert_same_but_nan(function(x), expected)
        function(x, out=out, where=where)
    assert_same_but_nan(out, np.where(where, expected, out.dtype.type(7)))


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(st.sampled_from(["?", "b", "B", "h", "H", "i", "I", "q", "Q"]), hnp.array_shapes()))
def test_integers(x):
    with np.errstate(all="ignore"):
        assert_same_but_nan(numbaexp.exp(x), one_by_one(x))
        assert numbaexp.exp(x).dtype == np.exp(x).dtype


@pytest.mark.parametrize("name", ["exp", "expm1", "softplus"])
@pytest.mark.parametrize("dtype", OF_NUMPY)
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 15, 16, 17, 63, 511, 512, 513, 1025, 8191, 8192, 8193, 100_003])
def test_tails(name, dtype, n):
    function, in_place = getattr(numbaexp, name), getattr(numbaexp, f"{name}_")
    x = np.random.default_rng(n).uniform(-20, 12, n).astype(dtype)
    expected = one_by_one(x, function)
    for target in TARGETS:
        with numbaexp.use_target(target), np.errstate(all="ignore"):
            assert_same_but_nan(function(x), expected)
            assert_same_but_nan(in_place(x.copy()), expected)


# The accurate phase, which half of these need, reads arguments after results beside them were written.
HARD = hard_cases("exp")
HARD = HARD[(HARD > -20) & (HARD < 12)]


@pytest.mark.parametrize("n", [40, 1500, 200_000, 1_200_000])
@pytest.mark.parametrize("shift", [-1000, -9, -1, 1, 9, 1000])
def test_overlap(n, shift):
    """``out`` is the same memory as ``x``, some elements on."""
    generator = np.random.default_rng(0)
    memory = generator.uniform(-20, 12, n + 2000)
    memory[generator.random(memory.size) < 0.5] = generator.choice(HARD)
    x, out = memory[1000 : 1000 + n], memory[1000 + shift : 1000 + shift + n]
    expected = numbaexp.exp(x.copy())
    for target in TARGETS:
        with numbaexp.use_target(target):
            again = memory.copy()
            result = numbaexp.exp(again[1000 : 1000 + n], out=again[1000 + shift : 1000 + shift + n])
            assert_same_but_nan(result, expected)
    assert out.shape == x.shape


@pytest.mark.parametrize("target", TARGETS)
def test_overlap_reversed(target):
    for n in (50, 700_001):
        x = np.linspace(-20, 12, n)
        expected = numbaexp.exp(x)[::-1]
        with numbaexp.use_target(target):
            numbaexp.exp(x, out=x[::-1])
        assert_same_but_nan(x[::-1], expected[::-1])


@pytest.mark.sampled(rows="3")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (1, 0), (3, 2)])
def test_overlap_of_slabs(target, rows, columns):
    """``out`` is a window of the same large matrix, some rows and columns on or back, or what ``where`` looks at."""
    memory = np.random.default_rng(0).uniform(-20, 12, (1030, 1000))
    first = np.s_[: 1030 - rows, : 1000 - columns]
    second = np.s_[rows:, columns:]
    for x, out in ((first, second), (second, first)):
        again = memory.copy()
        with numbaexp.use_target(target):
            result = numbaexp.exp(again[x], out=again[out])
        assert_same_but_nan(result, numbaexp.exp(memory[x]))
    out = np.zeros((1030, 8000), np.uint8)
    out[:, 8:] = np.random.default_rng(1).integers(0, 2, (1030, 7992))
    where = out[:, 8 : 8 + 999].view(bool)
    expected = np.where(where, numbaexp.exp(memory[:, 1:]), out.view(np.float64)[:, :999])
    with numbaexp.use_target(target):
        result = numbaexp.exp(memory[:, 1:], out=out.view(np.float64)[:, :999], where=where)
    np.testing.assert_array_equal(result, expected)


BASE = np.random.default_rng(3).uniform(-20, 12, (1030, 1100)).astype(np.float32)
LARGE = {
    "C": BASE,
    "Fortran": np.asfortranarray(BASE),
    "rows cut": BASE[:, :-7],
    "columns skipped": np.repeat(BASE, 2, axis=1)[:, ::2],
    "rows skipped": np.repeat(BASE, 2, axis=0)[::2],
    "reversed": BASE[::-1, ::-1],
    "three axes": BASE[:1000].reshape(10, 100, 1100).transpose(1, 2, 0),
    "one row broadcast": np.broadcast_to(BASE[0], (900, 1100)),
    "one column broadcast": np.broadcast_to(BASE[:, :1], (1030, 900)),
    "flat, strided": np.repeat(BASE.ravel(), 3)[::3],
    "flat, reversed": BASE.ravel()[::-1],
    "byte-swapped": BASE.astype(">f4"),
    "misaligned": np.concatenate([[0], BASE.view(np.uint8).ravel()]).astype(np.uint8)[1:].view(np.float32),
    "float64": BASE.astype(np.float64),
    "float16": BASE.astype(np.float16),
    "int32": BASE.astype(np.int32),
    "int8": BASE.astype(np.int8),
    "bool": BASE > 0,
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", LARGE)
def test_large_layouts(name, target):
    """Beyond the size from which an array of any layout is shared among threads."""
    x = LARGE[name]
    assert x.size >= SLABS_FROM
    with np.errstate(all="ignore"):
        plain = np.exp(x)
        with numbaexp.use_target("cpu"):
            expected = numbaexp.exp(np.ascontiguousarray(x).ravel()).reshape(x.shape)
        with numbaexp.use_target(target):
            result = numbaexp.exp(x)
            assert_same_but_nan(result, expected)
            assert result.strides == plain.strides
            assert_same_but_nan(numbaexp.exp(x, order="F"), expected)
            out = np.full(x.shape, 7, expected.dtype)
            where = np.random.default_rng(0).random(x.shape) < 0.5
            assert numbaexp.exp(x, out=(out,), where=where) is out
            assert_same_but_nan(out, np.where(where, expected, expected.dtype.type(7)))
            wide = numbaexp.exp(x, dtype=np.float64)
            assert_same_but_nan(wide, numbaexp.exp(x.astype(np.float64)))


@pytest.mark.parametrize("target", ["auto", "parallel"])
def test_large_arrays_refuse_what_small_ones_do(target):
    x = LARGE["rows cut"]
    read_only = np.empty(x.shape, np.float32)
    read_only.flags.writeable = False
    with numbaexp.use_target(target):
        with pytest.raises(ValueError, match="read-only"):
            numbaexp.exp(x, out=read_only)
        with pytest.raises(ValueError, match="broadcast"):
            numbaexp.exp(x, out=np.empty(x.shape[::-1], np.float32))
        with pytest.raises(TypeError, match="Cannot cast ufunc 'exp' output"):
            numbaexp.exp(x, out=np.empty(x.shape, np.int32))
        with pytest.raises(TypeError, match="not supported for the input types"):
            numbaexp.exp(np.zeros(SLABS_FROM + 1, "M8[s]"))


@pytest.mark.large
def test_beyond_31_bits():
    n = (1 << 31) + 12345
    x = np.zeros(n, np.float16)
    x[-1], x[1 << 31] = 1, 2
    numbaexp.exp_(x)
    assert x[-1] == np.float16(2.719)
    assert x[1 << 31] == np.float16(7.39)
    assert x[(1 << 31) - 1] == 1
    assert x[-2] == 1
    y = np.zeros((2, n // 2), np.float16)[:, 1:]
    y[-1, -1] = 1
    numbaexp.exp_(y)
    assert y[-1, -1] == np.float16(2.719)
    assert y[0, 0] == y[-1, -2] == 1
