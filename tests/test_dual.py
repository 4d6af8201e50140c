"""Numbers of users' functions: what is computed has the bits of each step, and derivatives are those of every order."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from dual_calls import over_arrays
from helpers import differing
from numba import TypingError

import numbaexp
from numbaexp.dual.derivatives import make_backward, make_backward_by, make_tangent, make_tangent_by
from numbaexp.dual.functions import FUNCTIONS
from numbaexp.dual.scalars import OF_TWO
from numbaexp.jit import jit
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.wide import WIDE

exp, exp2, exp10, expm1 = (FUNCTIONS[name] for name in ("exp", "exp2", "exp10", "expm1"))
sigmoid, softplus, log_sigmoid, logit = (FUNCTIONS[name] for name in ("sigmoid", "softplus", "log_sigmoid", "logit"))
log, log2, log10, log1p = (FUNCTIONS[name] for name in ("log", "log2", "log10", "log1p"))
sinh, cosh, tanh = (FUNCTIONS[name] for name in ("sinh", "cosh", "tanh"))
pytestmark = pytest.mark.thorough
KINDS = {"float32": np.float32, "float64": np.float64, "wide": np.float64}
GENERATOR = np.random.default_rng(20)
for_each_kind = pytest.mark.parametrize("kind", KINDS)


def odd_floats(number, count=2000):
    """Arrays of floats of all magnitudes, with special values in all pairs."""
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 3.4e38]
    pairs = np.array(list(itertools.product(special, repeat=2))).T
    magnitude = 2.0 ** GENERATOR.uniform(-60, 60, (2, count))
    return np.concatenate([pairs, magnitude * GENERATOR.choice([-1, 1], (2, count))], 1).astype(number)


def all_same(found, expected):
    """Tell whether arrays have the same bits, but for those of NaN."""
    return not any(differing(*pair).any() for pair in zip(found, expected, strict=True))


@jit
def steps(x, y):
    return x + y, x - y, x * y, x / y, -x, +x, abs(x), math.sqrt(abs(y)), x**2, x**5, x**-3, x**0


@jit
def steps_in_place(x, y):
    a = b = c = d = x
    a += y
    b -= y
    c *= y
    d /= y
    return a, b, c, d, math.fabs(x), np.abs(y), np.sqrt(y * y)


@for_each_kind
def test_each_step_is_rounded_once(kind):
    x, y = odd_floats(KINDS[kind])
    with np.errstate(all="ignore"):
        square = x * x
        root = np.sqrt(abs(y))
        expected = [x + y, x - y, x * y, x / y, -x, x, abs(x), root, square, square * square * x]
        expected += [1 / (square * x), np.ones_like(x)]
        in_place = [x + y, x - y, x * y, x / y, abs(x), abs(y), np.sqrt(y * y)]
    assert all_same(over_arrays(steps, 2, 12, kind)(x, y), expected)
    assert all_same(over_arrays(steps_in_place, 2, 7, kind)(x, y), in_place)


@jit
def choices(x, y):
    bits = 0.0
    if x < y:
        bits += 1
    if x <= y:
        bits += 2
    if x > y:
        bits += 4
    if x >= y:
        bits += 8
    if x == y:
        bits += 16
    if x != y:
        bits += 32
    if x:
        bits += 64
    if not y:
        bits += 128
    if 0 < x < 1 or y > 2.5:
        bits += 256
    return bits, min(x, y), max(x, y), min(x, 1.0, y), max(2, x, y, 0.5), x if x > 0 else expm1(x) * 1


@for_each_kind
def test_choices(kind):
    """Python's comparisons, also beside NaN, and Python's ``min`` and ``max``."""
    x, y = odd_floats(KINDS[kind])
    expected = []
    for a, b in zip(x, y, strict=True):
        conditions = (a < b, a <= b, a > b, a >= b, a == b, a != b, bool(a), not b, 0 < a < 1 or b > 2.5)
        bits = sum(2**place for place, condition in enumerate(conditions) if condition)
        expected.append([bits, min(a, b), max(a, b), min(a, 1.0, b), max(2, a, b, 0.5)])
    *found, elu = over_arrays(choices, 2, 6, kind)(x, y)
    assert all_same(found, [np.array(column, KINDS[kind]) for column in zip(*expected, strict=True)])
    assert all_same([elu[x > 0]], [x[x > 0]])


@jit
def constants(x):
    total = 0.0
    for i in range(5):
        total += 0.1 * i * x
    return -0.5 * x + 1 / 3, total, 2 - x, True * x, 7, 0.25, exp(0.3) * x


@for_each_kind
def test_constants_do_not_widen(kind):
    """They and counters take the kind of the number; a result may be a constant."""
    number = KINDS[kind]
    x = GENERATOR.normal(size=1000).astype(number)
    total = number(0)
    for i in range(5):
        total += number(0.1 * i) * x
    expected = [number(-0.5) * x + number(1 / 3), total, 2 - x, x, 0 * x + 7, 0 * x + number(0.25)]
    expected.append(number(numbaexp.exp(0.3)) * x)
    assert all_same(over_arrays(constants, 1, 7, kind)(x), expected)


@jit
def swapped(pair, condition):
    return (pair[1], 0.0) if condition else (2, pair[0])


@jit
def joined(x, n, y):
    """Variables that are a constant in one branch, and a number, or another dual number, in the other."""
    first, second = swapped((x, y), x > y)
    each = x
    for _ in range(2):
        each = each * y
    if x > 1:
        total = x * y
    elif y > 1:
        total = y
    else:
        total = 0
    while total > 4:
        total = 0.5 * total
    return first, second, each, total + n


def test_joins():
    x, n, y = GENERATOR.uniform(-3, 3, (3, 500))
    first, second = np.where(x > y, (y, np.zeros(500)), (np.full(500, 2.0), x))
    total = np.where(x > 1, x * y, np.where(y > 1, y, 0))
    slope = np.where(x > 1, x, np.where(y > 1, 1, 0))
    while (total > 4).any():
        halved = np.where(total > 4, 0.5, 1.0)
        total, slope = total * halved, slope * halved
    expected = [first, second, x * y * y, total + n]
    assert all_same(over_arrays(joined, 3, 4)(x, n, y), expected)
    # By y; nothing is n's.
    backward = over_arrays(make_backward(joined, 4, 3, (1, 2)), 7, 2)
    by_n, by_y = backward(0, 0, 0, 1, x, n, y)
    assert np.all(by_n == 1)
    assert np.array_equal(by_y, slope)


def every_function():
    """Return a function of all results."""
    names = dict(FUNCTIONS)
    exec(f"def every(x):\n    return {', '.join(f'{name}(x)' for name in FAMILY)}", names)
    return jit(names["every"])


def test_all_functions_are_there():
    assert FUNCTIONS.keys() - set(OF_TWO) == WIDE.keys() == FAMILY.keys()


@pytest.mark.checked(kind=("float32", "wide"))
@for_each_kind
def test_functions(kind):
    """They are correctly rounded, in wide numbers once these are narrowed."""
    x = np.concatenate([odd_floats(np.float32)[0], GENERATOR.uniform(-30, 30, 20000).astype(np.float32)])
    x = x.astype("float64" if kind == "float64" else "float32")
    with np.errstate(all="ignore"):
        expected = [getattr(numbaexp, name)(x) for name in FAMILY]
        found = [each.astype(x.dtype) for each in over_arrays(every_function(), 1, len(FAMILY), kind)(x)]
    assert all_same(found, expected)


@jit
def smooth(x, y):
    z = (x - y) / (1 + x * x)
    bases = exp2(x) * expm1(y) + exp10(-abs(x * y))
    return exp(-0.5 * z * z) * sigmoid(x) + softplus(y * z) / math.sqrt(2 + y * y) + x**3 * y**-2 + bases


def exactly_smooth(x, y):
    z = (x - y) / (1 + x * x)
    bases = 2**x * mpmath.expm1(y) + mpmath.mpf(10) ** -abs(x * y)
    return (
        bases
        + mpmath.exp(-z * z / 2) / (1 + mpmath.exp(-x))
        + mpmath.log(1 + mpmath.exp(y * z)) / mpmath.sqrt(2 + y * y)
        + x**3 / y**2
    )


@jit
def logarithmic(x, y):
    of_y = log(y * y) * tanh(x) + log10(0.5 + y * y) * sinh(x) + logit(0.25 * y * y)
    return of_y + log2(1 + x * x) * cosh(y) + log1p(x * x) * log_sigmoid(x - y)


def exactly_logarithmic(x, y):
    of_y = mpmath.log(y * y) * mpmath.tanh(x) + mpmath.log10(0.5 + y * y) * mpmath.sinh(x)
    bounded = mpmath.log(y * y / 4 / (1 - y * y / 4)) - mpmath.log(1 + x * x) * mpmath.log(1 + mpmath.exp(y - x))
    return of_y + mpmath.log(1 + x * x, 2) * mpmath.cosh(y) + bounded


POINTS = [(0.7, 1.3), (-1.25, 0.8), (2.5, -1.5), (0.01, 0.6)]


TOLERANCES = {"float64": 2e-13, "wide": 2e-13, "float32": 2e-4}


def check_derivatives(kind, exact, found):
    """Compare derivatives at the points, by their orders."""
    for orders, values in found.items():
        with mpmath.workdps(60):
            exact_points = [tuple(map(mpmath.mpf, KINDS[kind](point).tolist())) for point in POINTS]
            expected = np.array([float(mpmath.diff(exact, point, orders)) for point in exact_points])
        assert np.abs(values - expected).max() <= TOLERANCES[kind] * np.abs(expected).max(), orders


def derivatives_to_the_second_order(function, kind):
    """Return the derivatives by their orders, and the functions of the gradients of the first and of the second."""
    first = make_backward(function, 1, 2, (0, 1))
    # By x again, of the gradients of (g, x, y): the derivatives by x twice and by x and y.
    second = make_backward(first, 2, 3, (1,))
    x, y = np.array(POINTS).T
    (value,) = over_arrays(function, 2, kind=kind)(x, y)
    by_x, by_y = over_arrays(first, 3, 2, kind)(1, x, y)
    twice, mixed = (over_arrays(second, 5, 1, kind)(*weights, 1, x, y)[0] for weights in ((1, 0), (0, 1)))
    return {(0, 0): value, (1, 0): by_x, (0, 1): by_y, (2, 0): twice, (1, 1): mixed}, second


@pytest.mark.checked(kind=("float32", "wide"))
@for_each_kind
def test_derivatives_to_the_third_order(kind):
    found, second = derivatives_to_the_second_order(smooth, kind)
    third = make_backward(second, 1, 5, (3, 4))
    found[3, 0], found[2, 1] = over_arrays(third, 6, 2, kind)(1, 1, 0, 1, *np.array(POINTS).T)
    check_derivatives(kind, exactly_smooth, found)


@pytest.mark.parametrize("kind", ["float32", "wide", pytest.param("float64", marks=pytest.mark.whole)])
def test_derivatives_of_logarithms(kind):
    check_derivatives(kind, exactly_logarithmic, derivatives_to_the_second_order(logarithmic, kind)[0])


def test_tangents_agree_with_gradients():
    x, y, t, s, g = GENERATOR.uniform(0.3, 2, (5, 200))
    by_x, by_y = over_arrays(make_backward(smooth, 1, 2, (0, 1)), 3, 2)(1, x, y)
    tangent = make_tangent(smooth, 1, 2, (1, 0))
    assert np.allclose(over_arrays(tangent, 4)(s, t, x, y)[0], by_x * t + by_y * s, rtol=1e-13)
    assert np.allclose(over_arrays(make_tangent(smooth, 1, 2, (1,)), 3)(s, x, y)[0], by_y * s, rtol=1e-13)

    # The tangent of the gradient is the gradient of the tangent.
    of_gradient = make_tangent(make_backward(smooth, 1, 2, (0, 1)), 2, 3, (1, 2))
    of_tangent = make_backward(tangent, 1, 4, (2, 3))
    found = over_arrays(of_gradient, 5, 2)(t, s, g, x, y)
    for pair in zip(found, over_arrays(of_tangent, 5, 2)(g, s, t, x, y), strict=True):
        assert np.allclose(*pair, rtol=1e-12)


@jit
def two(x, y):
    return exp(x) * y, x


@jit
def gradient_of_two(g, h, first, second, x, y):
    return g * first + h, g * exp(second)


@jit
def gradient_of_square(g, square, x):
    return g * 2 * x


def test_a_given_gradient():
    """It is used, and the tangent comes from it; either can be differentiated again."""
    x, y, g, h, t = GENERATOR.uniform(0.3, 2, (5, 200))
    pairs = [
        (make_backward_by(gradient_of_two, two, 2, 2, (1, 0)), make_backward(two, 2, 2, (1, 0)), (g, h, x, y)),
        (make_tangent_by(gradient_of_two, two, 2, 2, (1, 0)), make_tangent(two, 2, 2, (1, 0)), (g, t, x, y)),
    ]
    for given, derived, args in pairs:
        inputs = len(args)
        for found, expected in zip(*(over_arrays(each, inputs, 2)(*args) for each in (given, derived)), strict=True):
            assert np.allclose(found, expected, rtol=1e-14)
        twice = (make_backward(each, 2, inputs, (inputs - 2,)) for each in (given, derived))
        assert np.allclose(*(over_arrays(each, 2 + inputs)(1, 1, *args) for each in twice), rtol=1e-14)
    square = jit(lambda x: x * x)
    assert np.allclose(over_arrays(make_backward_by(gradient_of_square, square, 1, 1, (0,)), 2)(g, x)[0], 2 * g * x)
    assert np.allclose(over_arrays(make_tangent_by(gradient_of_square, square, 1, 1, (0,)), 2)(t, x)[0], 2 * t * x)


@jit
def critical(x):
    return sigmoid(x), softplus(x), expm1(x), abs(x), max(-1, min(x, 1.0)), math.sqrt(x)


def test_derivatives_at_borders():
    x = np.array([-800.0, -700, -40, -2, -0.0, 0, 0.5, 2, 40, 700, 800, np.inf, np.nan])
    # A tangent of 1: the derivatives.
    *found, of_root = over_arrays(make_tangent(critical, 6, 1, (0,)), 2, 6)(1, x)
    with np.errstate(all="ignore"):
        expected = [numbaexp.sigmoid(x) * numbaexp.sigmoid(-x), numbaexp.sigmoid(x), numbaexp.exp(x), np.sign(x)]
        expected[3] += 0.0
    # That of what was chosen; a constant has none.
    expected.append(np.where(abs(x) < 1, 1.0, 0.0))
    for each, exactly in zip(found, expected, strict=True):
        assert np.array_equal(each, exactly, equal_nan=True)
    assert found[0][9] > 0
    assert np.array_equal(of_root[[4, 5, 6]], [-np.inf, np.inf, 0.5 / math.sqrt(0.5)])


@jit
def logarithmic_at_borders(x):
    return log(x), log1p(x), sinh(x), cosh(x), log_sigmoid(x), logit(x), log2(x), log10(x), tanh(x)


def test_derivatives_of_logarithms_at_borders():
    """They are infinite at poles, and none is NaN where the function is real."""
    x = np.array([-np.inf, -800.0, -372, -20, -2, -1, -0.0, 0, 0.25, 0.5, 1, 2, 20, 372, 800, np.inf, np.nan])
    first = make_tangent(logarithmic_at_borders, 9, 1, (0,))
    *found, of_log2, of_log10, of_tanh = over_arrays(first, 2, 9)(1, x)
    with np.errstate(all="ignore"):
        expected = [1 / x, 1 / (1 + x), numbaexp.cosh(x), numbaexp.sinh(x), numbaexp.sigmoid(-x), 1 / (x * (1 - x))]
        twice = (2 * numbaexp.exp(-abs(x)) / (1 + numbaexp.exp(-2 * abs(x)))) ** 2
        scaled = [1 / (x * math.log(base)) for base in (2, 10)]
    assert all_same(found, expected)
    for each, exactly in zip((of_log2, of_log10, of_tanh), (*scaled, twice), strict=True):
        np.testing.assert_allclose(each, exactly, rtol=2e-15, atol=2e-322)
    second = make_tangent(first, 9, 2, (1,))
    of_tanh = over_arrays(second, 3, 9)(1, 1, x)[8]
    np.testing.assert_allclose(of_tanh[:-1], -2 * np.tanh(x[:-1]) * twice[:-1], rtol=1e-14, atol=2e-322)


def test_what_does_not_depend_has_no_partial():
    """No infinity is multiplied by 0, nor any NaN."""
    infinite = np.array([np.inf, np.nan, 2.0])
    apart = jit(lambda x, y: (2 * x, y * y))
    by_x, by_y = over_arrays(make_backward(apart, 2, 2, (0, 1)), 4, 2)(1, infinite, 3.0, infinite)
    assert np.array_equal(by_x, [2, 2, 2])
    assert np.array_equal(by_y, 2 * infinite * infinite, equal_nan=True)
    nothing = over_arrays(make_backward(jit(lambda x, y: y), 1, 2, (0,)), 3)(infinite, infinite, infinite)[0]
    assert np.array_equal(nothing, np.zeros(3))
    constant = over_arrays(make_backward(jit(lambda x: 3), 1, 1, (0,)), 2)(infinite, infinite)[0]
    assert np.array_equal(constant, np.zeros(3))


def test_flags_of_the_caller_change_nothing():
    x, y = odd_floats(np.float64)
    usual, fast = (over_arrays(smooth, 2, fastmath=fastmath)(x, y)[0] for fastmath in (False, True))
    assert all_same([usual], [fast])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x**0.5,
        lambda x: x**x,
        lambda x: x % 2.0,
        lambda x: x // 2,
        lambda x: math.sin(2 * x),
        lambda x: range(2 * x),
        lambda x: x[0],
        lambda x: x + 1j,
        lambda x: int(2 * x),
    ],
)
def test_all_else_has_no_code(wrong):
    with pytest.raises(TypingError):
        over_arrays(jit(wrong), 1)(1.0)
