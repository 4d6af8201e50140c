"""The functions as objects: what Python's tools and other libraries do with ``np.exp`` they do with ours."""

import concurrent.futures
import copy
import ctypes
import doctest
import functools
import importlib
import inspect
import multiprocessing
import pickle
import pydoc
import unittest.mock
import warnings
import weakref

import numba
import numpy as np
import pytest
from helpers import ELEMENTWISE, inside

import numbaexp
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.gradients import GRADIENTS

pytestmark = [pytest.mark.by_form, pytest.mark.sampled(function=("exp", "sigmoid_backward", "softmax"))]

UFUNCS = [*FAMILY, *GRADIENTS]
FUNCTIONS = [name for name in numbaexp.__all__ if callable(getattr(numbaexp, name)) and name != "UnsupportedError"]

every_ufunc = pytest.mark.parametrize("function", [getattr(numbaexp, name) for name in UFUNCS], ids=UFUNCS)
every_function = pytest.mark.parametrize("function", [getattr(numbaexp, name) for name in FUNCTIONS], ids=FUNCTIONS)


def test_the_tests_know_every_function():
    assert tuple(FAMILY) == ELEMENTWISE


@every_function
def test_copies_are_the_function_itself(function):
    assert copy.copy(function) is function
    assert copy.deepcopy({"of": [function]})["of"][0] is function
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(function, protocol)) is function


@every_ufunc
def test_what_a_partial_is_looked_through_at(function):
    """Whoever looks through partials finds a function that does the same, and that can be pickled."""
    plain = function.func
    assert inspect.isfunction(plain)
    assert (plain.__name__, plain.__doc__) == (function.__name__, function.__doc__)
    assert inspect.signature(plain) == inspect.signature(function)
    x = [np.ones(3)] * function.nin
    np.testing.assert_array_equal(plain(*x), function(*x))
    assert (function.args, function.keywords) == ((), {})
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(plain, protocol)) is plain


@every_ufunc
def test_calls_go_by_vectorcall(function):
    """No tuple and no dictionary is made of a call's arguments: the interpreter hands them over as they lie there."""
    address = id(function) + ctypes.c_ssize_t.from_address(id(type(function)) + object.__basicsize__ + 40).value
    slot, calls = ctypes.c_void_p.from_address(address), []
    function(*[1.0] * function.nin)

    @ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.py_object)
    def take(called, args, count, names):
        calls.append((called, count & ~(1 << 63), names))
        return calls

    before, slot.value = slot.value, ctypes.cast(take, ctypes.c_void_p).value
    try:
        assert function(1.0, out=None, where=True) is calls
    finally:
        slot.value = before
    assert calls == [(id(function), 1, ("out", "where"))]


def test_pickle_of_a_method():
    x = np.zeros(2)
    pickle.loads(pickle.dumps(numbaexp.exp.at))(x, [1])
    assert x.tolist() == [0, 1]


@every_ufunc
def test_as_an_attribute_of_a_class(function):
    """No method, as no ufunc is one; a partial is one from Python 3.14 on, and Python 3.13 warns of that."""

    class Model:
        link = function

    x = [np.ones(2)] * function.nin
    assert Model.link is function
    assert Model().link is function
    np.testing.assert_array_equal(Model().link(*x), function(*x))
    assert type(function).__get__(function, Model(), Model) is function
    with pytest.raises(TypeError):
        type("Bound", (), {"link": functools.partialmethod(function)})().link()


@every_ufunc
def test_passes_for_a_ufunc(function):
    assert isinstance(function, np.ufunc)
    assert type(function) is not np.ufunc
    assert repr(function) == f"<ufunc '{function.__name__}'>"
    for attribute in dir(np.exp):
        assert hasattr(function, attribute), attribute
    assert function.nargs == function.nin + function.nout
    assert function.ntypes == len(function.types)
    assert (function.identity, function.signature) == (None, None)
    types = (np.dtype("f4"),) * function.nin + (None,)
    assert function.resolve_dtypes(types)[-1] == np.float32
    assert function._resolve_dtypes_and_context(types)[0][-1] == np.float32
    with pytest.raises(AttributeError):
        function.types = []


def test_methods_take_bfloat16(run_script):
    pytest.importorskip("ml_dtypes")
    run_script("""
        import ml_dtypes, numpy as np, numbaexp
        x = np.zeros(3, ml_dtypes.bfloat16)
        numbaexp.exp2.at(x, [1])
        assert x.tolist() == [0, 1, 0]
    """)


@every_ufunc
def test_inspect(function):
    assert str(inspect.signature(function)).endswith("order='K', dtype=None, subok=True, signature=None)")
    assert inspect.getdoc(function) == inspect.cleandoc(function.__doc__)
    assert inspect.getmodule(function) is importlib.import_module(function.__module__)
    assert inspect.isroutine(inspect.unwrap(function))
    assert not inspect.isfunction(function)
    assert not inspect.iscoroutinefunction(function)
    assert weakref.ref(function)() is function
    assert {function: 1}[function] == 1
    assert pydoc.plain(pydoc.render_doc(function)).splitlines()[2].startswith(function.__name__)


def test_attributes_can_be_set():
    numbaexp.exp.note = "mine"
    assert numbaexp.exp.note == "mine"
    del numbaexp.exp.note


@every_function
def test_wraps(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    assert (wrapper.__name__, wrapper.__doc__) == (function.__name__, function.__doc__)
    assert inspect.signature(wrapper) == inspect.signature(function)
    assert list(inspect.signature(wrapper, follow_wrapped=False).parameters) == ["args", "kwargs"]
    assert set(vars(wrapper)) <= {"__name__", "__qualname__", "__doc__", "__module__", "__wrapped__"}


def test_singledispatch():
    @functools.singledispatch
    def kind(_):
        return "other"

    kind.register(np.ufunc)(lambda _: "ufunc")
    assert kind(numbaexp.exp) == kind(np.exp) == "ufunc"


def test_mock():
    mocked = unittest.mock.create_autospec(numbaexp.exp, return_value=3)
    assert mocked(np.ones(2)) == 3
    assert mocked.nin is not None


@pytest.mark.parametrize("module", ["exponentials", "gradients", "rows", "losses"])
def test_doctest_finds_the_examples(module):
    module = importlib.import_module(f"numbaexp.public.{module}")
    found = {test.name.rpartition(".")[2] for test in doctest.DocTestFinder().find(module) if test.examples}
    assert found == {
        name for name in numbaexp.__all__ if getattr(getattr(numbaexp, name), "__module__", None) == module.__name__
    } - {"expit"}
    assert doctest.testmod(module).failed == 0


@pytest.mark.thorough
def test_compiled_function_pickled_into_a_new_process(run_script, tmp_path):
    """By the module, by a global, by a closure, by a default: NumPy's functions can be used in these ways too."""
    exp, x = numbaexp.exp, -1.375

    @numba.njit
    def by_module(x):
        return numbaexp.exp10(x)

    @numba.njit
    def by_closure(x):
        return exp(x)

    @numba.njit
    def by_default(x, function=numbaexp.expm1):
        return function(x)

    for compiled, expected in (
        (by_module, numbaexp.exp10(x)),
        (by_closure, exp(x)),
        (by_default, numbaexp.expm1(x)),
    ):
        assert compiled(x) == expected
        for pickled in (pickle.dumps(compiled), pickle.dumps(numba.njit(compiled.py_func))):
            run_script(
                f"import pickle; assert pickle.loads({pickled!r})({x}) == {float(expected)!r}",
                NUMBA_CACHE_DIR=str(tmp_path),
            )


@pytest.mark.thorough
def test_cloudpickle_into_a_new_process(run_script):
    cloudpickle = pytest.importorskip("cloudpickle")
    function = numbaexp.exp2

    class Model:
        link = numbaexp.sigmoid

        def __call__(self, x):
            return self.link(x) + numbaexp.softmax(np.zeros(2))[0]

    for made, expected in (
        (lambda x: function(x) + numbaexp.exp(x), 2.0),
        (Model(), 1.0),
        (functools.partial(numbaexp.exp, order="C"), 1.0),
        (numbaexp.exp.func, 1.0),
    ):
        assert made(0.0) == expected
        run_script(f"import pickle; assert pickle.loads({cloudpickle.dumps(made)!r})(0.0) == {expected}")
    assert cloudpickle.loads(cloudpickle.dumps(function)) is function


@pytest.mark.thorough
def test_processes():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(numbaexp.exp, [0.0, 1.0])) == [1.0, numbaexp.exp(1.0)]
        assert pool.submit(numbaexp.exp2_, np.zeros(2)).result().tolist() == [1, 1]


def test_curry():
    toolz = pytest.importorskip("toolz")
    curried = toolz.curry(numbaexp.exp)
    out = np.empty(2)
    assert curried(out=out)(np.zeros(2)) is out
    np.testing.assert_array_equal(curried(np.ones(2)), numbaexp.exp(np.ones(2)))
    assert curried.__name__ == "exp"
    assert pickle.loads(pickle.dumps(curried))(0.0) == 1
    assert toolz.pipe(0.0, numbaexp.exp, numbaexp.expm1) == numbaexp.expm1(1.0)


def test_joblib(tmp_path):
    joblib = pytest.importorskip("joblib")
    assert joblib.hash(numbaexp.exp) == joblib.hash(numbaexp.exp)
    assert joblib.hash(numbaexp.exp) != joblib.hash(numbaexp.exp2)
    x = np.arange(3.0)
    for _ in range(2):
        cached = joblib.Memory(tmp_path, verbose=0).cache(numbaexp.exp)
        assert cached.check_call_in_cache(x) is (_ == 1)
        np.testing.assert_array_equal(cached(x), numbaexp.exp(x))


@pytest.mark.thorough
def test_names_and_tokens_of_dask(run_script):
    da = pytest.importorskip("dask.array")
    base = pytest.importorskip("dask.base")
    utils = pytest.importorskip("dask.utils")
    source = "import dask.base, numbaexp; print(*[dask.base.tokenize(f) for f in {}])"
    functions = [numbaexp.exp, numbaexp.exp_backward, numbaexp.exp_, numbaexp.softmax]
    assert [utils.funcname(each) for each in functions] == ["exp", "exp_backward", "exp_", "softmax"]
    tokens = [base.tokenize(each, ensure_deterministic=True) for each in functions]
    assert len(set(tokens)) == len(functions)
    names = "[" + ", ".join(f"numbaexp.{utils.funcname(each)}" for each in functions) + "]"
    assert run_script(source.format(names)).split() == tokens
    x = da.arange(6.0, chunks=3)
    mapped = da.map_blocks(numbaexp.exp, x)
    assert mapped.name.startswith("exp-")
    assert mapped.name == da.map_blocks(numbaexp.exp, x).name
    expected = numbaexp.exp(np.arange(6.0))
    for result in (mapped, da.ufunc.ufunc(numbaexp.exp)(x), x.map_blocks(numbaexp.exp), numbaexp.exp(x)):
        np.testing.assert_array_equal(result.compute(scheduler="sync"), expected)


WHOLE = {
    "Series.apply": lambda s, f: s.apply(f),
    "Series.transform": lambda s, f: s.transform(f),
    "Series.agg": lambda s, f: s.agg(f),
    "Series.apply of a list": lambda s, f: s.apply([f]),
    "DataFrame.apply": lambda s, f: s.to_frame("a").apply(f),
    "DataFrame.apply by row": lambda s, f: s.to_frame("a").apply(f, axis=1),
    "DataFrame.agg": lambda s, f: s.to_frame("a").agg({"a": f}),
    "DataFrame.transform": lambda s, f: s.to_frame("a").transform([f]),
    "Series.map": lambda s, f: s.map(f),
    "groupby.transform": lambda s, f: s.groupby(s > 0).transform(f),
    "groupby.apply": lambda s, f: s.groupby(s > 0).apply(f),
    "nullable": lambda s, f: s.astype("Float64").apply(f),
    "integers": lambda s, f: s.astype(int).apply(f),
    "Index.map": lambda s, f: s.set_axis(s.to_numpy()).index.map(f),
}


@pytest.mark.parametrize("function", ["exp", "exp2", "expm1"])
@pytest.mark.parametrize("call", WHOLE)
@pytest.mark.filterwarnings("ignore:using <ufunc:FutureWarning")  # pandas 2 of any ufunc in agg
def test_pandas(call, function):
    """Values, types and names as of NumPy's function."""
    pd = pytest.importorskip("pandas")
    s = pd.Series(np.linspace(-2, 3, 7), index=list("abcdefg"), name="of")
    ours, theirs = (WHOLE[call](s, getattr(module, function)) for module in (numbaexp, np))
    assert type(ours) is type(theirs)
    if isinstance(ours, pd.Index):
        pd.testing.assert_index_equal(ours, theirs, rtol=1e-15)
    else:
        compare = pd.testing.assert_frame_equal if ours.ndim == 2 else pd.testing.assert_series_equal
        compare(ours, theirs, rtol=1e-15)


@pytest.mark.parametrize("name", FAMILY)
def test_pandas_calls_once(name):
    """With all elements, not with each."""
    pd = pytest.importorskip("pandas")
    calls = []

    class Counted(pd.Series):
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            calls.append(len(self))
            return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    x = inside(name, np.arange(5.0))
    result = Counted(x).apply(getattr(numbaexp, name))
    assert calls == [5]
    np.testing.assert_array_equal(result, getattr(numbaexp, name)(x))


def test_xarray():
    xr = pytest.importorskip("xarray")
    x = xr.DataArray(np.arange(3.0), dims="t", attrs={"unit": "s"})
    np.testing.assert_array_equal(xr.apply_ufunc(numbaexp.exp, x), numbaexp.exp(np.arange(3.0)))
    pytest.importorskip("dask.array")
    lazy = xr.apply_ufunc(numbaexp.exp, x.chunk(t=2), dask="parallelized", output_dtypes=[float])
    np.testing.assert_array_equal(lazy.compute(), numbaexp.exp(np.arange(3.0)))


def test_scikit_learn():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    transformer = preprocessing.FunctionTransformer(numbaexp.exp, feature_names_out="one-to-one")
    made = pickle.loads(pickle.dumps(transformer)).fit_transform(np.zeros((2, 1)))
    assert made.tolist() == [[1], [1]]
    assert "exp" in repr(transformer)
    importlib.import_module("sklearn.base").clone(transformer)


def test_numpy_makes_others_of_it():
    x = np.linspace(-1, 1, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(np.vectorize(numbaexp.exp)(x), numbaexp.exp(x))
        np.testing.assert_array_equal(np.frompyfunc(numbaexp.exp, 1, 1)(x).astype(float), numbaexp.exp(x))
        np.testing.assert_array_equal(np.apply_along_axis(numbaexp.exp, 0, x), numbaexp.exp(x))
        np.testing.assert_array_equal(np.fromiter(map(numbaexp.exp, x), float), numbaexp.exp(x))
