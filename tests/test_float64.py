"""float64: correctly rounded, at the borders as well; the claimed ulp of the others; special values and flags."""

import os
import pathlib

import numpy as np
import pytest
from helpers import computed

import numbaexp
from numbaexp.verify.hard_cases import hard_cases

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify.oracle import correctly_rounded, ulp_errors

# The greatest argument with a finite result, the least with a normal one, the least with one that is not 0.
X_MAX = 709.782712893384
X_NORMAL = -708.3964185322641
X_MIN = -745.1332191019411
BORDERS = {
    "exp": (X_MAX, X_NORMAL, X_MIN),
    "exp2": (np.nextafter(1024.0, 0), -1022.0, np.nextafter(-1075.0, 0)),
    "exp10": (308.2547155599167, -307.6526555685887, -323.60724533877976),
    "expm1": (X_MAX, -37.42994775023705, 2.0**-54),
}
ROUNDED = list(BORDERS)
CLAIMED_ULP = {"sigmoid": 0.501, "softplus": 0.51}
# Where the results of the others are neither 0 nor constant.
DOMAINS = {"sigmoid": (-745, 40), "softplus": (-745, 800)}


def assert_correctly_rounded(function, x):
    np.testing.assert_array_equal(computed(function, x), correctly_rounded(function, x, "float64"))


def near_zero(generator, count):
    return generator.uniform(-1, 1, count) * 2.0 ** generator.integers(-80, 2, count)


@pytest.mark.parametrize("function", ROUNDED)
def test_random(function):
    generator = np.random.default_rng(0)
    greatest, normal, least = BORDERS[function]
    for low, high in ((-10, 10), (normal, greatest), sorted((least, normal)), (greatest - 1, greatest)):
        assert_correctly_rounded(function, generator.uniform(low, high, 20_000))
    assert_correctly_rounded(function, near_zero(generator, 20_000))


@pytest.mark.parametrize("function", CLAIMED_ULP)
def test_random_within_the_claim(function):
    generator = np.random.default_rng(0)
    for x in (
        generator.uniform(*DOMAINS[function], 20_000),
        generator.uniform(-5, 5, 20_000),
        near_zero(generator, 5000),
    ):
        assert ulp_errors(function, x, computed(function, x)).max() <= CLAIMED_ULP[function]


@pytest.mark.whole
@pytest.mark.parametrize("function", ROUNDED)
def test_ten_million_random(function):
    generator = np.random.default_rng(1)
    greatest, _, least = BORDERS[function]
    for _ in range(50):
        assert_correctly_rounded(function, generator.uniform(min(least, -40), greatest, 100_000))
        assert_correctly_rounded(function, generator.uniform(-10, 10, 50_000))
        assert_correctly_rounded(function, near_zero(generator, 50_000))


@pytest.mark.parametrize("function", ROUNDED)
def test_own_hard_cases(function):
    x = hard_cases(function)
    assert x.size > 500
    assert_correctly_rounded(function, x)


@pytest.mark.parametrize("function", ROUNDED)
def test_published_hard_cases(function):
    folder = os.environ.get("NUMBAEXP_HARD_CASES")
    if folder is None:
        pytest.skip("NUMBAEXP_HARD_CASES names no folder of hard cases")
    x = np.load(pathlib.Path(folder, f"{function}_f64_hard.npy"))
    assert x.size > 60_000
    number = ~np.isnan(x)
    assert_correctly_rounded(function, x[number])
    assert np.isnan(computed(function, x[~number])).all()


@pytest.mark.parametrize("function", ROUNDED)
def test_borders(function):
    """64 neighbours to each side."""
    for border in (
        *BORDERS[function],
        0.0,
        np.log(2) / 8,
        -np.log(2) / 8,
        2.0**-53,
        -(2.0**-53),
        2.0**-54,
        40.0,
        -40.0,
    ):
        x = np.array([border])
        for _ in range(64):
            x = np.concatenate([[np.nextafter(x[0], -np.inf)], x, [np.nextafter(x[-1], np.inf)]])
        assert_correctly_rounded(function, x)


def test_exact_results_and_ties():
    powers = np.arange(-1080.0, 1024.0)
    np.testing.assert_array_equal(computed("exp2", powers), np.ldexp(1.0, powers.astype(int)))
    assert computed("exp2", np.array([-1075.0]))[0] == 0  # half of the least float64, to even
    decimal = np.arange(-330.0, 309.0)
    np.testing.assert_array_equal(computed("exp10", decimal), [float(f"1e{int(n)}") for n in decimal])


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(0).uniform(-760, -700, 100_000),
        np.full(1000, -1e4),
        np.where(np.arange(1000) % 2, -np.inf, 0.5),
        np.r_[np.full(600, -745.0), np.linspace(-5, 5, 600)],
    ],
)
def test_masked_rows(x):
    assert_correctly_rounded("exp", x)


def flags_of(function, x):
    raised = set()
    with np.errstate(all="call", call=lambda flag, _: raised.add(flag)):
        getattr(numbaexp, function)(x)
    return raised


FLAGS = {
    "exp": [
        (X_MAX, None),
        (np.nextafter(X_MAX, np.inf), "overflow"),
        (1e308, "overflow"),
        (X_NORMAL, None),
        (np.nextafter(X_NORMAL, -np.inf), "underflow"),
        (X_MIN, "underflow"),
        (np.nextafter(X_MIN, -np.inf), "underflow"),
        (-1e308, "underflow"),
    ],
    "exp2": [
        (np.nextafter(1024.0, 0), None),
        (1024.0, "overflow"),
        (-1022.0, None),
        (-1023.0, None),
        (-1074.0, None),
        (np.nextafter(-1022.0, -np.inf), "underflow"),
        (-1074.5, "underflow"),
        (-1075.0, "underflow"),
        (-1e308, "underflow"),
    ],
    "exp10": [(308.0, None), (309.0, "overflow"), (-307.0, None), (-308.0, "underflow"), (-1e308, "underflow")],
    "expm1": [(X_MAX, None), (np.nextafter(X_MAX, np.inf), "overflow"), (-1e308, None), (-40.0, None)],
    "sigmoid": [(1e308, None), (800.0, None), (X_NORMAL + 1, None), (X_NORMAL - 1, "underflow"), (-1e308, "underflow")],
    "softplus": [
        (1e308, None),
        (800.0, None),
        (X_NORMAL + 1, None),
        (X_NORMAL - 1, "underflow"),
        (-1e308, "underflow"),
    ],
}
SILENT = [np.inf, -np.inf, np.nan, -np.nan, 0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e-200, -1e-100]


# Alone, in a block that has ordinary values beside it, and in the strided loop.
@pytest.mark.parametrize(
    "surround", [lambda v: np.array([v]), lambda v: np.r_[np.ones(99), v], lambda v: np.full(9, v)[::2]]
)
@pytest.mark.parametrize(
    ("function", "value", "flag"),
    [
        (function, value, flag)
        for function, cases in FLAGS.items()
        for value, flag in [*cases, *((value, None) for value in SILENT)]
    ],
)
def test_flags(surround, function, value, flag):
    assert flags_of(function, surround(value)) == ({flag} if flag else set())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "at_minus_infinity", "at_0", "at_infinity"),
    [
        ("exp", 0.0, 1.0, np.inf),
        ("exp2", 0.0, 1.0, np.inf),
        ("exp10", 0.0, 1.0, np.inf),
        ("expm1", -1.0, 0.0, np.inf),
        ("sigmoid", 0.0, 0.5, 1.0),
        ("softplus", 0.0, np.log(2.0), np.inf),
    ],
)
def test_special_values(function, dtype, at_minus_infinity, at_0, at_infinity):
    x = np.array([-np.inf, 0.0, -0.0, np.inf, np.nan], dtype)
    y = getattr(numbaexp, function)(x)
    negative_zero = -at_0 if function == "expm1" else at_0
    expected = np.array([at_minus_infinity, at_0, negative_zero, at_infinity, np.nan], dtype)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(np.signbit(y[:4]), np.signbit(expected[:4]))
