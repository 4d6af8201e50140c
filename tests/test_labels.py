"""Functions of rows of arrays with labels or a unit keep what ``numpy.exp`` keeps, and libraries that apply a function
to such arrays get the same of ours as of NumPy's."""

import functools

import numpy as np
import pytest
from helpers import assert_same_bits

import numbaexp

VALUES = np.array([[0.5, -1.0, 2.0, 0.0], [3.0, 1.0, -40.0, 1.5], [0.0, 0.0, 0.0, 1.0]])
CLASSES = np.array([2, 0, 3])
WEIGHT = np.array([1.0, 0.5, 2.0, 0.25])
SHARES = (numbaexp.softmax, numbaexp.log_softmax)
MASK = VALUES > 0.25
INDEX, COLUMNS, NAME, ATTRS = ["x", "y", "z"], list("abcd"), "n", {"of": "rows"}


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="the labels are those of pandas")


@pytest.fixture
def frame(pandas):
    made = pandas.DataFrame(VALUES, INDEX, COLUMNS)
    made.attrs = ATTRS
    return made


@pytest.fixture
def series(pandas):
    made = pandas.Series(VALUES[0], COLUMNS, name=NAME)
    made.attrs = ATTRS
    return made


@pytest.fixture
def xarray():
    return pytest.importorskip("xarray", reason="the labels are those of xarray")


@pytest.fixture
def data(xarray):
    coords = {"p": INDEX, "q": COLUMNS, "of_rows": ("p", CLASSES), "of_all": (("p", "q"), VALUES)}
    made = xarray.DataArray(VALUES, coords, ("p", "q"), NAME, ATTRS)
    made.encoding = {"dtype": "int16", "scale_factor": 0.1}
    return made


def losses(function):
    """Yield calls of a function on logits, with the name of the loss's reduction."""
    for reduction in ("none", "sum", "mean"):
        yield functools.partial(function, targets=CLASSES, weight=WEIGHT, reduction=reduction), reduction


# pandas.


def assert_series(result, values, index, name=None):
    assert result.index.equals(type(result.index)(index))
    assert (result.name, result.attrs) == (name, ATTRS)
    assert_same_bits(result.to_numpy(), values)


def assert_frame(result, values, dtypes=None):
    assert (list(result.index), list(result.columns), result.attrs) == (INDEX, COLUMNS, ATTRS)
    assert_same_bits(result.to_numpy(), values)


@pytest.mark.parametrize("function", SHARES)
def test_shares_of_pandas(function, frame, series):
    assert_series(function(series), function(VALUES[0]), COLUMNS, NAME)
    for axis in (0, 1, -1, (0, 1), None):
        assert_frame(function(frame, axis), function(VALUES, axis))
    narrow = function(frame.astype("f"), dtype="f2")
    assert_frame(narrow, function(VALUES.astype("f"), dtype="f2"))
    into = np.empty_like(VALUES)
    assert function(frame, out=into) is into
    assert_same_bits(into, function(VALUES))


def test_sums_of_pandas(frame, series):
    assert_same_bits(numbaexp.logsumexp(series), numbaexp.logsumexp(VALUES[0]))
    assert_same_bits(numbaexp.logsumexp(frame), numbaexp.logsumexp(VALUES))
    for axis, index in ((0, COLUMNS), (1, INDEX), (-1, INDEX)):
        assert_series(numbaexp.logsumexp(frame, axis), numbaexp.logsumexp(VALUES, axis), index)
        kept = numbaexp.logsumexp(frame, axis, keepdims=True)
        assert_same_bits(kept, numbaexp.logsumexp(VALUES, axis, keepdims=True))
        factors = {"b": frame, "return_sign": True}
        results, expected = (
            numbaexp.logsumexp(frame, axis, **factors),
            numbaexp.logsumexp(VALUES, axis, VALUES, False, True),
        )
        for result, values in zip(results, expected, strict=True):
            assert_series(result, values, index)


def test_losses_of_pandas(pandas, frame, series):
    targets, weight = pandas.Series(CLASSES, INDEX), pandas.Series(WEIGHT, COLUMNS)
    for call, reduction in losses(numbaexp.cross_entropy):
        for given in (frame, frame.astype("Float64")):
            result = call(given, targets=targets, weight=weight)
            if reduction == "none":
                assert_series(result.astype("d"), call(VALUES), INDEX)
            else:
                assert_same_bits(result, call(VALUES))
        assert_same_bits(call(VALUES, targets=targets), call(VALUES))
    by_column = numbaexp.cross_entropy(frame, CLASSES[[0, 1, 2, 0]] % 3, axis=0, reduction="none")
    assert list(by_column.index) == COLUMNS
    assert_same_bits(numbaexp.cross_entropy(series, 2), numbaexp.cross_entropy(VALUES[0], 2))
    # Logits and probabilities of two types.
    shares = numbaexp.softmax(frame)
    narrow = frame.astype("f")
    assert_same_bits(
        numbaexp.cross_entropy(narrow, shares), numbaexp.cross_entropy(VALUES.astype("f"), shares.to_numpy())
    )


def test_gradients_of_pandas(pandas, frame):
    for name in ("softmax", "log_softmax"):
        backward = getattr(numbaexp, f"{name}_backward")
        output = getattr(numbaexp, name)(frame)
        expected = backward(VALUES, output.to_numpy())
        for given in ((frame, output), (VALUES, output), (frame, output.to_numpy())):
            assert_frame(backward(*given), expected)
    grad = pandas.Series(WEIGHT[:3], INDEX)
    assert_frame(numbaexp.logsumexp_backward(grad, frame, 1), numbaexp.logsumexp_backward(WEIGHT[:3], VALUES, 1))
    for call, reduction in losses(numbaexp.cross_entropy_backward):
        of_loss, values = (grad, WEIGHT[:3]) if reduction == "none" else (2.0, 2.0)
        assert_frame(call(of_loss, frame), call(values, VALUES))


def test_where_of_pandas(frame, series):
    for function in SHARES:
        assert_frame(function(frame, where=frame > 0.25), function(VALUES, where=MASK))
        assert_frame(function(frame, where=MASK[0]), function(VALUES, where=MASK[0]))
        for given in (series > 0, (frame > 0)[COLUMNS[::-1]], (frame > 0).reset_index(drop=True)):
            with pytest.raises(ValueError, match=r"^`where` must have the labels of `x`: align the two, or give"):
                function(frame, where=given)
    with pytest.raises(ValueError, match=r"^`b` must have the labels of `a`"):
        numbaexp.logsumexp(frame, 1, b=frame[::-1])
    with pytest.raises(ValueError, match=r"^`grad_output` must have the labels of `output`"):
        numbaexp.softmax_backward(frame[::-1], frame)
    # A mask that is wider than the Series leaves no place for its labels.
    assert_same_bits(numbaexp.softmax(series, where=MASK), numbaexp.softmax(VALUES[0], where=MASK))


@pytest.mark.parametrize("dtype", ["Float64", "Float32", "Int64", "boolean", "Sparse[float64]"])
def test_types_of_pandas_own(pandas, dtype):
    x = pandas.Series([1.0, 0.0, 1.0], dtype=dtype)
    kind = dtype if dtype in ("Float32", "Sparse[float64]") else "Float64"
    for function in SHARES:
        result = function(x)
        assert result.dtype == kind
        np.testing.assert_array_equal(result.to_numpy(), function(x.to_numpy()))
    assert numbaexp.exp(x).dtype == np.exp(x).dtype
    frame = pandas.DataFrame({"a": x, "b": [0.5, 1.0, 2.0]})
    values = np.column_stack([x.to_numpy(), frame["b"]])
    result, sums = numbaexp.softmax(frame), numbaexp.logsumexp(frame, 1)
    assert result["a"].dtype == kind.replace("32", "64")
    assert result["b"].dtype == "float64"
    np.testing.assert_array_equal(result.astype("d").to_numpy(), numbaexp.softmax(values))
    assert sums.dtype == kind.replace("32", "64")
    np.testing.assert_array_equal(sums.to_numpy(), numbaexp.logsumexp(values, 1))


def test_frames_of_several_types(pandas):
    x = pandas.DataFrame({"a": np.float32([1, 2]), "b": [True, False], "c": [3, -4]}, columns=list("abc"))
    x.columns = list("aab")
    result = numbaexp.softmax(x)
    assert list(result.columns) == list("aab")
    assert_same_bits(result.to_numpy(), numbaexp.softmax(np.array([[1.0, 1, 3], [2, 0, -4]])))
    nullable = numbaexp.softmax(x.convert_dtypes())
    assert list(nullable.columns) == list("aab")
    assert set(map(str, nullable.dtypes)) == {"Float64"}


def test_missing_values(pandas):
    x = pandas.Series([1.0, None], dtype="Float64")
    said = r"^`x` has missing values \(NA\): fill them, `x.fillna\(...\)`, or drop them, `x.dropna\(\)`$"
    for given in (x, x.to_frame(), x.astype("Int64")):
        for function in SHARES:
            with pytest.raises(ValueError, match=said):
                function(given)
        assert numbaexp.exp(given).isna().equals(given.isna())
    assert_same_bits(numbaexp.softmax(x.dropna()).to_numpy(), np.ones(1))
    # NaN of floats is a number, as in NumPy.
    assert numbaexp.softmax(pandas.Series([1.0, np.nan])).isna().all()


def test_refused_of_pandas(pandas, frame, series):
    for dtype in ("category", "str", "object", "datetime64[ns]"):
        with pytest.raises(TypeError, match=r"^`x` must be of a float type, integers or bool; got "):
            numbaexp.softmax(pandas.Series([1, 2]).astype(dtype))
    with pytest.raises(TypeError, match=r"^`x` must be of a float type, integers or bool; got datetime"):
        numbaexp.softmax(frame.assign(e=pandas.Timestamp("2020")))
    for given in (series, VALUES[0]):
        with pytest.raises(TypeError, match=r"^`out` must be an array; got Series$"):
            numbaexp.softmax(given, out=series)


@pytest.mark.parametrize("function", SHARES)
def test_functions_that_pandas_applies(function, frame, series):
    by_column = function(VALUES, 0)
    for apply in (frame.apply, frame.transform, frame.groupby([0, 0, 0]).transform):
        assert_same_bits(apply(function).to_numpy(), by_column)
        assert list(apply(function).columns) == COLUMNS
    assert_same_bits(frame.apply(function, raw=True).to_numpy(), by_column)
    assert_frame(frame.apply(function, axis=1), function(VALUES))
    assert_frame(frame.pipe(function, axis=1), function(VALUES))
    groups = series.groupby([0, 0, 1, 1]).transform(function)
    assert (groups.name, list(groups.index)) == (NAME, COLUMNS)
    assert_same_bits(groups.to_numpy(), function(VALUES[0].reshape(2, 2)).ravel())
    sums = series.groupby([0, 0, 1, 1]).agg(numbaexp.logsumexp)
    assert_same_bits(sums.to_numpy(), numbaexp.logsumexp(VALUES[0].reshape(2, 2), 1))
    assert_same_bits(frame.agg(numbaexp.logsumexp, axis=1).to_numpy(), numbaexp.logsumexp(VALUES, 1))


APPLIED = {
    "apply": lambda f, frame, series: series.apply(f),
    "map": lambda f, frame, series: series.map(f),
    "transform": lambda f, frame, series: series.transform(f),
    "agg": lambda f, frame, series: series.agg(f),
    "agg of a list": lambda f, frame, series: series.agg([f]),
    "frame apply": lambda f, frame, series: frame.apply(f),
    "frame apply along rows": lambda f, frame, series: frame.apply(f, axis=1),
    "frame agg": lambda f, frame, series: frame.agg(f),
    "frame transform": lambda f, frame, series: frame.transform(f),
    "frame map": lambda f, frame, series: frame.map(f),
    "pipe": lambda f, frame, series: frame.pipe(f),
    "groups": lambda f, frame, series: frame.groupby([0, 1, 0]).transform(f),
}


@pytest.mark.parametrize("apply", APPLIED.values(), ids=APPLIED)
def test_elementwise_functions_that_pandas_applies(apply, pandas, frame, series):
    result, expected = apply(numbaexp.exp, frame, series), apply(np.exp, frame, series)
    assert type(result) is type(expected)
    assert [axis.tolist() for axis in result.axes] == [axis.tolist() for axis in expected.axes]
    assert_same_bits(
        np.ravel(result.to_numpy()),
        numbaexp.exp(np.ravel((frame if expected.ndim == 2 and expected.shape == frame.shape else series).to_numpy())),
    )


def test_numbers_of_numpys_take_the_fast_path(monkeypatch):
    """As map, vectorize and frompyfunc hand them over."""
    numbaexp.exp(1.0)
    from numbaexp.engine import call

    monkeypatch.setattr(call, "run_operation", None)
    for kind in (np.float64, np.float32, np.float16):
        x = VALUES.ravel()[:3].astype(kind)
        results = list(map(numbaexp.exp, x))
        assert {type(result) for result in results} == {kind}
        assert_same_bits(np.array(results), numbaexp.exp(x))
        assert_same_bits(np.frompyfunc(numbaexp.exp, 1, 1)(x).astype(kind), numbaexp.exp(x))


# xarray.


def assert_data(result, values, like):
    """Compare bits; the labels are to be those of ``like``."""
    assert result.identical(like.copy(data=result.values))
    assert result.encoding == {}
    assert_same_bits(result.values, values)


@pytest.mark.parametrize("function", SHARES)
def test_shares_of_xarray(function, data):
    for axis in (0, 1, -1, (0, 1), None):
        assert_data(function(data, axis), function(VALUES, axis), np.exp(data))
    assert_data(function(data[0, 0]), function(VALUES[0, 0]), np.exp(data[0, 0]))
    assert_data(function(data, where=data > 0.25), function(VALUES, where=MASK), np.exp(data))
    for given in (data.T > 0, data[:, ::-1] > 0, data[0] > 0):
        with pytest.raises(ValueError, match=r"^`where` must have the labels of `x`: align the two, or give"):
            function(data, where=given)


def test_sums_of_xarray(data):
    for axis in (0, 1, -1, (0, 1), None):
        for keepdims in (False, True):
            result, values = (numbaexp.logsumexp(x, axis, keepdims=keepdims) for x in (data, VALUES))
            assert_data(result, values, data.sum(axis=axis, keepdims=keepdims))


def test_losses_of_xarray(xarray, data):
    targets = xarray.DataArray(CLASSES, dims="p")
    for call, reduction in losses(numbaexp.cross_entropy):
        left = data.sum("q" if reduction == "none" else ("p", "q"))
        assert_data(call(data, targets=targets), call(VALUES), left)
    for call, reduction in losses(numbaexp.cross_entropy_backward):
        grad = WEIGHT[:3] if reduction == "none" else 2.0
        assert_data(call(grad, data, targets=targets), call(grad, VALUES), np.exp(data))


def test_gradients_of_xarray(data):
    output = numbaexp.softmax(data)
    assert_data(numbaexp.softmax_backward(data, output), numbaexp.softmax_backward(VALUES, output.values), np.exp(data))
    grad = numbaexp.logsumexp(data, 1)
    assert_data(
        numbaexp.logsumexp_backward(grad, data, 1), numbaexp.logsumexp_backward(grad.values, VALUES, 1), np.exp(data)
    )


def test_xarray_over_dask_is_lazy(data):
    dask = pytest.importorskip("dask", reason="the elements are Dask's")
    lazy = data.chunk({"p": 2, "q": 3})
    calls = [
        *(lambda x, f=f: f(x) for f in (*SHARES, numbaexp.logsumexp, numbaexp.exp, numbaexp.softplus)),
        lambda x: numbaexp.softmax(x, where=x > 0.25),
        lambda x: numbaexp.logsumexp(x, 1),
        lambda x: numbaexp.logsumexp(x, 1, b=x),
        lambda x: numbaexp.softmax_backward(x, x),
        lambda x: numbaexp.logsumexp_backward(x.sum("p"), x, 0),
        lambda x: numbaexp.cross_entropy(x, CLASSES),
        lambda x: numbaexp.cross_entropy(x, CLASSES, reduction="none"),
        lambda x: numbaexp.cross_entropy_backward(1.0, x, CLASSES),
    ]

    def never(*_, **__):
        pytest.fail("something is computed")

    with dask.config.set(scheduler=never):
        results = [call(lazy) for call in calls]
    for call, result in zip(calls, results, strict=True):
        assert dask.is_dask_collection(result.data)
        computed, expected = result.compute(scheduler="synchronous"), call(data)
        assert computed.dims == expected.dims
        assert computed.coords.equals(expected.coords)
        np.testing.assert_allclose(computed, expected, rtol=1e-15, atol=1e-17)


def test_functions_that_xarray_applies(xarray, data):
    for apply in (xarray.apply_ufunc, lambda f, x: xarray.apply_ufunc(f, x, vectorize=True), lambda f, x: x.pipe(f)):
        assert_same_bits(apply(numbaexp.exp, data).values, numbaexp.exp(VALUES))
    core = {"input_core_dims": [["q"]], "output_core_dims": [["q"]]}
    assert_same_bits(xarray.apply_ufunc(numbaexp.softmax, data, **core).values, numbaexp.softmax(VALUES))
    assert_same_bits(data.reduce(numbaexp.logsumexp, "q").values, numbaexp.logsumexp(VALUES, 1))
    assert_same_bits(data.groupby("p").map(numbaexp.softmax).values, numbaexp.softmax(VALUES))


# Quantities.


@pytest.fixture
def units():
    return pytest.importorskip("astropy.units", reason="the units are astropy's")


OF_UNITS = [numbaexp.exp, numbaexp.expm1, numbaexp.sigmoid, *SHARES, numbaexp.logsumexp]


def assert_quantity(result, values, units):
    assert type(result) is units.Quantity
    assert result.unit == units.dimensionless_unscaled
    assert_same_bits(result.value, values)


@pytest.mark.parametrize("function", OF_UNITS)
def test_quantities(function, units):
    for unit in (units.dimensionless_unscaled, units.percent, units.m / units.km):
        for x in (VALUES, VALUES[0, 0]):
            assert_quantity(function(x * unit), function((x * unit).to_value(units.one)), units)
    for unit in (units.m, units.deg):
        with pytest.raises(units.UnitTypeError) as expected:
            np.exp(VALUES * unit)
        with pytest.raises(units.UnitTypeError) as raised:
            function(VALUES * unit)
        assert str(raised.value) == str(expected.value).replace("'exp'", f"'{function.__name__}'")


def test_more_of_quantities(units):
    x, y = VALUES.copy() * units.one, VALUES.copy() * units.percent
    for out in (np.empty_like(VALUES), np.empty_like(VALUES) * units.one):
        for function in (numbaexp.exp, numbaexp.softmax):
            assert function(x, out=out) is out
            assert_same_bits(np.asarray(out), function(VALUES))
    assert numbaexp.exp_(x) is x
    assert_same_bits(x.value, numbaexp.exp(VALUES))
    with pytest.raises(units.UnitTypeError, match=r"^`out` must be a quantity without a unit; got %$"):
        numbaexp.exp(y, out=y)
    assert_quantity(numbaexp.exp_backward(y, x), numbaexp.exp_backward(y.to_value(units.one), x.value), units)
    assert_quantity(numbaexp.cross_entropy(x, CLASSES), numbaexp.cross_entropy(x.value, CLASSES), units)
    gradients = (numbaexp.cross_entropy_backward(1.0, given, CLASSES) for given in (x, x.value))
    assert_quantity(*gradients, units)
    masked = numbaexp.exp(y, where=MASK, out=np.zeros_like(VALUES))
    assert_same_bits(masked, np.where(MASK, numbaexp.exp(y.to_value(units.one)), 0.0))


@pytest.mark.parametrize("function", OF_UNITS)
def test_unyts_arrays(function):
    unyt = pytest.importorskip("unyt", reason="the units are unyt's")
    for unit in ("dimensionless", "percent"):
        for x in (unyt.unyt_array(VALUES, unit), unyt.unyt_quantity(2.5, unit)):
            result = function(x)
            assert isinstance(result, np.ndarray | np.float64)
            assert not hasattr(np.exp(x), "units")
            assert_same_bits(result, function(np.asarray(x.to_value("dimensionless"))[()]))
    for unit in ("m", "degree"):
        with pytest.raises(unyt.exceptions.UnitOperationError, match=f"^The {function.__name__} operator"):
            function(unyt.unyt_array(VALUES, unit))
    x = unyt.unyt_array(VALUES.copy(), "dimensionless")
    assert numbaexp.exp_(x) is x
    assert_same_bits(x.d, numbaexp.exp(VALUES))
    with pytest.raises(unyt.exceptions.UnitOperationError):
        numbaexp.exp(VALUES, out=unyt.unyt_array(VALUES.copy(), "m"))


def test_libraries_of_labels_are_not_imported(run_script):
    run_script("""
        import sys
        import numpy as np, numbaexp
        numbaexp.softmax([1.0, 2.0]), numbaexp.exp(np.ones(3)), numbaexp.cross_entropy(np.ones((2, 3)), [0, 1])
        assert not {"pandas", "xarray", "astropy", "unyt"} & set(sys.modules)
    """)
