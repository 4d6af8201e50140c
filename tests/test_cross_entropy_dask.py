"""Cross entropy and gradients of Dask's arrays: the bits of NumPy's, and nothing is computed before."""

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="the arrays are Dask's")

import dask
from helpers import FLOATS, assert_same_bits, dtype_of

import numbaexp
from numbaexp import cross_entropy, cross_entropy_backward
from numbaexp.cpu import losses as kernels

pytestmark = [pytest.mark.thorough, pytest.mark.checked(dtype=("float32", "float64"))]

REDUCTIONS = ["none", "sum", "mean"]
# Chunks of (6, 5, 4) that cut no classes, which are along the second axis, and that do.
CHUNKS = [(4, 5, 3), (2, (2, 0, 3), 4), 1, -1]


@pytest.fixture(autouse=True)
def _one_thread():
    """Small blocks are computed soonest without a pool."""
    with dask.config.set(scheduler="synchronous"):
        yield


def never(*_, **__):
    pytest.fail("something is computed")


def problem(dtype):
    """Return logits, classes of which some count for nothing, probabilities, weights, and gradients by reductions."""
    random = np.random.default_rng(4)
    x = (4 * random.standard_normal((6, 5, 4))).astype(dtype)
    classes = random.integers(0, 5, (6, 4))
    classes[1] = classes[2, 3] = -100
    shares = numbaexp.softmax(random.standard_normal(x.shape).astype(dtype), 1)
    grads = {
        reduction: np.asarray(random.standard_normal((6, 4) if reduction == "none" else ())) for reduction in REDUCTIONS
    }
    return x, classes, shares, random.random(5), grads


def assert_lazily_same(function, lazy, arrays, **options):
    """Compare a call on Dask's arrays with that on NumPy's."""
    expected = function(*arrays, **options)
    with dask.config.set(scheduler=never):
        result = function(*lazy, **options)
    assert isinstance(result, da.Array)
    assert (result.dtype, result.shape) == (np.asarray(expected).dtype, np.shape(expected))
    assert (type(result._meta), result._meta.dtype, result._meta.ndim) == (np.ndarray, result.dtype, result.ndim)
    assert_same_bits(result.compute(), expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_and_gradients(reduction, dtype):
    x, classes, shares, weight, grads = problem(dtype_of(dtype))
    kept = classes[:, None]
    grad = grads[reduction]
    of_loss = da.from_array(grad, chunks=3 if grad.ndim else ())
    for smoothing in (0.0, 0.2):
        options = {"reduction": reduction, "label_smoothing": smoothing}
        for targets, factors in ((classes, None), (classes, weight), (kept, weight), (shares, None), (shares, weight)):
            arrays = x, targets, factors
            for chunks in CHUNKS:
                lazy, of_targets = da.from_array(x, chunks), da.from_array(targets, 3)
                given = lazy, of_targets, None if factors is None else da.from_array(factors, 2)
                assert_lazily_same(cross_entropy, given, arrays, **options)
                assert_lazily_same(cross_entropy_backward, (grad, *given), (grad, *arrays), **options)
            for mixed in ((lazy, targets, factors), (x, of_targets, factors)):
                assert_lazily_same(cross_entropy, mixed, arrays, **options)
                assert_lazily_same(cross_entropy_backward, (of_loss, *mixed), (grad, *arrays), **options)
            assert_lazily_same(cross_entropy_backward, (of_loss, *arrays), (grad, *arrays), **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_types_of_two_kinds(reduction):
    x, _, shares, _, grads = problem(np.dtype("f"))
    for of_x, of_shares in (("f", "d"), ("d", "f"), ("e", "f"), (">f4", "f")):
        given = [x.astype(of_x), shares.astype(of_shares)]
        lazy, grad = [da.from_array(array, 3) for array in given], grads[reduction]
        assert_lazily_same(cross_entropy, lazy, given, reduction=reduction)
        assert_lazily_same(cross_entropy_backward, (grad, *lazy), (grad, *given), reduction=reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_one_row(reduction):
    x, _, shares, weight, _ = problem(np.dtype("d"))
    row, of_row = x[0, :, 0], shares[0, :, 0]
    lazy = da.from_array(row, 2)
    for targets in (3, np.array(3), of_row, -100):
        assert_lazily_same(cross_entropy, (lazy, targets, weight), (row, targets, weight), reduction=reduction)
        arrays = targets, weight
        assert_lazily_same(cross_entropy_backward, (2.5, lazy, *arrays), (2.5, row, *arrays), reduction=reduction)


def test_other_axes():
    x = problem(np.dtype("d"))[0]
    lazy = da.from_array(x, 2)
    for axis in (0, -1):
        classes = np.zeros(np.delete(x.shape, axis), int)
        assert_lazily_same(cross_entropy, (lazy, classes), (x, classes), axis=axis)
        assert_lazily_same(cross_entropy_backward, (1, lazy, classes), (1, x, classes), axis=axis)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_shapes_without_elements(reduction):
    for shape in ((0, 3), (3, 0)):
        x, classes = np.zeros(shape), np.full(shape[0], -100)
        lazy = da.from_array(x, 2)
        grad = np.ones(shape[0]) if reduction == "none" else 1.0
        assert_lazily_same(cross_entropy, (lazy, classes), (x, classes), reduction=reduction)
        assert_lazily_same(cross_entropy_backward, (grad, lazy, classes), (grad, x, classes), reduction=reduction)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_unknown_chunks(reduction):
    x, classes, shares, weight, grads = problem(np.dtype("d"))
    kept = x[:, 0, 0] > 0
    assert 1 < kept.sum() < len(kept)
    lazy = da.from_array(kept, 2)
    given = [da.from_array(array, (2, *array.shape[1:]))[lazy] for array in (x, classes, shares, grads["none"])]
    grad, of_grad = (grads["none"][kept], given[3]) if reduction == "none" else (2.0, 2.0)
    for targets, of_targets in ((given[1], classes[kept]), (given[2], shares[kept])):
        results = (
            cross_entropy(given[0], targets, weight, reduction=reduction),
            cross_entropy_backward(of_grad, given[0], targets, weight, reduction=reduction),
        )
        expected = (
            cross_entropy(x[kept], of_targets, weight, reduction=reduction),
            cross_entropy_backward(grad, x[kept], of_targets, weight, reduction=reduction),
        )
        for result, values in zip(results, expected, strict=True):
            assert_same_bits(result.compute(), values)
    with pytest.raises(ValueError, match=r"^`targets` must be, as classes, of the shape \(nan, 4\); got \(6, 4\)$"):
        cross_entropy(given[0], classes)


def test_losses_of_many_blocks_are_added_as_in_a_tree(monkeypatch):
    random, seen = np.random.default_rng(7), []
    x, classes, weight = random.standard_normal((150, 3)).astype("f"), random.integers(0, 3, 150), random.random(3)
    put_sum = kernels.put_sum

    def record(pairs, *others):
        seen.append(pairs.shape[1])
        put_sum(pairs, *others)

    monkeypatch.setattr(kernels, "put_sum", record)
    result = cross_entropy(da.from_array(x, (2, 2)), classes, weight)
    assert not seen
    assert_same_bits(result.compute(), cross_entropy(x, classes, weight))
    *of_blocks, _, whole = seen
    assert whole == 150
    assert len(of_blocks) > 2 * 75
    assert max(of_blocks) <= dask.config.get("split_every", 4)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_schedulers(scheduler):
    x, classes, _, weight, _ = problem(np.dtype("f"))
    lazy = da.from_array(x, 3)
    graphs = (
        cross_entropy(lazy, classes, weight),
        cross_entropy_backward(1.0, lazy, classes, weight),
        numbaexp.logsumexp(lazy, 1, lazy),
        numbaexp.softmax_backward(lazy, lazy),
    )
    expected = (
        cross_entropy(x, classes, weight),
        cross_entropy_backward(1.0, x, classes, weight),
        numbaexp.logsumexp(x, 1, x),
        numbaexp.softmax_backward(x, x),
    )
    for result, values in zip(dask.compute(*graphs, scheduler=scheduler), expected, strict=True):
        assert_same_bits(result, values)


LAZY = da.ones((6, 4), chunks=2)
CLASSES = np.zeros(6, int)
REFUSED = [
    (TypeError, "`logits` must be of type .*; got int64", (LAZY.astype(int), CLASSES), {}),
    (TypeError, "`targets` must be integers, or probabilities", (LAZY, CLASSES > 0), {}),
    (ValueError, r"`targets` must be, as classes, of the shape \(6,\); got \(3,\)", (LAZY, CLASSES[:3]), {}),
    (ValueError, r"`weight` must have the shape of the classes, \(4,\); got \(2,\)", (LAZY, CLASSES, [1.0, 2.0]), {}),
    (ValueError, "`reduction` must be one of", (LAZY, CLASSES), {"reduction": "all"}),
    (TypeError, "`weight` must not be a masked array", (LAZY, CLASSES, da.ma.masked_array(da.ones(4), False)), {}),
]


@pytest.mark.parametrize(("error", "message", "arrays", "options"), REFUSED)
def test_refused(error, message, arrays, options):
    """Before anything is computed."""
    for call in (cross_entropy, lambda *a, **o: cross_entropy_backward(1.0, *a, **o)):
        with pytest.raises(error, match=f"^{message}"):
            call(*arrays, **options)


def test_refused_of_gradients():
    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape of the loss, \(\); got \(3,\)$"):
        cross_entropy_backward(np.ones(3), LAZY, CLASSES)
    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape of `output`, \(3, 4\); got \(6, 4\)$"):
        numbaexp.softmax_backward(LAZY, LAZY[:3])
    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape \(6,\) or \(6, 1\); got \(6, 4\)$"):
        numbaexp.logsumexp_backward(LAZY, LAZY, 1)
    with pytest.raises(TypeError, match=r"^`grad_output` must be of type .*; got complex128$"):
        numbaexp.softmax_backward(LAZY.astype("D"), LAZY)


def test_a_class_that_there_is_not_is_refused_when_it_is_seen():
    for call in (cross_entropy, lambda *a, **o: cross_entropy_backward(1.0, *a, **o)):
        for weight in (None, np.ones(4)):
            result = call(LAZY, CLASSES + 9, weight)
            with pytest.raises(ValueError, match=r"^`targets` must be classes from 0 to 3; got 9$"):
                result.compute()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_gradients_of_shares(name, dtype):
    x = problem(dtype_of(dtype))[0]
    function, backward = getattr(numbaexp, name), getattr(numbaexp, f"{name}_backward")
    for axis in (-1, 0, (0, 2), None):
        output = function(x, axis)
        for chunks in CHUNKS:
            lazy = da.from_array(output, chunks)
            for grad in (x, da.from_array(x, (3, 2, 4)), x.astype("d")):
                assert_lazily_same(backward, (grad, lazy), (np.asarray(grad), output), axis=axis)
        assert_lazily_same(backward, (da.from_array(x, 3), output), (x, output), axis=axis)


@pytest.mark.parametrize("dtype", FLOATS)
def test_gradients_of_sums(dtype):
    x = problem(dtype_of(dtype))[0]
    for axis in (-1, 0, (0, 2), None):
        for keepdims in (False, True):
            grad = np.asarray(numbaexp.logsumexp(x, axis, keepdims=keepdims))
            for chunks in CHUNKS:
                for of_rows in (grad, da.from_array(grad, chunks=2 if grad.ndim else ())):
                    arrays = of_rows, da.from_array(x, chunks)
                    assert_lazily_same(numbaexp.logsumexp_backward, arrays, (grad, x), axis=axis)


def logsumexp_with(x, b, **options):
    return numbaexp.logsumexp(x, b=b, **options)


@pytest.mark.parametrize("dtype", FLOATS)
def test_factors(dtype):
    """Of any sign, wide or narrow, and with a mask; the sign of the sum."""
    x, _, _, weight, _ = problem(dtype_of(dtype))
    signed = np.random.default_rng(6).standard_normal((3, 6, 5, 4))
    for b in (2, -1.5, weight[:4] - 0.4, weight[:, None].astype(x.dtype), np.arange(4) - 1, signed, None):
        for axis in (-1, (0, 2), None):
            for mask in (None, x > 0, weight[:4] > 0.5):
                options = {"where": mask, "return_sign": True}
                expected = numbaexp.logsumexp(x, axis, b, **options)
                lazy = da.from_array(b, 2) if isinstance(b, np.ndarray) else b
                for chunks in CHUNKS[:2]:
                    given = da.from_array(x, chunks)
                    with dask.config.set(scheduler=never):
                        results = numbaexp.logsumexp(given, axis, lazy, **options)
                    for result, values in zip(results, expected, strict=True):
                        assert (result.dtype, result.shape) == (values.dtype, values.shape)
                        assert_same_bits(result.compute(), values)
                if b is not None:
                    options = {"axis": axis, "keepdims": True, "where": mask}
                    assert_lazily_same(logsumexp_with, (given, lazy), (x, b), **options)


def test_factors_of_other_shapes():
    x = da.from_array(np.arange(4.0), 2)
    assert_lazily_same(logsumexp_with, (da.from_array(1.0), 2), (np.float64(1.0), 2))
    for argument, value in (("b", np.ones(3)), ("where", np.ones(3, bool))):
        with pytest.raises(ValueError, match=rf"^`{argument}` must broadcast with `a` of shape \(4,\); got \(3,\)$"):
            numbaexp.logsumexp(x, **{"b": 1.0, argument: value})
    with pytest.raises(TypeError, match=r"^`b` must be of type .*; got <U1$"):
        numbaexp.logsumexp(x, b="a")
    unknown = x[x > 1]
    assert_same_bits(numbaexp.logsumexp(unknown[:, None], 1, b=[2.0]).compute(), np.log(2) + np.array([2.0, 3.0]))
