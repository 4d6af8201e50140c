"""Longdouble and complex arrays of NumPy, which formulas over NumPy's functions compute."""

import warnings

import ml_dtypes
import mpmath
import numpy as np
import pytest
from helpers import ELEMENTWISE, inside

import numbaexp
from numbaexp.cpu import formulas

LONGDOUBLE = np.finfo(np.longdouble)
PRECISION = {"g": LONGDOUBLE.nmant + 1, "F": 24, "D": 53, "G": LONGDOUBLE.nmant + 1}
OTHERS = "gFDG"
BY_FORMULA = ("exp10", "sigmoid", "softplus", "log_sigmoid", "logit")
ROWS = ("softmax", "log_softmax", "logsumexp")
# What the docstrings claim, in ulps.
CLAIMS = {"g": 4, "F": 1, "D": 8, "G": 8}
CLAIMS_OF_GRADIENTS = {"g": 8, "F": 2, "D": 12, "G": 12}
inf, nan = np.inf, np.nan

pytestmark = [
    pytest.mark.skipif(LONGDOUBLE.nmant not in (52, 63, 112), reason="no IEEE 754 format"),
    pytest.mark.sampled(code=("g", "D")),
]


def real_of(code):
    return np.empty(0, code).real.dtype


def exactly(x):
    """Return a number of NumPy's as mpmath's."""
    if np.iscomplexobj(x):
        return mpmath.mpc(exactly(x.real), exactly(x.imag))
    fraction, exponent = np.frexp(x)
    bits = LONGDOUBLE.nmant + 1
    return mpmath.ldexp(mpmath.mpf(int(np.ldexp(np.longdouble(fraction), bits))), int(exponent) - bits)


def ulps_between(result, exact, code, of=None):
    """Return the distance of a result from the exact value, in ulps of the magnitude of that or of another number."""
    size = max(abs(exact if of is None else of), exactly(np.finfo(real_of(code)).smallest_normal))
    _, exponent = mpmath.frexp(size)
    return float(mpmath.ldexp(abs(exactly(result) - exact), PRECISION[code] - exponent))


def logarithm_of_one_more(z):
    with mpmath.workprec(mpmath.mp.prec + 4 * int(abs(mpmath.re(z)))):
        return mpmath.log(1 + mpmath.exp(z))


EXACT = {
    "exp10": lambda z: mpmath.exp(z * mpmath.log(10)),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": logarithm_of_one_more,
    "log_sigmoid": lambda z: -logarithm_of_one_more(-z),
    "logit": lambda z: mpmath.log(z / (1 - z)),
    "exp_backward": lambda grad, y: grad * y,
    "exp2_backward": lambda grad, y: grad * y * mpmath.log(2),
    "exp10_backward": lambda grad, y: grad * y * mpmath.log(10),
    "expm1_backward": lambda grad, z: grad * mpmath.exp(z),
    "sigmoid_backward": lambda grad, z: grad / (2 * mpmath.cosh(z / 2)) ** 2,
    "softplus_backward": lambda grad, z: grad / (1 + mpmath.exp(-z)),
    "log_backward": lambda grad, z: grad / z,
    "log2_backward": lambda grad, z: grad / (z * mpmath.log(2)),
    "log10_backward": lambda grad, z: grad / (z * mpmath.log(10)),
    "log1p_backward": lambda grad, z: grad / (1 + z),
    "sinh_backward": lambda grad, z: grad * mpmath.cosh(z),
    "cosh_backward": lambda grad, z: grad * mpmath.sinh(z),
    "tanh_backward": lambda grad, z: grad / mpmath.cosh(z) ** 2,
    "log_sigmoid_backward": lambda grad, z: grad / (1 + mpmath.exp(z)),
    "logit_backward": lambda grad, z: grad / (z * (1 - z)),
}
GRADIENTS = tuple(name for name in EXACT if name.endswith("_backward"))


@pytest.fixture(autouse=True)
def _precision():
    with mpmath.workprec(400):
        yield


def numbers(code, n, seed=0):
    """Draw numbers of all magnitudes: in the range of exp, where its results are subnormal, next to the poles of the
    sigmoid, and tiny ones."""
    random, real = np.random.default_rng(seed), real_of(code)
    limit = float(np.log(np.finfo(real).max))

    def drawn(reach):
        parts = [random.normal(size=n), random.uniform(-reach, reach, n), random.normal(size=n) * 1e-6]
        x = np.concatenate([*parts, random.normal(size=n) * 10.0 ** random.uniform(-30, 0, n)]).astype(real)
        return random.permutation(x * (1 + random.normal(size=x.size).astype(real) * np.finfo(real).eps))

    below = random.uniform(-1.04 * limit, -limit, n).astype(real)
    if code == "g":
        return np.concatenate([drawn(limit), below])
    pi = 4 * np.arctan(np.longdouble(1))
    odd = 2 * random.integers(-50, 50, n) + 1
    poles = np.empty(2 * n, code)
    poles.real = np.concatenate([below, random.normal(size=n) * 10.0 ** random.uniform(-18, 0, n)])
    poles.imag[:n] = random.normal(size=n)
    poles.imag[n:] = odd * pi + random.normal(size=n) * 10.0 ** random.uniform(-18, 0, n)
    x = drawn(limit).astype(code)
    x.imag = drawn(1e4)
    return np.concatenate([x, poles])


def worst(name, code, *arguments):
    """Return the greatest error of a function, of finite results, in ulps."""
    with np.errstate(all="ignore"):
        results = getattr(numbaexp, name)(*arguments)
    assert results.dtype == arguments[0].dtype
    greatest = exactly(np.finfo(real_of(code)).max)
    errors = [0.0]
    for *given, result in zip(*arguments, results, strict=True):
        exact = EXACT[name](*map(exactly, given))
        if np.isfinite(result):
            errors.append(ulps_between(result, exact, code))
        else:
            assert abs(exact) > greatest / 2
    return max(errors)


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("function", BY_FORMULA)
def test_accuracy(function, code):
    x = numbers(code, 60)
    if function == "exp10":
        x = (x / np.log(real_of(code).type(10))).astype(code)
    if function == "logit":
        near = np.random.default_rng(2).normal(size=x.size) * 10.0 ** np.random.default_rng(3).uniform(-15, 0, x.size)
        x = np.concatenate([inside("logit", x) if code == "g" else x, (0.5 + near).astype(code)])
        x = x[(x > 0) & (x < 1)] if code == "g" else x
    assert worst(function, code, x) <= CLAIMS[code]


@pytest.mark.parametrize("code", "FDG")
def test_powers_of_ten_of_large_angles(code):
    angles = np.linspace(1, 2**30, 100).astype(real_of(code))
    assert worst("exp10", code, (1 + 1j * angles).astype(code)) <= CLAIMS[code]


@pytest.mark.by_form
@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("function", GRADIENTS)
def test_accuracy_of_gradients(function, code):
    saved = numbers(code, 30)
    grad = np.random.default_rng(1).normal(size=saved.size).astype(code)
    if code != "g":
        grad.imag = np.random.default_rng(2).normal(size=saved.size)
    assert worst(function, code, grad, saved) <= CLAIMS_OF_GRADIENTS[code]


@pytest.mark.parametrize("function", ["sigmoid_backward", "softplus_backward", "expm1_backward"])
def test_gradients_underflow_with_the_result_alone(function):
    tiny, huge = np.longdouble(-12000), LONGDOUBLE.max
    assert LONGDOUBLE.maxexp < 16384 or worst(function, "g", np.array([huge]), np.array([tiny])) <= 8


# Rows.


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize(("length", "scale", "shift"), [(2, 1, 0), (7, 30, -60), (300, 30, 0), (3000, 1, 0)])
def test_accuracy_of_rows(code, length, scale, shift):
    for seed in range(1 if length > 7 else 20):
        random = np.random.default_rng(seed)
        x = (random.normal(size=length).astype(np.longdouble) * scale + shift).astype(code)
        if code != "g":
            x.imag = random.normal(size=length) * scale
        powers = [mpmath.exp(exactly(each)) for each in x]
        total = mpmath.fsum(powers)
        logarithm, cancelled = mpmath.log(total), float(mpmath.fsum(map(abs, powers)) / abs(total))
        for result, exact in zip(numbaexp.softmax(x), powers, strict=True):
            assert ulps_between(result, exact / total, code) <= 8 * cancelled
        for result, each in zip(numbaexp.log_softmax(x), x, strict=True):
            exact = exactly(each) - logarithm
            turns = mpmath.nint((exactly(result) - exact).imag / (2 * mpmath.pi)) if code != "g" else 0
            assert ulps_between(result, exact + turns * 2j * mpmath.pi, code) <= 8 * cancelled
        of = max(abs(logarithm), abs(exactly(x[np.argmax(x)])))
        assert ulps_between(numbaexp.logsumexp(x), logarithm, code, of) <= 4 * cancelled


def sample(code, shape=(3, 4, 5)):
    random = np.random.default_rng(0)
    x = (random.normal(size=shape) * 10).astype(code)
    if code != "g":
        x.imag = random.normal(size=shape)
    return x


def tolerance(code):
    return 8 * float(np.finfo(real_of(code)).eps)


def assert_close(result, expected, code):
    assert np.asarray(result).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(result, expected, rtol=10 * tolerance(code), atol=10 * tolerance(code))


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_axes(axis, code):
    x = sample(code)
    powers = np.exp(x - x.real.max())
    total = powers.sum(axis, keepdims=True)
    assert_close(numbaexp.softmax(x, axis), powers / total, code)
    assert_close(np.exp(numbaexp.log_softmax(x, axis)), powers / total, code)
    for keepdims in (False, True):
        of_rows = numbaexp.logsumexp(x, axis, keepdims=keepdims)
        assert_close(np.exp(of_rows - x.real.max()), powers.sum(axis, keepdims=keepdims), code)
        grad = np.ones_like(of_rows)
        assert_close(numbaexp.logsumexp_backward(grad, x, axis), powers / total, code)


@pytest.mark.parametrize("code", OTHERS)
def test_gradients_of_rows(code):
    x, grad = sample(code, (4, 6)), sample(code, (6, 4)).T
    y, of_logarithm = numbaexp.softmax(x, 0), numbaexp.log_softmax(x, 0)
    expected = (grad - (grad * y).sum(0)) * y
    assert_close(numbaexp.softmax_backward(grad, y, 0), expected, code)
    assert_close(numbaexp.log_softmax_backward(grad, of_logarithm, 0), grad - y * grad.sum(0), code)
    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape of `output`, \(4, 6\); got \(6, 4\)$"):
        numbaexp.softmax_backward(grad.T, y, 0)
    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape \(6,\) or \(1, 6\); got \(4, 6\)$"):
        numbaexp.logsumexp_backward(grad, x, 0)


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("function", ROWS)
def test_where_counts_no_masked_element(function, code):
    x, compute = sample(code, (4, 6)), getattr(numbaexp, function)
    mask = np.array([1, 0, 1, 1, 0, 1], bool)
    x[:, ~mask] = nan
    result, expected = compute(x, 1, where=mask), compute(x[:, mask], 1)
    if function == "logsumexp":
        assert_close(result, expected, code)
        assert compute(x, 1, where=False).tolist() == [-inf] * 4
        b = np.where(mask, np.arange(1, 7.0), nan)
        assert_close(compute(x, 1, where=mask, b=b), compute(x[:, mask], 1, b=b[mask]), np.result_type(x, b).char)
        return
    assert_close(result[:, mask], expected, code)
    assert (result[:, ~mask] == (0 if function == "softmax" else -inf)).all()
    out = np.full((4, 6), 7, np.clongdouble)
    assert compute(x, 1, where=mask, out=out) is out
    np.testing.assert_array_equal(out, result)


def test_out_and_dtype():
    x = sample("D", (3, 4))
    with pytest.raises(TypeError, match=r"^`out` must be of a type that complex128 can be cast to; got float64$"):
        numbaexp.softmax(x, out=np.empty((3, 4)))
    with pytest.raises(ValueError, match=r"^`out` must be of the shape of the result, \(3, 4\); got \(4,\)$"):
        numbaexp.softmax(x, out=np.empty(4, complex))
    inside = x.copy()
    assert numbaexp.softmax(inside, 0, out=inside) is inside
    np.testing.assert_array_equal(inside, numbaexp.softmax(x, 0))
    real = np.arange(4.0)
    np.testing.assert_array_equal(numbaexp.softmax(real, dtype="g"), numbaexp.softmax(real.astype("g")))
    np.testing.assert_array_equal(numbaexp.softmax(real.astype("g"), dtype="f"), numbaexp.softmax(real.astype("f")))
    np.testing.assert_array_equal(numbaexp.softmax(real, dtype=complex), numbaexp.softmax(real.astype(complex)))
    with pytest.raises(TypeError, match=r"^`dtype` must be complex, as the argument is; got "):
        numbaexp.softmax(x, dtype="g")
    with pytest.raises(TypeError, match=r"^`x` must be of type float16, .*; got complex128$"):
        numbaexp.softmax(x, dtype="f")


def test_byte_order_and_strides():
    for code in OTHERS:
        x = sample(code, (6, 8))
        swapped = x.astype(x.dtype.newbyteorder())
        assert numbaexp.softmax(x.real, dtype=swapped.dtype).dtype == x.dtype
        for function in (numbaexp.softmax, numbaexp.sigmoid):
            result = function(swapped)
            assert result.dtype == x.dtype
            np.testing.assert_array_equal(result, function(x))
            np.testing.assert_allclose(function(x[::-2, 1::3]), function(x[::-2, 1::3].copy()), rtol=tolerance(code))


@pytest.mark.parametrize(
    ("a", "b", "dtype", "of_sign"),
    [
        (np.float32(1), 1j, "f", "F"),
        (np.float64(1), np.complex64(1j), "d", "D"),
        (np.complex64(1), 2.0, "f", "F"),
        (np.complex64(1), np.float64(2), "d", "D"),
        (np.float32(1), np.longdouble(2), "g", "g"),
        (ml_dtypes.bfloat16(1), np.complex64(2), "f", "F"),
        (3, np.longdouble(2), "g", "g"),
    ],
)
def test_types_of_a_and_b(a, b, dtype, of_sign):
    logarithm, sign = numbaexp.logsumexp([a, a] if type(a) is int else np.array([a, a]), b=b, return_sign=True)
    assert (logarithm.dtype, sign.dtype) == (np.dtype(dtype), np.dtype(of_sign))
    assert numbaexp.logsumexp(np.array([a, a]), b=b).dtype == np.dtype(of_sign)


@pytest.mark.parametrize("code", "gDG")
def test_factors(code):
    """Against the sum itself; the sign of a complex sum is its phase, and its logarithm the principal one."""
    random, a = np.random.default_rng(3), sample(code, (4, 50)) / 10
    for b in (random.normal(size=50), random.normal(size=(4, 50)) + 1j * random.normal(size=50)):
        kind = np.result_type(a, b)
        total = (b * np.exp(a)).sum(1).astype(kind)
        logarithm, sign = numbaexp.logsumexp(a, 1, b=b, return_sign=True)
        assert_close(logarithm, np.log(np.abs(total)), code)
        assert_close(sign, total / np.abs(total), code)
        result = numbaexp.logsumexp(a, 1, b=b)
        if kind.kind == "c":
            assert_close(np.exp(result), total, code)
            assert (np.abs(result.imag) <= np.pi).all()
        else:
            np.testing.assert_array_equal(np.isnan(result), total < 0)


@pytest.mark.parametrize("code", OTHERS)
def test_special_rows(code):
    """As of float64, but that a complex infinity has no phase."""
    for row in ([inf, 1], [-inf, -inf], [nan, 1], [-inf, 2], [inf, inf], [inf, -inf], [-inf], [3]):
        x, of_float64 = np.array(row, code), np.array(row)
        for function in ROWS:
            result, expected = getattr(numbaexp, function)(x), getattr(numbaexp, function)(of_float64)
            np.testing.assert_array_equal(result.real, expected)
        gradient = numbaexp.logsumexp_backward(1.0, x)
        np.testing.assert_array_equal(gradient.real, numbaexp.logsumexp_backward(1.0, of_float64))
    for a, b in (([1, 1], [1, -1]), ([1, 2], [inf, 1]), ([1, 2], [nan, 1]), ([inf, 2], [0, 1]), ([1, 2], [0, 0])):
        result = numbaexp.logsumexp(np.array(a, code), b=np.array(b, float), return_sign=True)
        expected = numbaexp.logsumexp(np.array(a, float), b=np.array(b, float), return_sign=True)
        np.testing.assert_array_equal([each.real for each in result], expected)
    large = numbaexp.logsumexp(np.array([1e5, 1e5], "g"), b=[1, -3], return_sign=True)
    assert large == (1e5 + np.log(np.longdouble(2)), -1)


@pytest.mark.parametrize("code", OTHERS)
def test_rows_without_elements(code):
    empty = np.empty((0, 3), code)
    assert numbaexp.softmax(empty).shape == (0, 3)
    assert numbaexp.log_softmax(empty, 0).dtype == empty.dtype
    logarithm, sign = numbaexp.logsumexp(empty, 0, return_sign=True)
    assert (logarithm.tolist(), sign.tolist()) == ([-inf] * 3, [0] * 3)
    assert numbaexp.logsumexp(empty, 1).shape == (0,)
    assert numbaexp.softmax(empty.dtype.type(3)) == 1
    assert numbaexp.logsumexp(empty.dtype.type(3)) == 3


def test_against_scipy():
    special = pytest.importorskip("scipy.special")
    x = np.linspace(-40, 40, 101).astype("g")
    np.testing.assert_allclose(numbaexp.expit(x), special.expit(x), rtol=1e-17)
    for code in "gFDG":
        x, b = sample(code), np.random.default_rng(1).normal(size=(3, 4, 5))
        for ours, theirs in zip(
            numbaexp.logsumexp(x, 1, b=b, return_sign=True),
            special.logsumexp(x, 1, b=b, return_sign=True),
            strict=True,
        ):
            assert_close(ours, theirs, "D")
        of_rows = numbaexp.logsumexp(x, 1), numbaexp.softmax(x, 1)
        for ours, theirs in zip(of_rows, (special.logsumexp(x, 1), special.softmax(x, 1)), strict=True):
            assert_close(ours, theirs, "F" if code == "F" else "D")


# Elementwise functions: special values and flags.

SPECIAL = {
    "exp10": {-inf: 0, inf: inf, 0: 1, 2: 100},
    "sigmoid": {-inf: 0, inf: 1, 0: 0.5},
    "softplus": {-inf: 0, inf: inf},
    "log_sigmoid": {-inf: -inf, inf: 0},
    "logit": {0.5: 0, 0.0: -inf, 1.0: inf},
}


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("function", BY_FORMULA)
def test_special_values(function, code):
    given = np.array(list(SPECIAL[function]), code)
    with np.errstate(divide="ignore"):
        result = getattr(numbaexp, function)(given)
    np.testing.assert_array_equal(result, np.array(list(SPECIAL[function].values()), code))
    assert np.isnan(getattr(numbaexp, function)(np.array([nan], code))).all()


@pytest.mark.parametrize("function", BY_FORMULA)
def test_real_numbers_stay_real(function):
    compute, x = getattr(numbaexp, function), np.array([-3, 0.5, 800, -800], "g")
    x = inside(function, x) if function == "logit" else x
    with np.errstate(all="ignore"):
        result = compute(x.astype("G"))
    np.testing.assert_allclose(result.real, compute(x), rtol=tolerance("g"))
    assert (result.imag == 0).all()


def test_infinite_real_parts():
    for y in (0.0, -2.0, 1e300, inf, nan):
        left, right = complex(-inf, y), complex(inf, y)
        assert numbaexp.sigmoid(left) == numbaexp.softplus(left) == numbaexp.exp10(left) == 0
        assert numbaexp.sigmoid(right) == 1
        with np.errstate(invalid="ignore"):
            assert numbaexp.softplus(right).real == inf


RAISED = {
    "exp10 overflows": ("exp10", [5000], "g", {"overflow"}),
    "exp10 underflows": ("exp10", [-5000], "g", {"underflow"}),
    "complex exp10 overflows": ("exp10", [400 + 1j], "D", {"overflow"}),
    "complex exp10 underflows": ("exp10", [-400 + 1j], "D", {"underflow"}),
    "both": ("exp10", [400, 1, -400], "D", {"overflow", "underflow"}),
    "no angle": ("exp10", [complex(0, inf)], "D", {"invalid value"}),
    "sigmoid underflows": ("sigmoid", [-12000], "g", {"underflow"}),
    "complex64 underflows": ("sigmoid", [-100 + 1j], "F", {"underflow"}),
    "softplus underflows": ("softplus", [-800], "D", {"underflow"}),
    "nothing in sigmoid": ("sigmoid", [800, -700, 1e300, inf, -inf, nan, 0], "D", set()),
    "nothing in softplus": ("softplus", [11000, -11000, 1e300, inf, -inf, nan, 0], "g", set()),
    "a pole": ("logit", [0, 0.25], "g", {"divide by zero"}),
    "no logit": ("logit", [2, 0.25], "g", {"invalid value"}),
    "nothing in logit": ("logit", [0.5, 1e-300, 0.25, nan], "g", set()),
    "nothing in log_sigmoid": ("log_sigmoid", [-11000, 11000, -1e300, inf, -inf, nan, 0], "g", set()),
    "nothing in exp10": ("exp10", [300, -300, inf, -inf, nan], "D", set()),
}


@pytest.mark.skipif(LONGDOUBLE.maxexp < 16384, reason="longdouble is float64")
@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("case", RAISED)
def test_flags(case, size):
    function, given, code, expected = RAISED[case]
    x, raised = np.resize(np.array(given, code), max(size, len(given))), set()
    with np.errstate(all="call", call=lambda kind, _: raised.add(kind)):
        getattr(numbaexp, function)(x)
    assert raised == expected


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        ("softplus_backward", (LONGDOUBLE.max, 1), set()),
        ("softplus_backward", (inf, -inf), {"invalid value"}),
        ("expm1_backward", (LONGDOUBLE.max, 1), {"overflow"}),
        ("sigmoid_backward", (0, -20000), set()),
        ("sigmoid_backward", (LONGDOUBLE.smallest_normal, 1), {"underflow"}),
        ("exp_backward", (LONGDOUBLE.smallest_subnormal, 1), set()),
        ("log_backward", (1, 0), {"divide by zero"}),
        ("log_backward", (0, 0), {"invalid value"}),
        ("log10_backward", (LONGDOUBLE.max, 0.5), set()),
        ("log10_backward", (LONGDOUBLE.max, 0.125), {"overflow"}),
        ("cosh_backward", (LONGDOUBLE.max, 0), set()),
        ("logit_backward", (1, 1), {"divide by zero"}),
    ],
)
def test_flags_of_gradients(function, arguments, expected):
    raised = set()
    with np.errstate(all="call", call=lambda kind, _: raised.add(kind)):
        getattr(numbaexp, function)(*map(np.longdouble, arguments))
    assert raised == expected


def test_flags_of_casts_are_kept():
    """Though the functions of the formulas lower flags: of the buffers of a call, the first is cast from a NaN."""
    x = np.zeros(20_000, np.longdouble)
    x[0] = nan
    with (
        np.errstate(invalid="raise"),
        pytest.raises(FloatingPointError, match=r"^invalid value encountered in sigmoid$"),
    ):
        numbaexp.sigmoid(x, out=np.empty(x.size, np.int64), casting="unsafe")


# Conventions.


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("function", BY_FORMULA)
def test_conventions_of_ufuncs(function, code):
    made, x = getattr(numbaexp, function), sample(code, (4, 6)) / 10
    if function == "logit" and code == "g":
        x = inside(function, x)
    expected = made(x)
    out = np.full(x.shape, 7, code)
    assert made(x, out=out, where=x.real > 0) is out
    np.testing.assert_array_equal(out, np.where(x.real > 0, expected, 7))
    changed = x.copy()
    assert getattr(numbaexp, f"{function}_")(changed) is changed
    np.testing.assert_array_equal(changed, expected)
    made.at(changed := x[0].copy(), [1, 3])
    np.testing.assert_allclose(changed[[1, 3]], expected[0, [1, 3]], rtol=tolerance(code))
    assert made.resolve_dtypes((x.dtype, None)) == (x.dtype, x.dtype)
    assert made(np.float32([0.5]), dtype=code).dtype == x.dtype
    assert type(made(x[0, 0])) is x.dtype.type
    assert made(x, out=np.empty(x.shape, np.clongdouble)).dtype == np.clongdouble
    if code != "g":
        with pytest.raises(TypeError, match="Cannot cast ufunc"):
            made(x, out=np.empty(x.shape))


@pytest.mark.parametrize("size", [100_000, (1 << 19) + 1])
def test_large_arrays_go_in_blocks(size):
    x = np.linspace(-50, 50, size).astype("g")
    result = numbaexp.sigmoid(x)
    step = size // 1000
    np.testing.assert_array_equal(result[::step], numbaexp.sigmoid(x[::step]))
    np.testing.assert_array_equal(numbaexp.sigmoid(np.repeat(x, 2)[::2]), result)


def test_every_function_takes_every_type():
    for code in OTHERS:
        half = np.full(2, 0.5, code)
        for function in ELEMENTWISE:
            assert getattr(numbaexp, function)(half).dtype == half.dtype
            assert getattr(numbaexp, f"{function}_backward")(half, half).dtype == half.dtype
            assert getattr(numbaexp, f"{function}_backward")(1.0, half).dtype == half.dtype


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_errors_in_a_formula_reach_the_caller(monkeypatch, error):
    def refuse(x):
        raise error

    monkeypatch.setitem(formulas._OF_BOTH, "sigmoid", refuse)
    for n in (3, 10_000):
        with pytest.raises(error):
            numbaexp.sigmoid(np.ones(n, "g"))
    monkeypatch.undo()
    assert numbaexp.sigmoid(np.zeros(1, "g")) == 0.5


def test_no_warnings_are_left_on():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbaexp.softmax(np.array([1e4, -1e4, 0], "g"))
        numbaexp.logsumexp(np.array([-inf, 0j]))
    assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


# Types that are not taken.


@pytest.mark.parametrize("function", ROWS)
def test_a_type_that_numpy_converts_is_told_how(function):
    name = "a" if function == "logsumexp" else "x"
    message = (
        f"`{name}` must be of type float16, bfloat16, float32, float64, integers or bool; got float8_e4m3fn: "
        f"convert it, `{name}.astype(np.float32)`"
    )
    with pytest.raises(TypeError) as raised:
        getattr(numbaexp, function)(np.zeros(3, ml_dtypes.float8_e4m3fn))
    assert str(raised.value) == message


def test_elementwise_functions_convert_it():
    x = np.zeros(3, ml_dtypes.float8_e4m3fn)
    assert numbaexp.exp(x).dtype == numbaexp.sigmoid(x).dtype == np.float32
