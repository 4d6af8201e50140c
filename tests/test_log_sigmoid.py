"""log_sigmoid and logit in float64, within the claim; special values, signs and flags; log_sigmoid and softplus."""

import numpy as np
import pytest
from helpers import OF_NUMPY, assert_same_but_nan, computed, every_half

import numbaexp

pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify.oracle import ulp_errors

CLAIMED_ULP = {"log_sigmoid": 0.51, "softplus": 0.51, "logit": 0.51}


def arguments(name, count=5000):
    """Return arguments in each region of a function."""
    generator = np.random.default_rng(0)
    powers = 2.0 ** -generator.integers(1, 53, count) * generator.random(count)
    if name == "logit":
        subnormal = np.arange(1, 1000) * 5e-324
        ends = 2.0 ** -generator.integers(1, 1070, count) * generator.random(count)
        half = 0.5 + np.arange(-1000, 1000) * 2.0**-54
        x = np.concatenate(
            [generator.random(count), 0.5 + powers * 0.9, 0.5 - powers * 0.9, 1 - powers, ends, subnormal, half]
        )
        return x[(x > 0) & (x < 1)]
    return np.concatenate(
        [
            generator.normal(size=count) * 3,
            generator.uniform(-746, 746, count),
            generator.uniform(-746, -700, count // 5),
            generator.uniform(700, 746, count // 5),
            powers,
            -powers,
        ]
    )


@pytest.mark.parametrize("name", CLAIMED_ULP)
def test_within_the_claim(name):
    x = arguments(name)
    with np.errstate(under="ignore"):
        assert ulp_errors(name, x, computed(name, x)).max() <= CLAIMED_ULP[name]


@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_log_sigmoid_is_softplus_mirrored(dtype):
    x = np.random.default_rng(0).normal(size=1 << 16) * 20
    x = every_half(dtype) if dtype == "float16" else x.astype(dtype)
    with np.errstate(all="ignore"):
        assert_same_but_nan(numbaexp.log_sigmoid(x), -numbaexp.softplus(-x))


def test_special_values():
    with np.errstate(all="raise"):
        assert_same_but_nan(
            numbaexp.log_sigmoid(np.array([np.nan, np.inf, -np.inf, -1e308])), np.array([np.nan, -0.0, -np.inf, -1e308])
        )
        assert_same_but_nan(
            numbaexp.logit(np.array([np.nan, 0.5, 2.0**-1074])), np.array([np.nan, 0.0, -744.4400719213812])
        )
    with np.errstate(under="warn"), pytest.warns(RuntimeWarning, match="underflow"):
        assert_same_but_nan(numbaexp.log_sigmoid(np.array([1000.0])), np.array([-0.0]))
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in logit"):
        assert_same_but_nan(numbaexp.logit(np.array([0.0, -0.0, 1.0])), np.array([-np.inf, -np.inf, np.inf]))
    for outside in (-1.0, 2.0, np.inf, -np.inf, -5e-324, np.nextafter(1.0, 2.0)):
        with pytest.warns(RuntimeWarning, match="invalid value encountered in logit"):
            assert np.isnan(numbaexp.logit(np.array([outside]))).all()


def test_logit_is_odd_about_one_half():
    x = 0.5 + np.random.default_rng(1).integers(0, 2**52, 10_000) * 2.0**-53
    assert_same_but_nan(numbaexp.logit(x), -numbaexp.logit(1 - x))


def test_the_float32_that_float64_rounds_to_a_midpoint():
    x = np.float32(float.fromhex("0x1.13986cp-22"))
    assert numbaexp.logit(x) == np.float32(float.fromhex("-0x1.e59d8ap+3"))
    assert numbaexp.logit(np.float64(x)).astype(np.float32) != numbaexp.logit(x)
