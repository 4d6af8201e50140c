"""``use_target("cuda")`` on arrays of the host: NumPy's rules, computed by the kernels."""

import re

import numpy as np
import pytest
from helpers import assert_same_but_nan, dtype_of

import numbaexp
from numbaexp.cuda import host
from numbaexp.scalar.family import FAMILY

X = np.linspace(-3, 3, 12).reshape(3, 4)


@pytest.fixture(autouse=True)
def copies(monkeypatch):
    """How many arrays were copied there and back."""
    seen = []
    run = host.elementwise

    def watch(*arguments):
        seen.append(arguments)
        run(*arguments)

    monkeypatch.setattr(host, "elementwise", watch)
    return seen


def both(call):
    """What a call comes to on the CPU and under the target."""
    expected = call()
    with numbaexp.use_target("cuda"):
        return call(), expected


def assert_alike(result, expected):
    assert type(result) is type(expected)
    assert np.asarray(result).strides == np.asarray(expected).strides
    assert_same_but_nan(result, expected)


CALLS = {
    **{f"dtype {code}": lambda f, code=code: f(abs(X).astype(code)) for code in "?bBhHiIlLefd"},
    "transposed": lambda f: f(X.T),
    "strided": lambda f: f(X[::2, ::-1]),
    "permuted": lambda f: f(np.ones((2, 3, 4)).transpose(1, 2, 0)),
    "byte-swapped": lambda f: f(X.astype(">f4")),
    "0-d": lambda f: f(np.array(0.5)),
    "empty": lambda f: f(np.empty((0, 3))),
    "float": lambda f: f(0.5),
    "int": lambda f: f(2),
    "scalar": lambda f: f(np.float32(0.5)),
    "list": lambda f: f([[1, 2.5]]),
    "dtype up": lambda f: f(X.astype("f"), dtype="d"),
    "signature": lambda f: f(X.astype("f"), signature="d->d"),
    "order F": lambda f: f(X, order="F"),
    "order C": lambda f: f(X.T, order="C"),
    "out": lambda f: f(X, out=np.empty((3, 4))),
    "out positional": lambda f: f(X, np.empty((3, 4))),
    "out tuple": lambda f: f(X, out=(np.empty((3, 4)),)),
    "out narrower": lambda f: f(X, out=np.empty((3, 4), "f")),
    "out broadcast": lambda f: f(X[0], out=np.empty((3, 4))),
    "out 0-d": lambda f: f(0.5, out=np.empty(())),
    "out unsafe": lambda f: f(X, out=np.empty((3, 4), int), casting="unsafe"),
    "where": lambda f: f(X, out=np.ones((3, 4)), where=X > 0),
    "where broadcast": lambda f: f(X, out=np.ones((3, 4)), where=[True, False, True, True]),
}


@pytest.mark.sampled(name="dtype f")
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, copies):
    assert_alike(*both(lambda: CALLS[name](numbaexp.exp)))
    assert len(copies) == (name != "empty")


@pytest.mark.sampled(name="exp")
@pytest.mark.parametrize("name", FAMILY)
def test_functions_and_in_place(name):
    assert_alike(*both(lambda: getattr(numbaexp, name)(X.astype("f"))))
    x = X.copy()
    with numbaexp.use_target("cuda"):
        assert getattr(numbaexp, f"{name}_")(x) is x
    np.testing.assert_array_equal(x, getattr(numbaexp, name)(X))


@pytest.mark.thorough
def test_bfloat16():
    x = X.astype(dtype_of("bfloat16"))
    assert_alike(*both(lambda: numbaexp.exp(x)))


def test_where_alone():
    mask = X > 0
    with numbaexp.use_target("cuda"):
        result = numbaexp.exp(X[:1], where=mask)
    expected = numbaexp.exp(np.broadcast_to(X[:1], X.shape))
    np.testing.assert_array_equal(result[mask], expected[mask])


def test_out_that_overlaps():
    memory = np.linspace(-1, 1, 10)
    expected = numbaexp.exp(memory[:9])
    with numbaexp.use_target("cuda"):
        numbaexp.exp(memory[:9], out=memory[1:])
    np.testing.assert_array_equal(memory[1:], expected)


def test_no_floating_point_warnings():
    with np.errstate(all="raise"), numbaexp.use_target("cuda"):
        np.testing.assert_array_equal(numbaexp.exp([-1000.0, 1000.0]), [0, np.inf])


class Sub(np.ndarray):
    pass


@pytest.mark.parametrize("function", ["softmax", "logsumexp"])
def test_rows_of_other_types_are_refused(function):
    message = f"^`{function}` is computed in complex64, for which there is no GPU kernel$"
    with numbaexp.use_target("cuda"), pytest.raises(TypeError, match=message):
        getattr(numbaexp, function)(X.astype("F"))


REFUSED = {
    "complex": (lambda f: f(X.astype("F")), TypeError, "`exp` of complex64 is computed in complex64"),
    "longdouble": (lambda f: f(X.astype("g")), TypeError, f"is computed in {np.dtype('g')}, for which there is no GPU"),
    "object": (lambda f: f(X.astype(object)), TypeError, "`exp` of object is computed in object"),
    "string": (lambda f: f("a"), TypeError, "ufunc 'exp'"),
    "subclass": (
        lambda f: f(X.view(Sub)),
        TypeError,
        "`x` must be an array of NumPy's own under the target 'cuda'; got",
    ),
    "masked": (lambda f: f(np.ma.masked_array(X, X > 0)), TypeError, "`x` must be an array of NumPy's own"),
    "masked out": (lambda f: f(X, out=np.ma.empty((3, 4))), TypeError, "`out` must be an array of NumPy's own"),
    "list out": (lambda f: f(X, out=[1.0]), TypeError, "`out` must be an array; got list"),
    "int out": (lambda f: f(X, out=np.empty((3, 4), int)), TypeError, "Cannot cast"),
    "out of another shape": (lambda f: f(X, out=np.empty(3)), ValueError, "could not broadcast"),
    "read-only": (lambda f: f(X[0], out=np.broadcast_to(1.0, 4)), ValueError, "read-only"),
    "no casting": (lambda f: f(X, dtype="f", casting="no"), TypeError, "casting rule"),
    "dtype and signature": (lambda f: f(X, dtype="d", signature="d->d"), TypeError, "must not both be given"),
    "unknown keyword": (lambda f: f(X, wheer=True), TypeError, "wheer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, message = REFUSED[name]
    with numbaexp.use_target("cuda"), pytest.raises(error, match=re.escape(message)):
        call(numbaexp.exp)


def test_pandas_is_refused():
    pandas = pytest.importorskip("pandas", reason="the owner is a pandas object")
    with numbaexp.use_target("cuda"), pytest.raises(TypeError, match="got Series"):
        numbaexp.exp(pandas.Series([1.0]))


@pytest.mark.thorough
def test_torch_of_the_host(copies):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int16):
        x = torch.linspace(-3, 3, 12).reshape(3, 4).to(dtype)
        for given in (x, x.T, x[:, ::2]):
            result, expected = both(lambda given=given: numbaexp.exp(given))
            assert torch.equal(result, expected)
            assert result.stride() == expected.stride()
            assert copies.pop()
    x = torch.linspace(-3, 3, 12).to(torch.bfloat16)
    expected = numbaexp.exp(x)
    with numbaexp.use_target("cuda"):
        assert numbaexp.exp_(x) is x
    assert torch.equal(x, expected)


@pytest.mark.thorough
def test_jax_of_the_host(copies):
    jax = pytest.importorskip("jax", reason="the owner is a JAX array")
    for dtype in ("float16", "bfloat16", "float32", "int8"):
        result, expected = both(lambda dtype=dtype: numbaexp.exp(jax.numpy.asarray(X, dtype)))
        assert (result == expected).all()
        assert copies.pop()
