"""The kernels of a sum of exponentials times factors, launched on the host's memory: the bits of the CPU."""

import numpy as np
import pytest
from helpers import FLOATS, assert_same_but_nan, dtype_of

import numbaexp
from numbaexp.cuda import launch, launch_rows
from numbaexp.scalar.row_order import CHUNK

INF, NAN = np.inf, np.nan
LENGTHS = (1, 2, 33, 100, CHUNK + 40)


def strided(array):
    return launch.Strided(array.ctypes.data, array.shape, array.strides, array.dtype.name, 0)


def kept(x, axes):
    """Return arrays for the results of rows, and for their signs."""
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    return np.ones(shape, x.dtype), np.full(shape, 7.0)


def assert_as_on_cpu(a, b, axes=(1,)):
    """Of operands of one type and shape; with signs and without them."""
    expected, expected_sign = numbaexp.logsumexp(a, axes, b=b, keepdims=True, return_sign=True)
    (out, sign), (alone, _) = kept(a, axes), kept(a, axes)
    launch_rows.run("weighted_logsumexp", [strided(x) for x in (a, b, out, sign)], axes, 0)
    launch_rows.run("weighted_logsumexp", [strided(x) for x in (a, b, alone)], axes, 0)
    assert_same_but_nan(out, expected)
    assert_same_but_nan(sign.astype(a.dtype), expected_sign)
    assert_same_but_nan(alone, np.where(expected_sign == -1, np.array(NAN, a.dtype), expected))
    return expected_sign


def some(shape, dtype, seed=0):
    """Return elements and factors of both signs, of which some are 0."""
    generator = np.random.default_rng([seed, *shape])
    a, b = generator.normal(0, 5, shape), generator.normal(0, 1, shape)
    return a.astype(dtype_of(dtype)), np.where(generator.random(shape) < 0.1, 0, b).astype(dtype_of(dtype))


@pytest.mark.sampled(dtype="bfloat16", length=("33", "4136"))
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_lengths(dtype, length):
    signs = assert_as_on_cpu(*some((1 if length > CHUNK else 9, length), dtype))
    assert length > CHUNK or {-1, 1} <= set(signs.flat)


@pytest.fixture(params=[2, 10**6], ids=["shared among blocks", "a row a block"])
def _shared(request, monkeypatch):
    """From so many chunks several blocks take a row."""
    monkeypatch.setattr(launch_rows, "MANY_CHUNKS", request.param)


# Elements and factors, of which the first and the last have a place of their own in the row.
SPECIAL = {
    "nothing counts": ([1.0, NAN, INF], [0.0, 0.0, -0.0]),
    "a NaN that counts for nothing": ([1.0, NAN, 2.0], [1.0, 0.0, -3.0]),
    "a NaN": ([1.0, NAN, 2.0], [1.0, 1.0, 1.0]),
    "a factor that is NaN": ([1.0, 2.0, 3.0], [1.0, NAN, 1.0]),
    "an infinite factor": ([1.0, 2.0, 3.0], [INF, 1.0, 1.0]),
    "an infinite factor of nothing": ([-INF, 2.0, 3.0], [INF, 1.0, 1.0]),
    "infinite above": ([INF, 2.0, INF], [2.0, -1.0, 0.5]),
    "infinite below": ([INF, 2.0, INF], [-2.0, 1.0, -0.5]),
    "infinite on both sides": ([INF, 2.0, INF], [2.0, 1.0, -0.5]),
    "infinite, of which one counts": ([INF, 2.0, INF], [0.0, 1.0, -0.5]),
    "nothing but -infinity": ([-INF, -INF, -INF], [1.0, -1.0, 2.0]),
    "terms that cancel": ([3.0, 3.0, 1.0], [1.0, -1.0, 0.0]),
    "terms that nearly cancel": ([3.0, 3.0, -40.0], [1.0, -1.0, -1.0]),
    "one alone": ([0.0, 5.0, -3.0], [1.0, 0.0, 0.0]),
    "far apart": ([-600.0, 2.0, 600.0], [1.0, -1.0, 0.0]),
    "chunks far apart": ([600.0, 600.0, -600.0], [1.0, -1.0, 3.0]),
}


def special(length):
    """Return a row for each of ``SPECIAL``, whose other elements count for nothing."""
    a, b = np.full((len(SPECIAL), length), 2.0), np.zeros((len(SPECIAL), length))
    for row, (elements, factors) in enumerate(SPECIAL.values()):
        for place, element, factor in zip((0, length // 3, length - 1), elements, factors, strict=True):
            a[row, place], b[row, place] = element, factor
    return a, b


@pytest.mark.sampled(dtype="float32")
@pytest.mark.parametrize("dtype", FLOATS)
def test_special_rows(dtype):
    assert_as_on_cpu(*(x.astype(dtype_of(dtype)) for x in special(70)))


@pytest.mark.thorough
@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize("dtype", ["float64"])
def test_special_rows_of_several_chunks(dtype):
    """The last of the three is in another chunk than the others."""
    assert_as_on_cpu(*(x.astype(dtype_of(dtype)) for x in special(CHUNK + 3)))


@pytest.mark.usefixtures("_shared")
def test_chunks_whose_sums_cancel():
    """Tell the order of every sum from the rest that is left."""
    generator = np.random.default_rng(2)
    half, places = generator.normal(0, 20, CHUNK), generator.permutation(2 * CHUNK)
    a, b = np.concatenate([half, half])[places], np.repeat([1.0, -1.0], CHUNK)[places]
    a, b = np.append(a, 1.0)[None], np.append(b, 0.5)[None]
    for dtype in (np.float32, np.float64):
        assert_as_on_cpu(a.astype(dtype), b.astype(dtype))


@pytest.mark.sampled(rows="9")
@pytest.mark.parametrize(("rows", "length"), [(5, 9), (9, 100), (3, CHUNK + 40)])
def test_batched_rows(monkeypatch, rows, length):
    monkeypatch.setattr(launch_rows, "BATCHED_FROM", 2)
    used, kernel = set(), launch_rows.compiled
    monkeypatch.setattr(launch_rows, "compiled", lambda *of, device: used.add(of[2]) or kernel(*of, device=device))
    a, b = (np.asfortranarray(x) for x in some((rows, length), "float32"))
    a[0, :2], b[0, :2] = INF, -1
    assert_as_on_cpu(a, b)
    assert used == {"of_columns"}


def test_layouts():
    """Several axes, and factors that are one for all rows, or for all elements of a row."""
    a, b = some((3, 4, 5), "float64")
    assert_as_on_cpu(a, b, (1, 2))
    assert_as_on_cpu(a, b, (0,))
    for factors, axes in ((b[:1], (1, 2)), (b[..., :1], (2,)), (b[:, ::-1, ::-1], (2,))):
        (out, _), of_all = kept(a, axes), np.broadcast_to(factors, a.shape)
        launch_rows.run("weighted_logsumexp", [strided(x) for x in (a, factors, out)], axes, 0)
        assert_same_but_nan(out, numbaexp.logsumexp(a, axes, b=of_all, keepdims=True))


def test_rows_of_nothing():
    a, (out, sign) = np.empty((3, 0)), kept(np.empty((3, 0)), (1,))
    launch_rows.run("weighted_logsumexp", [strided(x) for x in (a, a, out, sign)], (1,), 0)
    np.testing.assert_array_equal(out, np.full((3, 1), -INF))
    np.testing.assert_array_equal(sign, np.zeros((3, 1)))


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_arrays_of_numpys(dtype):
    """Under the target "cuda"."""
    a, b = some((4, 7), dtype)
    for axis in (0, 1, None):
        expected = numbaexp.logsumexp(a, axis, b), *numbaexp.logsumexp(a, axis, b, return_sign=True)
        with numbaexp.use_target("cuda"):
            results = numbaexp.logsumexp(a, axis, b), *numbaexp.logsumexp(a, axis, b, return_sign=True)
        for result, right in zip(results, expected, strict=True):
            assert_same_but_nan(result, right)
