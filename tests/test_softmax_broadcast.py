"""The argument, the factors and the mask of the softmax family broadcast together, as the arguments of NumPy's ufuncs
do, and what is masked counts for nothing: the bits are those of the arrays in full, without what is hidden.
"""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import FLOATS, FORMATS, assert_same_but_nan, dtype_of
from hypothesis import given, settings

import numbaexp
from numbaexp import log_softmax, logsumexp, softmax

pytestmark = pytest.mark.sampled(dtype="float32")

inf, nan = np.inf, np.nan
SPECIAL = [nan, inf, -inf, 0.0, 1e300]
MASKED = {softmax: 0, log_softmax: -inf}


@pytest.fixture(autouse=True)
def no_floating_point_warnings():
    with np.errstate(all="raise"):
        yield


def in_full(*arrays):
    """Copies that have the common shape, contiguous."""
    return [np.array(array, order="C") for array in np.broadcast_arrays(*arrays)]


@st.composite
def broadcastable(draw, count):
    """(axis, so many shapes that broadcast, seed)"""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=4, min_side=0, max_side=5))
    ndim = len(shapes.result_shape)
    axes = hnp.valid_tuple_axes(ndim) if ndim else st.just(())
    one = st.integers(-ndim, ndim - 1) if ndim else st.nothing()
    return draw(st.none() | axes | one), shapes.input_shapes, draw(st.integers(0, 1 << 32))


def numbers(rng, shape, dtype):
    """Some are infinite, NaN or 0."""
    values = np.where(rng.random(shape) < 0.8, 3 * rng.standard_normal(shape), rng.choice(SPECIAL[:4], shape))
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=60, deadline=None)
@given(case=broadcastable(3), keepdims=st.booleans(), hidden=st.sampled_from(SPECIAL[:3]))
def test_logsumexp(dtype, case, keepdims, hidden):
    axis, (of_a, of_b, of_mask), seed = case
    rng, kind = np.random.default_rng(seed), dtype_of(dtype)
    a, b, mask = numbers(rng, of_a, kind), numbers(rng, of_b, kind), rng.random(of_mask) < 0.6
    wide_a, wide_b, wide_mask = in_full(a, b, mask)
    kept = np.where(wide_mask, wide_b, kind.type(0))
    expected = logsumexp(wide_a, axis, kept, keepdims, return_sign=True)
    for results in (
        logsumexp(a, axis, b, keepdims, True, where=mask),
        # Neither the one nor the other counts where both are hidden.
        logsumexp(np.where(wide_mask, wide_a, kind.type(hidden)), axis, b, keepdims, True, where=mask),
        logsumexp(a, axis, np.where(wide_mask, wide_b, kind.type(hidden)), keepdims, True, where=mask),
    ):
        for result, each in zip(results, expected, strict=True):
            assert_same_but_nan(result, each)


@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=60, deadline=None)
@given(case=broadcastable(2), keepdims=st.booleans())
def test_logsumexp_of_two(dtype, case, keepdims):
    axis, (of_a, of_other), seed = case
    rng, kind = np.random.default_rng(seed), dtype_of(dtype)
    a, b, mask = numbers(rng, of_a, kind), numbers(rng, of_other, kind), rng.random(of_other) < 0.6
    wide_a, wide_b, wide_mask = in_full(a, b, mask)
    assert_same_but_nan(logsumexp(a, axis, b, keepdims), logsumexp(wide_a, axis, wide_b, keepdims))
    kept = np.where(wide_mask, wide_a, kind.type(-inf))
    assert_same_but_nan(logsumexp(a, axis, None, keepdims, where=mask), logsumexp(kept, axis, None, keepdims))


@settings(max_examples=60, deadline=None)
@given(case=broadcastable(3))
def test_logsumexp_is_that_of_the_sum(case):
    """By the sum itself, of numbers of which it is exact enough; of nothing -infinity."""
    axis, (of_a, of_b, of_mask), seed = case
    rng = np.random.default_rng(seed)
    a, b, mask = rng.standard_normal(of_a), rng.random(of_b) + 0.1, rng.random(of_mask) < 0.6
    terms = np.where(mask, b * np.exp(a), 0)
    with np.errstate(divide="ignore"):
        expected = np.log(terms.sum(axis))
    result = logsumexp(a, axis, b, where=mask)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("function", MASKED)
@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=40, deadline=None)
@given(case=broadcastable(2), hidden=st.sampled_from(SPECIAL[:3]))
def test_softmax(function, dtype, case, hidden):
    axis, (of_x, of_mask), seed = case
    rng, kind = np.random.default_rng(seed), dtype_of(dtype)
    x, mask = numbers(rng, of_x, kind), rng.random(of_mask) < 0.6
    wide_x, wide_mask = in_full(x, mask)
    expected = function(wide_x, axis, where=wide_mask)
    assert_same_but_nan(function(x, axis, where=mask), expected)
    assert_same_but_nan(function(np.where(wide_mask, wide_x, kind.type(hidden)), axis, where=mask), expected)
    assert (np.asarray(expected)[~wide_mask] == MASKED[function]).all()
    out = np.full(wide_x.shape, 7, kind, order="F")
    assert function(x, axis, out=out, where=mask) is out
    assert_same_but_nan(out, expected)
    assert_same_but_nan(function(x.astype(np.float64), axis, dtype=kind, where=mask), expected)


def test_hidden_factors():
    """What is masked is as if it were not there."""
    for masked in SPECIAL:
        for here in SPECIAL:
            result = logsumexp([1, 2, here], b=[2, 1, masked], where=[True, True, False])
            assert_same_but_nan(result, logsumexp([1.0, 2.0], b=[2, 1]))
            made = logsumexp([1, 2, here], 0, [2, -1, masked], return_sign=True, where=[True, True, False])
            assert_same_but_nan(np.array(made), logsumexp([1.0, 2.0], 0, [2, -1], return_sign=True))
    made = logsumexp([nan, nan], b=[nan, inf], return_sign=True, where=False)
    assert_same_but_nan(np.array(made), [-inf, 0])


def test_large_and_strided():
    """As the kernels cut rows into chunks and share them among threads."""
    rng = np.random.default_rng(0)
    a, b, mask = rng.standard_normal(9001).astype("f"), rng.standard_normal((7, 1)), rng.random((5, 1, 9001)) < 0.5
    wide_a, wide_b, wide_mask = in_full(a, b.astype("f"), mask)
    assert_same_but_nan(logsumexp(a, -1, b.astype("f"), where=mask), logsumexp(wide_a, -1, wide_b, where=wide_mask))
    for axis in (0, 1, -1, (0, 2), None):
        assert_same_but_nan(softmax(a[::-1], axis, where=mask), softmax(in_full(a[::-1], mask)[0], axis, where=mask))
        expected = logsumexp(wide_a, axis, wide_b)
        assert_same_but_nan(logsumexp(a, axis, np.broadcast_to(b.astype("f"), (5, 7, 1))), expected)


def test_not_broadcastable():
    for arguments, message in (
        ({"b": [1, 2]}, r"`b` must broadcast with `a` of shape \(2, 3\); got \(2,\)"),
        ({"where": np.ones(2, bool)}, r"`where` must broadcast with `a` of shape \(2, 3\); got \(2,\)"),
        (
            {"b": np.ones((4, 1, 1)), "where": np.ones((3, 1, 1), bool)},
            r"`where` must broadcast with `a` and `b` of shape \(4, 2, 3\); got \(3, 1, 1\)",
        ),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            logsumexp(np.ones((2, 3)), **arguments)
    for function in MASKED:
        out = np.ones(3)
        with pytest.raises(ValueError, match=r"^`out` must be of the shape of the result, \(2, 3\); got \(3,\)$"):
            function(out, out=out, where=np.ones((2, 3), bool))
        assert (out == 1).all()
        with pytest.raises(np.exceptions.AxisError, match="axis 2 is out of bounds for array of dimension 2"):
            function(out, 2, where=np.ones((2, 3), bool))


def test_scipys():
    special = pytest.importorskip("scipy.special", reason="SciPy is the peer")
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((4, 1)), rng.standard_normal((3, 1, 5))
    for axis in (None, 0, 1, 2, -3, (0, 2)):
        for keepdims in (False, True):
            made = logsumexp(a, axis, b, keepdims, True)
            peers = special.logsumexp(a, axis, b, keepdims, True)
            for result, expected in zip(made, peers, strict=True):
                assert np.shape(result) == np.shape(expected)
                np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-12)


def test_jaxs():
    """The masks of its softmax are as wide."""
    jax = pytest.importorskip("jax", reason="JAX is the peer")
    x = np.random.default_rng(1).standard_normal((1, 4, 1)).astype("f")
    mask = np.random.default_rng(2).random((3, 1, 5)) < 0.5
    for axis in (0, 1, 2, (0, 1)):
        for function, peer in ((softmax, jax.nn.softmax), (log_softmax, jax.nn.log_softmax)):
            expected = np.asarray(peer(x, axis, where=mask))
            there = ~np.isnan(expected)  # of a row that is masked altogether
            assert there.any()
            result = function(x, axis, where=mask)
            assert result.shape == expected.shape
            np.testing.assert_allclose(result[there], expected[there], rtol=1e-5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_dask(function, dtype):
    da = pytest.importorskip("dask.array", reason="the arrays are Dask's")
    rng, kind = np.random.default_rng(3), dtype_of(dtype)
    for of_x, of_mask in (((6,), (4, 6)), ((4, 1), (6,)), ((1, 6), (3, 4, 1)), ((), (4, 6)), ((4, 6), (2, 1, 1))):
        x, mask = rng.standard_normal(of_x).astype(kind), rng.random(of_mask) < 0.6
        for axis in (-1, None, *([] if len(of_mask) < 2 else [0, (0, 1)])):
            expected = function(x, axis, where=mask)
            for given_mask in (mask, da.from_array(mask, 2)):
                result = function(da.from_array(x, -1), axis, where=given_mask)
                assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
                computed = np.asarray(result.compute(scheduler="synchronous"))
                if given_mask is mask:
                    assert_same_but_nan(computed, expected)
                else:
                    eps = 2.0 ** (1 - FORMATS[dtype].precision)
                    np.testing.assert_allclose(
                        computed.astype(np.float64), expected.astype(np.float64), rtol=2 * eps, atol=2 * eps
                    )
    with pytest.raises(ValueError, match=r"must broadcast with `.` of shape \(4,\); got \(2, 3\)$"):
        function(da.ones(4), where=np.ones((2, 3), bool))


def test_targets():
    a, b, mask = np.arange(3.0), np.ones((2, 1)), np.array([True, False, True])
    expected = logsumexp(a, -1, b, where=mask)
    for target in ("cpu", "parallel"):
        with numbaexp.use_target(target):
            assert_same_but_nan(logsumexp(a, -1, b, where=mask), expected)
