"""log, log2, log10 and log1p of float64: the fast phase decides rightly, and seldom not; special values; bounds."""

import ctypes

import numpy as np
import pytest
from numba import njit, types

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
mpmath = pytest.importorskip("mpmath", reason="mpmath tells the error of the polynomial")

from numbaexp.jit import callback, compile_callback
from numbaexp.scalar import constants as c
from numbaexp.scalar import log, log1p
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.wide import WIDE, WIDE_ERROR
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.operations import split
from numbaexp.vector.type import Vector

LOGS = ("log", "log2", "log10", "log1p")
for_each_function = pytest.mark.parametrize("name", LOGS)
# Numbers, vectors whose lanes are looked up one by one, and a register of AVX-512.
for_each_lanes = pytest.mark.parametrize("lanes", [1, 4, 8])
FLAGS = 0x1D  # "inexact" apart
# The share that may be undecided of arguments spread evenly, or of any bits.
UNDECIDED = 0.005
# Arguments, most of them near a midpoint between floats, where less than half of the width would decide wrongly.
HARD = {
    "log": ["0x1.f860102df757dp-1", "0x1.07cb8c10d0f5fp+0", "0x0.00b7751dfaafap-1022", "0x1.36726c0a3f5fap+323"],
    "log2": ["0x1.f7b161290be4dp-1", "0x1.3bf46c9f36ddbp+0", "0x0.04a03a8714c71p-1022", "0x1.a15ad79840d9fp-32"],
    "log10": ["0x0.0449fb5c8a96ep-1022", "0x1.b73e7ed6981f5p-354", "0x1.7e1586236bfc0p+335", "0x1.b5976c049b3afp+1023"],
    "log1p": ["0x1.9b5e3954182e7p-6", "-0x1.4267c6f9aa989p-7", "-0x1.fffffffffaddep-1", "0x1.9306842272a88p+650"],
}
fenv = ctypes.CDLL(None)


def compile_loop(function, lanes, number=types.float64):
    """``call(x)`` returns the two results of a function for each element, and the flags raised."""
    size = number.bitwidth // 8
    load = make_load(Vector(number, lanes) if lanes > 1 else number)

    def of_each(x, first, second, n):
        for i in range(0, n, lanes):
            one, other = function(load(x + i * size))
            store(first + i * size, one)
            store(second + i * size, other)

    loop = callback(of_each, types.void(*[types.intp] * 4))
    compile_callback(loop)
    entry = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(loop.address)

    def call(x):
        padded = np.concatenate([x, np.ones(-x.size % lanes, x.dtype)])
        first, second = np.empty_like(padded), np.empty_like(padded)
        fenv.feclearexcept(FLAGS)
        entry(padded.ctypes.data, first.ctypes.data, second.ctypes.data, padded.size)
        return first[: x.size], second[: x.size], fenv.fetestexcept(FLAGS)

    call.loop = loop
    return call


def rounded(name, x):
    """Compute the correctly rounded results, none of which is subnormal but x itself."""
    function = getattr(gmpy2, name)
    with gmpy2.context(precision=53):
        return np.array([float(function(gmpy2.mpfr(value))) for value in x.tolist()])


def spread(name, n):
    """Arguments inside the domain, of any bits, evenly, and near 0 or 1."""
    generator = np.random.default_rng(0)
    signs, bits = generator.choice([-1.0, 1.0], n), generator.integers(1, 0x7FF << 52, n).view(np.float64)
    if name == "log1p":
        return np.concatenate(
            [
                bits,
                generator.uniform(-1, 3, n),
                signs * 2.0 ** -generator.uniform(1, 60, n),
                -generator.uniform(0, 1, n),
            ]
        )
    return np.concatenate([bits, generator.uniform(0, 3, n), 1 + 0.05 * signs * generator.uniform(0, 1, n)])


def peculiar(name):
    """Powers of 2 and of 10, ends of cells and their neighbours, and what is near 1, near the domain's ends, or
    subnormal."""
    powers = np.ldexp(1.0, np.arange(-1074, 1024))
    ends = (np.arange(15, 31) + 0.5) / c.LOGS_F64_16.cells
    near = np.float64(1.0).view(np.int64) + np.arange(-1024, 1024)
    x = np.concatenate([powers, 10.0 ** np.arange(-22, 23), ends, ends / 2, near.view(np.float64), powers * 1.75])
    x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, 0.0)])
    x = x[np.isfinite(x) & (x > 0)]
    if name == "log1p":
        return np.concatenate([x, -x[x < 1], x[x > 1] - 1, np.nextafter(-1.0, 0.0) + np.arange(64) * 2.0**-53])
    return x


def hard(name):
    return np.array([float.fromhex(text) for text in HARD[name]])


@for_each_lanes
@for_each_function
def test_decided_results_are_right(name, lanes):
    inner = compile_loop(FAMILY[name]["float64"].inner, lanes)
    for x, undecided in ((spread(name, 6000), UNDECIDED), (peculiar(name), 1), (hard(name), 1)):
        below, above, flags = inner(x)
        assert flags == 0
        decided = below == above
        assert 1 - np.mean(decided) <= undecided
        assert np.array_equal(below[decided].view(np.int64), rounded(name, x[decided]).view(np.int64))


@for_each_function
def test_all_is_right(name):
    """Whatever the fast phase leaves, too."""
    row = FAMILY[name]["float64"]
    whole, accurate = row.whole, row.accurate

    def settled(x):
        below, above, _, _ = whole(x)
        return (below if below == above else accurate(x)), x

    settled = njit(settled)
    call = compile_loop(settled, 1)
    x = np.concatenate([spread(name, 3000), peculiar(name), hard(name)])
    y, _, flags = call(x)
    assert flags == 0
    assert np.array_equal(y.view(np.int64), rounded(name, x).view(np.int64))


def test_exact_results():
    """Integers, and the sign of 0."""
    exponents = np.arange(-1074, 1024)
    below, above, _ = compile_loop(FAMILY["log2"]["float64"].inner, 1)(np.ldexp(1.0, exponents))
    assert np.array_equal(below, exponents)
    assert np.array_equal(above, exponents)
    below, above, _ = compile_loop(FAMILY["log10"]["float64"].inner, 1)(10.0 ** np.arange(23))
    assert np.array_equal(below, np.arange(23))
    assert np.array_equal(above, np.arange(23))
    for name in ("log", "log2", "log10"):
        for result in compile_loop(FAMILY[name]["float64"].inner, 1)(np.ones(1))[:2]:
            assert result.view(np.int64) == 0
    tiny = np.array([0.0, 5e-324, 1e-310, 2.0**-1022, 1e-300, 1e-17])
    tiny = np.concatenate([tiny, -tiny])
    for result in compile_loop(FAMILY["log1p"]["float64"].inner, 1)(tiny)[:2]:
        assert np.array_equal(result.view(np.int64), tiny.view(np.int64))


SPECIAL = np.array([0.0, -0.0, -5e-324, -1.0, np.nextafter(-1.0, -2.0), -1e308, -np.inf, np.inf, np.nan, -np.nan])
RESULTS = {
    "log": [-np.inf, -np.inf, *[np.nan] * 5, np.inf, np.nan, np.nan],
    "log1p": [0.0, -0.0, -5e-324, -np.inf, np.nan, np.nan, np.nan, np.inf, np.nan, np.nan],
}


@for_each_function
def test_special_values(name):
    """No flag is raised: the caller does that."""
    whole, expected = FAMILY[name]["float64"].whole, RESULTS.get(name, RESULTS["log"])

    def both(x):
        below, above, overflow, underflow = whole(x)
        return below, -1.0 if overflow or underflow else above

    below, above, flags = compile_loop(njit(both), 1)(SPECIAL)
    assert flags == 0
    assert np.array_equal(below.view(np.int64), above.view(np.int64))
    np.testing.assert_array_equal(below, expected)
    assert name != "log1p" or np.signbit(below[1])


@for_each_lanes
@for_each_function
def test_outside_nothing_is_decided(name, lanes):
    below, above, _ = compile_loop(FAMILY[name]["float64"].inner, lanes)(SPECIAL)
    inside = np.isfinite(RESULTS.get(name, RESULTS["log"]))
    assert np.array_equal(below == above, inside)


PAIRS = {
    "log": (log.log_pair, log.BIAS, log.WIDTH),
    "log2": (log.log2_pair, log.BIAS_OF_BASE, log.WIDTH_OF_BASE),
    "log10": (log.log10_pair, log.BIAS_OF_BASE, log.WIDTH_OF_BASE),
    "log1p": (log1p.log1p_pair, log1p.BIAS, log1p.WIDTH),
}


@for_each_function
def test_a_smaller_bound_is_seen(name):
    """Each of the hard cases is wrongly decided with two fifths of the width."""
    pair, _, width = PAIRS[name]
    x = hard(name)
    below, above, _ = compile_loop(log.make_inner(pair, 0.4 * width), 1)(x)
    assert np.all(below == above)
    assert np.all(below != rounded(name, x))


def half_ulp(magnitude):
    return 2.0 ** (np.floor(np.log2(magnitude + 1e-300)) - 53)


def tail_and_error(r):
    """Evaluate the polynomial, and bound its error: of the roundings, and of the approximation, by mpmath."""

    def exact(r):
        return mpmath.fsum((-r) ** i / (i + 3) for i in range(60))

    points = np.linspace(r.min(), r.max(), 41)
    with mpmath.workprec(160):
        coefficients = [mpmath.mpf(value) for value in c.LOG_TAIL_F64[::-1]]
        apart = [float(abs(mpmath.polyval(coefficients, mpmath.mpf(x)) - exact(mpmath.mpf(x)))) for x in points]
    value, error = np.full_like(r, c.LOG_TAIL_F64[-1]), 0.0
    for coefficient in c.LOG_TAIL_F64[-2::-1]:
        value = value * r + coefficient
        error = error * abs(r) + half_ulp(abs(value) + error)
    # The extremes of the approximation's error lie between points.
    return value, error + 1.05 * np.interp(r, points, apart)


def bounds(name, bias, width, n, k, r, tail, tail_error):
    """Sum up half ulps: return the errors of a pair by what the bias allows, and of the upper side by the width."""
    logs = c.LOGS_F64_16
    of_0 = (n, k) in ((15, 0), (30, -1))  # H and l are 0
    h = 0.0 if of_0 else k * logs.ln2[0] + logs.logs[n % 16]
    first, square = r - r * r / 2, r * r
    assert of_0 or abs(h) > np.max(abs(first))
    result = abs(h + np.log1p(r))
    error_of_z = square * tail_error + half_ulp(square) * abs(tail) + half_ulp(square * abs(tail) + bias)
    lost = half_ulp(square) / 2 + half_ulp(abs(first)) + (0.0 if of_0 else half_ulp(result))
    rest = 0.0 if of_0 else 2.0**-44 + abs(k) * 2.0**-45
    error_of_rest = 0.0 if of_0 else (1 + abs(k)) * 2.0**-98 + 2 * half_ulp(rest)
    if name == "log1p":
        rest = rest + half_ulp(abs(r))
        error_of_rest = error_of_rest + half_ulp(abs(r)) * (1.1 * abs(r) ** 3 + 2.0**-50) + half_ulp(rest)
    rest, error_of_rest = lost + rest, half_ulp(2 * lost) / 2 + error_of_rest + half_ulp(lost + rest)
    low = square * abs(r * tail) + rest + bias * abs(h + r)
    error = abs(r) * error_of_z + error_of_rest + half_ulp(low) + 2.0**-100 * result
    biased, high = bias * abs(h + r), abs(h + first)
    if name in ("log2", "log10"):
        factor, factor_low = c.LOG2_E_F64 if name == "log2" else c.LOG10_E_F64
        small = half_ulp(high * factor) + high * abs(factor_low)
        error = factor * error + half_ulp(small) + low * abs(factor_low) + 2.0**-105 * high
        biased, high, low = factor * biased, factor * high, factor * low + small
        error = error + half_ulp(low)
    return error / biased, (biased + error + half_ulp(low + width * high)) / (width * high)


@for_each_function
def test_bounds(name):
    """The bias and the width are at least the sums of all errors, and little more."""
    _, bias, width = PAIRS[name]
    logs, found = c.LOGS_F64_16, []
    for n in range(15, 31):
        inverse = logs.inverses[n % 16]
        m = np.linspace(max(1.0, (n - 0.5) / logs.cells), min(2.0, (n + 0.5) / logs.cells), 1000)
        if inverse in (0.5, 1.0):
            near = 2.0 ** -np.arange(6, 52, 0.25)
            m = np.concatenate([m, 1 + near if n == 15 else 2 - near])
        r = m * inverse - 1
        r = np.sort(r[r != 0])
        tail, tail_error = tail_and_error(r)
        for k in (-1074, -30, -2, -1, 0, 1, 30, 1023):
            found.append([np.max(part) for part in bounds(name, bias, width, n, k, r, tail, tail_error)])
    of_bias, of_width = np.max(found, axis=0)
    assert 0.95 < of_bias <= 1
    assert 0.95 < of_width <= 1


@pytest.mark.parametrize("lanes", [1, 4, 8, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_split(dtype, lanes):
    number, info, pattern = getattr(types, dtype), np.finfo(dtype), np.int32 if dtype == "float32" else np.int64
    x = np.random.default_rng(0).integers(1, np.array(np.inf, dtype).view(pattern), 1000, pattern).view(dtype)
    borders = np.array([info.smallest_subnormal, info.tiny, info.max, 1, 2], dtype)
    x = np.concatenate([x, x * info.tiny, borders, np.nextafter(borders, borders.dtype.type(1))])
    x = x[x > 0]
    call = compile_loop(split_of, lanes, number)
    m, k, flags = call(x)
    mantissa, exponent = np.frexp(x)
    assert flags == 0
    assert np.array_equal(m, 2 * mantissa)
    assert np.array_equal(k, exponent - 1)
    for outside in (0.0, -0.0, -1.0, -info.max, np.inf, -np.inf, np.nan):
        m, k, _ = call(np.full(lanes, outside, dtype))
        assert not np.isfinite(m + k).any()


@njit
def split_of(x):
    return split(x)


@for_each_function
def test_results_to_be_narrowed(name):
    wide = WIDE[name]

    @njit
    def pair(x):
        return wide(x), x

    call = compile_loop(pair, 1)
    x = np.concatenate([spread(name, 2000), peculiar(name)])
    y, _, _ = call(x)
    function = getattr(gmpy2, name)
    with gmpy2.context(precision=100):
        exact = [function(gmpy2.mpfr(value)) for value in x.tolist()]
        errors = [float(abs(a - b)) / float(abs(b)) if b else abs(a) for a, b in zip(y.tolist(), exact, strict=True)]
    assert max(errors) < WIDE_ERROR
    assert not np.signbit(y[x == 1]).any()
    assert name == "log1p" or not y[x == 1].any()
    y, _, _ = call(SPECIAL)
    np.testing.assert_array_equal(y, RESULTS.get(name, RESULTS["log"]))
    assert name != "log1p" or np.signbit(y[1])
