"""``np.errstate`` means what it means for ``np.exp``, on every path that a call can take."""

import warnings

import numpy as np
import pytest

import numbaexp
from numbaexp.scalar.family import FAMILY

PATHS = {
    "small": lambda v: np.full(5, v),
    "strided": lambda v: np.full(50, v)[::2],
    "threads": lambda v: np.r_[np.ones(200_000), v],
    "slabs": lambda v: np.full((1100, 1000), v)[:, :-1],
    "float32": lambda v: np.full(200_000, v, np.float32),
    "float16": lambda v: np.full(200_000, v, np.float16),
    "scalar": np.float64,
}


@pytest.fixture(params=["auto", "cpu", "parallel"], autouse=True)
def target(request):
    with numbaexp.use_target(request.param):
        yield


@pytest.fixture(params=PATHS)
def path(request):
    return PATHS[request.param]


CASES = [
    ("exp", 1000, "overflow"),
    ("exp", -1000, "underflow"),
    ("exp2", -2000, "underflow"),
    ("exp10", 1000, "overflow"),
    ("expm1", 1000, "overflow"),
    ("sigmoid", -1000, "underflow"),
    ("softplus", -1000, "underflow"),
]


@pytest.mark.parametrize(("function", "value", "kind"), CASES)
def test_modes(path, function, value, kind):
    x = path(value)
    compute = getattr(numbaexp, function)
    key = kind.removesuffix("flow")
    with np.errstate(all="raise", **{key: "ignore"}):
        compute(x)
    with (
        np.errstate(all="ignore", **{key: "raise"}),
        pytest.raises(FloatingPointError, match=f"{kind} encountered in {function}$"),
    ):
        compute(x)
    with (
        np.errstate(all="raise", **{key: "warn"}),
        pytest.warns(RuntimeWarning, match=f"{kind} encountered in {function}$") as log,
    ):
        compute(x)
    assert len(log) == 1
    calls = []
    with np.errstate(all="raise", **{key: "call"}, call=lambda *args: calls.append(args)):
        compute(x)
    theirs = []
    with np.errstate(all="raise", **{key: "call"}, call=lambda *args: theirs.append(args)):
        np.exp(path(1000 if kind == "overflow" else -1000))
    assert calls == theirs


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -3.0])
@pytest.mark.parametrize("function", FAMILY)
def test_silent(path, function, value):
    with np.errstate(all="raise"):
        getattr(numbaexp, function)(path(value))


@pytest.mark.parametrize(("function", "value"), [("expm1", -1000), ("sigmoid", 1000), ("softplus", 1000)])
def test_silent_where_it_is_bounded(path, function, value):
    with np.errstate(all="raise"):
        getattr(numbaexp, function)(path(value))


def test_small_halves_on_threads():
    """The flags of other threads are replayed; of expm1 in float16, by an argument that underflows there alone."""
    x = np.full((1100, 1000), 4.6e-5, np.float16)[:, :-1]
    with np.errstate(all="ignore", under="raise"), pytest.raises(FloatingPointError, match="underflow"):
        numbaexp.expm1(x)


def test_default_warns_of_overflow_alone(path):
    with pytest.warns(RuntimeWarning, match="overflow"):
        numbaexp.exp(path(1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbaexp.exp(path(-1000))


def test_flags_do_not_linger(path):
    with np.errstate(all="ignore"):
        numbaexp.exp(path(1000))
        numbaexp.exp(path(-1000))
    with np.errstate(all="raise"):
        numbaexp.exp(path(1))
        np.add(np.ones(3), 1)


def test_both_at_once():
    x = np.tile([1000.0, -1000.0], 400_000)[:, None][:, ::-1]
    kinds = set()
    with np.errstate(all="call", call=lambda kind, _: kinds.add(kind)):
        numbaexp.exp(x)
    assert kinds == {"overflow", "underflow"}
