"""Arrays of other libraries: those with ``__array_ufunc__``, and the bfloat16 of ml_dtypes."""

import pickle

import numpy as np
import pytest

import numbaexp

VALUES = np.linspace(-3, 3, 50)


def test_masked():
    x = np.ma.masked_array(VALUES, VALUES > 1)
    y = numbaexp.exp(x)
    assert isinstance(y, np.ma.MaskedArray)
    np.testing.assert_array_equal(y.mask, x.mask)
    np.testing.assert_array_equal(y[~x.mask].data, numbaexp.exp(VALUES[VALUES <= 1]))


def test_memmap(tmp_path):
    x = np.memmap(tmp_path / "x", np.float64, "w+", shape=(300_000,))
    x[:] = 1
    y = numbaexp.exp(x)
    assert type(y) is type(np.exp(x))
    assert (y == numbaexp.exp(1.0)).all()


@pytest.mark.parametrize("n", [50, 100_000])
def test_pandas(n):
    pandas = pytest.importorskip("pandas", reason="the owner is a pandas object")
    x = np.linspace(-3, 3, n)
    series = pandas.Series(x, index=np.arange(n) * 2, name="s")
    y = numbaexp.exp(series)
    pandas.testing.assert_series_equal(
        y, pandas.Series(numbaexp.exp(x), index=series.index, name="s"), check_exact=True
    )
    frame = pandas.DataFrame({"a": x, "b": x.astype(np.float32)})
    z = numbaexp.exp(frame)
    assert list(z.dtypes) == [np.float64, np.float32]
    np.testing.assert_array_equal(z["b"], numbaexp.exp(x.astype(np.float32)))


def test_xarray():
    xarray = pytest.importorskip("xarray", reason="the owner is an xarray object")
    x = xarray.DataArray(VALUES.reshape(5, 10), dims=("a", "b"), coords={"a": np.arange(5)})
    y = numbaexp.exp(x)
    assert y.dims == ("a", "b")
    np.testing.assert_array_equal(y.values, numbaexp.exp(VALUES).reshape(5, 10))


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_dask(scheduler):
    dask = pytest.importorskip("dask.array", reason="the owner is a Dask array")
    x = dask.from_array(np.linspace(-3, 3, 40_000).reshape(200, 200), chunks=(50, 200))
    y = numbaexp.exp(x)
    assert type(y) is type(x)
    np.testing.assert_array_equal(y.compute(scheduler=scheduler), numbaexp.exp(x.compute()))


def test_the_ufunc_that_owners_are_given_can_be_pickled():
    class Owner:
        def __array_ufunc__(self, ufunc, *args, **kwargs):
            return ufunc

    ufunc = numbaexp.exp(Owner())
    assert isinstance(ufunc, np.ufunc)
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc


def test_bfloat16_of_a_module_loaded_late(run_script):
    pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes")
    run_script("""
        import numpy as np, numbaexp, sys
        numbaexp.exp(np.ones(3))
        assert "ml_dtypes" not in sys.modules
        import ml_dtypes
        for n in (3, 100_000, 1_000_000):
            x = np.ones(n, ml_dtypes.bfloat16)
            assert numbaexp.exp(x).dtype == ml_dtypes.bfloat16
            assert (numbaexp.exp(x) == ml_dtypes.bfloat16(2.71875)).all()
            rows = np.ones((2, n), ml_dtypes.bfloat16)[:, ::2]
            assert (numbaexp.exp(rows, out=rows) == ml_dtypes.bfloat16(2.71875)).all()
        with numbaexp.use_target("parallel"):
            assert numbaexp.exp(x).dtype == ml_dtypes.bfloat16
        assert numbaexp.exp(np.ones(3, np.float32)).dtype == np.float32
        assert numbaexp.exp(np.ones(3, np.int8)).dtype == np.float16
        assert numbaexp.exp(np.ones(3, ml_dtypes.bfloat16), dtype=np.float32).dtype == np.float32
    """)
