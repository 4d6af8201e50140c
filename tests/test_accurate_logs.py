"""The accurate phases of the logarithms and of the hyperbolic functions, each alone: results, and bounds."""

import os
import pathlib

import numpy as np
import pytest
from helpers import assert_same_bits
from numba import njit
from sampling import tried

from numbaexp.scalar import accurate, accurate_hyperbolic, accurate_logs

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify.oracle import correctly_rounded

LOGARITHMS = ("log", "log2", "log10")
HYPERBOLIC = ("sinh", "cosh", "tanh")
FUNCTIONS = (*LOGARITHMS, "log1p", *HYPERBOLIC)
# Beyond these magnitudes sinh and cosh overflow, and tanh is 1.
GREATEST = {"sinh": 710.4758600739439, "cosh": 710.4758600739439, "tanh": np.inf}


@njit
def accurately(x, y, evaluate):
    for i in range(x.size):
        y[i] = evaluate(x[i])


def assert_right(function, x):
    y = np.empty_like(x)
    accurately(x, y, getattr(accurate_hyperbolic if function in HYPERBOLIC else accurate_logs, function))
    assert_same_bits(y, correctly_rounded(function, x, "float64"))


def inside(function, x):
    """Return the arguments whose results are finite."""
    if function in GREATEST:
        return x[np.abs(x) <= GREATEST[function]]
    return x[(x > (-1 if function == "log1p" else 0)) & (x < np.inf)]


def both_signs(x):
    return np.concatenate([x, -x])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("stride", tried([29, 1]))
def test_published_hard_cases(function, stride):
    folder = os.environ.get("NUMBAEXP_HARD_CASES")
    if folder is None:
        pytest.skip("NUMBAEXP_HARD_CASES names no folder of hard cases")
    x = inside(function, np.load(pathlib.Path(folder, f"{function}_f64_hard.npy"))[::stride])
    assert x.size > 30_000 / stride
    assert_right(function, x)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_random(function):
    """Each is right of any argument, though asked of few."""
    generator = np.random.default_rng(0)
    x = np.concatenate(
        [
            generator.integers(0, 0x7FF << 52, 4000).view(np.float64),
            1 + generator.uniform(-1, 1, 4000) * 2.0 ** generator.integers(-53, 0, 4000),
            2.0 ** generator.uniform(-60, 10, 4000),
            generator.uniform(0, 2, 4000),
        ]
    )
    assert_right(function, inside(function, x if function in LOGARITHMS else both_signs(x)))


def neighbours(borders, count=16):
    around = np.array(borders)[:, np.newaxis].view(np.int64) + np.arange(-count, count + 1)
    return around.view(np.float64).ravel()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_borders(function):
    """Where series begin, where results round to x, 1 or infinity, where the argument is reduced otherwise."""
    roots = 2.0 ** np.arange(-1.5, 3)
    x = neighbours([*roots, 1.0, *2.0 ** np.array([-1022, -54, -53, -52, -31, -27, -18, 1023]), 5e-322, 1e-5])
    if function in LOGARITHMS:
        x = np.concatenate([x, 1 + both_signs(neighbours([2.0**-31])), [5e-324]])
    elif function == "log1p":
        x = np.concatenate([both_signs(x), both_signs(neighbours(np.abs(roots - 1))), neighbours([2.0**64, 2.0**75])])
    else:
        multiples = neighbours(np.log(2) / 2 * np.arange(1, 8))
        x = both_signs(np.concatenate([x, multiples, neighbours([19.06, 20.0, 43.9, 44.4, 709.78, 710.47586007394])]))
    assert_right(function, inside(function, x))


def test_exact_results():
    assert_right("log2", 2.0 ** np.arange(-1074.0, 1024))
    assert_right("log", 2.0 ** np.arange(-1074.0, 1024))
    assert_right("log10", 10.0 ** np.arange(23.0))
    zeros = np.array([0.0, -0.0])
    for function in ("log1p", "sinh", "cosh", "tanh"):
        assert_right(function, zeros)


@njit
def logarithms_of_reduced(x, words, exponents):
    for i in range(x.size):
        m, e = accurate.decompose(x[i])
        _, negative, g = accurate_logs.reduced((m, np.uint64(0)), e)
        value, exponents[i] = accurate_logs.log_of_reduced(negative, g)
        words[i, 0], words[i, 1] = value


@njit
def hyperbolic_words(x, words, exponents):
    for i in range(x.size):
        sinh, above, cosh, below = accurate_hyperbolic.sinh_and_cosh(x[i])
        words[0, i, 0], words[0, i, 1] = sinh
        words[1, i, 0], words[1, i, 1] = cosh
        words[2, i, 0], words[2, i, 1] = accurate_hyperbolic.quotient(sinh, cosh)
        exponents[0, i], exponents[1, i], exponents[2, i] = above, below, above - below + 2


def relative_errors(evaluate, x, words, exponents):
    errors = []
    with gmpy2.context(precision=300):
        for argument, (first, second), exponent in zip(x.tolist(), words.tolist(), exponents.tolist(), strict=True):
            value = gmpy2.mpfr((first << 64) + second) * gmpy2.exp2(exponent - 128)
            errors.append(float(abs(value / abs(evaluate(gmpy2.mpfr(argument))) - 1)))
    return np.array(errors)


def test_bound_of_the_logarithm():
    generator = np.random.default_rng(0)
    near_one = 1 + both_signs(2.0 ** generator.uniform(-53, -3, 4000))
    x = np.concatenate([near_one, generator.uniform(0.7072, 1.4142, 8000), 1.414 + generator.uniform(-0.01, 0, 4000)])
    x = x[x != 1]
    words, exponents = np.empty((x.size, 2), np.uint64), np.empty(x.size, np.int64)
    logarithms_of_reduced(x, words, exponents)
    greatest = relative_errors(gmpy2.log, x, words, exponents).max()
    # The bound is not an idle one.
    assert accurate_logs.LOGARITHM_ERROR / 8 <= greatest <= accurate_logs.LOGARITHM_ERROR


@njit
def seeds(x, y):
    for i in range(x.size):
        m, e = accurate.decompose(x[i])
        _, negative, g = accurate_logs.reduced((m, np.uint64(0)), e)
        y[i] = accurate_logs.seed(negative, g)


def test_bound_of_the_seed():
    generator = np.random.default_rng(0)
    x = np.concatenate(
        [1 + both_signs(2.0 ** generator.uniform(-52, -3, 2000)), generator.uniform(0.7072, 1.4142, 8000)]
    )
    x = x[x != 1]
    y = np.empty_like(x)
    seeds(x, y)
    with gmpy2.context(precision=100):
        greatest = max(
            float(abs(value / abs(gmpy2.log(gmpy2.mpfr(argument))) - 1))
            for argument, value in zip(x.tolist(), y.tolist(), strict=True)
        )
    assert accurate_logs.SEED_ERROR / 2 <= greatest <= accurate_logs.SEED_ERROR


def test_bounds_of_the_hyperbolic_functions():
    generator = np.random.default_rng(0)
    x = np.concatenate(
        [
            2.0 ** generator.uniform(-18, 1, 4000),
            generator.uniform(0.34, 0.36, 4000),
            generator.uniform(0, 4, 4000),
            generator.uniform(0, 700, 2000),
        ]
    )
    words, exponents = np.empty((3, x.size, 2), np.uint64), np.empty((3, x.size), np.int64)
    hyperbolic_words(x, words, exponents)
    for i, function in enumerate(HYPERBOLIC):
        bound = getattr(accurate_hyperbolic, f"{function.upper()}_ERROR")
        greatest = relative_errors(getattr(gmpy2, function), x, words[i], exponents[i]).max()
        assert bound / 16 <= greatest <= bound
