"""Elementwise functions that users write, on arrays of Dask, pandas, xarray, astropy and unyt: as ufuncs of NumPy's are
computed there, of several results too."""

import pickle

import numpy as np
import pytest
from custom_functions import elu, gaussian, waves
from helpers import assert_same_bits, run_python

import numbaexp

X = np.random.default_rng(0).normal(size=(7, 10))
ROW = X[0].copy()
SCHEDULER = "synchronous"


class TestDask:
    @pytest.fixture
    def da(self):
        return pytest.importorskip("dask.array", reason="the arrays are Dask's")

    @pytest.fixture
    def x(self, da):
        return da.from_array(X, chunks=(3, 4))

    @pytest.fixture
    def row(self, da):
        return da.from_array(ROW, chunks=3)

    def test_lazy_with_chunks_that_meet(self, da, x, row):
        made = gaussian(x, row, 2.0)
        assert isinstance(made, da.Array)
        assert made.chunks == ((3, 3, 1), (3, 1, 2, 2, 1, 1))
        assert repr(made).startswith("dask.array<gaussian, shape=(7, 10), dtype=float64")
        assert_same_bits(made.compute(scheduler=SCHEDULER), gaussian(X, ROW, 2.0))
        assert_same_bits(gaussian(0.5, x, 2).compute(scheduler=SCHEDULER), gaussian(0.5, X, 2))
        assert_same_bits(elu(x, ROW).compute(scheduler=SCHEDULER), elu(X, ROW))

    def test_several_results(self, x, row, monkeypatch):
        """Each block is computed once."""
        import dask

        from numbaexp.integrations.dask import custom

        made = waves(x, row)
        assert [each.chunks for each in made] == [((3, 3, 1), (3, 1, 2, 2, 1, 1))] * 2
        assert [repr(each)[:18] for each in made] == ["dask.array<waves, "] * 2
        for result, expected in zip(dask.compute(*made, scheduler=SCHEDULER), waves(X, ROW), strict=True):
            assert_same_bits(result, expected)
        assert_same_bits(made[1].compute(scheduler=SCHEDULER), waves(X, ROW)[1])
        gradients = gaussian.backward(x, x, 0.5, 2.0)
        for result, expected in zip(gradients, gaussian.backward(X, X, 0.5, 2.0), strict=True):
            assert_same_bits(result.compute(scheduler=SCHEDULER), expected)
        calls = []
        monkeypatch.setattr(custom, "function_of", lambda _: lambda *blocks: calls.append(blocks) or waves(*blocks))
        dask.compute(*waves(x, row), scheduler=SCHEDULER)
        assert len([blocks for blocks in calls if blocks[0].size]) == 18

    def test_types_and_shapes(self, da, x, row):
        narrow = waves(x.astype("float32"), 0.5)
        assert [each.dtype for each in narrow] == [np.float32] * 2
        assert narrow[1].compute(scheduler=SCHEDULER).dtype == np.float32
        assert gaussian(da.arange(5, chunks=2, dtype="int8"), 0, 1).dtype == np.float16
        number = da.from_array(np.array(2.0))
        assert_same_bits(waves(number, row)[0].compute(scheduler=SCHEDULER), waves(2.0, ROW)[0])
        assert_same_bits(waves(number, 3.0)[0].compute(scheduler=SCHEDULER), waves(2.0, 3.0)[0])
        positive = x[row[:7].compute(scheduler=SCHEDULER) > 0]
        unknown = x[x[:, 0] > 0]
        assert np.isnan(unknown.shape[0])
        for given in (positive, unknown):
            values = given.compute(scheduler=SCHEDULER)
            assert_same_bits(waves(given, 0.5)[1].compute(scheduler=SCHEDULER), waves(values, 0.5)[1])

    def test_options(self, da, x):
        made = gaussian(x, 0.0, 1.0, where=x > 0, out=da.zeros_like(x), dtype="float64")
        expected = gaussian(X, 0.0, 1.0, where=X > 0, out=np.zeros_like(X))
        assert_same_bits(made.compute(scheduler=SCHEDULER), expected)
        with pytest.raises(TypeError, match=r"^of an array of Dask `waves`, of several results, takes no options"):
            waves(x, x, where=x > 0)
        with pytest.raises(TypeError, match=r"^ufunc 'gaussian' not supported for the input types"):
            gaussian(x, x.astype("complex"), 1.0)

    def test_graphs_are_pickled(self, x):
        """By the name of the function, and named by what that is made of."""
        for made, expected in ((gaussian(x, 0.5, 2.0), gaussian(X, 0.5, 2.0)), (waves(x, 0.5)[1], waves(X, 0.5)[1])):
            assert_same_bits(pickle.loads(pickle.dumps(made)).compute(scheduler=SCHEDULER), expected)
        assert gaussian(x, 0.5, 2.0).name == gaussian(x, 0.5, 2.0).name

        def scaled(factor):
            @numbaexp.elementwise
            def scaled(x):
                return factor * x

            return scaled

        assert scaled(2.0)(x).name != scaled(3.0)(x).name

    @pytest.mark.thorough
    def test_other_processes(self, tmp_path, da):
        """They load the module, as workers of a cluster do."""
        (tmp_path / "written.py").write_text(
            "import numbaexp\n\n\n@numbaexp.elementwise\ndef scaled(x, y):\n    return x * y, x - y\n"
        )
        script = tmp_path / "script.py"
        script.write_text(
            "import dask, dask.array as da, numpy as np\n"
            "from written import scaled\n"
            "if __name__ == '__main__':\n"
            "    x = da.arange(6.0, chunks=3)\n"
            "    product, difference = dask.compute(*scaled(x, 2.0), scheduler='processes', num_workers=1)\n"
            "    assert (product == np.arange(6.0) * 2).all() and (difference == np.arange(6.0) - 2).all()\n"
        )
        done = run_python(str(script), cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    def test_xarray(self, da, x):
        xarray = pytest.importorskip("xarray", reason="the labels are those of xarray")
        given = xarray.DataArray(x, dims=("p", "q"), name="n")
        made, several = gaussian(given, 0.5, 2.0), waves(given, 0.5)
        assert all(isinstance(each.data, da.Array) for each in (made, *several))
        assert_same_bits(pickle.loads(pickle.dumps(made)).to_numpy(), gaussian(X, 0.5, 2.0))
        assert_same_bits(several[1].to_numpy(), waves(X, 0.5)[1])
        applied = xarray.apply_ufunc(gaussian, given, 0.5, 2.0, dask="allowed")
        assert isinstance(applied.data, da.Array)
        assert_same_bits(applied.to_numpy(), gaussian(X, 0.5, 2.0))


class TestPandas:
    @pytest.fixture
    def pandas(self):
        return pytest.importorskip("pandas", reason="the labels are those of pandas")

    def test_series(self, pandas):
        series = pandas.Series(ROW, list("abcdefghij"), name="n")
        expected = pandas.Series(gaussian(ROW, 0.5, 2.0), series.index, name="n")
        made = [
            gaussian(series, 0.5, 2.0),
            series.apply(gaussian, args=(0.5, 2.0)),
            series.transform(gaussian, 0, 0.5, 2.0),
            series.pipe(gaussian, 0.5, 2.0),
        ]
        for each in made:
            pandas.testing.assert_series_equal(each, expected, check_exact=True)
        for each, values in zip(waves(series, 0.5), waves(ROW, 0.5), strict=True):
            pandas.testing.assert_series_equal(each, pandas.Series(values, series.index, name="n"), check_exact=True)
        # By label, as in all of pandas.
        pandas.testing.assert_series_equal(gaussian(series, series[::-1], 2.0), gaussian(series, series, 2.0))

    def test_frames(self, pandas):
        @numbaexp.elementwise
        def bell(x):
            return numbaexp.exp(-x * x)

        frame = pandas.DataFrame(X, columns=list("abcdefghij"))
        expected = pandas.DataFrame(bell(X), columns=frame.columns)
        for each in (bell(frame), frame.apply(bell), frame.transform(bell), frame.agg(bell)):
            pandas.testing.assert_frame_equal(each, expected, check_exact=True)
        first, _ = waves(frame, 0.5)
        pandas.testing.assert_frame_equal(
            first, pandas.DataFrame(waves(X, 0.5)[0], columns=frame.columns), check_exact=True
        )
        grouped = frame.groupby([0, 0, 1, 1, 1, 2, 2])["a"].transform(bell)
        assert_same_bits(grouped.to_numpy(), bell(X)[:, 0].copy())


def test_xarray():
    xarray = pytest.importorskip("xarray", reason="the labels are those of xarray")
    x = xarray.DataArray(X, dims=("p", "q"), coords={"p": range(7)}, name="n", attrs={"of": "x"})
    made = gaussian(x, xarray.DataArray(ROW, dims="q"), 2.0)
    xarray.testing.assert_identical(made, x.copy(data=gaussian(X, ROW, 2.0)))
    for each, values in zip(waves(x, 0.5), waves(X, 0.5), strict=True):
        xarray.testing.assert_identical(each, x.copy(data=values))
    xarray.testing.assert_identical(xarray.apply_ufunc(gaussian, x, 0.5, 2.0, keep_attrs=True), gaussian(x, 0.5, 2.0))
    xarray.testing.assert_identical(gaussian(x[1:], x[:-1], 1.0), gaussian(x[1:-1], x[1:-1], 1.0))
    dataset = gaussian(xarray.Dataset({"n": x}), 0.5, 2.0)
    assert_same_bits(dataset["n"].to_numpy(), gaussian(X, 0.5, 2.0))
    with pytest.raises(NotImplementedError, match=r"`out`"):
        gaussian(x, 0.5, 2.0, out=x.copy())


def test_astropys_quantities():
    units = pytest.importorskip("astropy.units", reason="the units are astropy's")
    ratio = units.km / units.m
    for x in (X * units.one, X / 1000 * ratio):
        values = x.to_value(units.one)
        made = gaussian(x, 0.5, 2.0)
        assert isinstance(made, units.Quantity)
        assert made.unit == units.one
        assert_same_bits(made.value, gaussian(values, 0.5, 2.0))
        for each, expected in zip(waves(ROW, x), waves(ROW, values), strict=True):
            assert isinstance(each, units.Quantity)
            assert_same_bits(each.value, expected)
    assert isinstance(gaussian(X, 0.5, 2.0 * units.one), units.Quantity)
    for arguments in ((X * units.m, 0.5, 2.0), (X, 0.5 * units.m, 2.0)):
        with pytest.raises(
            units.UnitTypeError, match=r"^Can only apply 'gaussian' function to dimensionless quantities$"
        ):
            gaussian(*arguments)
    out = X * units.one
    assert gaussian(X, 0.5, 2.0, out=out) is out
    assert_same_bits(out.value, gaussian(X, 0.5, 2.0))


def test_unyts_arrays():
    unyt = pytest.importorskip("unyt", reason="the units are unyt's")
    x = unyt.unyt_array(X, "dimensionless")
    assert_same_bits(gaussian(x, 0.5, 2.0), gaussian(X, 0.5, 2.0))
    assert_same_bits(gaussian(unyt.unyt_array(X / 1000, "km/m"), 0.5, 2.0), gaussian(X / 1000 * 1000, 0.5, 2.0))
    assert_same_bits(waves(0.5, x)[1], waves(0.5, X)[1])
    for arguments in ((unyt.unyt_array(X, "m"), 0.5, 2.0), (X, 0.5, unyt.unyt_quantity(2.0, "m"))):
        with pytest.raises(unyt.exceptions.UnitOperationError, match=r"^The gaussian operator"):
            gaussian(*arguments)
