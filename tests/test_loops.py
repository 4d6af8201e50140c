"""The loops by vectors: each phase hands on what it leaves undecided or does not take, wherever that stands."""

import itertools

import numpy as np
import pytest
from helpers import OF_NUMPY, assert_same_but_nan, computed

import numbaexp
from numbaexp.cpu import pieces
from numbaexp.scalar.family import FAMILY
from numbaexp.verify.hard_cases import hard_cases

pytestmark = [
    pytest.mark.by_form,
    pytest.mark.sampled(name=("exp", "sigmoid", "log"), dtype=("float32", "float64"), target="auto"),
]

for_each = pytest.mark.parametrize(("name", "dtype"), list(itertools.product(FAMILY, OF_NUMPY)))

# Of each type, arguments beyond the limit of a fast phase: subnormal results, 0, infinity, and what is no number.
BEYOND = {
    "float16": [-17.5, -12.0, 11.5, 20.0, 6e4],
    "float32": [-104.5, -100.0, -88.0, 88.8, 120.0, 1e30, -1e30],
    "float64": [-746.0, -740.0, -708.5, 709.9, 1500.0, 1e300, -1e300, -1074.0, -1030.0],
}
SPECIAL = [np.nan, -np.nan, np.inf, -np.inf]


def undecided(name, dtype):
    """Arguments that are hard to round."""
    if dtype == "float64" and name in ("exp", "exp2", "exp10", "expm1"):
        return hard_cases(name)[:200]
    return np.array([1.5, -2.25, 0.4375, -1e-3, 3.0, 2.0**-12], dtype)


class Values:
    """Arguments of a function, and their results each computed alone."""

    def __init__(self, name, dtype):
        generator = np.random.default_rng(0)
        self.function = getattr(numbaexp, name)
        self.ordinary = np.concatenate(
            [generator.uniform(-8, 8, 150), [0.0, -0.0, 1e-5, -1e-5], undecided(name, dtype)]
        ).astype(dtype)
        self.ordinary = self.ordinary[abs(self.ordinary) < 30]
        self.beyond = np.array(BEYOND[dtype], dtype)
        self.special = np.array(SPECIAL, dtype)
        self.all = np.concatenate([self.ordinary, self.beyond, self.special])
        with np.errstate(all="ignore"):
            self.results = np.array([self.function(value) for value in self.all], dtype)

    def choose(self, generator, n, *kinds):
        """The places of ``n`` of the values of some kinds."""
        firsts = {"ordinary": 0, "beyond": self.ordinary.size, "special": self.ordinary.size + self.beyond.size}
        places = [firsts[kind] + np.arange(getattr(self, kind).size) for kind in kinds]
        return generator.choice(np.concatenate(places), n)

    def check(self, places, x=None, out=None):
        x = self.all[places] if x is None else x
        out = np.empty_like(x) if out is None else out
        with np.errstate(all="ignore"):
            self.function(x, out)
        assert_same_but_nan(out, self.results[places])


@for_each
def test_one_among_others(name, dtype):
    """Of arguments that the fast phase takes one is another, anywhere."""
    values, generator = Values(name, dtype), np.random.default_rng(1)
    for n in (1, 2, 7, 33, 64, 100, pieces.BLOCK + 40):
        for kind in ("beyond", "special"):
            places = values.choose(generator, n, "ordinary")
            places[generator.integers(n)] = values.choose(generator, 1, kind)[0]
            values.check(places)


@for_each
def test_blocks_of_several_kinds(name, dtype):
    values, generator = Values(name, dtype), np.random.default_rng(2)
    kinds = (("ordinary",), ("beyond",), ("special",), ("ordinary", "special"), ("ordinary", "beyond", "special"))
    for order in itertools.islice(itertools.permutations(kinds), 0, None, 30):
        values.check(np.concatenate([values.choose(generator, pieces.BLOCK, *kind) for kind in order]))


@for_each
def test_lengths_and_positions(name, dtype):
    values, generator = Values(name, dtype), np.random.default_rng(3)
    memory = np.empty(3 * pieces.BLOCK, dtype)
    for n in (*range(71), pieces.BLOCK - 1, pieces.BLOCK, pieces.BLOCK + 1, 2 * pieces.BLOCK + 17):
        places = values.choose(generator, n, "ordinary")
        first = int(generator.integers(9))
        memory[...] = 7
        values.check(places, out=memory[first : first + n])
        assert (memory[:first] == 7).all()
        assert (memory[first + n :] == 7).all()


@for_each
def test_in_place(name, dtype):
    values, generator = Values(name, dtype), np.random.default_rng(4)
    for kinds in (("ordinary",), ("ordinary", "beyond", "special")):
        places = values.choose(generator, 2 * pieces.BLOCK + 11, *kinds)
        x = values.all[places]
        values.check(places, x, x)


@pytest.mark.parametrize("target", ["cpu", "auto"])
@for_each
def test_past_the_caches(name, dtype, target):
    """Results that no cache holds, at any place of a cache line."""
    values, generator = Values(name, dtype), np.random.default_rng(5)
    n = pieces.STREAM_FROM // np.dtype(dtype).itemsize + 1000
    places = np.resize(values.choose(generator, 100_003, "ordinary"), n)
    places[[0, 5000, n // 2, n - 1]] = values.choose(generator, 4, "beyond", "special")
    memory = np.empty(n + 16, dtype)
    with numbaexp.use_target(target):
        for first in (0, 3):
            values.check(places, out=memory[first : first + n])


TINY = {"float16": 6e-8, "float32": 1e-45, "float64": 5e-324}


# Of these in halves results are subnormal there.
AS_SMALL = {(name, "float16") for name in ("expm1", "log1p", "sinh", "tanh")}


@pytest.mark.parametrize(("name", "dtype"), sorted({*itertools.product(FAMILY, OF_NUMPY)} - AS_SMALL))
def test_nothing_underflows_near_0(name, dtype):
    """The reduced argument and its powers are small there."""
    tiny = np.dtype(dtype).type(TINY[dtype]) * 2.0 ** np.arange(0, 10 if dtype == "float16" else 100, 3)
    x = np.concatenate([tiny, -tiny]).astype(dtype)
    x = x[~np.isnan(computed(name, x))]  # negative numbers may be outside the domain
    with np.errstate(all="raise"):
        for n in (1, x.size):
            getattr(numbaexp, name)(np.resize(x, n))


@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_flags_of_one_element(dtype):
    """Of a large array, one element raises a flag, and no other does."""
    great = {"float16": 12, "float32": 90, "float64": 710}[dtype]
    for value, flag in ((great, "overflow"), (-great if dtype == "float16" else -1.04 * great, "underflow")):
        x = np.linspace(-1, 1, 3 * pieces.BLOCK + 5).astype(dtype)
        x[[5, 77]] = np.inf, -np.inf
        with np.errstate(all="raise"):
            numbaexp.exp(x)
        x[pieces.BLOCK + 3] = value
        with np.errstate(all="raise", **{flag.removesuffix("flow"): "ignore"}):
            numbaexp.exp(x)
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match=flag):
            numbaexp.exp(x)
