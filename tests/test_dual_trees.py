"""Random expressions of numbers: compiled, they are within the bound of one rounding a step, and so are gradients."""

import functools
import math
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from dual_calls import over_arrays
from hypothesis import example, given, settings

from numbaexp.dual.derivatives import make_tangent
from numbaexp.dual.functions import FUNCTIONS
from numbaexp.jit import jit
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.wide import WIDE_ERROR

LONG = np.longdouble
pytestmark = pytest.mark.skipif(np.finfo(LONG).nmant < 63, reason="longdouble is no more precise than float64 here")
# Of each kind: the type, half an ulp of 1, the error of the functions, and half the least number.
KINDS = {
    "float32": (np.float32, 2.0**-24, 2.0**-24, LONG(2) ** -150),
    "float64": (np.float64, 2.0**-53, 2.0**-53, LONG(2) ** -1075),
    "wide": (np.float64, 2.0**-53, WIDE_ERROR, LONG(2) ** -1075),
}

BASES = {"exp": np.exp(LONG(1)), "exp2": LONG(2), "exp10": LONG(10)}
LOGARITHMS = {"log": "exp", "log2": "exp2", "log10": "exp10"}


def function_and_slope(name, x, error):
    """Return a function in longdouble, and a bound of its derivative, NaN where nothing is known."""
    if name in BASES:
        value = np.exp(x * np.log(BASES[name]))
        return value, value * np.log(BASES[name])
    if name in LOGARITHMS:
        return getattr(np, name)(x), reciprocal(x, error) / np.log(BASES[LOGARITHMS[name]])
    e = np.exp(-abs(x))
    share, other = np.where(x < 0, e, 1) / (1 + e), np.where(x > 0, e, 1) / (1 + e)
    return {
        "expm1": lambda: (np.expm1(x), np.exp(x)),
        "sigmoid": lambda: (share, share * other),
        "softplus": lambda: (np.maximum(x, 0) + np.log1p(e), share),
        "log_sigmoid": lambda: (np.minimum(x, 0) - np.log1p(e), other),
        "log1p": lambda: (np.log1p(x), reciprocal(1 + x, error)),
        "logit": lambda: (logit(x), reciprocal(x, error) * reciprocal(1 - x, error)),
        "sinh": lambda: (np.sinh(x), np.cosh(x)),
        "cosh": lambda: (np.cosh(x), np.cosh(x)),
        "tanh": lambda: (np.tanh(x), 4 * e * e / (1 + e * e) ** 2),
    }[name]()


def logit(x):
    """Return the logarithm of ``x / (1 - x)`` in longdouble, by a sum of two logarithms that does not cancel."""
    return np.where(x < 0.25, np.log(x) - np.log1p(-x), np.log1p((2 * x - 1) / (1 - x)))


def reciprocal(x, error):
    """Return a bound of 1 / x, NaN where x may be 0 or less."""
    return 1 / np.where(x > 2 * error, x - error, np.nan)


class Bounded:
    """Numbers in longdouble with a bound of what a kind's steps err by; NaN where nothing is known."""

    def __init__(self, kind, value, error):
        number = KINDS[kind][0]
        known = (abs(value) + error < np.finfo(number).max / 4) & (error <= 0.01 * abs(value) + 1)
        self.kind, self.value, self.error = kind, np.where(known, value, np.nan), np.where(known, error, np.nan)

    def lifted(self, other):
        """Return a constant in the kind's type."""
        return other if isinstance(other, Bounded) else Bounded(self.kind, LONG(KINDS[self.kind][0](other)), LONG(0))

    def rounded(self, value, error, unit=None):
        """Return what a step gives whose operands' errors it passes on."""
        _, usual, _, least = KINDS[self.kind]
        unit = (usual if unit is None else unit) + LONG(2) ** -62
        return Bounded(self.kind, value, error + unit * (abs(value) + error) + least)

    def __add__(self, other):
        other = self.lifted(other)
        return self.rounded(self.value + other.value, self.error + other.error)

    def __neg__(self):
        return Bounded(self.kind, -self.value, self.error)

    def __sub__(self, other):
        return self + -self.lifted(other)

    def __mul__(self, other):
        other = self.lifted(other)
        passed_on = abs(self.value) * other.error + abs(other.value) * self.error + self.error * other.error
        return self.rounded(self.value * other.value, passed_on)

    def __truediv__(self, other):
        other = self.lifted(other)
        quotient = self.value / other.value
        passed_on = (self.error + abs(quotient) * other.error) / (abs(other.value) - other.error)
        return self.rounded(quotient, np.where(abs(other.value) > 2 * other.error, passed_on, np.nan))

    def __abs__(self):
        return Bounded(self.kind, abs(self.value), self.error)

    def square_root(self):
        root = np.sqrt(self.value)
        return self.rounded(root, np.where(self.value > 2 * self.error, self.error / root, np.nan))

    def function(self, name):
        x, error = self.value, self.error
        with np.errstate(all="ignore"):
            value, slope = function_and_slope(name, x, error)
        # Slopes grow by no more than this where the argument is another.
        passed_on = slope * np.expm1(error * math.log(10))
        return self.rounded(value, passed_on, KINDS[self.kind][2] + LONG(2) ** -62 * (2 + abs(x)))

    def chosen(self, condition, other):
        """Return this where a condition is true and else the other; the condition is NaN where nothing is known."""
        pick = functools.partial(np.where, condition == 1)
        unknown = np.where(np.isnan(condition), np.nan, 0)
        return Bounded(self.kind, pick(self.value, other.value) + unknown, pick(self.error, other.error) + unknown)

    def less(self, other):
        """Return 1 or 0, or NaN."""
        difference = self.value - other.value
        return np.where(abs(difference) > self.error + other.error, difference < 0, np.nan)


class Dual:
    """A bounded value with its derivative, or None where there is none."""

    def __init__(self, value, partial):
        self.value, self.partial = value, partial

    def lifted(self, other):
        return other if isinstance(other, Dual) else Dual(self.value.lifted(other), None)

    def combined(self, other, value, derivative):
        a, b = self.partial, other.partial
        return Dual(value, None if a is None and b is None else derivative(a, b))

    def __add__(self, other):
        other = self.lifted(other)
        return self.combined(other, self.value + other.value, total)

    def __neg__(self):
        return Dual(-self.value, self.partial and -self.partial)

    def __sub__(self, other):
        return self + -self.lifted(other)

    def __mul__(self, other):
        other = self.lifted(other)
        a, b = self.value, other.value
        return self.combined(other, a * b, lambda da, db: total(da and da * b, db and a * db))

    def __truediv__(self, other):
        other = self.lifted(other)
        a, b = self.value, other.value
        quotient = a / b
        return self.combined(other, quotient, lambda da, db: total(da, db and -(quotient * db)) * (b.lifted(1.0) / b))

    def __pow__(self, exponent):
        if exponent < 0:
            return self.lifted(1.0) / self**-exponent
        power = self
        for digit in f"{exponent:b}"[1:]:
            power = power * power
            power = power * self if digit == "1" else power
        return power

    def mapped(self, value, derivative):
        return Dual(value, self.partial and self.partial * derivative)

    def __abs__(self):
        sign = Bounded(self.value.kind, np.sign(self.value.value), LONG(0))
        known = np.where(abs(self.value.value) > self.value.error, 0, np.nan)
        return self.mapped(abs(self.value), Bounded(self.value.kind, sign.value + known, LONG(0)))

    def square_root(self):
        root = self.value.square_root()
        return self.mapped(root, root.lifted(0.5) / root)

    def chosen(self, condition, other):
        zero = self.value.lifted(0.0)
        return self.combined(
            other, self.value.chosen(condition, other.value), lambda a, b: (a or zero).chosen(condition, b or zero)
        )


def total(a, b):
    return (a or b) if a is None or b is None else a + b


DERIVATIVES = {
    "exp": lambda x, y: y,
    "exp2": lambda x, y: y * math.log(2),
    "exp10": lambda x, y: y * math.log(10),
    "expm1": lambda x, y: x.function("exp"),
    "sigmoid": lambda x, y: y * (-x).function("sigmoid"),
    "softplus": lambda x, y: x.function("sigmoid"),
    "log": lambda x, y: x.lifted(1.0) / x,
    "log2": lambda x, y: x.lifted(1 / math.log(2)) / x,
    "log10": lambda x, y: x.lifted(1 / math.log(10)) / x,
    "log1p": lambda x, y: x.lifted(1.0) / (x + 1.0),
    "sinh": lambda x, y: x.function("cosh"),
    "cosh": lambda x, y: x.function("sinh"),
    "tanh": lambda x, y: (x + x).function("sigmoid") * 4.0 * (-(x + x)).function("sigmoid"),
    "log_sigmoid": lambda x, y: (-x).function("sigmoid"),
    "logit": lambda x, y: x.lifted(1.0) / (x * (-x + 1.0)),
}


def function_of(name, x):
    value = x.value.function(name)
    return x.mapped(value, DERIVATIVES[name](x.value, value))


def among(a, b, sign):
    """Return the first, unless the other is less, or greater."""
    b = a.lifted(b)
    condition = b.value.less(a.value) if sign == "<" else a.value.less(b.value)
    return b.chosen(condition, a)


# The names that expressions have, of bounded numbers and of compiled ones.
BOUNDED = {
    "math": SimpleNamespace(sqrt=Dual.square_root),
    "min": lambda a, b: among(a, b, "<"),
    "max": lambda a, b: among(a, b, ">"),
    "chosen": lambda a, b, c, d: c.chosen(a.value.less(b.value), d),
    **{name: functools.partial(function_of, name) for name in FAMILY},
}
COMPILED = {"math": math, "chosen": jit(lambda a, b, c, d: c if a < b else d), **FUNCTIONS}


def larger(tree):
    """Expressions of smaller ones, and of constants, which are on the right."""
    other = st.one_of(tree, st.sampled_from(["0.1", "3", "-1.25", "0.7"]))
    one = st.sampled_from(["-{}", "abs({})", "math.sqrt(abs({}))", *(f"{name}({{}})" for name in FAMILY)])
    two = st.sampled_from(["({} + {})", "({} - {})", "({} * {})", "({} / {})", "min({}, {})", "max({}, {})"])
    return st.one_of(
        st.builds(str.format, one, tree),
        st.builds(str.format, two, tree, other),
        st.builds("({})**{}".format, tree, st.sampled_from([-2, -1, 2, 3, 5])),
        st.builds("chosen({}, {}, {}, {})".format, VARIABLE, tree, VARIABLE, tree),
    )


VARIABLE = st.sampled_from("xy")
EXPRESSIONS = VARIABLE
for _ in range(5):
    EXPRESSIONS = larger(VARIABLE | EXPRESSIONS)
GENERATOR = np.random.default_rng(11)
VALUES = GENERATOR.normal(size=(2, 4000)) * 2.0 ** GENERATOR.integers(-3, 3, (2, 4000))


def check(sources, kind, variable):
    """Check several expressions that are compiled together, and their derivatives by a variable."""
    x, y = VALUES.astype(KINDS[kind][0])
    names = dict(COMPILED)
    exec(f"def compiled(x, y):\n    return {', '.join(sources)}", names)
    count, function = len(sources), jit(names["compiled"])
    found = over_arrays(function, 2, count, kind)(x, y)
    slopes = over_arrays(make_tangent(function, count, 2, (variable,)), 3, count, kind)(1, x, y)

    one, nothing = (Bounded(kind, np.full(x.size, each, LONG), LONG(0)) for each in (1, 0))
    values = (Bounded(kind, each.astype(LONG), LONG(0)) for each in (x, y))
    given_ = {
        name: Dual(value, one if place == variable else None)
        for place, (name, value) in enumerate(zip("xy", values, strict=True))
    }
    for source, value, slope in zip(sources, found, slopes, strict=True):
        with np.errstate(all="ignore"):
            dual = eval(source, BOUNDED, given_)
        check_within(dual.value, value, source)
        check_within(dual.partial or nothing, slope, f"derivative of {source} by {'xy'[variable]}")


def check_within(bounded, result, told):
    with np.errstate(invalid="ignore"):
        distance = abs(result.astype(LONG) - bounded.value)
    known = ~np.isnan(bounded.value)
    assert np.all(distance[known] <= bounded.error[known]), told


SEVERAL = st.lists(EXPRESSIONS, min_size=3, max_size=3)


# Every step and function, in each kind.
EVERY = [
    "(exp(-abs(x)) * sigmoid((y - 0.7)) + expm1(x) / (y + 3))",
    "max(exp2(x), min(y, (x - softplus(y)))) - math.sqrt(abs((x * 3 - y)))",
    "chosen(x, (x**3 / y), y, exp10((y - x))**-2)",
]
LOGARITHMIC = [
    "(log(abs(x)) * log_sigmoid((y - 0.7)) + log1p(x) / (y + 3))",
    "tanh((log2(abs(x)) * sinh(y))) - logit(sigmoid(y))",
    "(cosh(x) / log10((abs(y) + 3)))",
]


@pytest.mark.thorough
@example(EVERY, "float64", 0)
@example(EVERY, "float32", 1)
@example(EVERY, "wide", 1)
@example(LOGARITHMIC, "wide", 1)
@settings(deadline=None, max_examples=3)
@given(SEVERAL, st.sampled_from(list(KINDS)), st.sampled_from([0, 1]))
def test_expressions(sources, kind, variable):
    check(sources, kind, variable)


@pytest.mark.whole
@example(LOGARITHMIC, "float64", 0)
@example(LOGARITHMIC, "float32", 1)
@settings(deadline=None, max_examples=100)
@given(SEVERAL, st.sampled_from(list(KINDS)), st.sampled_from([0, 1]))
def test_many_expressions(sources, kind, variable):
    check(sources, kind, variable)
