"""Gradients of the elementwise functions: within the claimed ulp, ufuncs of two inputs, the same bits everywhere."""

import pickle
import warnings

import numpy as np
import pytest
from helpers import (
    FLOATS,
    FORMATS,
    FORMS_OF_GRADIENTS,
    HALVES,
    OF_NUMPY,
    as_float64,
    assert_same_bits,
    computed,
    dtype_of,
    every_half,
    inside,
    ulps,
)

import numbaexp
from numbaexp.cpu import blocks, pieces
from numbaexp.cpu.ufunc import bits_ufunc
from numbaexp.scalar.family import SAVED
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.scalar.narrow_gradients import NARROW_ERROR
from numbaexp.scalar.pair_gradients import PAIR_ERROR

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from gmpy2 import mpfr

pytestmark = pytest.mark.sampled(
    name=("exp_backward", "sigmoid_backward"), dtype="float32", n=("7", "513", "100003", "1023"), target="parallel"
)

OF_X = [name for name in GRADIENTS if SAVED[name] == "x"]
# Bits of the oracle, which errs by less than 2**-190 relatively, and the range of its exponents.
PRECISION, RANGE = 200, 1 << 24
FAR = 5000.0
# Of normal and of subnormal results.
NARROW = 0.5 + 2.0**24 * (NARROW_ERROR + 2.0**-53)
WIDE = 0.5 + 2.0**53 * PAIR_ERROR
CLAIMED_ULP = {"float16": (NARROW, NARROW), "bfloat16": (NARROW, NARROW), "float32": (NARROW, NARROW)}
CLAIMED_ULP["float64"] = (WIDE, WIDE + 0.25)

DERIVATIVES = {
    "exp_backward": lambda y: y,
    "exp2_backward": lambda y: y * gmpy2.log(mpfr(2)),
    "exp10_backward": lambda y: y * gmpy2.log(mpfr(10)),
    "expm1_backward": gmpy2.exp,
    "sigmoid_backward": lambda x: 1 / ((1 + gmpy2.exp(x)) * (1 + gmpy2.exp(-x))),
    "softplus_backward": lambda x: 1 / (1 + gmpy2.exp(-x)),
    "log_backward": lambda x: 1 / x,
    "log2_backward": lambda x: 1 / (x * gmpy2.log(mpfr(2))),
    "log10_backward": lambda x: 1 / (x * gmpy2.log(mpfr(10))),
    "log1p_backward": lambda x: 1 / one_more(x),
    "sinh_backward": gmpy2.cosh,
    "cosh_backward": gmpy2.sinh,
    "tanh_backward": lambda x: 1 / gmpy2.cosh(x) ** 2,
    "log_sigmoid_backward": lambda x: 1 / (1 + gmpy2.exp(x)),
    "logit_backward": lambda x: 1 / (x * one_more(-x)),
}
# Those that are divided by a function of the argument, by its zeros; and those that have the sign of an argument.
POLES = {
    "log_backward": (0.0,),
    "log2_backward": (0.0,),
    "log10_backward": (0.0,),
    "log1p_backward": (-1.0,),
    "logit_backward": (0.0, 1.0),
}
OF_EXPONENTIALS = [name for name in OF_X if name not in POLES]
ROUNDED = ("exp_backward", "log_backward")


def one_more(x):
    with gmpy2.context(gmpy2.get_context(), precision=3000):
        total = 1 + x
    return total * 1


def ulp_errors(name, g, saved, results, dtype):
    """Distances from the exact values in ulps of these, and which of these are normal; of a result that is rounded to
    infinity 0, if that is right."""
    form = FORMATS[dtype]
    errors, normal = [], []
    with gmpy2.context(precision=PRECISION, emax=RANGE, emin=-RANGE):
        # Further off the product is too great or too small for any type.
        reach = FAR if name in OF_EXPONENTIALS else np.inf
        derivatives = {x: DERIVATIVES[name](mpfr(min(max(x, -reach), reach))) for x in set(saved.tolist())}
        # From here on the nearest number is infinity.
        too_great = gmpy2.exp2(form.overflow) * (1 - gmpy2.exp2(-form.precision - 1))
        for a, x, result in zip(g.tolist(), saved.tolist(), results.tolist(), strict=True):
            exact = a * derivatives[x]
            normal.append(not exact or gmpy2.get_exp(exact) - form.precision >= form.least)
            if np.isinf(result):
                assert (result > 0) == (exact > 0)
                errors.append(0.0 if abs(exact) >= too_great * (1 - gmpy2.exp2(-form.precision - 10)) else np.inf)
            else:
                errors.append(ulps(result, exact, dtype))
    return np.array(errors), np.array(normal)


def assert_within_the_claim(name, g, saved, dtype):
    """Of finite arguments that are no poles."""
    regular = ~np.isin(as_float64(saved), POLES.get(name, ()))
    g, saved = g[regular], saved[regular]
    results = as_float64(computed(name, g, saved))
    g, saved = as_float64(g), as_float64(saved)
    errors, normal = ulp_errors(name, g, saved, results, dtype)
    claimed = (0.5, 0.5) if name in ROUNDED else CLAIMED_ULP[dtype]
    for which, bound in ((normal, claimed[0]), (~normal, claimed[1])):
        if which.any():
            worst = np.argmax(np.where(which, errors, 0))
            assert errors[worst] <= bound, (g[worst], saved[worst], results[worst])
    np.testing.assert_array_equal(np.signbit(results), np.signbit(g) ^ is_negative(name, saved))


def is_negative(name, saved):
    """Tell whether the derivative is negative."""
    if name == "logit_backward":
        return np.signbit(saved) | (saved > 1)
    if name == "log1p_backward":
        return saved < -1
    has_sign = SAVED[name] == "output" or name in POLES or name == "cosh_backward"
    return np.signbit(saved) & has_sign


def any_floats(dtype, count, seed):
    """Finite ones of any bit pattern."""
    kind = dtype_of(dtype)
    words = np.dtype(f"u{kind.itemsize}")
    values = np.random.default_rng(seed).integers(0, np.iinfo(words).max, 2 * count, words, endpoint=True).view(kind)
    return values[np.isfinite(as_float64(values))][:count]


@pytest.mark.sampled(dtype="float16")
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", GRADIENTS)
def test_every_saved_half(name, dtype):
    """All finite values, each times one of a spread of gradients."""
    saved = every_half(dtype_of(dtype))
    saved = saved[np.isfinite(as_float64(saved))]
    ordinary = np.random.default_rng(1).normal(size=saved.size).astype(np.float32).astype(saved.dtype)
    g = np.where(np.arange(saved.size) % 2 == 0, ordinary, any_floats(dtype, saved.size, 0))
    assert_within_the_claim(name, g, saved, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", GRADIENTS)
def test_random(name, dtype):
    n = 4000
    generator = np.random.default_rng(0)
    ordinary = generator.normal(size=n).astype(dtype)
    assert_within_the_claim(name, ordinary, generator.uniform(-10, 10, n).astype(dtype), dtype)
    assert_within_the_claim(name, any_floats(dtype, n, 1), any_floats(dtype, n, 2), dtype)
    near_1 = generator.uniform(1, 2, n) * 2.0 ** generator.integers(-2, 2, n)
    assert_within_the_claim(name, any_floats(dtype, n, 3), near_1.astype(dtype), dtype)


# About the logarithm of the derivative.
EXPONENTS = {
    "expm1_backward": lambda x: x,
    "sigmoid_backward": lambda x: -abs(x),
    "softplus_backward": lambda x: np.minimum(x, 0),
    "sinh_backward": abs,
    "cosh_backward": abs,
    "tanh_backward": lambda x: -2 * abs(x),
    "log_sigmoid_backward": lambda x: np.minimum(-x, 0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OF_EXPONENTIALS)
def test_neither_large_nor_small_is_lost_on_the_way(name, dtype):
    """Gradients that make up for what the derivative is beyond the type, down to subnormal results and up to
    infinity."""
    n = 4000
    generator = np.random.default_rng(0)
    overflow, least = FORMATS[dtype].overflow, FORMATS[dtype].least
    x = generator.uniform(-1, 1, n) * (1.05 * (overflow - least) * np.log(2))
    exponent = EXPONENTS[name](x) / np.log(2)
    for low, high in ((least - 2, overflow), (least - 2, least + 60)):
        of_result = generator.uniform(low, high, n)
        of_g = np.clip(of_result - exponent, least, overflow - 1).astype(int)
        g = np.ldexp(generator.uniform(1, 2, n) * generator.choice([-1, 1], n), of_g)
        with np.errstate(all="ignore"):
            g = g.astype(dtype)
        finite = np.isfinite(g)
        assert_within_the_claim(name, g[finite], x[finite].astype(dtype), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", POLES)
def test_next_to_poles_and_of_all_magnitudes(name, dtype):
    """Gradients that make up for what the quotient is beyond the type, and arguments next to 1, -1 and 1/2."""
    n = 2000
    generator = np.random.default_rng(0)
    of_x = generator.uniform(FORMATS[dtype].least, FORMATS[dtype].overflow, n)
    x = np.ldexp(generator.uniform(0.5, 1, n) * generator.choice([-1, 1], n), of_x.astype(int)).astype(dtype)
    of_g = np.clip(of_x + generator.integers(-60, 60, n), FORMATS[dtype].least, FORMATS[dtype].overflow - 1)
    g = np.ldexp(generator.uniform(0.5, 1, n), of_g.astype(int)).astype(dtype)
    assert_within_the_claim(name, g, x, dtype)
    steps = np.sinh(generator.uniform(-36, 36, n)) * np.finfo(dtype).smallest_subnormal
    for near in (1.0, -1.0, 0.5, 0.0):
        offsets = np.finfo(dtype).eps * np.exp(generator.uniform(0, 15, n)) * generator.choice([-1, 1], n)
        x = (near + (offsets if near else steps)).astype(dtype)
        assert_within_the_claim(name, g, x, dtype)


def test_the_bounds_are_those_that_are_documented():
    assert NARROW <= 0.5001
    assert WIDE <= 0.502
    for name in GRADIENTS:
        if name not in ROUNDED:
            assert "within 0.5001 ulp" in getattr(numbaexp, name).__doc__
            assert "0.752 ulp" in getattr(numbaexp, name).__doc__


def test_representable_results_of_extreme_arguments():
    assert numbaexp.exp2_backward(1e300, 5e-324) == pytest.approx(1e300 * 5e-324 * np.log(2), rel=1e-15)
    greatest = np.finfo(float).max
    assert np.isfinite(numbaexp.exp2_backward(greatest, 1.25))
    assert numbaexp.exp10_backward(5e-324, 0.3) == 5e-324
    assert numbaexp.expm1_backward(1e-300, 750.0) == pytest.approx(5.25849454e25, rel=1e-8)
    assert numbaexp.sigmoid_backward(1e300, -1000.0) > 0
    assert numbaexp.sigmoid_backward(1e300, 1000.0) == numbaexp.sigmoid_backward(1e300, -1000.0)


INF, NAN = np.inf, np.nan
# Saved, and the derivative there.
DERIVATIVE_AT = {
    "exp_backward": [(0.0, 0.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    "exp2_backward": [(0.0, 0.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    "exp10_backward": [(0.0, 0.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    "expm1_backward": [(-INF, 0.0), (0.0, 1.0), (-0.0, 1.0), (INF, INF), (NAN, NAN), (1e4, 1e300), (-1e4, 1e-300)],
    "sigmoid_backward": [(-INF, 0.0), (0.0, 0.25), (INF, 0.0), (NAN, NAN), (1e4, 1e-300), (-1e4, 1e-300)],
    "softplus_backward": [(-INF, 0.0), (0.0, 0.5), (INF, 1.0), (NAN, NAN), (1e4, 1.0), (-1e4, 1e-300)],
    "sinh_backward": [(-INF, INF), (0.0, 1.0), (-0.0, 1.0), (INF, INF), (NAN, NAN), (1e4, 1e300), (-1e4, 1e300)],
    "cosh_backward": [(-INF, -INF), (0.0, 0.0), (-0.0, -0.0), (INF, INF), (NAN, NAN), (1e4, 1e300)],
    "tanh_backward": [(-INF, 0.0), (0.0, 1.0), (INF, 0.0), (NAN, NAN), (1e4, 1e-300), (-1e4, 1e-300)],
    "log_sigmoid_backward": [(-INF, 1.0), (0.0, 0.5), (INF, 0.0), (NAN, NAN), (1e4, 1e-300), (-1e4, 1.0)],
}
ORDINARY = {"overflow", "underflow"}
# Saved, and the divisor there.
DIVISOR_AT = {
    **dict.fromkeys(
        ("log_backward", "log2_backward", "log10_backward"), tuple((x, x) for x in (0.0, -0.0, INF, -INF, NAN))
    ),
    "log1p_backward": [(-1.0, 0.0), (0.0, 1.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    "logit_backward": [(0.0, 0.0), (-0.0, -0.0), (1.0, 0.0), (0.5, 0.25), (INF, -INF), (-INF, -INF), (NAN, NAN)],
}


def raised_by(call):
    raised = set()
    with np.errstate(all="call", call=lambda flag, _: raised.add(flag)):
        result = call()
    return result, raised


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", GRADIENTS)
def test_special_values(name, dtype):
    """As a multiplication by the derivative, or a division, has them, and "invalid" and "divide" where that raises
    them."""
    kind = dtype_of(dtype)
    function, arithmetic = getattr(numbaexp, name), np.divide if name in POLES else np.multiply
    for saved, derivative in (DIVISOR_AT if name in POLES else DERIVATIVE_AT)[name]:
        for g in (0.0, -0.0, 1.0, -1.0, INF, -INF, NAN):
            expected, flags = raised_by(lambda g=g, d=derivative: arithmetic(g, d))
            if abs(derivative) in (1e300, 1e-300):  # too great or too small for any type
                expected = expected * (INF if derivative == 1e300 else 0.0) if np.isfinite(g) and g else expected
            result, raised = raised_by(lambda g=g, x=saved: function(kind.type(g), kind.type(x)))
            np.testing.assert_array_equal(as_float64(result), expected, err_msg=f"{g} {saved}")
            if not np.isnan(expected):
                assert np.signbit(result) == np.signbit(expected), (g, saved)
            assert raised - ORDINARY == flags - ORDINARY, (g, saved)


@pytest.mark.by_form(n="1023")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("n", [1, 7, 33, 1000, 1023])
def test_ordinary_arguments_raise_nothing(name, dtype, n):
    """However many: what lies behind an array is not computed on. Those before leave their traces in registers."""
    kind = dtype_of(dtype)
    generator = np.random.default_rng(n)
    for _ in range(50):
        np.exp(generator.normal(size=200).astype(np.float32))
        g, x = (generator.uniform(0.5, 2, n).astype(np.float32) for _ in range(2))
        g, x = g.astype(kind), inside(name, x).astype(kind)
        assert raised_by(lambda g=g, x=x: getattr(numbaexp, name)(g, x))[1] == set()


# At a greatest, a least normal or another number, and saved: the flag.
FLAGS = {
    **dict.fromkeys(
        ("log_backward", "log2_backward", "log10_backward"),
        (("max", 0.125, "overflow"), ("tiny", 3, "underflow"), (0, 5000, None), (1, 0, "divide by zero")),
    ),
    "log1p_backward": [("max", -0.875, "overflow"), ("tiny", 4, "underflow"), (1, -1, "divide by zero"), (0, 9, None)],
    "sinh_backward": [("max", 7, "overflow"), (1, -5000, "overflow"), ("tiny", 0, None), (0, 5000, None)],
    "cosh_backward": [("max", 7, "overflow"), (1, -5000, "overflow"), ("tiny", 0.125, "underflow"), (0, 5000, None)],
    "tanh_backward": [("max", 0.125, None), (1, -5000, "underflow"), ("tiny", 2, "underflow"), (0, 5000, None)],
    "log_sigmoid_backward": [(1, -5000, None), (1, 5000, "underflow"), ("tiny", 1, "underflow"), (0, 5000, None)],
    "logit_backward": [("max", 0.5, "overflow"), ("tiny", 0.5, None), (1, 1, "divide by zero"), (0, 0.5, None)],
}


@pytest.mark.parametrize("dtype", OF_NUMPY)
@pytest.mark.parametrize("name", FLAGS)
def test_flags_of_logarithms(name, dtype):
    kind = np.dtype(dtype)
    for g, saved, flag in FLAGS[name]:
        given = kind.type(g if isinstance(g, int) else getattr(np.finfo(kind), g)), kind.type(saved)
        raised = raised_by(lambda given=given: getattr(numbaexp, name)(*given))[1]
        assert raised == ({flag} if flag else set()), (g, saved)


@pytest.mark.parametrize("dtype", OF_NUMPY)
@pytest.mark.parametrize("name", sorted(GRADIENTS.keys() - FLAGS.keys()))
def test_flags(name, dtype):
    kind = np.dtype(dtype)
    function, info = getattr(numbaexp, name), np.finfo(kind)
    one = kind.type(1)
    assert raised_by(lambda: function(info.max, kind.type(7)))[1] == (
        set() if name in ("sigmoid_backward", "softplus_backward") else {"overflow"}
    )
    if SAVED[name] == "output":
        assert raised_by(lambda: function(info.tiny, kind.type(0.003)))[1] == {"underflow"}
        assert raised_by(lambda: function(info.max, info.max))[1] == {"overflow"}
        assert raised_by(lambda: function(info.max, info.smallest_subnormal))[1] == set()
    else:
        assert raised_by(lambda: function(info.tiny, kind.type(-5)))[1] == {"underflow"}
        assert raised_by(lambda: function(one, kind.type(-5000)))[1] == {"underflow"}
        assert raised_by(lambda: function(kind.type(0), kind.type(-5000)))[1] == set()
        assert raised_by(lambda: function(kind.type(0), kind.type(5000)))[1] == set()


# The ufunc.


def sample(dtype, shape, seed=0):
    generator = np.random.default_rng(seed)
    kind = dtype_of(dtype)
    return [values.astype(np.float32).astype(kind) for values in generator.normal(size=(2, *np.atleast_1d(shape)))]


def one_by_one(name, g, saved):
    """The reference: each pair alone."""
    g, saved = np.broadcast_arrays(g, saved)
    results = np.empty(g.shape, np.result_type(g, saved))
    for place in np.ndindex(g.shape):
        results[place] = computed(name, g[place], saved[place])
    return results


class Owner:
    """Gives what it is asked through ``__array_ufunc__``."""

    def __array_ufunc__(self, ufunc, *args, **kwargs):
        return ufunc


def test_attributes():
    function = numbaexp.exp_backward
    assert (function.nin, function.nout, function.nargs, function.ntypes) == (2, 1, 3, 7)
    assert function.types == ["ee->e", "ff->f", "dd->d", "gg->g", "FF->F", "DD->D", "GG->G"]
    assert function.__name__ == "exp_backward"
    assert pickle.loads(pickle.dumps(function))(2.0, 3.0) == 6
    ufunc = function(Owner(), 1.0)
    assert isinstance(ufunc, np.ufunc)
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc


@pytest.mark.by_form
@pytest.mark.parametrize("name", GRADIENTS)
def test_conventions_are_those_of_a_ufunc(name):
    """What np.multiply makes of the same call, but for the values."""
    g, x = (array.reshape(4, 6) for array in sample("float32", 24))
    row, column = g[0], g[:, :1]
    calls = {
        "scalars": lambda f: f(1.0, 2.0),
        "lists": lambda f: f([1.0, 2.0], [[1.0], [2.0]]),
        "scalar and array": lambda f: f(2.0, x),
        "broadcast": lambda f: f(row, column),
        "cannot broadcast": lambda f: f(g, x[:, :4]),
        "float16 and float32": lambda f: f(g.astype(np.float16), x),
        "float32 and float64": lambda f: f(g, x.astype(np.float64)),
        "int8 and float16": lambda f: f(np.ones(3, np.int8), np.ones(3, np.float16)),
        "dtype": lambda f: f(g, x, dtype=np.float64),
        "order": lambda f: f(g.T, x.T, order="C"),
        "Fortran": lambda f: f(g.T, x.T),
        "out": lambda f: f(g, x, np.empty_like(g)),
        "out, keyword": lambda f: f(g, x, out=np.empty_like(g)),
        "out, tuple": lambda f: f(g, x, out=(np.empty_like(g),)),
        "out wider": lambda f: f(row, x, out=np.empty((3, 4, 6))),
        "out narrower": lambda f: f(g, x, out=np.empty((4, 6), np.float16)),
        "out of integers": lambda f: f(g, x, out=np.empty((4, 6), int)),
        "out too small": lambda f: f(g, x, out=np.empty(6, np.float32)),
        "out read-only": lambda f: f(g, x, out=np.broadcast_to(np.float32(1), (4, 6))),
        "where": lambda f: f(g, x, out=np.ones_like(g), where=g > 0),
        "0-d": lambda f: f(np.array(1.0), np.array(2.0)),
        "empty": lambda f: f(g[:0], x[:0]),
        "masked": lambda f: f(np.ma.masked_array(g, g > 0), x),
        "one argument": lambda f: f(g),
        "unknown keyword": lambda f: f(g, x, wheer=True),
    }
    for label, call in calls.items():
        outcomes = []
        for function in (getattr(numbaexp, name), np.multiply):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    result = call(function)
            except Exception as error:
                outcomes.append(type(error))
            else:
                outcomes.append((type(result), result.dtype, result.shape, getattr(result, "strides", None)))
        assert outcomes[0] == outcomes[1], label


@pytest.mark.by_form
@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_layouts(name, dtype):
    """Strides of either argument and of the result, repeated and reversed."""
    g, x = (array.reshape(20, 30) for array in sample(dtype, 600))
    expected = one_by_one(name, g, x)
    views = [
        lambda a: a,
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[:, ::-1].copy()[:, ::-1],
        lambda a: np.concatenate([a.view(np.uint8).ravel(), [0]]).astype(np.uint8)[:-1].view(a.dtype).reshape(a.shape),
    ]
    for of_g in views:
        for of_x in views:
            assert_same_bits(computed(name, of_g(g), of_x(x)), expected)
    out = np.zeros((20, 60), g.dtype)[:, ::-2]
    assert computed(name, g, x, out=out) is out
    assert_same_bits(out, expected)
    row = np.broadcast_to(g[0], g.shape)
    assert_same_bits(computed(name, row, x), computed(name, row.copy(), x))
    one = np.broadcast_to(g[0, 0], g.shape)
    assert_same_bits(computed(name, one, x), computed(name, one.copy(), x))
    assert_same_bits(computed(name, g, row), computed(name, g, row.copy()))


@pytest.mark.by_form
@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("dtype", OF_NUMPY)
@pytest.mark.parametrize("n", [5, 512, 513, 1300, 40_000])
def test_in_place_and_overlap(name, dtype, n):
    g, x = sample(dtype, n)
    expected = computed(name, g, x)
    for target in ("auto", "cpu", "parallel"):
        with numbaexp.use_target(target):
            for out in (0, 1):
                arrays = [g.copy(), x.copy()]
                assert computed(name, *arrays, out=arrays[out]) is arrays[out]
                assert_same_bits(arrays[out], expected)
            both = g.copy()
            assert_same_bits(computed(name, both, both, out=both), computed(name, g, g))
            for shift in (-3, -1, 1, 3):
                memory = np.zeros(n + 6, dtype)
                memory[3 : 3 + n] = g
                result = computed(name, memory[3 : 3 + n], x, out=memory[3 + shift : 3 + shift + n])
                assert_same_bits(result, expected)
                memory[3 : 3 + n] = x
                result = computed(name, g, memory[3 : 3 + n], out=memory[3 + shift : 3 + shift + n])
                assert_same_bits(result, expected)
            reversed_out = g.copy()
            assert_same_bits(computed(name, reversed_out, x, out=reversed_out[::-1]), expected)


@pytest.mark.by_form
@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 31, 64, 65, 511, 12_289, 100_003])
def test_threads_and_tails(name, dtype, n):
    import numba

    g, x = sample(dtype, n)
    with numbaexp.use_target("cpu"):
        expected = computed(name, g, x)
    places = np.linspace(0, n - 1, 40).astype(int)
    assert_same_bits(expected[places], one_by_one(name, g[places], x[places]))
    before = numba.get_num_threads()
    try:
        for threads in range(1, min(3, numba.config.NUMBA_NUM_THREADS) + 1):
            numba.set_num_threads(threads)
            for target in ("auto", "parallel"):
                with numbaexp.use_target(target):
                    assert_same_bits(computed(name, g, x), expected)
                    one = np.broadcast_to(g[:1], n)
                    assert_same_bits(computed(name, one, x), computed(name, one.copy(), x))
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("target", ["cpu", "parallel"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["exp_backward", "sigmoid_backward"])
def test_results_that_go_past_the_caches(name, dtype, target):
    """At any place relative to lines of the cache; nothing else is written."""
    kind = dtype_of(dtype)
    n = pieces.STREAM_FROM // kind.itemsize + 5
    g, x = (np.resize(values, n) for values in sample(dtype, 100_003))
    expected = np.resize(computed(name, g[:100_003], x[:100_003]), n)
    memory = np.empty(n + 80, kind)
    line = (-memory.ctypes.data % 64) // kind.itemsize
    with numbaexp.use_target(target):
        for offset in (line, line + 1, line + 64 // kind.itemsize - 1):
            memory[:] = 7
            out = memory[offset : offset + n]
            computed(name, g, x, out=out)
            assert (out.view(np.uint8) == expected.view(np.uint8)).all()
            assert (memory[:offset] == 7).all()
            assert (memory[offset + n :] == 7).all()


@pytest.mark.thorough
@pytest.mark.parametrize("names", [FORMS_OF_GRADIENTS, pytest.param((*GRADIENTS,), marks=pytest.mark.whole)], ids=len)
@pytest.mark.parametrize(
    "processor", ["AVX2", pytest.param("neither FMA nor F16C", marks=pytest.mark.whole)], indirect=True
)
def test_other_processors(run_script, processor, tmp_path, names):
    """As far as this one can stand in for them: the same bits, and no flags that are none here."""
    arrays = {}
    for dtype in OF_NUMPY:
        kinds = any_floats(dtype, 20_000, 0)
        ordinary = np.random.default_rng(1).normal(size=(2, 10_001)).astype(dtype)
        arrays[f"{dtype} g"] = np.concatenate([ordinary[0], kinds, [0, np.inf, np.nan]]).astype(dtype)
        arrays[f"{dtype} x"] = np.concatenate([ordinary[1], kinds[::-1], [1, -np.inf, 1]]).astype(dtype)
    np.savez(tmp_path / "arguments.npz", **arrays)
    run_script(
        f"""
        import numpy as np, numbaexp
        arrays = dict(np.load({str(tmp_path / "arguments.npz")!r}))
        results = {{}}
        for name in {names}:
            for dtype in {OF_NUMPY}:
                g, x = arrays[f"{{dtype}} g"], arrays[f"{{dtype}} x"]
                with np.errstate(all="raise"):
                    getattr(numbaexp, name)(abs(g[:10_001]) + 1, abs(x[:10_001]) + 0.5)
                with np.errstate(all="ignore"):
                    results[f"{{name}} {{dtype}}"] = getattr(numbaexp, name)(g, x)
        np.savez({str(tmp_path / "results.npz")!r}, **results)
        """,
        timeout=600,
        **processor,
    )
    with np.load(tmp_path / "results.npz") as results:
        for name in names:
            for dtype in OF_NUMPY:
                expected, got = (
                    computed(name, arrays[f"{dtype} g"], arrays[f"{dtype} x"]),
                    results[f"{name} {dtype}"],
                )
                number = ~np.isnan(expected)
                assert_same_bits(got[number], expected[number])
                assert np.isnan(got[~number]).all()


def test_where():
    g, x = sample("float64", 1000)
    out = np.full(1000, 7.0)
    numbaexp.sigmoid_backward(g, x, out=out, where=g > 0)
    np.testing.assert_array_equal(out, np.where(g > 0, numbaexp.sigmoid_backward(g, x), 7.0))


@pytest.mark.by_form
@pytest.mark.parametrize("name", GRADIENTS)
def test_bits_of_bfloat16(name):
    """For those that have the type, and not that of ml_dtypes."""
    g, x = sample("bfloat16", 5000)
    for target in ("cpu", "auto"):
        bits = bits_ufunc(name, target)(g.view(np.uint16), x.view(np.uint16))
        np.testing.assert_array_equal(bits, computed(name, g, x).view(np.uint16))


def test_bfloat16_of_a_module_loaded_late(run_script):
    pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes")
    run_script("""
        import numpy as np, numbaexp
        numbaexp.exp_backward(np.ones(3), np.ones(3))
        numbaexp.exp_backward(1.0, np.ones(3))
        import ml_dtypes
        for n in (3, 100_000):
            x = np.ones(n, ml_dtypes.bfloat16)
            assert numbaexp.exp_backward(1.0, x).dtype == np.multiply(1.0, x).dtype
            assert numbaexp.exp_backward(x, x).dtype == ml_dtypes.bfloat16
            assert numbaexp.exp_backward(x.astype(np.float32), x).dtype == np.float32
    """)


def as_array(tensor):
    torch = pytest.importorskip("torch")
    return tensor.view(torch.uint16).numpy() if tensor.dtype is torch.bfloat16 else tensor.numpy()


@pytest.mark.by_form
@pytest.mark.parametrize("name", GRADIENTS)
def test_tensors_of_torch(name):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    function = getattr(numbaexp, name)
    for dtype in FLOATS:
        for n in (12, 60_000):
            generator = torch.Generator().manual_seed(n)
            g, x = (torch.randn(n, generator=generator).to(getattr(torch, dtype)).reshape(3, -1) for _ in range(2))
            arrays = as_array(g), as_array(x)
            of_numpy = bits_ufunc(name, "cpu") if dtype == "bfloat16" else function
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = function(g, x)
            assert result.dtype is g.dtype
            with np.errstate(all="ignore"):
                expected = of_numpy(*arrays)
            assert_same_bits(as_array(result), expected)
            assert torch.equal(function(g.T, x.T), result.T)
            assert torch.equal(function(g[:1].expand(3, -1), x), function(g[:1].repeat(3, 1), x))
            out = torch.empty_like(g)
            version = out._version
            assert function(g, x, out=out) is out
            assert torch.equal(out, result)
            assert out._version > version
            assert function(g, x, out=g) is g
            assert torch.equal(g, result)


def test_refused_of_torch():
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    g, x = torch.ones(4, 5), torch.ones(4, 5)
    for arguments, error, message in (
        ((g, np.ones((4, 5))), TypeError, "`grad_output` and `x` must be arrays of one library"),
        ((g, [1.0, 2.0]), TypeError, "`grad_output` and `x` must be arrays of one library"),
        ((1.0, x), TypeError, "`grad_output` and `x` must be arrays of one library"),
        ((np.ones((4, 5)), np.ones((4, 5)), x), TypeError, "`grad_output` and `out` must be arrays of one library"),
        ((g, x, np.ones((4, 5))), TypeError, "`grad_output` and `out` must be arrays of one library"),
        ((g, x[0]), ValueError, r"`grad_output` must be of the shape of `x`, \(5,\); got \(4, 5\)"),
        ((g, x.double()), TypeError, "`grad_output` must be of the type of `x`, float64; got float32"),
        ((g, x, g.T), ValueError, "`out` must be of the shape of"),
    ):
        with pytest.raises(error, match=message):
            numbaexp.sigmoid_backward(*arguments)
    memory = torch.ones(6)
    with pytest.raises(ValueError, match="`out` overlaps"):
        numbaexp.sigmoid_backward(memory[:5], torch.ones(5), out=memory[1:])
    with pytest.raises(ValueError, match="`out` overlaps"):
        numbaexp.sigmoid_backward(torch.ones(5), memory[:5], out=memory[1:])
    with pytest.raises(TypeError, match=r"^of a torch\.Tensor `sigmoid_backward` does not take `where`$"):
        numbaexp.sigmoid_backward(g, x, where=True)


def test_arrays_of_jax():
    jax = pytest.importorskip("jax", reason="the owner is a JAX array")
    for dtype in FLOATS[:3]:
        g, x = (jax.numpy.asarray(values, dtype) for values in np.random.default_rng(0).normal(size=(2, 3, 4)))
        for name in GRADIENTS:
            result = getattr(numbaexp, name)(g, x)
            assert isinstance(result, jax.Array)
            assert_same_bits(np.asarray(result), computed(name, np.asarray(g), np.asarray(x)))


def test_warnings_point_at_the_caller(run_script):
    run_script("""
        import numpy as np, numbaexp, warnings
        numbaexp.exp_backward(0.0, 0.0)
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("default")
            numbaexp.exp_backward(np.array([1e300]), np.array([1e300]))
        assert [warning.filename for warning in log] == ["<string>"]
    """)


def test_any_large_argument_starts_threads(run_script):
    run_script("""
        import numpy as np, numbaexp
        from numbaexp.cpu import pool
        numbaexp.exp_backward(np.ones(1), np.ones(2))
        assert not pool.RUNNING[0]
        numbaexp.exp_backward(np.ones(1), np.ones(100_000))
        assert pool.RUNNING[0]
    """)


def test_large_gradients_of_any_layout_use_threads(monkeypatch):
    """Of inputs that are broadcast too; NumPy takes what overlaps its result. Bits are those of one thread."""
    cut = []
    on_all_threads = blocks.on_all_threads
    monkeypatch.setattr(blocks, "on_all_threads", lambda *work: cut.append(1) or on_all_threads(*work))
    generator = np.random.default_rng(0)
    g, x = (generator.normal(size=(1100, 1000)).astype(np.float32)[:, :-1] for _ in range(2))
    out = np.zeros((999, 1100), np.float32).T
    compute = numbaexp.sigmoid_backward
    calls = [
        (True, lambda: compute(g, x)),
        (True, lambda: compute(g, x, out=out)),
        (True, lambda: compute(g, x, out=out.copy("K"), where=x > 0)),
        (True, lambda: compute(g, x, dtype=np.float64)),
        (True, lambda: compute(g, x.astype(np.float64))),
        (True, lambda: (given := g.copy(), compute(given, x, out=given))[1]),
        (True, lambda: compute(g[:1], x)),
        (True, lambda: compute(2.0, x)),
        (False, lambda: (given := g.copy(), compute(given, x[:, ::-1], out=given[:, ::-1]))[1]),
    ]
    for is_cut, call in calls:
        with numbaexp.use_target("cpu"):
            expected = call().copy()
        with numbaexp.use_target("parallel"):
            result = call()
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result, expected)
        assert bool(cut) == is_cut
        cut.clear()
    with (
        np.errstate(all="ignore", over="raise"),
        pytest.raises(FloatingPointError, match="encountered in exp_backward"),
    ):
        numbaexp.exp_backward(np.full_like(g, 1e30), np.full_like(x, 1e30))
