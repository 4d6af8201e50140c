"""Everything that a user may do to a NumPy ufunc: the same call to ``np.exp`` says what is to come of it."""

import copy
import inspect
import pickle
import re
import sys
import types
import warnings

import numpy as np
import pytest

import numbaexp
from numbaexp.scalar.family import FAMILY
from numbaexp.target import AUTO

pytestmark = [pytest.mark.by_form, pytest.mark.sampled(function=("exp", "sigmoid"))]

X = np.array([[0.5, -1.0, 2.0], [3.0, 0.0, -0.25]])


class Sub(np.ndarray):
    def __array_finalize__(self, obj):
        self.tag = getattr(obj, "tag", "none")


class Owner:
    """Keeps what it is asked, through ``__array_ufunc__``."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc.__name__, method, len(inputs), sorted(kwargs)


class Refuses:
    __array_ufunc__ = None


def outcome(call, function):
    """What a call comes to: of its result all but the values, or its error."""
    try:
        # What is reported of poles and the like, test_errstate.py compares.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            result = call(function)
    except Exception as error:
        return type(error).__name__, str(error)
    if isinstance(result, np.ndarray | np.generic):
        strides = result.strides if isinstance(result, np.ndarray) else None
        return type(result).__name__, result.dtype, result.shape, strides, getattr(result, "tag", None)
    return type(result).__name__, result if not isinstance(result, float) else None


ARGUMENTS = {
    "int": 1,
    "bool": True,
    "float": 0.5,
    "complex": 1j,
    "list": [1, 2.5],
    "nested list": [[1, 2], [3, 4]],
    "empty list": [],
    "tuple": (1, 2),
    "range": range(3),
    "big int": 2**70,
    "none": None,
    "string": "a",
    "strings": np.array(["a"]),
    "object": np.array([1.5, 2], object),
    "datetime": np.array(["2020"], "M8[D]"),
    "timedelta": np.array([1], "m8[s]"),
    "structured": np.zeros(2, [("a", "f4")]),
    "memoryview": memoryview(np.ones(3)),
    "0-d": np.array(0.5),
    "0-d float32": np.array(0.5, np.float32),
    "scalar float16": np.float16(1),
    "scalar float32": np.float32(1),
    "scalar int8": np.int8(1),
    "empty": np.empty((0, 3)),
    "C": X,
    "Fortran": np.asfortranarray(X),
    "transposed": X.T,
    "reversed": X[:, ::-1],
    "both reversed": X[::-1, ::-1],
    "strided": np.ones((4, 6))[::2, ::3],
    "broadcast": np.broadcast_to(np.arange(3.0), (2, 3)),
    "3-d permuted": np.ones((2, 3, 4)).transpose(1, 2, 0),
    "misaligned": np.frombuffer(b"\0" * 25, np.uint8)[1:].view(np.float64),
    "byte-swapped": X.astype(X.dtype.newbyteorder()),
    "read-only": np.broadcast_to(1.0, 3),
    "subclass": X.view(Sub),
    "masked": np.ma.masked_array(X, X > 1),
    "record": np.rec.array([(1.0,)], dtype=[("a", "f8")]).a,
    "owner": Owner(),
    "refuses": Refuses(),
    **{f"dtype {code}": np.ones(3, code) for code in "?bBhHiIlLqQefdgFDG"},
}


# Those that NumPy has too.
SHARED = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh"]


@pytest.mark.parametrize("function", SHARED)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name, function):
    x = ARGUMENTS[name]
    ours, theirs = getattr(numbaexp, function), getattr(np, function)
    assert outcome(lambda f: f(x), ours) == outcome(lambda f: f(x), theirs)


@pytest.mark.parametrize("function", sorted(set(FAMILY) - set(SHARED)))
@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_those_that_numpy_lacks(name, function):
    """All arguments come to what they come to for ``np.exp``."""
    x = ARGUMENTS[name]
    ours, of_exp = outcome(lambda f: f(x), getattr(numbaexp, function)), outcome(lambda f: f(x), np.exp)
    assert repr(ours) == re.sub(r"\bexp\b", function, repr(of_exp))


F32 = X.astype(np.float32)
CALLS = {
    "out": lambda f: f(X, out=np.empty((2, 3))),
    "out positional": lambda f: f(X, np.empty((2, 3))),
    "out tuple": lambda f: f(X, out=(np.empty((2, 3)),)),
    "out none": lambda f: f(X, out=None),
    "out tuple of none": lambda f: f(X, out=(None,)),
    "out tuple of two": lambda f: f(X, out=(np.empty((2, 3)), np.empty((2, 3)))),
    "out broadcast": lambda f: f(X[0], out=np.empty((2, 3))),
    "out wrong shape": lambda f: f(X, out=np.empty((3, 2))),
    "out too small": lambda f: f(X, out=np.empty(3)),
    "out read-only": lambda f: f(X[0], out=np.broadcast_to(1.0, 3)),
    "out narrower": lambda f: f(X, out=np.empty((2, 3), np.float32)),
    "out int": lambda f: f(X, out=np.empty((2, 3), int)),
    "out int, unsafe": lambda f: f(X, out=np.empty((2, 3), int), casting="unsafe"),
    "out list": lambda f: f(X, out=[1, 2]),
    "out subclass": lambda f: f(X, out=np.empty((2, 3)).view(Sub)),
    "out owner": lambda f: f(X, out=Owner()),
    "out Fortran": lambda f: f(X, out=np.empty((2, 3), order="F")),
    "where": lambda f: f(X, out=np.ones((2, 3)), where=X > 0),
    "where scalar": lambda f: f(X, out=np.ones((2, 3)), where=False),
    "where broadcast": lambda f: f(X, out=np.ones((2, 3)), where=np.array([True, False, True])),
    "where list": lambda f: f(X, out=np.ones((2, 3)), where=[True, False, True]),
    "where wrong shape": lambda f: f(X, out=np.ones((2, 3)), where=np.ones(4, bool)),
    "where int": lambda f: f(X, out=np.ones((2, 3)), where=np.ones((2, 3), int)),
    "dtype": lambda f: f(X, dtype=np.float32),
    "dtype up": lambda f: f(F32, dtype=np.float64),
    "dtype string": lambda f: f([1, 2], dtype="e"),
    "dtype complex": lambda f: f(X, dtype=complex),
    "dtype int": lambda f: f(X, dtype=int),
    "dtype, casting no": lambda f: f(X, dtype=np.float32, casting="no"),
    "casting safe": lambda f: f(np.arange(3), casting="safe"),
    "casting unknown": lambda f: f(X, casting="wild"),
    "order F": lambda f: f(X, order="F"),
    "order C": lambda f: f(X.T, order="C"),
    "order A": lambda f: f(X.T, order="A"),
    "order K": lambda f: f(np.ones((2, 3, 4)).transpose(2, 0, 1), order="K"),
    "subok false": lambda f: f(X.view(Sub), subok=False),
    "signature": lambda f: f(F32, signature="d->d"),
    "signature tuple": lambda f: f(F32, signature=(None, np.float64)),
    "signature unknown": lambda f: f(F32, signature="l->l"),
    "signature and dtype": lambda f: f(F32, signature="d->d", dtype=float),
    "unknown keyword": lambda f: f(X, wheer=True),
    "reduce": lambda f: f.reduce(X),
    "accumulate": lambda f: f.accumulate(X),
    "reduceat": lambda f: f.reduceat(X, [0]),
    "outer": lambda f: f.outer(X, X),
    "resolve_dtypes": lambda f: f.resolve_dtypes((np.dtype("f4"), None)),
    "nin": lambda f: (f.nin, f.nout, f.nargs, f.ntypes, f.types, f.identity, f.signature, f.__name__),
}


@pytest.mark.parametrize("function", SHARED)
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, function):
    assert outcome(CALLS[name], getattr(numbaexp, function)) == outcome(CALLS[name], getattr(np, function))


def test_attributes_of_those_that_numpy_lacks():
    made = numbaexp.sigmoid
    assert (made.nin, made.nout, made.nargs, made.ntypes, made.identity) == (1, 1, 2, 8, None)
    assert made.types == ["e->e", "f->f", "d->d", "g->g", "F->F", "D->D", "G->G", "O->O"]
    assert numbaexp.expit is made


@pytest.mark.parametrize("call", [lambda f: f(), lambda f: f(X, X, X), lambda f: f(X, X, out=X), lambda f: f(x=X)])
def test_wrong_number_of_arguments(call):
    with pytest.raises(TypeError):
        call(numbaexp.exp)


def test_at():
    x = np.zeros(4)
    numbaexp.exp.at(x, [0, 2, 2])
    np.testing.assert_array_equal(x, [1, 0, numbaexp.exp(1.0), 0])


def test_where_leaves_the_rest_alone():
    out = np.full((2, 3), 7.0)
    numbaexp.exp(X, out=out, where=X > 0)
    np.testing.assert_array_equal(out, np.where(X > 0, numbaexp.exp(X), 7.0))


def test_returns_out_itself():
    out = np.empty((2, 3))
    assert numbaexp.exp(X, out=out) is out
    assert numbaexp.exp(X, out=(out,)) is out


def test_python_float():
    assert numbaexp.exp(1.0) == np.exp(1.0)
    assert type(numbaexp.exp(1.0)) is np.float64


def test_integers_are_promoted_and_then_rounded_correctly():
    for code, in_type in (("?", np.float16), ("b", np.float16), ("h", np.float32), ("i", np.float64)):
        x = np.array([0, 1], code)
        np.testing.assert_array_equal(numbaexp.exp(x), numbaexp.exp(x.astype(in_type)))


@pytest.mark.parametrize("code", "gFDG")
@pytest.mark.parametrize("function", SHARED)
def test_other_types_are_numpys(code, function):
    x = np.array([0.5, 1.5, -2.25], code)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(getattr(numbaexp, function)(x), getattr(np, function)(x))


@pytest.mark.parametrize("function", FAMILY)
def test_objects_are_asked_for_their_method(function):
    number = types.SimpleNamespace(**{function: lambda: "asked"})
    assert getattr(numbaexp, function)(np.array([number], object))[0] == "asked"


def test_in_place():
    x = X.copy()
    assert numbaexp.exp_(x) is x
    np.testing.assert_array_equal(x, numbaexp.exp(X))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (1.0, TypeError, "`x` must be an array, to be changed in place; got float"),
        ([1.0], TypeError, "`x` must be an array, to be changed in place; got list"),
        (np.float32(1), TypeError, "`x` must be an array, to be changed in place; got float32"),
        (np.arange(3), TypeError, "Cannot cast ufunc 'exp' output"),
        (np.broadcast_to(1.0, 3), ValueError, "read-only"),
    ],
)
def test_in_place_refuses(x, error, message):
    with pytest.raises(error, match=message):
        numbaexp.exp_(x)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_pickle_and_copy(duplicate):
    function = duplicate(numbaexp.exp)
    np.testing.assert_array_equal(function(X), numbaexp.exp(X))
    assert function.types == numbaexp.exp.types
    x = np.zeros(2)
    function.at(x, [1])
    assert x.tolist() == [0, 1]


def test_in_place_of_numpys(run_script):
    run_script("""
        import numpy as np, numbaexp
        np.exp = numbaexp.exp
        assert np.exp(0.0) == np.exp(0j) == 1
        assert "D->D" in np.exp.types
    """)


@pytest.mark.thorough
def test_pickle_into_a_new_process(run_script):
    pickled = pickle.dumps(numbaexp.exp)
    run_script(f"import pickle; assert pickle.loads({pickled!r})(0.0) == 1")
    run_script("import numbaexp, pickle; assert pickle.loads(pickle.dumps(numbaexp.exp))(0.0) == 1")


def test_warnings_point_at_the_caller(run_script):
    run_script("""
        import numpy as np, numbaexp, warnings
        numbaexp.exp(0.0)
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("default")
            numbaexp.exp(np.array([1000.0]))
        assert [warning.filename for warning in log] == ["<string>"]
    """)


def test_references_are_not_leaked():
    x, out = np.ones(3), np.ones(3)
    watched = (x, out, X, numbaexp.exp, AUTO)
    with numbaexp.use_target("auto"):  # from now on the context is asked at each call
        numbaexp.exp(x)
    counts = [sys.getrefcount(value) for value in watched]
    for _ in range(100):
        numbaexp.exp(x)
        numbaexp.exp(x, out=out)
        numbaexp.exp(x, out=(out,), where=True)
        numbaexp.exp(X)
        with pytest.raises(TypeError):
            numbaexp.exp(x, out=1)
    assert [sys.getrefcount(value) for value in watched] == counts


def test_signature():
    assert str(inspect.signature(numbaexp.exp)).startswith("(x, /, out=None, *, where=True, casting='same_kind'")


def test_documentation():
    assert "correctly rounded" in numbaexp.exp.__doc__
    for line in ("Accuracy:", "Special values:"):
        for public in numbaexp.__all__:
            assert line in getattr(numbaexp, public).__doc__
