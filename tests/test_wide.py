"""Functions of float64 whose results are narrowed: their bounds, every argument, and SIMD code."""

import re

import numpy as np
import pytest
from helpers import FORMS, as_float64, differing, dtype_of, every_half
from numba import njit

import numbaexp
from numbaexp.scalar.ieee import to_float32, to_float64
from numbaexp.scalar.narrow import to_bfloat, to_half
from numbaexp.scalar.wide import WIDE, WIDE_ERROR
from numbaexp.vector.level import current_level

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify import arguments
from numbaexp.verify.oracle import correctly_rounded

pytestmark = pytest.mark.sampled(name=FORMS)

for_each_function = pytest.mark.parametrize("name", WIDE)

# Where results are normal numbers, but for the sign of the argument of expm1.
NORMAL = {
    "exp": (-708.3, 709.7),
    "exp2": (-1021.9, 1023.9),
    "exp10": (-307.6, 308.2),
    "expm1": (-50.0, 709.7),
    "sigmoid": (-708.3, 50.0),
    "softplus": (-708.3, 800.0),
    **dict.fromkeys(("log", "log2", "log10"), (2.0**-1074, 1e308)),
    "log1p": (-1 + 2.0**-53, 1e308),
    "sinh": (-710.4, 710.4),
    "cosh": (-710.4, 710.4),
    "tanh": (-30.0, 30.0),
    "log_sigmoid": (-800.0, 708.3),
    "logit": (2.0**-1074, 1 - 2.0**-53),
}
# By function the results of -inf and a little more, of inf and a little less, and of 0.
LIMITS = {
    "exp": ((-746.0, 0.0), (710.0, np.inf), 1.0),
    "exp2": ((-1075.0, 0.0), (1024.0, np.inf), 1.0),
    "exp10": ((-323.7, 0.0), (308.3, np.inf), 1.0),
    "expm1": ((-40.0, -1.0), (709.8, np.inf), 0.0),
    "sigmoid": ((-746.0, 0.0), (40.0, 1.0), 0.5),
    "softplus": ((-746.0, 0.0), (1e308, 1e308), np.log(2.0)),
}


def in_loop(name):
    """Compile a loop over a function."""
    function = WIDE[name]

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


def computed(loop, x):
    y = np.empty_like(x)
    loop(x, y)
    return y


def exact(name, x):
    """Compute a function with 150 bits."""
    with gmpy2.context(precision=150):
        x, one = gmpy2.mpfr(x), gmpy2.mpfr(1)
        composed = {
            "sigmoid": lambda: one / (one + gmpy2.exp(-x)),
            "softplus": lambda: gmpy2.log1p(gmpy2.exp(x)),
            "log_sigmoid": lambda: -gmpy2.log1p(gmpy2.exp(-x)),
            "logit": lambda: gmpy2.log(x / (one - x)),
        }
        return composed[name]() if name in composed else getattr(gmpy2, name)(x)


def errors(name, x, y):
    with gmpy2.context(precision=150):
        return [abs(float(gmpy2.mpfr(b) - exact(name, a))) for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def sample(name, count):
    """Arguments over the whole range, and of all magnitudes near where the function is hard."""
    x = arguments.random(name, count, np.random.default_rng(7))
    low, high = NORMAL[name]
    return x[(x >= low) & (x <= high)]


@for_each_function
def test_relative_errors(name):
    x = sample(name, 18000)
    y = computed(in_loop(name), x)
    assert np.max(errors(name, x, y) / abs(y)) < WIDE_ERROR


# Between normal results and 0.
SUBNORMAL = {
    **{name: (low, NORMAL[name][0]) for name, ((low, at_low), _, _) in LIMITS.items() if at_low == 0},
    "log_sigmoid": (708.3, 746.0),
}


@pytest.mark.parametrize(("name", "low", "high"), [(name, *ends) for name, ends in SUBNORMAL.items()])
def test_subnormal_results(name, low, high):
    x = np.linspace(low, high, 500)
    y = computed(in_loop(name), x)
    unit = 2.0**-1074
    # Half a unit, and what the result before its rounding errs by.
    assert np.all(np.array(errors(name, x, y)) / unit <= 0.5 + WIDE_ERROR * abs(y) / unit + 1e-9)


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    (low, at_low), (high, at_high), at_0 = LIMITS[name]
    loop = in_loop(name)
    x = np.array([-np.inf, -1e300, low, 0.0, -0.0, high, np.inf])
    at_infinity = 1.0 if name == "sigmoid" else np.inf
    y = computed(loop, x)
    assert np.array_equal(y, [at_low, at_low, at_low, at_0, at_0, at_high, at_infinity])
    if name == "expm1":
        tiny = np.array([-0.0, 0.0, 5e-324, -1e-310, 1e-17])
        assert np.array_equal(computed(loop, tiny).view(np.int64), tiny.view(np.int64))


@for_each_function
def test_special_values(name):
    """Those at poles, at infinity, and where the function is not real; zeros have their signs."""
    loop, x = in_loop(name), arguments.odd(name)
    y, expected = computed(loop, x), correctly_rounded(name, x, "float64")
    finite = np.isfinite(expected) & (expected != 0)
    assert not differing(y[~finite], expected[~finite]).any()
    np.testing.assert_allclose(y[finite], expected[finite], WIDE_ERROR, 2.0**-1074)
    # Whatever the bits of a NaN are, of which the low ones would be an exponent.
    payloads = np.arange(0, 2**12, 7, dtype=np.uint64) | np.uint64(0x7FF0_0000_0000_0001)
    bits = np.concatenate([payloads, payloads | np.uint64(1 << 63), payloads | np.uint64(1 << 51)])
    assert np.all(np.isnan(computed(loop, bits.view(np.float64))))


@pytest.mark.by_form
@pytest.mark.skipif(current_level().register < 32, reason="no registers of several float64 beside LLVM's own choice")
@for_each_function
def test_a_loop_is_simd_code(name):
    loop = in_loop(name)
    computed(loop, np.zeros(3))
    (code,) = loop.inspect_asm().values()
    assert len(re.findall(r"\tvfm\w+pd\t.*%[yz]mm", code)) >= 6


@for_each_function
def test_narrowed_to_halves(name):
    """All results of float16 and bfloat16 are correctly rounded."""
    function = WIDE[name]

    @njit
    def loop(x, halves, bfloats):
        for i in range(x.size):
            y = function(x[i])
            halves[i], bfloats[i] = to_half(y), to_bfloat(y)

    for dtype, place in (("float16", 0), ("bfloat16", 1)):
        x = every_half(dtype_of(dtype))
        found = [np.empty(x.size, np.uint16) for _ in range(2)]
        with np.errstate(all="ignore"):
            loop(as_float64(x), *found)
            expected = getattr(numbaexp, name)(x)
        wrong = (found[place] != expected.view(np.uint16)) & ~np.isnan(expected.astype(np.float32))
        assert not wrong.any()


# How many float32 of the sample are rounded twice: near 0 the sigmoid is 1/2 + x/4 - x**3/48, of which the last term
# decides between two float32 where it is too small for a float64.
TWICE = {"sigmoid": 2}


@pytest.mark.by_form
@for_each_function
@pytest.mark.parametrize("step", [4289, pytest.param(431, marks=pytest.mark.whole)])
def test_narrowed_to_float32(name, step):
    """Of every 431st float32, which are 10**7, but for single ones that are rounded twice."""
    function = WIDE[name]

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = to_float32(function(to_float64(x[i])))

    x = np.arange(0, 2**32, step, dtype=np.uint32).view(np.float32)
    y = computed(loop, x)
    with np.errstate(all="ignore"):
        expected = getattr(numbaexp, name)(x)
    differ = (y.view(np.uint32) != expected.view(np.uint32)) & ~(np.isnan(y) & np.isnan(expected))
    assert differ.sum() <= TWICE.get(name, 0)
    assert np.all(abs(x[differ]) < 2.0**-16)
