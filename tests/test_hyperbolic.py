"""sinh, cosh and tanh: the bounds of the pairs, both scalars of float64, borders, flags, signs, and float64 arithmetic
for float32."""

import numpy as np
import pytest
from helpers import FORMATS, as_float64, bits, computed, differing, dtype_of, every_half
from numba import njit
from sampling import tried

import numbaexp
from numbaexp.scalar import hyperbolic, tabled_hyperbolic
from numbaexp.scalar.family import FAMILY
from numbaexp.verify.references import make_comparison

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify import arguments
from numbaexp.verify.oracle import correctly_rounded

FUNCTIONS = ("sinh", "cosh", "tanh")
for_each_function = pytest.mark.parametrize("name", FUNCTIONS)

# The greatest argument whose sinh and cosh are finite; from where on tanh is 1.
X_MAX, SATURATED = 710.4758600739439, 19.061547465398498


def arguments_of(name, count):
    """Of either sign: over the whole range, in the middle, and of all magnitudes near 0."""
    generator = np.random.default_rng(11)
    end = SATURATED if name == "tanh" else 710.4
    return np.concatenate(
        [
            generator.uniform(-end, end, count),
            generator.uniform(-2, 2, count),
            generator.choice([-1.0, 1.0], count) * 2.0 ** generator.uniform(-26, 0, count),
        ]
    )


def in_loop(function, results):
    """Compile a loop over a function of so many results."""

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i, :] = np.array(function(x[i]))

    def call(x):
        y = np.empty((x.size, results))
        loop(x, y)
        return y.T

    return call


@for_each_function
def test_bound_of_the_pair(name):
    """The errors are within the bound, and not far below."""
    x = arguments_of(name, 8000)
    high, low, size = in_loop(getattr(tabled_hyperbolic, f"make_{name}")(hyperbolic.POWERS), 3)(x)
    with gmpy2.context(precision=200):
        exact = [getattr(gmpy2, name)(gmpy2.mpfr(v)) for v in x.tolist()]
        errors = [abs(float(e - a - b)) for e, a, b in zip(exact, high.tolist(), low.tolist(), strict=True)]
    relative = np.array(errors) / (size * hyperbolic.POWERS.error)
    assert relative.max() < 1
    assert relative.max() > 0.15


@for_each_function
def test_phases_of_float64(name):
    """The results that ``inner`` and ``whole`` decide are right, and nearly all are decided."""
    row = FAMILY[name]["float64"]
    x = arguments_of(name, 8000)
    expected = correctly_rounded(name, x, "float64")
    for below, above in (in_loop(row.inner, 2)(x), in_loop(two_results(row.whole), 2)(x)):
        decided = bits(below) == bits(above)
        assert decided.mean() > 0.998
        assert not differing(below[decided], expected[decided]).any()


def two_results(whole):
    """Return the two results of ``whole`` without its flags."""

    @njit
    def two(x):
        below, above, _, _ = whole(x)
        return below, above

    return two


@for_each_function
def test_hard_cases(name):
    x = arguments.hard(name)
    x = x[:: max(1, x.size // 5000)]
    assert not differing(computed(name, x), correctly_rounded(name, x, "float64")).any()


@for_each_function
def test_borders(name):
    """At both sides of each border of a phase or a result, alone and in a block."""
    near = np.array([2.0**-60, 2.0**-27, 0.0217, 0.0433, SATURATED, 20.0, 40.0, 710.0, X_MAX, 1e308])
    steps = np.arange(-3, 4)
    x = (near[:, np.newaxis].view(np.int64) + steps).view(np.float64).ravel()
    x = np.concatenate([x, -x, [0.0, -0.0, 5e-324, -5e-324, np.inf, -np.inf, np.nan]])
    expected = correctly_rounded(name, x, "float64")
    expected[x == 0] = 1.0 if name == "cosh" else x[x == 0]
    assert not differing(computed(name, x), expected).any()
    assert not differing(np.array([computed(name, v) for v in x]), expected).any()
    long = np.concatenate([np.full(300, 0.5), x, np.full(300, 0.5)])
    assert not differing(computed(name, long)[300:-300], expected).any()


@for_each_function
@pytest.mark.parametrize("dtype", tried(FORMATS, "float64", "bfloat16"))
def test_sign(name, dtype):
    """sinh and tanh are odd, to the sign of 0, and cosh is even."""
    if dtype in ("float16", "bfloat16"):
        x = every_half(dtype_of(dtype))[: 1 << 15]
    else:
        kind = f"u{np.dtype(dtype).itemsize}"
        x = np.random.default_rng(3).integers(0, np.iinfo(kind).max // 2, 20_000, kind, endpoint=True).view(dtype)
    # In order, so that there are blocks of ordinary and of tiny arguments alone.
    x = np.sort(x[~np.isnan(as_float64(x))])
    found, of_opposite = bits(computed(name, x)), bits(computed(name, -x))
    sign = found.dtype.type(0 if name == "cosh" else 1 << (8 * found.itemsize - 1))
    assert np.array_equal(found ^ sign, of_opposite)


@for_each_function
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 100])
def test_flags(name, dtype, count):
    """Only results that overflow raise a flag."""
    function = getattr(numbaexp, name)
    overflows = {"float32": 90.0, "float64": X_MAX + 1}[dtype]
    with np.errstate(all="raise"):
        for x in (0.0, 1e-30, 1e-45, 0.5, 30.0, overflows - 3, np.inf, -np.inf, np.nan):
            function(np.full(count, x, dtype))
        if name == "tanh":
            function(np.full(count, overflows, dtype))
        else:
            for x in (overflows, -overflows):
                with pytest.raises(FloatingPointError, match="overflow"):
                    function(np.full(count, x, dtype))


@for_each_function
def test_float64_arithmetic_for_float32(name):
    """The scalars of float32, which decide what no table does, are right alone."""
    whole = FAMILY[name]["float32"].whole

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = whole(x[i])

    sample = np.arange(0, 1 << 32, 4289, dtype=np.uint64).astype(np.uint32).view(np.float32)
    hard = np.array([hyperbolic.HARD, -hyperbolic.HARD], np.float32)
    x = np.concatenate([sample, hard])
    y, wrong, undecided = np.empty_like(x), np.empty(x.size, bool), np.empty(x.size, bool)
    loop(x, y)
    make_comparison(name)(x, y, wrong, undecided)
    assert not (wrong & ~undecided).any()
    expected = correctly_rounded(name, x[undecided], "float32").astype(np.float32)
    assert not differing(y[undecided], expected).any()
