"""What the softmax family takes and gives: axes, types, ``out``, ``where``, ``b``, special rows, other libraries.

How exact the results are, and that they have the same bits however they are asked for, is tested beside this.
"""

import itertools
import re

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import FLOATS, FORMATS, assert_same_but_nan, dtype_of, to_numpy, to_torch
from hypothesis import given, settings

import numbaexp
from numbaexp import log_softmax, log_softmax_backward, logsumexp, logsumexp_backward, softmax, softmax_backward

pytestmark = pytest.mark.sampled(dtype="float32", into="float32")

inf, nan = np.inf, np.nan
TYPES = {name: dtype_of(name) for name in FLOATS}
BFLOAT16 = TYPES["bfloat16"]
SHARES = [softmax, log_softmax]
# What the first parameter is called, as in SciPy.
FIRST = {softmax: "x", log_softmax: "x", logsumexp: "a"}
VALUES = np.random.default_rng(0).standard_normal((3, 4, 5)) * 3
AXES = [-1, 0, 1, 2, -3, None, (0, 2), (2, 0), (-1, 1), (0, 1), (0, 1, 2), (), (1,)]


@pytest.fixture(autouse=True)
def no_floating_point_warnings():
    """Whatever NumPy is told to do about them, there are none."""
    with np.errstate(all="raise"):
        yield


def in_rows(x, axis):
    """(rows, the shape that they have when they are put back, and a function that does so)"""
    axes = range(x.ndim) if axis is None else np.atleast_1d(np.array(axis, int)) % max(x.ndim, 1)
    axes = sorted(int(a) for a in axes)
    others = [a for a in range(x.ndim) if a not in axes]
    moved = x.transpose([*others, *axes])
    length = int(np.prod([x.shape[a] for a in axes]))
    return (
        np.ascontiguousarray(moved).reshape(-1, length) if length else moved.reshape(0, 0),
        moved.shape,
        others + axes,
    )


def one_by_one(function, x, axis):
    """The reference: each row alone, contiguous."""
    rows, shape, order = in_rows(x, axis)
    results = np.array([function(row.copy(), -1) for row in rows], x.dtype).reshape(shape)
    return results.transpose(np.argsort(order))


# Axes and shapes


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_axes(axis, dtype):
    x = VALUES.astype(TYPES[dtype])
    for function in SHARES:
        assert_same_but_nan(function(x, axis), one_by_one(function, x, axis))
        assert_same_but_nan(function(x, axis=axis), function(x, axis))
    rows, *_ = in_rows(x, axis)
    expected = np.array([logsumexp(row) for row in rows], x.dtype)
    axes = tuple(range(3)) if axis is None else tuple(np.atleast_1d(np.array(axis, int)) % 3)
    kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    assert_same_but_nan(logsumexp(x, axis, keepdims=True), expected.reshape(kept))
    assert_same_but_nan(logsumexp(x, axis), expected.reshape([n for a, n in enumerate(x.shape) if a not in axes]))


def test_scipys_conventions():
    special = pytest.importorskip("scipy.special", reason="SciPy is the peer")
    b = np.random.default_rng(1).standard_normal(VALUES.shape)
    for axis in AXES[:-2]:
        for ours, theirs in ((softmax, special.softmax), (log_softmax, special.log_softmax)):
            np.testing.assert_allclose(ours(VALUES, axis), theirs(VALUES, axis), rtol=1e-13)
        for keepdims in (False, True):
            made, peers = (f(VALUES, axis=axis, keepdims=keepdims) for f in (logsumexp, special.logsumexp))
            assert np.shape(made) == np.shape(peers)
            np.testing.assert_allclose(made, peers, rtol=1e-13)
        for weights in (b, b[0], b[:, :1], 2.0, abs(b)):
            made = logsumexp(VALUES, axis, b=weights, return_sign=True)
            peers = special.logsumexp(VALUES, axis, b=weights, return_sign=True)
            np.testing.assert_allclose(made[0], peers[0], rtol=1e-11, atol=1e-13)
            np.testing.assert_array_equal(made[1], peers[1])
            with np.errstate(all="ignore"):
                unsigned = special.logsumexp(VALUES, axis, b=weights)
            np.testing.assert_allclose(logsumexp(VALUES, axis, b=weights), unsigned, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
@pytest.mark.parametrize("axis", [3, -4, (0, 3)])
def test_no_such_axis(function, axis):
    with pytest.raises(np.exceptions.AxisError, match=r"axis: axis -?\d is out of bounds for array of dimension 3"):
        function(VALUES, axis)


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_axes_refused(function):
    with pytest.raises(ValueError, match="repeated axis in `axis`"):
        function(VALUES, (0, -3))
    for axis in (1.5, "a", [None]):
        message = re.escape(f"`axis` must be an int, a tuple of int or None; got {axis!r}")
        with pytest.raises(TypeError, match=message):
            function(VALUES, axis)


@pytest.mark.parametrize("dtype", TYPES)
def test_scalars(dtype):
    scalar = TYPES[dtype].type
    for x in (scalar(3), np.array(3, TYPES[dtype])):
        for axis in (-1, 0, None):
            for result, expected in (
                (softmax(x, axis), 1),
                (log_softmax(x, axis), 0),
                (logsumexp(x, axis), 3),
                (softmax_backward(x, x, axis), -18),
                (logsumexp_backward(x, x, axis), 3),
            ):
                assert type(result) is scalar
                assert result == expected
    assert softmax(5) == 1.0
    assert type(softmax(5)) is np.float64
    assert logsumexp(2.5, keepdims=True).shape == ()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_empty(shape, dtype):
    x = np.zeros(shape, TYPES[dtype])
    for axis in (*range(len(shape)), None):
        for function in SHARES:
            assert_same_but_nan(function(x, axis), x)
            out = np.zeros(shape, TYPES[dtype])
            assert function(x, axis, out=out) is out
        assert_same_but_nan(softmax_backward(x, x, axis), x)
        grad = np.zeros_like(logsumexp(x, axis))
        assert_same_but_nan(logsumexp_backward(grad, x, axis), x)
        result, sign = logsumexp(x, axis, return_sign=True)
        expected_shape = () if axis is None else tuple(n for a, n in enumerate(shape) if a != axis)
        assert_same_but_nan(result, np.full(expected_shape, -inf, TYPES[dtype]))
        assert_same_but_nan(sign, np.zeros(expected_shape, TYPES[dtype]))
        assert_same_but_nan(logsumexp(x, axis, b=x), result)


@st.composite
def views(draw):
    """An array cut, reversed, permuted, broadcast, byte-swapped or misaligned out of another, and axes of it."""
    dtype = TYPES[draw(st.sampled_from(list(TYPES)))]
    shape = draw(hnp.array_shapes(max_dims=4, max_side=12))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape) * generator.choice([0.1, 4, 60])
    x[generator.random(shape) < 0.1] = generator.choice([-inf, -inf, 0, nan, inf])
    with np.errstate(all="ignore"):
        x = x.astype(dtype)
    x = x[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1, -2, 3]))) for _ in shape)]
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    change = draw(st.sampled_from(["none", "swap", "misalign", "broadcast", "copy"]))
    if change == "swap" and dtype != BFLOAT16:
        x = x.astype(dtype.newbyteorder())
    elif change == "misalign":
        raw = np.empty(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
        raw[...] = x
        x = raw
    elif change == "broadcast":
        x = np.broadcast_to(x, (draw(st.sampled_from([2, 9])), *x.shape))
    elif change == "copy":
        x = x.copy(order="K")
    axes = draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1), st.sets(st.integers(0, x.ndim - 1)).map(tuple)))
    return x, axes


@pytest.mark.thorough
@settings(deadline=None, max_examples=300)
@given(views(), st.sampled_from(["cpu", "parallel", "auto"]), st.data())
def test_any_view(view, target, data):
    x, axis = view
    plain = x.astype(x.dtype.newbyteorder("="))
    with numbaexp.use_target(target):
        for function in SHARES:
            expected = one_by_one(function, plain, axis)
            assert_same_but_nan(function(x, axis), expected)
            out = np.empty(x.shape, plain.dtype, order=data.draw(st.sampled_from("CF")))
            assert function(x, axis, out=out) is out
            assert_same_but_nan(out, expected)
        rows, *_ = in_rows(plain, axis)
        result = logsumexp(x, axis)
        assert_same_but_nan(np.ravel(result), np.array([logsumexp(row) for row in rows], plain.dtype))


# Types


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_types_are_kept(function, dtype):
    x = VALUES.astype(TYPES[dtype])
    assert function(x, 1).dtype == TYPES[dtype]
    assert function(x[0, 0, 0], 0).dtype == TYPES[dtype]


@pytest.mark.sampled(dtype=("?", "q"))
@pytest.mark.parametrize("dtype", ["?", "b", "B", "h", "H", "i", "I", "q", "Q"])
def test_integers_are_computed_in_float64(dtype):
    x = np.array([[0, 1, 1], [1, 0, 3]]).astype(dtype)
    for function in (softmax, log_softmax, logsumexp):
        assert_same_but_nan(function(x, 1), function(x.astype(np.float64), 1))
    wide = x.astype(float)
    assert_same_but_nan(softmax_backward(x, x, 1), softmax_backward(wide, wide, 1))
    assert_same_but_nan(logsumexp_backward(x[0, :2], x, 1), logsumexp_backward(wide[0, :2], wide, 1))


@pytest.mark.parametrize("x", [[1, 2, 3], (1.0, 2.5), range(4), memoryview(np.ones(3, np.float32)), [[1.0], [2.0]]])
def test_sequences(x):
    for function in (softmax, log_softmax, logsumexp):
        assert_same_but_nan(function(x, -1), function(np.asarray(x), -1))


@pytest.mark.parametrize("x", [np.ones(2, object), ["a"], None, np.ones(2, "M8[s]")])
def test_types_refused(x):
    said = re.escape(
        f"must be of type float16, bfloat16, float32, float64, integers or bool; got {np.asarray(x).dtype}"
    )
    for function in (softmax, log_softmax, logsumexp):
        with pytest.raises(TypeError, match=f"^`{FIRST[function]}` {said}$"):
            function(x, -1)
    like = np.ones(np.shape(x))
    for backward in (softmax_backward, log_softmax_backward):
        with pytest.raises(TypeError, match=f"^`output` {said}$"):
            backward(like, x)
        with pytest.raises(TypeError, match=f"^`grad_output` {said}$"):
            backward(x, like)
    with pytest.raises(TypeError, match=f"^`x` {said}$"):
        logsumexp_backward(1.0, x)


def test_subclasses_give_arrays(tmp_path):
    class Sub(np.ndarray):
        pass

    memmap = np.memmap(tmp_path / "x", np.float32, "w+", shape=(2, 3))
    memmap[...] = 1
    for x in (VALUES.view(Sub), memmap):
        for function in (softmax, log_softmax):
            result = function(x, 0)
            assert type(result) is np.ndarray
            assert_same_but_nan(result, function(np.array(x), 0))
    out = np.empty(VALUES.shape).view(Sub)
    assert softmax(VALUES, out=out) is out
    assert_same_but_nan(np.array(out), softmax(VALUES))


def test_masked_arrays_are_refused():
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    for call, argument in (
        (lambda: softmax(masked), "x"),
        (lambda: log_softmax(masked), "x"),
        (lambda: logsumexp(masked), "a"),
        (lambda: logsumexp([1.0, 2.0], b=masked), "b"),
        (lambda: softmax([1.0, 2.0], where=np.ma.ones(2, dtype=bool)), "where"),
        (lambda: softmax_backward(masked, np.ones(2)), "grad_output"),
        (lambda: softmax_backward(np.ones(2), masked), "output"),
        (lambda: logsumexp_backward(1.0, masked), "x"),
    ):
        with pytest.raises(TypeError, match=f"^`{argument}` must not be a masked array"):
            call()


# dtype


@pytest.mark.parametrize("into", TYPES)
@pytest.mark.parametrize("function", SHARES)
def test_dtype(function, into):
    for dtype in (*TYPES.values(), np.dtype("i"), np.dtype(">f8")):
        x = VALUES.astype(dtype)
        assert_same_but_nan(function(x, 0, dtype=TYPES[into]), function(x.astype(TYPES[into]), 0))
    assert_same_but_nan(function(np.array([0, 1e300]), dtype=np.float16), np.full(2, nan, np.float16))


def test_dtype_refused():
    for dtype in ("int32", bool, object):
        message = f"`dtype` must be one of float16, bfloat16, float32, float64; got {np.dtype(dtype)}"
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            softmax(VALUES, dtype=dtype)


# out

OUT = {
    "C": np.empty,
    "Fortran": lambda shape, dtype: np.empty(shape, dtype, order="F"),
    "strided": lambda shape, dtype: np.empty([2 * n for n in shape], dtype)[::2, ::2, ::2],
    "reversed": lambda shape, dtype: np.empty(shape, dtype)[::-1, :, ::-1],
    "byte-swapped": lambda shape, dtype: np.empty(shape, dtype if dtype == BFLOAT16 else dtype.newbyteorder()),
    "misaligned": lambda shape, dtype: (
        np.empty(int(np.prod(shape)) * dtype.itemsize + 1, "B")[1:].view(dtype).reshape(shape)
    ),
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", OUT)
def test_out(layout, dtype):
    x = VALUES.astype(TYPES[dtype])
    for function, axis in itertools.product(SHARES, (-1, 0, (0, 2), None)):
        out = OUT[layout](x.shape, TYPES[dtype])
        assert function(x, axis, out=out) is out
        assert_same_but_nan(out.astype(x.dtype), function(x, axis))
        assert function(x, axis, out=(out,)) is out
        out[...] = x
        assert function(out, axis, out=out) is out
        assert_same_but_nan(out.astype(x.dtype), function(x, axis))


def test_out_of_a_scalar():
    for x in (np.array(2.0), 2.0):
        out = np.empty(())
        assert softmax(x, out=out) is out
        assert out == 1


@pytest.mark.parametrize("function", SHARES)
def test_out_of_another_type(function):
    x = VALUES.astype(np.float32)
    expected = function(x, 0)
    for dtype in (np.float16, BFLOAT16, np.float64, np.longdouble, np.complex64, object):
        out = np.empty(x.shape, dtype)
        assert function(x, 0, out=out) is out
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(out, expected.astype(dtype))
    out = np.empty(2, np.float16)
    log_softmax(np.array([0, -1e300]), out=out)
    assert_same_but_nan(out, np.array([0, -inf], np.float16))


OUT_REFUSED = {
    "type": (np.empty(3, int), TypeError, "`out` must be of a type that float64 can be cast to; got int64"),
    "bool": (np.empty(3, bool), TypeError, "`out` must be of a type that float64 can be cast to; got bool"),
    "shape": (np.empty(4), ValueError, "`out` must be of the shape of the result, (3,); got (4,)"),
    "broadcast": (np.empty((2, 3)), ValueError, "`out` must be of the shape of the result, (3,); got (2, 3)"),
    "read-only": (np.broadcast_to(0.0, 3), ValueError, "`out` is read-only"),
    "list": ([0.0] * 3, TypeError, "`out` must be an array; got list"),
    "two": ((np.empty(3), np.empty(3)), TypeError, "`out` must be an array; got tuple"),
    "scalar": (1.0, TypeError, "`out` must be an array; got float"),
}


@pytest.mark.parametrize("case", OUT_REFUSED)
@pytest.mark.parametrize("function", SHARES)
def test_out_refused(function, case):
    out, error, message = OUT_REFUSED[case]
    for axis in (-1, 0):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            function(np.ones(3), axis, out=out)


def test_out_read_only_of_the_same_layout():
    out = np.empty(3)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="`out` is read-only"):
        softmax(np.ones(3), out=out)


@pytest.mark.parametrize("shift", [-300, -7, -1, 1, 7, 300])
@pytest.mark.parametrize("function", SHARES)
def test_overlap(function, shift):
    """``out`` is the same memory as ``x``, some elements on."""
    for axis in (-1, 0):
        memory = np.random.default_rng(0).standard_normal(3000)
        x, out = (memory[at : at + 2000].reshape(20, 100) for at in (500, 500 + shift))
        expected = function(x.copy(), axis)
        assert_same_but_nan(function(x, axis, out=out), expected)


@pytest.mark.parametrize("function", SHARES)
def test_overlap_of_other_strides(function):
    for axis, turn in itertools.product((0, 1), (np.flip, np.transpose, lambda x: x[::-1])):
        x = np.random.default_rng(0).standard_normal((40, 40))
        expected = function(x.copy(), axis)
        assert_same_but_nan(function(x, axis, out=turn(x)), expected)


# where


@pytest.mark.parametrize("dtype", TYPES)
def test_where(dtype):
    x = VALUES.astype(TYPES[dtype])
    full = np.random.default_rng(2).random(x.shape) < 0.6
    full[1, 2] = False
    for mask in (full, full[0], full[:, :1], full[0, 0], True, np.True_, False, full.tolist()):
        for axis in (-1, 0, (0, 2), None):
            broadcast = np.broadcast_to(mask, x.shape)
            kept = np.where(broadcast, x, TYPES[dtype].type(-inf))
            empty = np.broadcast_to(~broadcast.any(axis, keepdims=True), x.shape)
            shares, logs = softmax(kept, axis), log_softmax(kept, axis)
            shares[empty], logs[empty] = 0, -inf
            assert_same_but_nan(softmax(x, axis, where=mask), shares)
            assert_same_but_nan(log_softmax(x, axis, where=mask), logs)
            assert_same_but_nan(logsumexp(x, axis, where=mask), logsumexp(kept, axis))
            out = x.copy()
            assert softmax(out, axis, out=out, where=mask) is out
            assert_same_but_nan(out, shares)
            out = np.empty(x.shape, dtype=x.dtype, order="F")
            assert_same_but_nan(log_softmax(x, axis, out=out, where=mask), logs)


def test_where_hides_anything():
    x, mask = np.array([[1.0, nan, inf, 2.0]]), np.array([True, False, False, True])
    expected = softmax(np.array([1.0, 2.0]))
    assert_same_but_nan(softmax(x, where=mask), np.array([[expected[0], 0, 0, expected[1]]]))
    assert np.isneginf(log_softmax(x, where=mask)[0, 1:3]).all()
    assert logsumexp(x, where=mask) == logsumexp([1.0, 2.0])
    assert logsumexp(x, b=np.ones(4), where=mask) == logsumexp([1.0, 2.0])
    assert_same_but_nan(softmax(np.array(3.0), where=False), np.float64(0))
    assert_same_but_nan(softmax(np.array([1, 2]), where=[False, True]), np.array([0.0, 1.0]))


def test_where_may_look_at_out():
    out = np.zeros((6, 40))
    where = out.view(np.uint8)[:, :320:8].view(bool)
    where[...] = np.random.default_rng(0).random(where.shape) < 0.5
    x = np.random.default_rng(1).standard_normal((6, 40))
    expected = softmax(x, where=where.copy())
    assert_same_but_nan(softmax(x, out=out, where=where), expected)


def test_where_refused():
    for function in (softmax, log_softmax, logsumexp):
        with pytest.raises(TypeError, match=r"^`where` must be of type bool; got int64$"):
            function(np.ones(3), where=np.ones(3, np.int64))
        for shape in ((4,), (2, 4), (0,)):
            message = f"`where` must broadcast with `{FIRST[function]}` of shape (3,); got {shape}"
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                function(np.ones(3), where=np.ones(shape, bool))


# Special rows


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("many", [0, 1, 60, 5000])
def test_special_rows(many, dtype):
    """Alone, beside each other, and among many other elements."""
    greatest = FORMATS[dtype].greatest
    table = (
        # special elements, softmax and log_softmax of them and of the others (which are -1), logsumexp
        ([nan], [nan], [nan], nan, nan, nan),
        ([inf], [nan], [nan], nan, nan, inf),
        ([inf, -inf], [nan, nan], [nan, nan], nan, nan, inf),
        ([inf, nan], [nan, nan], [nan, nan], nan, nan, nan),
        ([nan, -inf], [nan, nan], [nan, nan], nan, nan, nan),
        ([greatest], [1], [0], 0, None, greatest),
        ([greatest, greatest], [0.5, 0.5], [-np.log(2)] * 2, 0, None, greatest),
        ([greatest, -inf], [1, 0], [0, -inf], 0, None, greatest),
    )
    for special, shares, logs, other_share, other_log, total in table:
        x = np.full(len(special) + many, -1, TYPES[dtype])
        x[many // 2 : many // 2 + len(special)] = special
        here = np.zeros(len(x), bool)
        here[many // 2 : many // 2 + len(special)] = True
        for axis, count in itertools.product((0, 1), (1, 12)):
            rows = np.tile(x, (count, 1)) if axis else np.tile(x, (count, 1)).T
            results = softmax(rows, axis), log_softmax(rows, axis)
            for result, expected, others in zip(results, (shares, logs), (other_share, other_log), strict=True):
                along = np.moveaxis(result, axis, -1).reshape(-1, len(x)).astype(np.float64)
                wanted = np.asarray(expected, TYPES[dtype]).astype(float)
                np.testing.assert_array_equal(along[:, here], np.broadcast_to(wanted, (len(along), len(special))))
                if others is not None:
                    np.testing.assert_array_equal(along[:, ~here], others)
                else:
                    assert (along[:, ~here] < 0).all()
            np.testing.assert_array_equal(logsumexp(rows, axis).astype(np.float64), total)


@pytest.mark.parametrize(
    ("dtype", "n"), [*itertools.product(TYPES, (1, 2, 33, 5000)), ("float32", 70_000), ("float64", 70_000)]
)
def test_nothing_but_minus_infinity(dtype, n):
    x = np.full(n, -inf, TYPES[dtype])
    assert np.isnan(softmax(x).astype(float)).all()
    assert np.isnan(log_softmax(x).astype(float)).all()
    assert_same_but_nan(np.array(logsumexp(x, return_sign=True)), np.array([-inf, 0], TYPES[dtype]))
    assert (logsumexp_backward(TYPES[dtype].type(2), x) == 0).all()
    x[n // 2] = 3
    assert_same_but_nan(softmax(x), (np.arange(n) == n // 2).astype(TYPES[dtype]))
    assert log_softmax(x)[n // 2] == 0
    assert logsumexp(x) == 3


def test_signs_of_zero():
    for x in (np.array([-0.0]), np.array([0.0])):
        assert not np.signbit(log_softmax(x))
    assert_same_but_nan(softmax(np.array([-0.0, 0.0])), np.array([0.5, 0.5]))


def test_subnormal_results_are_kept():
    assert softmax(np.float32([0, -100]))[1] == np.float32("3.783506e-44")
    assert softmax(np.array([0, -740.0]))[1] == 4.199558e-322
    assert log_softmax(np.array([0, -740.0]))[0] == -4.199558e-322


# logsumexp's b


def test_b():
    x = np.array([1.0, nan, inf, -inf])
    result = logsumexp(x, b=[2, 0, 0, 5], return_sign=True)
    assert_same_but_nan(np.array(result), np.array([1 + np.log(2), 1]))
    assert np.isnan(logsumexp([1.0, 1.0], b=[1, -2]))
    assert_same_but_nan(np.array(logsumexp([1.0, 1.0], b=[1, -2], return_sign=True)), np.array([1.0, -1.0]))
    assert_same_but_nan(np.array(logsumexp([1.0, 1.0], b=[1, -1], return_sign=True)), np.array([-inf, 0.0]))
    assert_same_but_nan(np.array(logsumexp([1.0, 2.0], b=0, return_sign=True)), np.array([-inf, 0.0]))
    assert_same_but_nan(np.array(logsumexp([nan, 2.0], b=1, return_sign=True)), np.array([nan, nan]))
    assert_same_but_nan(logsumexp(VALUES, 1, b=np.ones(5)), logsumexp(VALUES, 1))
    assert_same_but_nan(logsumexp(VALUES, 1, b=True), logsumexp(VALUES, 1))
    # Twice what is there twice.
    assert_same_but_nan(logsumexp(VALUES, 1, b=2), logsumexp(np.concatenate([VALUES, VALUES], axis=1), 1))


@pytest.mark.parametrize(
    ("b", "result", "sign"),
    [
        ([1, 1], inf, 1),
        ([-1, 1], inf, -1),
        ([0, 1], 1, 1),
        ([nan, 1], nan, nan),
        ([1, nan], nan, nan),
        ([1, -9], inf, 1),
    ],
)
@pytest.mark.parametrize("n", [2, 5000])
def test_b_of_infinite_elements(n, b, result, sign):
    x, factors = np.full(n, -inf), np.ones(n)
    x[[0, -1]], factors[[0, -1]] = [inf, 1], b
    assert_same_but_nan(np.array(logsumexp(x, b=factors, return_sign=True)), np.array([result, sign], float))
    assert_same_but_nan(logsumexp(x, b=factors), np.float64(result if sign == 1 else nan))


def test_b_of_infinite_elements_of_both_signs():
    for n in (2, 5000):
        x, factors = np.full(n, inf), np.ones(n)
        factors[-1] = -1
        assert np.isnan(logsumexp(x, b=factors, return_sign=True)).all()
    assert np.isnan(logsumexp([1.0, 2.0], b=[inf, 1], return_sign=True)).all()


def test_b_types():
    for dtype in ("?", "b", "u2", "e", "f", ">f4", BFLOAT16):
        b = np.array([1, 0, 1]).astype(dtype)
        assert_same_but_nan(logsumexp(np.float32([1, 2, 3]), b=b), logsumexp(np.float32([1, 3])))
    said = "`b` must be of type float16, bfloat16, float32, float64, integers or bool; got object"
    with pytest.raises(TypeError, match=f"^{said}$"):
        logsumexp([1.0], b=np.ones(1, object))
    assert np.isnan(logsumexp(np.float32([1, 2]), b=1e300))
    assert_same_but_nan(logsumexp(np.float32([1, 2]), b=[1e300, 0]), logsumexp([1.0, 2.0], b=[1e300, 0]))


PAIRS = list(itertools.product(["?", "b", "u2", "i4", "q", "e", "f", "d", ">f4", BFLOAT16], repeat=2))


@pytest.mark.parametrize(("of_a", "of_b"), PAIRS, ids=str)
def test_types_of_a_and_b(of_a, of_b):
    """Computed in the type of their product, as SciPy does."""
    a, b = np.ones(2).astype(of_a), np.array([1, 0]).astype(of_b)
    product = (a * b).dtype
    kind = product if product.name in TYPES else np.dtype("d")
    for result in (logsumexp(a, b=b), *logsumexp(a, 0, b, return_sign=True)):
        assert_same_but_nan(result, kind.type(1))
    # Of two arrays of bool, SciPy for Python 3.10 raises an error of NumPy's.
    if BFLOAT16 not in (of_a, of_b) and (of_a, of_b) != ("?", "?"):
        special = pytest.importorskip("scipy.special", reason="SciPy is the peer")
        assert special.logsumexp(a, b=b).dtype == kind


@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_of_pythons_take_the_type_of_the_other(dtype):
    x = np.array([1, 0], TYPES[dtype])
    for number in (True, 1, 1.0):
        assert_same_but_nan(logsumexp(x, b=number), logsumexp(x))
        assert_same_but_nan(logsumexp(number, b=x), x[0])
        assert_same_but_nan(logsumexp(number, b=1), np.float64(1))
    # One of NumPy's has a type of its own.
    assert logsumexp(x, b=np.float64(1)).dtype == np.float64


@pytest.mark.parametrize("dtype", TYPES)
def test_return_sign(dtype):
    x = np.array([[1, 2], [-inf, -inf], [inf, 0], [nan, 1]]).astype(TYPES[dtype])
    for keepdims in (False, True):
        result, sign = logsumexp(x, 1, keepdims=keepdims, return_sign=True)
        assert_same_but_nan(result, logsumexp(x, 1, keepdims=keepdims))
        assert_same_but_nan(sign, np.array([1, 0, 1, nan]).astype(TYPES[dtype]).reshape(result.shape))
    assert type(logsumexp(x[0], return_sign=True)[1]) is TYPES[dtype].type


# Gradients


def test_gradients_are_those_of_finite_differences():
    step = 1e-6
    for axis in (-1, 1, (0, 2), None):
        g = np.random.default_rng(0).standard_normal(VALUES.shape)
        of_sum = np.random.default_rng(1).standard_normal(np.shape(logsumexp(VALUES, axis)))
        for function, gradient, of_result in (
            (softmax, softmax_backward(g, softmax(VALUES, axis), axis), g),
            (log_softmax, log_softmax_backward(g, log_softmax(VALUES, axis), axis), g),
            (logsumexp, logsumexp_backward(of_sum, VALUES, axis), of_sum),
        ):
            for at in ((0, 0, 0), (1, 3, 2), (2, 0, 4)):
                moved = np.zeros(VALUES.shape)
                moved[at] = step
                change = (of_result * (function(VALUES + moved, axis) - function(VALUES - moved, axis))).sum()
                np.testing.assert_allclose(gradient[at], change / (2 * step), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_gradients_along_axes(axis, dtype):
    x = VALUES.astype(TYPES[dtype])
    g = VALUES[::-1, :, ::-1].astype(TYPES[dtype])
    for function, backward in ((softmax, softmax_backward), (log_softmax, log_softmax_backward)):
        y = function(x, axis)
        rows, shape, order = in_rows(y, axis)
        results = [backward(a, b) for a, b in zip(in_rows(g, axis)[0], rows, strict=True)]
        expected = np.array(results, x.dtype).reshape(shape).transpose(np.argsort(order))
        for layout in (lambda a: a, np.asfortranarray, lambda a: np.repeat(a, 2, 1)[:, ::2]):
            assert_same_but_nan(backward(layout(g), layout(y), axis), expected)
            assert_same_but_nan(backward(g, layout(y), axis), expected)
        assert_same_but_nan(backward(g.astype(np.float64), y, axis), expected)
    rows, shape, order = in_rows(x, axis)
    grad = logsumexp(x, axis)
    results = [logsumexp_backward(a, row) for a, row in zip(np.ravel(grad), rows, strict=True)]
    expected = np.array(results, x.dtype).reshape(shape).transpose(np.argsort(order))
    assert_same_but_nan(logsumexp_backward(grad, x, axis), expected)
    assert_same_but_nan(logsumexp_backward(logsumexp(x, axis, keepdims=True), np.asfortranarray(x), axis), expected)


@pytest.mark.parametrize("dtype", TYPES)
def test_gradients_of_special_rows(dtype):
    for special in (nan, inf, -inf):
        for n in (2, 100, 5000):
            g, y = np.ones(n, TYPES[dtype]), np.full(n, 1 / n, TYPES[dtype])
            g[n // 2] = special
            logs = np.full(n, -np.log(n), TYPES[dtype])
            for result in (softmax_backward(g, y), log_softmax_backward(g, logs), softmax_backward(y, g)):
                assert np.isnan(result.astype(float)).all()
    x = np.array([[0, nan], [0, inf], [-inf, -inf], [0, -inf]]).astype(TYPES[dtype])
    expected = np.array([[nan, nan], [nan, nan], [0, 0], [2, 0]]).astype(TYPES[dtype])
    assert_same_but_nan(logsumexp_backward(np.full(4, 2), x, 1), expected)
    assert_same_but_nan(np.stack([logsumexp_backward(2.0, row) for row in x]), expected)


def test_gradients_refused():
    for backward in (softmax_backward, log_softmax_backward):
        message = "`grad_output` must be of the shape of `output`, (3,); got (2,)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            backward(np.ones(2), np.ones(3))
        with pytest.raises(np.exceptions.AxisError, match="axis 1 is out of bounds"):
            backward(np.ones(3), np.ones(3), 1)
    message = "`grad_output` must be of the shape (4, 5) or (1, 4, 5); got (5, 4)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        logsumexp_backward(np.ones((5, 4)), VALUES, 0)
    with pytest.raises(TypeError, match=r"^`grad_output` must be of type .*; got object$"):
        logsumexp_backward(np.array(None), VALUES)


def test_nothing_is_written_to_arguments():
    for dtype in TYPES.values():
        x = VALUES.astype(dtype)
        g, kept = x[::-1].copy(), x.copy()
        mask = np.random.default_rng(0).random(x.shape) < 0.5
        for axis in (-1, 0, (0, 2)):
            for function in (softmax, log_softmax, logsumexp):
                function(x, axis)
                function(x, axis, where=mask)
            logsumexp(x, axis, b=g)
            softmax_backward(g, x, axis)
            log_softmax_backward(g, x, axis)
        assert_same_but_nan(x, kept)
        assert_same_but_nan(g, kept[::-1])


# Other libraries


TENSORS = {
    "contiguous": lambda t: t,
    "transposed": lambda t: t.permute(2, 0, 1),
    "sliced": lambda t: t[::2, 1:, ::3],
    "expanded": lambda t: t[:1].expand(5, 4, 5),
    "0-d": lambda t: t[0, 1, 2],
    "empty": lambda t: t[:0],
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", TENSORS)
def test_torch(layout, dtype):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    x = TENSORS[layout](to_torch(VALUES.astype(TYPES[dtype])))
    array = to_numpy(x)
    g = x.flip(0) if x.ndim else x
    for axis in (-1, 0, None, *([] if x.ndim < 3 else [1, (0, 2), (1, 2)])):
        made = {softmax: softmax(x, axis), log_softmax: log_softmax(x, axis)}
        for function, result in made.items():
            assert type(result) is torch.Tensor
            assert result.stride() == torch.exp(x).stride()
            assert_same_but_nan(to_numpy(result), function(array, axis))
        for backward, y in zip((softmax_backward, log_softmax_backward), made.values(), strict=True):
            assert_same_but_nan(to_numpy(backward(g, y, axis)), backward(to_numpy(g), to_numpy(y), axis))
        if x.numel():
            for keepdims in (False, True):
                result = logsumexp(x, axis, keepdims=keepdims)
                assert type(result) is torch.Tensor
                assert_same_but_nan(to_numpy(result), logsumexp(array, axis, keepdims=keepdims))


def test_torchs_conventions():
    torch = pytest.importorskip("torch", reason="the peer is PyTorch")
    x = torch.from_numpy(VALUES)
    for axis in (0, 1, 2, -1):
        for function, peer in ((softmax, torch.softmax), (log_softmax, torch.log_softmax)):
            torch.testing.assert_close(function(x, axis), peer(x, axis), rtol=1e-13, atol=1e-13)
        for kept in (False, True):
            made, peers = logsumexp(x, axis, keepdims=kept), torch.logsumexp(x, axis, kept)
            torch.testing.assert_close(made, peers, rtol=1e-13, atol=1e-13)
        leaf = x.clone().requires_grad_()
        g = x.flip(0)
        for peer, backward in ((torch.softmax, softmax_backward), (torch.log_softmax, log_softmax_backward)):
            y = peer(leaf, axis)
            (expected,) = torch.autograd.grad(y, leaf, g)
            torch.testing.assert_close(backward(g, y.detach(), axis), expected, rtol=1e-12, atol=1e-12)
    hidden = torch.full((3, 4), -inf)
    assert softmax(hidden, 1).isnan().equal(torch.softmax(hidden, 1).isnan())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("function", SHARES)
def test_torch_out(function, dtype):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    x = to_torch(VALUES.astype(TYPES[dtype]))
    for axis in (-1, 0, (0, 2)):
        expected = function(x, axis)
        for out in (
            torch.empty_like(x),
            torch.empty(5, 4, 3, dtype=x.dtype).permute(2, 1, 0),
            torch.empty(0, dtype=x.dtype),
        ):
            assert function(x, axis, out=out) is out
            assert torch.equal(out, expected)
        wide = torch.empty(x.shape, dtype=torch.float64)
        assert function(x, axis, out=(wide,)) is wide
        assert torch.equal(wide, expected.double())
        again = x.clone()
        assert function(again, axis, out=again) is again
        assert torch.equal(again, expected)


def test_torch_refused():
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    x = torch.ones(4)
    memory = torch.zeros(8)
    for function in (softmax, log_softmax, logsumexp):
        with pytest.raises(TypeError, match=r"^`where` must be of type bool; got float32$"):
            function(x, where=x)
        said = f"`{FIRST[function]}` must be of a float, integer or bool type; got torch.complex64"
        with pytest.raises(TypeError, match=f"^{said}$"):
            function(x.to(torch.complex64))
        with pytest.raises(np.exceptions.AxisError, match="axis 1 is out of bounds for array of dimension 1"):
            function(x, 1)
    with pytest.raises(TypeError, match=r"^`dtype` must be one of .*; got int64$"):
        softmax(x, dtype=torch.int64)
    with pytest.raises(TypeError, match=r"^of a torch.Tensor `logsumexp` does not take `return_sign`$"):
        logsumexp(x, return_sign=True)
    for function in SHARES:
        for out, error, message in (
            (torch.empty(3), ValueError, r"`out` must be of the shape of the result, \(4,\); got \(3,\)"),
            (torch.empty(4, dtype=torch.int64), TypeError, "`out` must be of a float type"),
            (np.empty(4), TypeError, "arrays of one library; got a torch.Tensor and a numpy.ndarray"),
            (torch.empty(1).expand(4), ValueError, "elements of `out` share memory"),
            (memory[1:5], ValueError, "`out` overlaps `x`"),
        ):
            with pytest.raises(error, match=message):
                function(memory[:4], out=out)
        with pytest.raises(TypeError, match=r"arrays of one library; got a numpy.ndarray and a torch.Tensor"):
            function(np.ones(4), out=torch.empty(4))
    assert not memory.any()


@pytest.mark.parametrize("backward", [softmax_backward, log_softmax_backward])
def test_gradients_of_a_wider_type_are_converted(backward):
    """Without a warning where they overflow."""
    g, y = np.array([1e300, 1.0, -2.0]), np.float32([0.25, 0.5, 0.25])
    result = backward(g, y)
    assert result.dtype == np.float32
    assert result.tobytes() == backward(np.float32([np.inf, 1.0, -2.0]), y).tobytes()


def test_torch_gradients_refused():
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    for backward in (softmax_backward, log_softmax_backward):
        for g, y, error, message in (
            (np.ones(2), torch.ones(2), TypeError, "arrays of one library; got a numpy.ndarray and a torch.Tensor"),
            (torch.ones(2), [1.0, 2.0], TypeError, "arrays of one library; got a torch.Tensor and a list"),
            (torch.ones(2), torch.ones(3), ValueError, r"the shape of `output`, \(3,\); got \(2,\)"),
            (torch.ones(2), torch.ones(2).double(), TypeError, "the type of `output`, float64; got float32"),
            (torch.ones(2).bfloat16(), torch.ones(2), TypeError, "the type of `output`, float32; got bfloat16"),
        ):
            with pytest.raises(error, match=f"^`grad_output` .*{message}$"):
                backward(g, y)
    with pytest.raises(TypeError, match=r"^`grad_output` and `x` .* one library; got a float and a torch.Tensor$"):
        logsumexp_backward(1.0, torch.ones(2))
    with pytest.raises(TypeError, match=r"^`grad_output` and `x` .* library; got a torch.Tensor and a numpy.ndarray$"):
        logsumexp_backward(torch.ones(()), np.ones(2))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_jax(dtype):
    jax = pytest.importorskip("jax", reason="the owner is a JAX array")
    x = jax.numpy.asarray(VALUES.astype(np.float32), dtype)
    array = np.asarray(x)
    for axis in (-1, 0, None, (0, 2)):
        for function in (softmax, log_softmax, logsumexp):
            result = function(x, axis)
            assert isinstance(result, jax.Array)
            assert_same_but_nan(np.asarray(result), function(array, axis))
        y = softmax(x, axis)
        result = softmax_backward(x, y, axis)
        assert isinstance(result, jax.Array)
        assert_same_but_nan(np.asarray(result), softmax_backward(array, np.asarray(y), axis))
    assert_same_but_nan(np.asarray(logsumexp(x, 0, keepdims=True)), logsumexp(array, 0, keepdims=True))
    assert_same_but_nan(np.asarray(softmax(x[0, 0, 0])), np.asarray(softmax(array[0, 0, 0])))


def test_jax_refused():
    jax = pytest.importorskip("jax", reason="the owner is a JAX array")
    x = jax.numpy.ones(3)
    with pytest.raises(TypeError, match="`out` must not be a JAX array: they cannot be changed"):
        softmax(x, out=x)
    with pytest.raises(TypeError, match=r"^of a .*Array.* `logsumexp` does not take `return_sign`$"):
        logsumexp(x, return_sign=True)


@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_owners_of_array_ufunc_are_taken_as_numpy_takes_them(target):
    pandas = pytest.importorskip("pandas", reason="the owner is a pandas object")
    with numbaexp.use_target(target):
        series = pandas.Series([1.0, 2.0])
        assert_same_but_nan(softmax(series), softmax(np.array([1.0, 2.0])))
        assert_same_but_nan(logsumexp(series), logsumexp(np.array([1.0, 2.0])))
