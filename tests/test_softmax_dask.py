"""softmax, log_softmax and logsumexp of Dask's arrays: the bits of NumPy's where no chunk cuts a row, and within 1 ulp
of the whole row's and of the exact value's where chunks do."""

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="the arrays are Dask's")
gmpy2 = pytest.importorskip("gmpy2", reason="MPFR has the exact values")

import dask
from helpers import FLOATS, assert_same_bits, dtype_of, kind_and_shape, ulps

import numbaexp
from numbaexp.cpu import row_functions
from numbaexp.integrations.dask import intercept, rows

pytestmark = pytest.mark.sampled(dtype="float32")

FUNCTIONS = [numbaexp.softmax, numbaexp.log_softmax, numbaexp.logsumexp]
SHARES = FUNCTIONS[:2]
# What the first parameter is called, as in SciPy.
FIRST = {numbaexp.softmax: "x", numbaexp.log_softmax: "x", numbaexp.logsumexp: "a"}
# Chunks of (6, 50) that cut rows along the last axis, the first, or both; into equal and unequal pieces, single
# elements, and none.
CUT = [(6, 10), (6, (1, 0, 30, 19)), (6, 1), (1, 50), ((4, 2), 13), (2, (49, 1))]
INF, NAN = np.inf, np.nan


@pytest.fixture(autouse=True)
def _one_thread():
    """Small blocks are computed soonest without a pool."""
    with dask.config.set(scheduler="synchronous"):
        yield


def ranks(array):
    """The places of floats in their order, all NaN alike, and the zeros."""
    array = np.asarray(array)
    bits = array.view(f"i{array.itemsize}").astype(np.int64)
    ordered = np.where(bits < 0, -(bits & np.iinfo(f"i{array.itemsize}").max), bits)
    return np.where(np.isnan(array), np.iinfo(np.int64).min, ordered)


def assert_within_one(result, expected):
    assert kind_and_shape(result) == kind_and_shape(expected)
    assert np.abs(ranks(result) - ranks(expected)).max(initial=0) <= 1


def rows_of_all_kinds(dtype):
    """Of 50 elements: near each other, spread so far that results are subnormal, one that dominates, all alike, with
    -infinity."""
    random = np.random.default_rng(5)
    spread = {"float16": 12, "bfloat16": 100, "float32": 100, "float64": 740}[dtype.name]
    x = np.empty((6, 50))
    x[0] = random.standard_normal(50)
    x[1] = random.uniform(-spread, 0, 50)
    x[2] = random.uniform(-spread, -spread / 2, 50)
    x[2, 33] = 1
    x[3] = 7
    x[4] = np.where(random.random(50) < 0.5, -INF, 30 * random.standard_normal(50))
    x[5] = x[0, ::-1] - 20
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_rows_that_are_whole_have_the_bits_of_numpys(function, dtype):
    x = rows_of_all_kinds(dtype_of(dtype))
    for axis, chunks in ((-1, (2, 50)), (1, (1, 50)), (0, (6, 7)), ((0, 1), (6, 50)), (None, -1), ((), (2, 7))):
        assert_same_bits(function(da.from_array(x, chunks), axis).compute(), function(x, axis))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_rows_that_are_cut_are_within_1_ulp_of_whole_ones(function, dtype):
    x = rows_of_all_kinds(dtype_of(dtype))
    for axis in (-1, 0, (1, 0), None):
        expected = function(x, axis)
        for chunks in CUT:
            assert_within_one(function(da.from_array(x, chunks), axis).compute(), expected)


def exact(function, row):
    """Of one row, in so many bits that 1 and the least float64 can be added."""
    mpfr, exp, log = gmpy2.mpfr, gmpy2.exp, gmpy2.log
    powers = [exp(mpfr(float(x))) for x in row]
    total = sum(powers)
    if function is numbaexp.softmax:
        return [power / total for power in powers]
    if function is numbaexp.log_softmax:
        return [mpfr(float(x)) - log(total) for x in row]
    return [log(total)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_rows_that_are_cut_are_within_1_ulp_of_the_exact_value(function, dtype):
    """Whole rows are within 0.51 of it, or 0.6, and the greatest error here is little above."""
    x = rows_of_all_kinds(dtype_of(dtype))
    with gmpy2.context(precision=2300):
        expected = [exact(function, row) for row in x]
        for chunks in CUT[:3]:
            results = np.asarray(function(da.from_array(x, chunks), -1).compute()).reshape(6, -1)
            errors = [
                ulps(result, value, dtype)
                for row, values in zip(results, expected, strict=True)
                for result, value in zip(row, values, strict=True)
            ]
            assert max(errors) <= 0.7


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_logarithm_that_cancels(dtype):
    """The elements are logarithms of shares: what is left of their sum's is their rounding."""
    x = numbaexp.log_softmax(np.random.default_rng(8).standard_normal((20, 50)).astype(dtype_of(dtype)))
    results = numbaexp.logsumexp(da.from_array(x, 13), -1).compute()
    with gmpy2.context(precision=300):
        for row, result in zip(x, results, strict=True):
            value = exact(numbaexp.logsumexp, row)[0]
            if dtype == "float64":
                assert abs(gmpy2.mpfr(float(result)) - value) <= 2.0**-56 * -float(row.max())
            else:
                assert ulps(result, value, dtype) <= 0.51


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_softmax_of_an_element_that_dominates_keeps_its_digits(dtype):
    """Down to subnormal results, in whatever block the others are."""
    furthest = {"float32": (-40, -88, -103), "float64": (-40, -708, -744)}[dtype]
    with gmpy2.context(precision=2300):
        for x in furthest:
            row = np.full(30, 2 * x, dtype)
            row[[11, 3]] = 0, x
            result = numbaexp.log_softmax(da.from_array(row, 4)).compute()
            assert ulps(result[11], exact(numbaexp.log_softmax, row)[11], dtype) <= 0.7
            assert_within_one(result, numbaexp.log_softmax(row))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_long_rows(function):
    """Blocks of several chunks of the kernels', along memory and across it, and several rounds of merging."""
    for dtype in ("float32", "float64"):
        x = (5 * np.random.default_rng(3).standard_normal((20, 30_000))).astype(dtype)
        expected = function(x, 1)
        assert_within_one(function(da.from_array(x, (7, 9_001)), 1).compute(), expected)
        assert_within_one(function(da.from_array(x, (20, 1_300)), 1).compute(), expected)
        across = function(da.from_array(np.asfortranarray(x).T, (9_001, 20)), 0).compute()
        assert_within_one(across, expected if function is numbaexp.logsumexp else expected.T)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_special_rows(function, dtype):
    specials = [NAN, INF, -INF, 0]
    x = np.array([[a, 1, b, 2, c] for a in specials for b in specials for c in specials], dtype_of(dtype))
    x = np.concatenate([x, np.full((1, 5), -INF, x.dtype), np.full((1, 5), NAN, x.dtype)])
    for chunks in (1, 2, (66, 3)):
        assert_within_one(function(da.from_array(x, chunks), -1).compute(), function(x, -1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_where(function, dtype):
    x = rows_of_all_kinds(dtype_of(dtype))
    mask = np.random.default_rng(1).random((6, 50)) < 0.7
    mask[1], mask[2, :20] = False, False
    for given in (mask, mask[0], mask[:, :1], mask[0, 0], False, True):
        expected = function(x, -1, where=np.asarray(given))
        assert_within_one(function(da.from_array(x, (4, 13)), -1, where=given).compute(), expected)
        if given is not False and given is not True and given.ndim:
            lazy = da.from_array(given, 5)
            assert_within_one(function(da.from_array(x, (4, 13)), -1, where=lazy).compute(), expected)
            # A mask that is cut cuts no rows.
            whole = function(da.from_array(x, (4, 50)), -1, where=lazy)
            assert whole.chunks == ((4, 2), (50,))[: expected.ndim]
            assert_same_bits(whole.compute(), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_known_before_computing(function):
    x = da.ones((6, 50), dtype="f", chunks=(4, (20, 30)))
    for axis in (0, -1, (0, 1), None):
        for given in (x, x.rechunk(-1)):
            shared = function is not numbaexp.logsumexp
            for options in [{}] if shared else [{}, {"keepdims": True}]:
                result = function(given, axis, **options)
                axes = {0: (0,), -1: (1,)}.get(axis, (0, 1))
                kept = [(1,) if i in axes and not shared else n for i, n in enumerate(given.chunks)]
                expected = [n for i, n in enumerate(kept) if shared or options or i not in axes]
                assert result.chunks == tuple(expected)
                assert (result.dtype, result._meta.dtype, result._meta.ndim) == ("f", "f", len(expected))
                assert type(result._meta) is np.ndarray
                computed = result.compute()
                assert (computed.dtype, computed.shape) == (result.dtype, result.shape)


def test_types():
    x = np.arange(12).reshape(2, 6)
    for dtype in ("i8", "u1", "?"):
        given = x.astype(dtype)
        for function in FUNCTIONS:
            assert_within_one(function(da.from_array(given, 2), -1).compute(), function(given, -1))
    for function in SHARES:
        for given in (x, x.astype(">f4"), 1e5 * x):
            result = function(da.from_array(given, 2), dtype="f2")
            assert result.dtype == np.float16
            assert_within_one(result.compute(), function(given, dtype="f2"))
    assert_within_one(numbaexp.logsumexp(da.full(9, 65504, dtype="e", chunks=3)).compute(), np.float16(INF))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shapes_without_elements_and_without_axes(function):
    for shape, chunks in (((0, 3), (1, 2)), ((3, 0), (2, 1)), ((), ())):
        x = np.zeros(shape, "f")
        for axis in (0, -1, None):
            assert_same_bits(function(da.from_array(x, chunks), axis).compute(), function(x, axis))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_unknown_chunks(function):
    x = rows_of_all_kinds(np.dtype("f"))
    unknown = da.from_array(x, (2, 13))
    unknown = unknown[unknown[:, 0] > -5]
    kept = x[x[:, 0] > -5]
    assert 0 < len(kept) < len(x)
    for axis in (0, 1, None):
        assert_within_one(function(unknown, axis).compute(), function(kept, axis))
        lazy = function(unknown, axis, where=unknown > 0).compute()
        assert_within_one(lazy, function(kept, axis, where=kept > 0))
    said = rf"^`where` must broadcast with `{FIRST[function]}` of shape \(nan, 50\); got \(5, 50\)$"
    with pytest.raises(ValueError, match=said):
        function(unknown, 0, where=np.ones((5, 50), bool))


@pytest.mark.thorough
@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_schedulers(scheduler):
    x = rows_of_all_kinds(np.dtype("f"))
    given = da.from_array(x, (4, 13))
    results = dask.compute(*(function(given, -1) for function in FUNCTIONS), scheduler=scheduler)
    for function, result in zip(FUNCTIONS, results, strict=True):
        assert_within_one(result, function(x, -1))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_computed_before_and_no_more_than_a_block_at_once(function, monkeypatch):
    """Nor is what is known of more than a few blocks: it is merged as in a tree."""
    made, seen = [], []

    def block(block_info=None):
        made.append(1)
        return np.ones((3, 10))

    run = rows._run

    def record(name, dtype, axes, **operands):
        seen.append((name, operands["x"].size))
        run(name, dtype, axes, **operands)

    monkeypatch.setattr(rows, "_run", record)
    x = da.map_blocks(block, chunks=((3,), (10,) * 70), dtype=np.float64, meta=np.empty((0, 0)))
    result = function(x, -1)
    assert not made
    assert not seen
    result.compute()
    assert len(made) == 70
    assert max(size for _, size in seen) <= 3 * 10
    merged = [size for name, size in seen if name == "merged_sums"]
    assert max(merged) == 3 * dask.config.get("split_every", 4)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_without_merged_sums_are_of_whole_rows(function, monkeypatch):
    monkeypatch.delitem(row_functions.FUNCTIONS, f"{function.__name__}_of_sums")
    x = rows_of_all_kinds(np.dtype("f"))
    for axis in (0, 1, (0, 1)):
        assert_same_bits(function(da.from_array(x, 4), axis).compute(), function(x, axis))
    if function is not numbaexp.logsumexp:
        with pytest.raises(TypeError, match=rf"^of a dask\.[\w.]*Array `{function.__name__}` does not take `where`$"):
            function(da.from_array(x, 4), where=x > 0)


REFUSED = [
    (TypeError, r"^of an array of Dask `softmax` does not take `out`$", {"out": np.ones((2, 4))}),
    (TypeError, r"^`where` must be of type bool; got float64$", {"where": np.ones(4)}),
    (TypeError, r"^`where` must not be a masked array", {"where": np.ma.masked_array([True] * 4)}),
    (ValueError, r"^`where` must broadcast with `x` of shape \(2, 4\); got \(3,\)$", {"where": np.ones(3, bool)}),
    (ValueError, r"^`where` must .*; got \(5, 3, 4\)$", {"where": np.ones((5, 3, 4), bool)}),
    (TypeError, r"^`dtype` must be one of float16, .*; got int32$", {"dtype": "i4"}),
    (np.exceptions.AxisError, r"^axis: axis 2 is out of bounds", {"axis": 2}),
]


@pytest.mark.parametrize(("error", "message", "arguments"), REFUSED)
def test_refused(error, message, arguments):
    with pytest.raises(error, match=message):
        numbaexp.softmax(da.ones((2, 4), chunks=2), **arguments)


def test_refused_of_x():
    with pytest.raises(TypeError, match=r"^`x` must be of type float16, .*; got complex128$"):
        numbaexp.softmax(da.ones(4, dtype="D"))
    with pytest.raises(TypeError, match=r"^`a` must not be a masked array"):
        numbaexp.logsumexp(da.ma.masked_array(da.ones(4), False))


def test_refused_under_cuda(monkeypatch):
    monkeypatch.setattr(intercept, "current_target", lambda: "cuda")
    for function in FUNCTIONS:
        said = f"^`{FIRST[function]}` must not be an array of Dask under the target 'cuda'$"
        with pytest.raises(TypeError, match=said):
            function(da.ones(4))


def test_dask_is_not_imported(run_script):
    run_script("""
        import sys
        import numpy as np, numbaexp
        for function in (numbaexp.softmax, numbaexp.log_softmax, numbaexp.logsumexp):
            function(np.ones(3))
        assert "dask" not in sys.modules
    """)
