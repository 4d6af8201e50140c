"""``np.errstate`` means what it means for ``np.exp``, on every path that a call can take."""

import warnings

import numpy as np
import pytest

import numbaexp
from numbaexp.scalar.family import FAMILY

pytestmark = [
    pytest.mark.by_form,
    pytest.mark.checked(target=("auto", "parallel")),
    pytest.mark.sampled(target="auto", path=("small", "threads"), mode=("raise", "warn")),
]

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
    ("log", 0, "divide by zero"),
    ("log", -1, "invalid value"),
    ("log2", -0.0, "divide by zero"),
    ("log2", -np.inf, "invalid value"),
    ("log10", 0, "divide by zero"),
    ("log10", -1, "invalid value"),
    ("log1p", -1, "divide by zero"),
    ("log1p", -2, "invalid value"),
    ("logit", 0, "divide by zero"),
    ("logit", 1, "divide by zero"),
    ("logit", 2, "invalid value"),
    ("log_sigmoid", 1000, "underflow"),
    ("sinh", -1000, "overflow"),
    ("cosh", -1000, "overflow"),
]
# By kind, the name of the setting, and a call of NumPy's that reports that.
KINDS = {
    "overflow": ("over", np.exp, 1000),
    "underflow": ("under", np.exp, -1000),
    "divide by zero": ("divide", np.log, 0),
    "invalid value": ("invalid", np.log, -1),
}


@pytest.mark.parametrize(("function", "value", "kind"), CASES)
def test_modes(path, function, value, kind):
    x = path(value)
    compute = getattr(numbaexp, function)
    key, numpys, at = KINDS[kind]
    with np.errstate(all="raise", **{key: "ignore"}):
        compute(x)
    with (
        np.errstate(all="ignore", **{key: "raise"}),
        pytest.raises(FloatingPointError, match=f"^{kind} encountered in {function}$"),
    ):
        compute(x)
    with (
        np.errstate(all="raise", **{key: "warn"}),
        pytest.warns(RuntimeWarning, match=f"^{kind} encountered in {function}$") as log,
    ):
        compute(x)
    assert len(log) == 1
    calls = []
    with np.errstate(all="raise", **{key: "call"}, call=lambda *args: calls.append(args)):
        compute(x)
    theirs = []
    with np.errstate(all="raise", **{key: "call"}, call=lambda *args: theirs.append(args)):
        numpys(path(at))
    assert calls == theirs


VALUES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -3.0)
# Poles among them, and where the function is not real.
REPORTED = {
    **dict.fromkeys(("log", "log2", "log10"), (-np.inf, 0.0, -3.0)),
    "log1p": (-np.inf, -3.0),
    "logit": (np.inf, -np.inf, 0.0, 1.0, -3.0),
}


@pytest.mark.sampled(value=("nan", "-inf", "1.0"))
@pytest.mark.parametrize(
    ("function", "value"),
    [(function, value) for function in FAMILY for value in VALUES if value not in REPORTED.get(function, ())],
)
def test_silent(path, function, value):
    with np.errstate(all="raise"):
        getattr(numbaexp, function)(path(value))


@pytest.mark.parametrize(
    ("function", "value"),
    [("expm1", -1000), ("sigmoid", 1000), ("softplus", 1000), ("tanh", -1000), ("log_sigmoid", -1000)],
)
def test_silent_where_it_is_bounded(path, function, value):
    with np.errstate(all="raise"):
        getattr(numbaexp, function)(path(value))


def test_small_halves_on_threads():
    """A flag of other threads is reported by this one: here of expm1, which underflows in float16 alone."""
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


LARGE = 1 << 19  # elements from which Python's threads do slabs
FLAGS = {
    "cast overflows": lambda n: (np.full(n, 1000.0), np.empty(n, np.int64), {"casting": "unsafe"}),
    "cast of NaN": lambda n: (np.full(n, np.nan), np.empty(n, np.int32), {"casting": "unsafe"}),
    "cast to float16": lambda n: (np.full(n, 20.0), np.empty(n, np.float16), {}),
    "cast to float32": lambda n: (np.full(n, -200.0), np.empty(n, np.float32), {}),
    "cast of the argument": lambda n: (np.full(n, 1e300), None, {"dtype": np.float16}),
    "byte-swapped": lambda n: (np.full(n, 1000.0, ">f8"), np.empty(n, ">i4"), {"casting": "unsafe"}),
    "strided": lambda n: (np.full((n, 2), 1000.0)[:, 1], np.empty(n, np.int64), {"casting": "unsafe"}),
    "integers": lambda n: (np.full(n, 1000), np.empty(n, np.int64), {"casting": "unsafe"}),
    "masked": lambda n: (
        np.full(n, 1000.0),
        np.zeros(n, np.int64),
        {"casting": "unsafe", "where": np.arange(n) == n - 1},
    ),
    "masked altogether": lambda n: (
        np.full(n, 1000.0),
        np.zeros(n, int),
        {"casting": "unsafe", "where": np.zeros(n, bool)},
    ),
    "overflow and underflow": lambda n: (np.tile([1000.0, -1000.0], n // 2), np.empty(n, int), {"casting": "unsafe"}),
    "complex infinity": lambda n: (np.full(n, complex(np.inf, np.inf)), None, {}),
    "complex": lambda n: (np.full(n, 1000 + 1j, np.complex64), None, {}),
    "complex to real": lambda n: (np.full(n, 1000 + 1j), np.empty(n), {"casting": "unsafe"}),
    "longdouble": lambda n: (np.full(n, 1e9, np.longdouble), None, {}),
}


def reported(function, call, mode):
    """What NumPy does about the floating-point errors of a call: what it hands on, warns of, raises."""
    x, out, kwargs = call
    log = []

    class Log:
        def write(self, line):
            log.append(line)

    with (
        np.errstate(all=mode, call=Log() if mode == "log" else lambda *args: log.append(args)),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        try:
            function(x, out=out, **kwargs)
        except FloatingPointError as error:
            log.append(str(error))
    return log, [(warning.category, str(warning.message)) for warning in warned]


MODES = pytest.mark.parametrize("mode", ["call", "raise", "warn", "log", "print", "ignore"])


@MODES
@pytest.mark.parametrize("case", FLAGS)
def test_every_flag_of_large_arrays(case, mode, capfd):
    """The same as of NumPy's own ufunc, which a cast that fails or a complex loop makes report more than the loops here
    could."""
    reports = []
    for exp in (numbaexp.exp, np.exp):
        reports.append((*reported(exp, FLAGS[case](LARGE), mode), capfd.readouterr()))
    assert reports[0] == reports[1]


def ending_with(*values, n=LARGE, dtype=np.float64):
    """Return ones, and some values at the end."""
    return np.r_[np.ones(n - len(values)), values].astype(dtype)


FLAGS_OF_LOGARITHMS = {
    "a pole": lambda: (ending_with(0.0), None, {}),
    "a negative zero": lambda: (ending_with(-0.0, dtype=np.float32), None, {}),
    "not real": lambda: (ending_with(-1.0), None, {}),
    "both": lambda: (ending_with(-1.0, 0.0, np.nan, np.inf), None, {}),
    "both, strided": lambda: (ending_with(-1.0, 0.0)[::-3], None, {}),
    "both, of columns": lambda: (ending_with(0.0, -1.0).reshape(-1, 512).T, None, {}),
    "float16": lambda: (ending_with(-np.inf, 0.0, dtype=np.float16), None, {}),
    "byte-swapped": lambda: (ending_with(-1.0, 0.0, dtype=">f4"), None, {}),
    "integers": lambda: (ending_with(0, -1, dtype=np.int64), None, {}),
    "masked": lambda: (ending_with(-1.0, 0.0), np.ones(LARGE), {"where": np.arange(LARGE) == LARGE - 1}),
    "masked altogether": lambda: (ending_with(-1.0, 0.0), np.ones(LARGE), {"where": np.arange(LARGE) < 5}),
    "to integers": lambda: (ending_with(0.0), np.ones(LARGE, np.int64), {"casting": "unsafe"}),
    "a scalar": lambda: (np.float32(0), None, {}),
    "a number": lambda: (-1, None, {}),
    "an array of no dimensions": lambda: (np.array(-1.0), None, {}),
    "longdouble": lambda: (ending_with(0, dtype=np.longdouble), None, {}),
    "complex": lambda: (ending_with(0, -1, dtype=complex), None, {}),
}


@MODES
@pytest.mark.parametrize("case", FLAGS_OF_LOGARITHMS)
def test_every_flag_of_logarithms(case, mode, capfd):
    reports = []
    for log in (numbaexp.log, np.log):
        reports.append((*reported(log, FLAGS_OF_LOGARITHMS[case](), mode), capfd.readouterr()))
    assert reports[0] == reports[1]


def test_logarithms_in_place():
    for n in (5, LARGE):
        x = ending_with(0.0, -1.0, n=n)
        with np.errstate(all="warn"), pytest.warns(RuntimeWarning) as warned:
            numbaexp.log_(x)
        assert sorted(str(each.message) for each in warned) == [
            "divide by zero encountered in log",
            "invalid value encountered in log",
        ]
        assert x[-2] == -np.inf
        assert np.isnan(x[-1])


@pytest.mark.parametrize("function", FAMILY)
def test_a_cast_that_fails_in_a_large_array(function):
    """For functions that NumPy lacks too, and by the name of each."""
    x, out = np.full(LARGE, np.nan), np.empty(LARGE, np.int64)
    with (
        np.errstate(all="ignore", invalid="raise"),
        pytest.raises(FloatingPointError, match=f"^invalid value encountered in {function}$"),
    ):
        getattr(numbaexp, function)(x, out=out, casting="unsafe")


@pytest.mark.parametrize("n", [5, 1 << 19])
def test_invalid_casts(n):
    """As NumPy's own function tells of them, of slabs on threads too."""
    x, out = np.full(n, 1000.0), np.zeros(n, np.int64)
    for mode in ("raise", "ignore"):
        outcomes = []
        for compute in (np.exp, numbaexp.exp):
            with np.errstate(all="ignore", invalid=mode):
                try:
                    outcomes.append(compute(x, out=out, casting="unsafe").tolist())
                except FloatingPointError as error:
                    outcomes.append(str(error))
        assert outcomes[0] == outcomes[1]
