"""The parts of float64's correct rounding, each on its own: integers of words, both phases, and their bounds."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numba import njit

from numbaexp.scalar import accurate, double, powers, words

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify.oracle import correctly_rounded

WORD = st.integers(0, 2**64 - 1)
WIDE = st.integers(0, 2**128 - 1)


def as_words(value, count=2):
    return tuple(np.uint64(value >> 64 * i & (2**64 - 1)) for i in reversed(range(count)))


def as_integer(parts):
    return sum(int(part) << 64 * i for i, part in enumerate(reversed(parts)))


@njit
def in_words(a, b, places):
    return (
        words.add(a, b),
        words.subtract(a, b),
        words.shift_left(a, places),
        words.shift_right(a, places),
        words.product(a[0], b[0]),
        words.product_of_fractions(a, b),
        words.leading_zeros(a[0] | np.uint64(1)),
    )


@settings(deadline=None, max_examples=300)
@given(WIDE, WIDE, st.integers(0, 127))
def test_words(a, b, places):
    total, difference, left, right, product, fractions, zeros = in_words(as_words(a), as_words(b), np.uint64(places))
    modulus = 1 << 128
    assert as_integer(total) == (a + b) % modulus
    assert as_integer(difference) == (a - b) % modulus
    assert as_integer(left) == (a << places) % modulus
    assert as_integer(right) == a >> places
    assert as_integer(product) == (a >> 64) * (b >> 64)
    assert 0 <= (a * b >> 128) - as_integer(fractions) <= 2
    assert zeros == 64 - ((a >> 64) | 1).bit_length()


@njit
def scaled(m, log2_base):
    return accurate.scaled(m, log2_base)


@settings(deadline=None, max_examples=200)
@given(WORD, st.integers(0, 2**192 - 1))
def test_product_with_the_logarithm(m, logarithm):
    assert 0 <= (m * logarithm >> 64) - as_integer(scaled(np.uint64(m), as_words(logarithm, 3))) <= 1


@njit
def accurately(x, y, evaluate):
    for i in range(x.size):
        y[i] = evaluate(x[i])


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [("exp", -745.2, 709.7), ("exp2", -1075.5, 1023.9), ("exp10", -323.7, 308.2), ("expm1", -40.0, 709.7)],
)
def test_accurate_phase_alone(function, low, high):
    """It is right of any argument, though it is asked of few."""
    generator = np.random.default_rng(0)
    x = np.concatenate(
        [
            generator.uniform(low, high, 5000),
            generator.uniform(low, 0.95 * low, 5000),
            generator.uniform(-1, 1, 5000) * 2.0 ** generator.integers(-300, 3, 5000),
            np.arange(np.ceil(low), high),
        ]
    )
    x = x[x != 0]
    y = np.empty_like(x)
    accurately(x, y, getattr(accurate, function))
    np.testing.assert_array_equal(y, correctly_rounded(function, x, "float64"))


@njit
def fast_phases(reduce, x, high, low, octave):
    for i in range(x.size):
        r, r_low, n = reduce(x[i])
        high[i], low[i] = double.exp_of_reduced(r, r_low, n)
        octave[i] = double.exponent_bits(n) >> 52


@pytest.mark.parametrize(
    ("reduce", "function", "bound"),
    [(double.exp_reduced, "exp", 708), (powers.exp2_reduced, "exp2", 1022), (powers.exp10_reduced, "exp10", 307)],
)
def test_bound_of_the_fast_phase(reduce, function, bound):
    """It keeps FAST_ERROR less what the rounding test itself adds."""
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.uniform(-bound, bound, 30_000), generator.uniform(-1, 1, 10_000)])
    high, low, octave = np.empty_like(x), np.empty_like(x), np.empty(x.size, np.int64)
    fast_phases(reduce, x, high, low, octave)
    assert (high > 0.9).all()
    assert (high < 1.9).all()
    with gmpy2.context(precision=300):
        exact = [getattr(gmpy2, function)(gmpy2.mpfr(v)) for v in x.tolist()]
        errors = [
            float(e * gmpy2.exp2(-k) - a - b)
            for e, k, a, b in zip(exact, octave.tolist(), high.tolist(), low.tolist(), strict=True)
        ]
    assert np.abs(errors).max() <= double.FAST_ERROR - 2.0**-66
    # The bound is not an idle one.
    assert np.abs(errors).max() >= double.FAST_ERROR / 4
