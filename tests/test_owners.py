"""Arrays of other libraries: those with ``__array_ufunc__``, the bfloat16 of ml_dtypes, and how the others are told.

PyTorch's and JAX's have files of their own; those of devices are in ``tests/simulator``.
"""

import pickle
import sys
import types
from unittest import mock

import numpy as np
import pytest

import numbaexp
from numbaexp.backends import capsule, registry
from numbaexp.backends.adapter import Elements
from numbaexp.engine import call

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


class Lends:
    """An owner of ``__dlpack__``, of NumPy's memory."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Library(Lends):
    """One whose library takes arrays too."""

    def __array_namespace__(self):
        return types.SimpleNamespace(from_dlpack=lambda array: Library(np.from_dlpack(array)))


class LendsOldCapsules(Lends):
    """As before DLPack 1.0, whose arguments it does not know."""

    def __dlpack__(self, stream=None):
        assert stream is None
        return self.array.__dlpack__()


class LendsBits(Lends):
    """bfloat16, of which NumPy lends nothing."""

    def __dlpack__(self, **_):
        return capsule.Offer(self.array, self.array).__dlpack__()


@pytest.mark.parametrize("kind", [Lends, LendsOldCapsules, Library])
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "e", "f", "d"])
def test_dlpack(kind, dtype):
    array = np.arange(24).astype(dtype).reshape(4, 6)
    for given in (array, array.T, array[::2, 1:], array[:, ::-1], array[:0], array[0, 0, ...]):
        with np.errstate(all="ignore"):
            result, expected = numbaexp.exp(kind(given)), np.asarray(numbaexp.exp(given))
        assert type(result) is (Library if kind is Library else np.ndarray)
        result = np.asarray(getattr(result, "array", result))
        assert (result.dtype, result.shape, result.flags.writeable) == (expected.dtype, expected.shape, True)
        np.testing.assert_array_equal(result, expected)


def test_dlpack_shares_memory():
    x, out = np.linspace(-1, 1, 10), np.empty(10)
    owner = Lends(out)
    assert numbaexp.exp(Lends(x), out=owner) is owner
    np.testing.assert_array_equal(out, numbaexp.exp(x))
    expected = numbaexp.exp(x)
    owner = Lends(x)
    assert numbaexp.exp_(owner) is owner
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty(3, np.float32), TypeError, "`out` must be of the type of the result, float64; got float32"),
        (np.empty(4), ValueError, r"`out` must be of the shape of `x`, \(3,\); got \(4,\)"),
        (np.broadcast_to(1.0, 3), ValueError, "`out` is read-only"),
        (np.lib.stride_tricks.as_strided(np.zeros(3), (3,), (0,)), ValueError, "elements of `out` share memory"),
    ],
)
def test_dlpack_out_refused(out, error, message):
    with pytest.raises(error, match=message):
        numbaexp.exp(Lends(np.ones(3)), out=Lends(out))


def test_dlpack_types_refused():
    for dtype in ("F", "D"):
        with pytest.raises(TypeError, match=r"^`x` must be of a float, integer or bool type; got complex"):
            numbaexp.exp(Lends(np.ones(2, dtype)))
    with pytest.raises(TypeError, match="`x` is bfloat16, which NumPy has no arrays of"):
        numbaexp.exp(LendsBits(np.zeros(2, np.uint16)))


def test_dlpack_devices_refused():
    class Elsewhere(Lends):
        def __dlpack_device__(self):
            return 8, 0

    with pytest.raises(TypeError, match=r"^`x` must be on a CPU or a CUDA device; got DLPack's device type 8$"):
        numbaexp.exp(Elsewhere([1.0]))


def test_dlpack_bfloat16():
    torch = pytest.importorskip("torch", reason="the library that takes bfloat16 is PyTorch")

    class Takes(LendsBits):
        def __array_namespace__(self):
            return torch

    result = numbaexp.exp(Takes(np.array([0x3F80, 0], np.uint16)))
    assert result.dtype is torch.bfloat16
    assert result.tolist() == [2.71875, 1]


def test_capsules_are_given_back():
    x = np.ones(3)
    references = sys.getrefcount(x)
    for _ in range(20):
        numbaexp.exp(Library(x))
        numbaexp.exp(Lends(x))
        borrowed = np.from_dlpack(capsule.Offer(x, x))
        capsule.Offer(x, x).__dlpack__()  # which nobody takes
    assert len(capsule._lent_out) == 1
    del borrowed
    assert not capsule._lent_out
    assert sys.getrefcount(x) == references


def test_array_ufunc_comes_before_dlpack():
    class Both(Lends):
        def __array_ufunc__(self, *_, **__):
            return "asked"

    assert numbaexp.exp(Both([1.0])) == "asked"


def test_what_is_numpys_is_left_to_it():
    for given in (np.ones(2), np.float32(1), np.ma.ones(2), [1], 1, range(3), memoryview(np.ones(2)), None, "a"):
        assert registry.find(given) is registry.NUMPY


class AnswersAll:
    def __getattr__(self, name):
        return AnswersAll()

    def __call__(self, *args, **kwargs):
        return AnswersAll()


class AnswersAllInSlots(AnswersAll):
    __slots__ = ()


class ClassAnswersAll(type):
    def __getattr__(cls, name):
        return AnswersAll()


class OfSuchAClass(metaclass=ClassAnswersAll):
    pass


class NoUfuncs:
    __array_ufunc__ = None


class TurnedOff(Lends):
    __dlpack__ = None


@pytest.mark.parametrize(
    "given",
    [
        AnswersAll(),
        AnswersAllInSlots(),
        AnswersAll,
        OfSuchAClass(),
        OfSuchAClass,
        NoUfuncs(),
        TurnedOff([1.0]),
        Lends,
        np.ndarray,
        np,
        mock.Mock(),
        mock.MagicMock(),
        mock.NonCallableMock(),
        mock.MagicMock(spec=np.ndarray),
        mock.MagicMock(spec=Lends),
        mock.call,
    ],
)
def test_what_is_no_array_is_left_to_numpy(given):
    """Objects that answer to every name, and classes; all is as with NumPy's own function."""

    def outcome(call):
        try:
            return type(call())
        except Exception as error:
            return type(error), str(error)

    assert registry.find(given) is registry.NUMPY
    assert outcome(lambda: numbaexp.exp(given)) == outcome(lambda: np.exp(given))
    for out in (given, (given,)):
        results = (outcome(lambda f=f, out=out: f(np.ones(3), out=out)) for f in (numbaexp.exp, np.exp))
        assert next(results) == next(results)
    if not isinstance(given, mock.NonCallableMock):
        with pytest.raises(TypeError, match=r"^`x` must be an array, to be changed in place"):
            numbaexp.exp_(given if given is not np.ndarray else AnswersAll())


@pytest.mark.parametrize("library", ["torch.Tensor", "jax.Array", "dask.array.Array"])
def test_a_mock_of_a_library_is_no_array_of_it(library):
    module, _, name = library.rpartition(".")
    kind = getattr(pytest.importorskip(module), name)
    for given in (kind, mock.MagicMock(spec=kind), mock.create_autospec(kind, instance=True)):
        assert registry.find(given) is registry.NUMPY
        for function in (numbaexp.softmax, numbaexp.logsumexp):
            with pytest.raises((TypeError, ValueError)):
                function(given)


def test_what_an_instance_has_itself_counts():
    class Owner:
        def __init__(self, array):
            self.__dlpack__, self.__dlpack_device__ = array.__dlpack__, array.__dlpack_device__

    np.testing.assert_array_equal(numbaexp.exp(Owner(VALUES)), numbaexp.exp(VALUES))
    assert registry.find(Owner(VALUES)) is not registry.NUMPY


def test_no_ufuncs_but_dlpack():
    class Owner(Lends):
        __array_ufunc__ = None

    np.testing.assert_array_equal(numbaexp.exp(Owner(VALUES)), numbaexp.exp(VALUES))


@pytest.mark.parametrize("function", [numbaexp.exp, numbaexp.softmax, numbaexp.logsumexp, numbaexp.exp_])
def test_dlpack_values_are_checked(function):
    used = VALUES.__dlpack__()
    np.from_dlpack(types.SimpleNamespace(__dlpack__=lambda **_: used, __dlpack_device__=lambda: (1, 0)))
    for capsule_given in (3, None, used, object()):

        class Owner(Lends):
            def __dlpack__(self, capsule_given=capsule_given, **_):
                return capsule_given

        with pytest.raises(TypeError, match=r"^`(x|a)` must give a capsule by `__dlpack__`"):
            function(Owner(VALUES))
    for device in (3, None, (1,), (1, 0, 0), ("cpu", 0), AnswersAll()):

        class Somewhere(Lends):
            def __dlpack_device__(self, device=device):
                return device

        with pytest.raises(TypeError, match=r"^`(x|a)` must tell its device by `__dlpack_device__`"):
            function(Somewhere(VALUES))

    class Nowhere:
        def __dlpack__(self, **_):
            return VALUES.__dlpack__()

    with pytest.raises(TypeError, match=r"^`(x|a)` must tell its device by `__dlpack_device__`"):
        function(Nowhere())


@pytest.mark.parametrize("interface", [3, {}, {"data": 3, "shape": (1,), "typestr": "<f4"}, AnswersAll()])
def test_cuda_array_interfaces_are_checked_without_cuda(interface):
    class Owner:
        __cuda_array_interface__ = interface

    for function in (numbaexp.exp, numbaexp.softmax, numbaexp.logsumexp, lambda x: numbaexp.cross_entropy(x, x)):
        with pytest.raises(TypeError, match=r"^`(x|a|logits)` must have a `__cuda_array_interface__` of `data`"):
            function(Owner())
    with pytest.raises(TypeError, match=r"^`out` must have a `__cuda_array_interface__` of `data`"):
        numbaexp.exp(VALUES, out=Owner())


def test_libraries_are_not_imported(run_script):
    """Nor looked for in anything but what is loaded."""
    run_script("""
        import sys
        import numpy as np, numbaexp
        numbaexp.exp(np.ones(3)), numbaexp.exp([1]), numbaexp.exp(np.ones(100_000), out=np.ones(100_000))
        class Owner:
            def __array__(self, dtype=None, copy=None):
                return np.ones(3)
        numbaexp.exp(Owner())
        assert not {"torch", "jax", "cupy", "numba.cuda"} & set(sys.modules)
    """)


def test_a_new_library_is_one_entry(monkeypatch):
    class Array:
        def __init__(self, values):
            self.values = np.asarray(values)

    adapter = types.ModuleType("numbaexp.backends.new")
    adapter.device = lambda array, argument: "cpu"
    adapter.read = lambda x, argument: (Elements(x, x.values), "float64")
    adapter.write = lambda given, out, dtype: Elements(None, np.empty(given.view.shape))
    adapter.finish = lambda x, out, written: Array(written.view)
    library = types.ModuleType("new")
    library.Array = Array
    entry = registry.Library("new", "Array", "new")
    monkeypatch.setitem(sys.modules, "numbaexp.backends.new", adapter)
    monkeypatch.setattr(registry, "TABLE", (entry, *registry.TABLE))
    monkeypatch.setitem(sys.modules, "new", library)
    result = numbaexp.exp(Array([0, 1]))
    assert type(result) is Array
    np.testing.assert_array_equal(result.values, numbaexp.exp([0, 1]))


@pytest.mark.parametrize("way", [lambda f, x, out: f(x, out), lambda f, x, out: f(x, out=out)])
def test_the_fast_path_is_left_for_a_foreign_argument(monkeypatch, way):
    """Arrays of NumPy's take it; the slow path is not asked."""
    asked = []
    monkeypatch.setattr(call, "compute", lambda operation, arrays, out, options: asked.append((*arrays, out)))
    x, foreign = np.ones(3), Lends(np.ones(3))
    way(numbaexp.exp, x, np.ones(3))
    way(numbaexp.exp, 1.0, np.ones(1))
    assert not asked
    way(numbaexp.exp, x, foreign)
    way(numbaexp.exp, 1.0, foreign)
    way(numbaexp.exp, x, (foreign,))
    assert asked == [(x, foreign), (1.0, foreign), (x, foreign)]
