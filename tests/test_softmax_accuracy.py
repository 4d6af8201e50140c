"""The accuracy of the softmax family that its documentation states, against MPFR, of the numbers as they are given."""

import numpy as np
import pytest

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")

from helpers import FLOATS, FORMATS, dtype_of, ulp
from python_calls import from_python

import numbaexp
from numbaexp.scalar import rows as definition

pytestmark = pytest.mark.sampled(dtype="float32")

TYPES = {name: dtype_of(name) for name in FLOATS}
NARROW = 0.5001
# Of float64, and of its results below LEAST, down to the subnormal ones, the low parts of which are lost.
SOFTMAX, GRADIENT, LOGARITHM, LEAST, SMALL = 0.54, 0.51, 0.6, 2.0**-960, 1.0
# Bits to measure with, and elements of a long row that are looked at.
PRECISION, LOOKED_AT = 160, 400


def exact(values):
    return [gmpy2.mpfr(value) for value in np.asarray(values, np.float64).ravel().tolist()]


class Row:
    """What is exactly true of a row, in mpfr."""

    def __init__(self, x):
        self.x = exact(x)
        self.greatest = max(self.x)
        self.exponentials = [gmpy2.exp(v - self.greatest) for v in self.x]
        self.total = gmpy2.fsum(self.exponentials)
        ones = self.x.count(self.greatest)
        others = gmpy2.fsum(e for v, e in zip(self.x, self.exponentials, strict=True) if v != self.greatest)
        self.logarithm = gmpy2.log1p(others + (ones - 1))
        self.log_sum = self.greatest + self.logarithm

    def softmax(self, i):
        return self.exponentials[i] / self.total

    def log_softmax(self, i):
        return (self.x[i] - self.greatest) - self.logarithm


def errors(results, truths, dtype, slack=0):
    """In ulps of what is true, beyond ``slack``, a number or one for each result. Infinity is right beyond the greatest
    number."""
    top = gmpy2.mpfr(FORMATS[dtype].greatest)
    slacks = slack if isinstance(slack, list) else [slack] * len(truths)
    made = []
    for result, truth, allowed in zip(exact(results), truths, slacks, strict=True):
        if gmpy2.is_infinite(result) and abs(truth) >= top + ulp(top, dtype) / 2:
            made.append(0.0 if (result > 0) == (truth > 0) else np.inf)
        elif result == truth:
            made.append(0.0)
        else:
            made.append(max(float((abs(result - truth) - allowed) / ulp(truth, dtype)), 0.0))
    return np.array(made)


def looked_at(values):
    """The places of all elements of a short row, and of the greatest, the least and a sample of a long one."""
    n = len(values)
    if n <= LOOKED_AT:
        return np.arange(n)
    extremes = [np.argmax(values), np.argmin(values), 0, n - 1]
    return np.unique(np.r_[extremes, np.random.default_rng(n).integers(0, n, LOOKED_AT)])


@pytest.fixture(autouse=True)
def measuring():
    with gmpy2.context(precision=PRECISION):
        yield


def spread(generator, n, dtype):
    reach = {"float16": 12.0, "float64": 700.0}.get(dtype, 80.0)
    return generator.uniform(-reach, reach, n)


def extreme(generator, n, dtype):
    x = generator.uniform(-1, 1, n) * FORMATS[dtype].greatest
    x[generator.random(n) < 0.3] = x.max()
    return x


def with_infinities(generator, n, dtype):
    x = generator.standard_normal(n)
    x[1:][generator.random(n - 1) < 0.3] = -np.inf
    return x


def dominated(generator, n, dtype):
    """The greatest element's logarithm goes down to subnormal numbers, and to 0."""
    lead = {"float16": (5, 19), "float64": (30, 760)}.get(dtype, (10, 115))
    x = generator.standard_normal(n)
    x[generator.integers(n)] = generator.uniform(*lead)
    return x


def vanishing(generator, n, dtype):
    """Results are near the least normal number, subnormal, or 0."""
    least, greatest = {"float16": (-18, -9), "float64": (-747, -706)}.get(dtype, (-105, -85))
    x = generator.uniform(least, greatest, n)
    x[generator.integers(n)] = 0
    return x


def log_probabilities(generator, n, dtype):
    p = generator.exponential(size=n)
    return np.log(p / p.sum())


LOGITS = {
    "normal": lambda generator, n, dtype: generator.standard_normal(n),
    "spread": spread,
    "tiny": lambda generator, n, dtype: generator.standard_normal(n) * 1e-30,
    "extreme": extreme,
    "with -inf": with_infinities,
    "ties": lambda generator, n, dtype: generator.integers(0, 3, n).astype(np.float64),
    "dominated": dominated,
    "vanishing": vanishing,
    "logarithms of probabilities": log_probabilities,
}
# (rows, length)
SHAPES = [(20, 1), (20, 2), (20, 3), (10, 10), (5, 33), (3, 100), (2, 1000), (1, 4096), (1, 4097), (1, 10_000)]
LONG = [(1, 100_000)]


def rows(kind, dtype, shapes=SHAPES):
    for count, n in shapes:
        generator = np.random.default_rng(n)
        for _ in range(count):
            yield LOGITS[kind](generator, n, dtype).astype(TYPES[dtype])


def bound(dtype, of_float64, truths):
    """For each result."""
    if dtype != "float64":
        return np.full(len(truths), NARROW)
    return np.array([SMALL if abs(truth) < LEAST else of_float64 for truth in truths])


def check(results, truths, dtype, of_float64, slack=0):
    found, allowed = errors(results, truths, dtype, slack), bound(dtype, of_float64, truths)
    worst = np.argmax(found - allowed)
    assert found[worst] <= allowed[worst], (found[worst], results[worst], truths[worst])


def check_forward(x, dtype):
    row = Row(x)
    for function, truth, of_float64 in (
        (numbaexp.softmax, row.softmax, SOFTMAX),
        (numbaexp.log_softmax, row.log_softmax, LOGARITHM),
    ):
        results = function(x)
        at = looked_at(x.astype(np.float64))
        finite = at[np.isfinite(x[at].astype(np.float64))]
        check(results[finite], [truth(i) for i in finite], dtype, of_float64)
        masked = 0 if function is numbaexp.softmax else -np.inf
        assert (results[np.isneginf(x.astype(np.float64))] == masked).all()
    check([numbaexp.logsumexp(x)], [row.log_sum], dtype, LOGARITHM, cancelled(row, dtype))


def cancelled(row, dtype):
    """The error of a sum where the greatest element and the logarithm cancel beyond what is computed in pairs for."""
    ratio = 2.0 ** (-4 if dtype == "float64" else -20)
    return abs(row.greatest) * gmpy2.exp2(-57) if abs(row.log_sum) < abs(row.greatest) * ratio else 0


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_forward(kind, dtype):
    long = LONG if dtype in ("float32", "float64") and kind in ("normal", "spread", "dominated") else []
    for x in rows(kind, dtype, SHAPES + long):
        check_forward(x, dtype)


@pytest.mark.thorough
def test_a_row_of_a_million():
    check_forward(np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32) * 10, "float32")


@pytest.mark.parametrize("dtype", TYPES)
def test_short_rows_beside_each_other(dtype):
    """Whose kernels are others than those of a row alone."""
    for kind in ("normal", "dominated", "vanishing", "logarithms of probabilities"):
        x = np.stack(list(rows(kind, dtype, [(40, 5)])))
        results = {f: getattr(numbaexp, f)(x, 1) for f in ("softmax", "log_softmax", "logsumexp")}
        for i, row in enumerate(map(Row, x)):
            check(results["softmax"][i], [row.softmax(j) for j in range(5)], dtype, SOFTMAX)
            check(results["log_softmax"][i], [row.log_softmax(j) for j in range(5)], dtype, LOGARITHM)
            check(results["logsumexp"][[i]], [row.log_sum], dtype, LOGARITHM, cancelled(row, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_that_cancel(dtype):
    """log(p) and log(1 - p), whose sum's logarithm is what rounding has left."""
    p = np.random.default_rng(0).uniform(0.001, 0.999, 300)
    x = np.stack([np.log(p), np.log1p(-p)], axis=1).astype(dtype)
    x[::2] += np.random.default_rng(1).uniform(-1, 1, (150, 1)).astype(dtype) * np.logspace(-7, -1, 150)[
        :, None
    ].astype(dtype)
    truths = [Row(row) for row in x]
    slack = [cancelled(row, dtype) for row in truths]
    assert sum(s != 0 for s in slack) > 100
    check(numbaexp.logsumexp(x, 1), [row.log_sum for row in truths], dtype, LOGARITHM, slack)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_rows_of_nothing_much(dtype):
    """Exponentials that are 0 in the type alone, and not together."""
    x = np.full(20_000, {"float32": -105.0, "float64": -746.0}[dtype], dtype)
    x[7777] = 0
    check_forward(x, dtype)
    assert numbaexp.log_softmax(x)[7777] != 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("signs", ["one", "both"])
def test_factors(signs, dtype):
    for n in (1, 2, 5, 100, 5000):
        generator = np.random.default_rng(n)
        x, b = (generator.standard_normal(n) * 20).astype(dtype), generator.uniform(0.1, 9, n).astype(dtype)
        if signs == "both":
            b[::2] *= -1
            b[::3] = 0
        result, sign = numbaexp.logsumexp(x, b=b, return_sign=True)
        terms = [gmpy2.exp(v) * w for v, w in zip(exact(x), exact(b), strict=True)]
        total = gmpy2.fsum(terms)
        truth = gmpy2.log(abs(total))
        assert sign == gmpy2.sign(total)
        slack = max(map(abs, terms)) / abs(total) * gmpy2.exp2(-57) + abs(max(exact(x))) * gmpy2.exp2(-57)
        check([result], [truth], dtype, LOGARITHM, slack)


@pytest.mark.parametrize("apart", [1, 4096])
def test_factors_that_cancel(apart):
    """The sum is in the low part of a pair, in a chunk and across chunks."""
    for x in (30.0, 36.5, 38.0):
        for order in ([x, x, 0.0], [x, 0.0, x], [0.0, x, x]):
            values, b = np.zeros(3 * apart), np.zeros(3 * apart)
            values[::apart], b[::apart] = order, 1
            b[np.flatnonzero(values)[1]] = -1
            result, sign = numbaexp.logsumexp(values, b=b, return_sign=True)
            assert sign == 1
            assert abs(result) <= np.exp(x) * 2.0**-60 * 1.1


def test_factors_of_any_size():
    for scale in (1e-300, 1e-150, 1e150):
        result = numbaexp.logsumexp(np.array([0.0, 1.0]), b=np.array([scale, 2 * scale]))
        check([result], [gmpy2.log(gmpy2.mpfr(scale) * (1 + 2 * gmpy2.exp(1)))], "float64", LOGARITHM)


def test_bounds_of_exponentials():
    """Of which those of the rows are made."""
    narrow, pair = from_python(definition.exponential), from_python(definition.loose_exponential_pair)
    generator = np.random.default_rng(0)
    for reach in (1, 20, 340):
        for x in generator.uniform(-reach, reach, 4000).tolist():
            with gmpy2.context(precision=PRECISION):
                exact_power = gmpy2.exp(gmpy2.mpfr(x))
                assert abs(narrow(x) / exact_power - 1) <= definition.ROW_ERROR, x
                high, low = pair(x, 0.0)
                assert abs((gmpy2.mpfr(high) + low) / definition.PAIR_SCALE / exact_power - 1) <= 2.0**-62, x


def one_hot(generator, n):
    g = np.zeros(n)
    g[generator.integers(n)] = 1
    return g


GRADIENTS = {
    "random": lambda generator, n: generator.standard_normal(n),
    "constant": lambda generator, n: np.full(n, generator.uniform(0.5, 2)),
    "one-hot": one_hot,
    "cancelling": lambda generator, n: np.resize([30_000.0, 1.0, -30_000.0], n),
    "small": lambda generator, n: generator.standard_normal(n) * 1e-6,
}
GRADIENT_SHAPES = [(10, 1), (10, 2), (5, 3), (3, 33), (2, 1000), (1, 4097), (1, 10_000)]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", GRADIENTS)
def test_backward(kind, dtype):
    for logits in ("normal", "spread", "dominated"):
        for x in rows(logits, dtype, GRADIENT_SHAPES):
            g = GRADIENTS[kind](np.random.default_rng(x.size), x.size).astype(x.dtype)
            check_backward(x, g, dtype)


def check_backward(x, g, dtype):
    at, of_g = looked_at(x.astype(np.float64)), exact(g)
    y = numbaexp.softmax(x)
    of_y = exact(y)
    products = [a * b for a, b in zip(of_g, of_y, strict=True)]
    total, rest = gmpy2.fsum(products), gmpy2.fsum(map(abs, products)) * gmpy2.exp2(-98)
    truths = [(of_g[i] - total) * of_y[i] for i in at]
    check(numbaexp.softmax_backward(g, y)[at], truths, dtype, GRADIENT, [rest * of_y[i] for i in at])

    y = numbaexp.log_softmax(x)
    of_y, total = exact(y), gmpy2.fsum(of_g)
    powers = {i: gmpy2.exp(of_y[i]) for i in at}
    left = abs(total) * gmpy2.exp2(-61 if dtype == "float64" else -50) + gmpy2.fsum(map(abs, of_g)) * gmpy2.exp2(-98)
    truths = [of_g[i] - powers[i] * total for i in at]
    check(numbaexp.log_softmax_backward(g, y)[at], truths, dtype, GRADIENT, [left * powers[i] for i in at])

    row = Row(x)
    truths = [row.softmax(i) * of_g[0] for i in at]
    check(numbaexp.logsumexp_backward(g[0], x)[at], truths, dtype, SOFTMAX)


def test_the_sum_of_gradients_is_kept_where_it_cancels():
    """It is in the low part of a pair: the third element is added to the first before the second is."""
    g = np.array([1e16, -1e16, 1], np.float32)
    y = np.log(np.float32([0.25, 0.25, 0.5]))
    assert numbaexp.log_softmax_backward(g, y)[2] == np.float32(1 - np.exp(np.float64(y[2])))


def test_gradients_far_below_1():
    g, y = np.array([1e-300, 1e-300]), np.log([0.75, 0.25])
    truths = [gmpy2.mpfr(1e-300) * (1 - 2 * gmpy2.exp(v)) for v in exact(y)]
    check(numbaexp.log_softmax_backward(g, y), truths, "float64", GRADIENT)
