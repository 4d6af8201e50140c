"""float64: within the claimed 0.51 ulp, at the borders as well, and the special values."""

import os
import pathlib

import numpy as np
import pytest

import numbaexp

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from oracle import correctly_rounded, ulp_errors

CLAIMED_ULP = 0.51
LEAST_NORMAL = 2.0**-1022
# The greatest argument with a finite exponential, the least with a normal one, the least with one that is not 0.
X_MAX = 709.782712893384
X_NORMAL = -708.3964185322641
X_MIN = -745.1332191019411


def exp(x):
    with np.errstate(all="ignore"):
        return numbaexp.exp(x)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-10, 10), (-700, 700), (700, X_MAX), (-708.5, -708.3), (X_MIN, -708), (-1e-3, 1e-3), (-1e-300, 1e-300)],
)
def test_random(low, high):
    x = np.random.default_rng(0).uniform(low, high, 20_000)
    assert ulp_errors("exp", x, exp(x)).max() <= CLAIMED_ULP


@pytest.mark.whole
def test_ten_million_random():
    generator = np.random.default_rng(1)
    worst = 0.0
    wrong = 0
    for _ in range(100):
        x = generator.uniform(-745, X_MAX, 100_000)
        y = exp(x)
        worst = max(worst, ulp_errors("exp", x, y).max())
        wrong += np.count_nonzero(y != correctly_rounded("exp", x, "float64"))
    print(f"10**7 random float64: worst error {worst:.6f} ulp, {wrong} not correctly rounded")
    assert worst <= CLAIMED_ULP


def test_hard_cases():
    folder = os.environ.get("NUMBAEXP_HARD_CASES")
    if folder is None:
        pytest.skip("NUMBAEXP_HARD_CASES names no folder of hard cases")
    x = np.load(pathlib.Path(folder, "exp_f64_hard.npy"))
    y = exp(x)
    finite = np.isfinite(x) & np.isfinite(y)
    assert finite.sum() > 100_000
    assert ulp_errors("exp", x[finite], y[finite]).max() <= CLAIMED_ULP
    rest = ~finite & ~np.isnan(x)
    np.testing.assert_array_equal(y[rest], correctly_rounded("exp", x[rest], "float64"))
    assert np.isnan(y[np.isnan(x)]).all()


@pytest.mark.parametrize("border", [X_MAX, X_NORMAL, X_MIN, 0.0, np.log(2) / 8, -np.log(2) / 8])
def test_borders(border):
    """64 neighbours to each side."""
    x = np.array([border])
    for _ in range(64):
        x = np.concatenate([[np.nextafter(x[0], -np.inf)], x, [np.nextafter(x[-1], np.inf)]])
    np.testing.assert_array_equal(exp(x), correctly_rounded("exp", x, "float64"))


def flags_of(x):
    raised = set()
    with np.errstate(all="call", call=lambda flag, _: raised.add(flag)):
        numbaexp.exp(x)
    return raised


# Alone, in a block that has ordinary values beside it, and in the strided loop.
@pytest.mark.parametrize(
    "surround", [lambda v: np.array([v]), lambda v: np.r_[np.ones(99), v], lambda v: np.full(9, v)[::2]]
)
@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (X_MAX, None),
        (np.nextafter(X_MAX, np.inf), "overflow"),
        (1e308, "overflow"),
        (X_NORMAL, None),
        (np.nextafter(X_NORMAL, -np.inf), "underflow"),
        (X_MIN, "underflow"),
        (np.nextafter(X_MIN, -np.inf), "underflow"),
        (-1e308, "underflow"),
        (np.inf, None),
        (-np.inf, None),
        (np.nan, None),
        (-np.nan, None),
        (0.0, None),
        (-0.0, None),
        (5e-324, None),
        (-5e-324, None),
        (2.0**-1022, None),
        (1e-200, None),
        (-1e-100, None),
    ],
)
def test_flags(surround, value, flag):
    assert flags_of(surround(value)) == ({flag} if flag else set())


def test_exact_results():
    x = np.array([0.0, -0.0, -np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(exp(x), [1.0, 1.0, 0.0, np.inf, np.nan])
    assert not np.signbit(exp(np.array([-np.inf, X_MIN * 2]))).any()
