"""The fast phases decide rightly, and seldom not, as numbers and in vectors of any lanes."""

import ctypes
import functools

import numpy as np
import pytest
from helpers import ELEMENTWISE, HALVES, as_float64
from numba import types

from numbaexp.jit import callback, compile_callback
from numbaexp.scalar import fast, fast_gradients, tabled, tabled_log
from numbaexp.vector.level import AVX2, AVX512, Level, current_level
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.operations import mask_bits
from numbaexp.vector.type import Vector
from numbaexp.verify.references import make_comparison

# Numbers as on a GPU are tried by tests/test_ptx_execution.py too.
pytestmark = [
    pytest.mark.by_form(lanes="8"),
    pytest.mark.sampled(name=("exp", "sigmoid", "log", "log_backward"), lanes="8"),
]

# By lanes: numbers as on a GPU, and vectors with instructions for tables and without.
TABLES = {1: tabled.F32_32, 4: tabled.F32_8, 8: tabled.F32_8, 16: tabled.F32_32}
AT_LEAST = {1: (), 4: (), 8: (AVX2, AVX512), 16: (AVX512,)}
# The shares that may be undecided of arguments spread evenly from -10 to 10, by entries of the table.
UNDECIDED = {32: 0.001, 8: 0.015}
# Arguments, by entries of the table, that a bound of a quarter would take for decided, and wrongly.
HARD = {
    "exp": {32: ["0x1.a9a7bcp+1", "0x1.89389cp-1"], 8: ["-0x1.add680p+2", "-0x1.efecbcp+2"]},
    "exp2": {32: ["0x1.35b1c2p+1", "-0x1.fb2d76p+2"], 8: ["-0x1.f3fb18p+2", "0x1.4c04e8p+2"]},
    "exp10": {32: ["-0x1.9c6b6ap+1", "-0x1.60cc3ap-2"], 8: ["-0x1.681166p+2", "-0x1.d943dep+2"]},
    "expm1": {32: ["-0x1.d4513ep-3", "0x1.38f828p+0"], 8: ["0x1.dffdeap-2", "0x1.4a2e6ep+2"]},
    "softplus": {32: ["-0x1.ca1a32p+2", "-0x1.dfb84ap+0"], 8: ["-0x1.973cbap+2", "-0x1.f5c2a6p+2"]},
    "sigmoid": {32: ["-0x1.f25c82p+2", "-0x1.a80d40p+0"], 8: ["-0x1.49ed26p+2", "-0x1.e265bap+1"]},
}
HARD_GRADIENTS = {
    "expm1_backward": {
        32: [("0x1.063284p+0", "0x1.a6d436p+1"), ("0x1.76e74ep+0", "-0x1.a435b6p+1")],
        8: [("0x1.aee6fcp+0", "0x1.953fe2p+1"), ("0x1.6f6818p+0", "0x1.d79a64p+1")],
    },
    "sigmoid_backward": {
        32: [("0x1.8ec570p+0", "-0x1.586034p+2"), ("0x1.22cfa6p+0", "0x1.bd0866p+1")],
        8: [("0x1.b16b90p+0", "0x1.88d120p+1"), ("0x1.704f32p+0", "0x1.44030ep+2")],
    },
    "softplus_backward": {
        32: [("0x1.89ec06p+0", "-0x1.f4a690p+1"), ("0x1.b3cfb2p+0", "-0x1.6a676ap+2")],
        8: [("0x1.525e2cp+0", "-0x1.d071b4p-1"), ("0x1.576742p+0", "-0x1.39299ep+2")],
    },
}
# The same of the logarithms, whose bound is that of a table of their own.
HARD_LOGS = {
    "log": {32: ["0x1.fb867ap-1", "0x1.fc3138p-1"], 8: ["0x1.10a374p+0", "0x1.1063b4p+0"]},
    "log2": {32: ["0x1.052c00p+0", "0x1.09dbaep+0"], 8: ["0x1.10e720p+0", "0x1.114f4ap+0"]},
    "log10": {32: ["0x1.fad2e4p-1", "0x1.fcf038p-1"], 8: ["0x1.0f8846p+0", "0x1.0fac70p+0"]},
    "log1p": {32: ["-0x1.e764p-8"], 8: ["0x1.0a3740p-4", "0x1.bbf180p-5"]},
}
FLAGS = 0x1D  # "inexact" apart
# The functions that are not finite everywhere, and where they are.
DOMAINS = {
    **dict.fromkeys(("log", "log2", "log10"), (0, np.inf)),
    "log1p": (-1, np.inf),
    "logit": (0, 1),
}
# Steps of arguments below may underflow, which takes long; loops lower the flag again.
STEPS_UNDERFLOW_BELOW = 2.0**-90
# Relative error that NumPy's functions of float64 and what is made of them here stay below.
TRUST = 2.0**-47


@pytest.fixture(params=TABLES)
def lanes(request):
    if AT_LEAST[request.param] and current_level() not in AT_LEAST[request.param]:
        pytest.skip("no such instructions")
    return request.param


@pytest.fixture
def level(lanes, monkeypatch):
    """A level whose tables are those of so many lanes."""
    return make_level(lanes, TABLES[lanes], monkeypatch)


def make_level(lanes, table, monkeypatch):
    made = Level(f"{lanes} lanes, {table.error}", 4 * lanes, "", lanes == 16)
    monkeypatch.setitem(fast._TABLES, (made, "float32"), table)
    return made


def compile_phase(phase, lanes, dtype, arguments=1):
    """``call(*arrays)`` returns the results, which are undecided, and the flags raised."""
    number = types.float32 if dtype == "float32" else types.uint16
    size = number.bitwidth // 8
    load, compute = make_load(Vector(number, lanes) if lanes > 1 else number), phase.compute

    def of_one(x, y, undecided, n):
        for i in range(0, n, lanes):
            value, mask = compute(load(x + i * size))
            store(y + i * size, value)
            store(undecided + i // lanes * 8, mask_bits(mask))

    def of_two(x, z, y, undecided, n):
        for i in range(0, n, lanes):
            value, mask = compute(load(x + i * size), load(z + i * size))
            store(y + i * size, value)
            store(undecided + i // lanes * 8, mask_bits(mask))

    # Not by ``compile_kernel``, whose files would be taken for those of other phases.
    loop = callback(of_one if arguments == 1 else of_two, types.void(*[types.intp] * (arguments + 3)))
    compile_callback(loop)
    entry = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * (arguments + 3))(loop.address)
    fenv = ctypes.CDLL(None)

    def call(*arrays):
        arrays = [np.ascontiguousarray(array) for array in arrays]
        n = arrays[0].size
        assert n % lanes == 0
        y, masks = np.empty_like(arrays[0]), np.empty(n // lanes, np.uint64)
        addresses = [array.ctypes.data for array in (*arrays, y, masks)]
        fenv.feclearexcept(FLAGS)
        entry(*addresses, n)
        flags = fenv.fetestexcept(FLAGS)
        undecided = (masks[:, None] >> np.arange(lanes, dtype=np.uint64)) & np.uint64(1)
        return y, undecided.ravel().astype(bool), flags

    call.loop = loop
    return call


def whole_vectors(x):
    return x[: x.size // 16 * 16]


def both_signs(magnitudes):
    return whole_vectors(np.concatenate([magnitudes, -magnitudes]))


@functools.cache
def comparison(name):
    return make_comparison(name)


def wrong(name, x, y):
    """Tell results that are not the correctly rounded ones; those that the reference cannot tell are left out."""
    is_wrong, unknown = np.empty(x.size, bool), np.empty(x.size, bool)
    comparison(name)(x, y, is_wrong, unknown)
    return is_wrong & ~unknown


def inside(name, x):
    """Tell which arguments have finite results, of a function with poles; of others, all that are numbers."""
    least, greatest = DOMAINS.get(name, (None, None))
    return (x > least) & (x < greatest) if name in DOMAINS else ~np.isnan(x)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_float32(name, lanes, level):
    phase = fast.fast_phase(name, "float32", level)
    call = compile_phase(phase, lanes, "float32")
    limit = phase.limit
    ends = [np.arange(4096), np.arange(0x00800000 - 64, 0x00800000 + 64), limit - np.arange(4096)]
    patterns = np.concatenate([np.arange(0, limit + 1, 2063), *ends]).astype(np.int32)
    steps = np.arange(1, 2000, dtype=np.float64) / (2 * len(TABLES[lanes].roots.rounded))
    unit = {"exp2": 1.0, "exp10": np.log10(2)}.get(name, np.log(2))
    borders = (steps * unit).astype(np.float32)
    borders = borders[borders.view(np.int32) < limit]
    borders = np.concatenate([np.nextafter(borders, np.float32(0)), borders, np.nextafter(borders, np.float32(99))])
    x = both_signs(np.concatenate([patterns.view(np.float32), borders]))
    y, undecided, _ = call(x)
    assert not (wrong(name, x, y) & ~undecided).any()
    assert undecided[~inside(name, x)].all()
    assert not call(whole_vectors(x[inside(name, x) & ((x == 0) | (abs(x) >= STEPS_UNDERFLOW_BELOW))]))[2]
    even = np.random.default_rng(0).uniform(-10, 10, 1 << 18).astype(np.float32)
    even = whole_vectors(even[inside(name, even)])
    y, undecided, flags = call(even)
    assert not (wrong(name, even, y) & ~undecided).any()
    assert not flags
    # Next to 1/2 the logit is much less than the logarithms that it is the difference of.
    assert undecided.mean() < UNDECIDED[len(TABLES[lanes].roots.rounded)] * (8 if name == "logit" else 1)
    assert call(np.full(16, np.nan, np.float32))[1].all()


@functools.cache
def rounded_halves(name, dtype):
    """The arguments that are numbers, as bit patterns, and the correctly rounded results as float64."""
    oracle = pytest.importorskip("numbaexp.verify.oracle", reason="MPFR (gmpy2) is the oracle", exc_type=ImportError)
    patterns = np.arange(1 << 16, dtype=np.uint16)
    values = values_of(patterns, dtype)
    patterns, values = patterns[~np.isnan(values)], values[~np.isnan(values)]
    return patterns, oracle.correctly_rounded(name, values, dtype)


def values_of(patterns, dtype):
    values = (patterns.astype(np.uint32) << 16).view(np.float32) if dtype == "bfloat16" else patterns.view(np.float16)
    return as_float64(values)


@pytest.mark.by_form
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("lanes", [1, 8, 16], indirect=True)
def test_halves(name, dtype, lanes, level):
    patterns, expected = rounded_halves(name, dtype)
    phase = fast.fast_phase(name, dtype, level)
    call = compile_phase(phase, lanes, dtype)
    within = ((patterns & 0x7FFF) <= phase.limit) & inside(name, values_of(patterns, dtype))
    x, expected = patterns[within], expected[within]
    padded = np.concatenate([x, np.full(-x.size % 16, x[-1])])
    y, undecided, flags = call(padded)
    assert not undecided.any()
    results = values_of(y[: x.size], dtype)
    np.testing.assert_array_equal(results, expected)
    np.testing.assert_array_equal(np.signbit(results), np.signbit(expected))
    # Loops of exp lower the flags that its steps raise.
    if dtype == "bfloat16" and name != "exp":
        assert not flags
    others = np.flatnonzero(~inside(name, values_of(np.arange(1 << 16, dtype=np.uint16), dtype))).astype(np.uint16)
    assert call(np.concatenate([others, np.full(-others.size % 16, 0x7FFF, np.uint16)]))[1].all()


def exp_of_minus(x):
    return np.exp(-abs(x))


DERIVATIVES = {
    "exp2_backward": lambda y: y * np.log(2.0),
    "exp10_backward": lambda y: y * np.log(10.0),
    "expm1_backward": np.exp,
    "sigmoid_backward": lambda x: exp_of_minus(x) / (1 + exp_of_minus(x)) ** 2,
    "softplus_backward": lambda x: np.where(x < 0, exp_of_minus(x), 1) / (1 + exp_of_minus(x)),
    "log_backward": lambda x: 1 / x,
    "log2_backward": lambda x: 1 / (x * np.log(2.0)),
    "log10_backward": lambda x: 1 / (x * np.log(10.0)),
    "log1p_backward": lambda x: 1 / (1 + x),
    "sinh_backward": np.cosh,
    "cosh_backward": np.sinh,
    "tanh_backward": lambda x: (exp_of_minus(x) * 2 / (1 + exp_of_minus(2 * x))) ** 2,
    "log_sigmoid_backward": lambda x: np.where(x > 0, exp_of_minus(x), 1) / (1 + exp_of_minus(x)),
    "logit_backward": lambda x: 1 / (x * (1 - x)),
}
POLES = {
    **dict.fromkeys(("log_backward", "log2_backward", "log10_backward"), (0,)),
    "log1p_backward": (-1,),
    "logit_backward": (0, 1),
}
TO_TYPE = {
    "float32": lambda value: value.astype(np.float32),
    "float16": lambda value: value.astype(np.float16),
    # Of normal numbers, and 0.
    "bfloat16": lambda value: np.rint(np.ldexp(np.frexp(value)[0], 8)) * np.ldexp(1.0, np.frexp(value)[1] - 8),
}


def assert_right_gradient(name, g, saved, y, undecided, dtype):
    """Where decided and where float64 can tell."""
    with np.errstate(all="ignore"):
        exact = g.astype(np.float64) * DERIVATIVES[name](saved.astype(np.float64))
        low, high = (TO_TYPE[dtype](exact * (1 + error)).astype(np.float64) for error in (-TRUST, TRUST))
    known = ~undecided & (low == high)
    np.testing.assert_array_equal(y[known], low[known])
    np.testing.assert_array_equal(np.signbit(y[known]), np.signbit(exact[known]))


def moderate(generator, n):
    """Of either sign, among them zeros."""
    return generator.normal(size=n) * generator.choice([0.0, 1, 1, 1, 1, 1, 1, 1], n) * generator.choice([-1, 1], n)


@pytest.mark.by_form
@pytest.mark.parametrize("lanes", [1, 8, 16], indirect=True)
@pytest.mark.parametrize("name", DERIVATIVES)
def test_gradients_in_float32(name, lanes, level):
    call = compile_phase(fast_gradients.fast_gradient(name, "float32", level), lanes, "float32", 2)
    generator, n = np.random.default_rng(0), 1 << 17
    spread = 2.0 ** generator.uniform(-30, 30, n)
    # Of a square the exponent is twice as great; a difference takes more from the precision.
    reach = 21.5 if name == "tanh_backward" else 43
    share = UNDECIDED[len(TABLES[lanes].roots.rounded)] * (2 if name == "cosh_backward" else 1)
    for scale, saved in (
        (1.0, moderate(generator, n) * 4),
        (spread, generator.uniform(-reach, reach, n)),
        (1.0, moderate(generator, n) * 2.0 ** generator.integers(-30, 1, n)),
    ):
        first, second = (moderate(generator, n) * scale).astype(np.float32), saved.astype(np.float32)
        second[np.isin(second, POLES.get(name, ()))] = 0.25
        y, undecided, flags = call(first, second)
        assert_right_gradient(name, first, second, y, undecided, "float32")
        assert undecided.mean() < share
        assert not flags
    g, saved = generator.integers(0, 1 << 32, (2, n), np.uint32).view(np.float32)
    for first, second in ((g, saved), (g, np.full(n, np.nan, np.float32)), (np.full(n, np.nan, np.float32), saved)):
        y, undecided, flags = call(first, second)
        assert_right_gradient(name, first, second, y, undecided, "float32")
        assert undecided[np.isnan(first) | np.isnan(second)].all()
        assert not flags


@pytest.mark.by_form
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("lanes", [1, 8, 16], indirect=True)
def test_gradients_in_halves(name, dtype, lanes, level):
    call = compile_phase(fast_gradients.fast_gradient(name, dtype, level), lanes, dtype, 2)
    generator = np.random.default_rng(0)
    every = np.arange(1 << 16, dtype=np.uint16)
    ordinary = (moderate(generator, every.size) + 3).astype(np.float16).view(np.uint16)
    if dtype == "bfloat16":
        ordinary = ((moderate(generator, every.size) + 3).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    for first, second in ((generator.permutation(every), every), (ordinary, every), (every, ordinary)):
        y, undecided, flags = call(first, second)
        g, saved = values_of(first, dtype), values_of(second, dtype)
        assert_right_gradient(name, g, saved, values_of(y, dtype), undecided, dtype)
        assert undecided[np.isnan(g) | np.isnan(saved)].all()
        if dtype == "bfloat16":
            assert not flags
    taken = (abs(g) > 2.0**-10) & (abs(g) < 2.0**40)
    assert undecided[taken].mean() < UNDECIDED[32]


def test_flags_of_exact_halves(lanes, level):
    """g / 4 may be exact and subnormal, which is no underflow."""
    call = compile_phase(fast_gradients.fast_gradient("sigmoid_backward", "float16", level), lanes, "float16", 2)
    assert call(np.full(16, 0x0010, np.uint16), np.zeros(16, np.uint16))[2] == 0
    assert call(np.full(16, 0x0010, np.uint16), np.full(16, 0x3C00, np.uint16))[2] != 0


@pytest.mark.parametrize("lanes", [1, 8], indirect=True)
@pytest.mark.parametrize("name", [*HARD, *HARD_GRADIENTS])
def test_a_smaller_bound_is_seen(name, lanes, monkeypatch):
    """The bound holds where a quarter of it does not: each of the arguments is wrongly decided then."""
    table = TABLES[lanes]
    cases = {**HARD, **HARD_GRADIENTS}[name][len(table.roots.rounded)]
    arguments = np.array([[float.fromhex(text) for text in np.atleast_1d(case)] for case in cases] * 8, np.float32).T
    as_numbers = arguments.astype(np.float64)
    for error in (table.error, table.error / 4):
        level = make_level(lanes, table._replace(error=error), monkeypatch)
        find = fast_gradients.fast_gradient if name in HARD_GRADIENTS else fast.fast_phase
        y, undecided, _ = compile_phase(find(name, "float32", level), lanes, "float32", len(arguments))(*arguments)
        if name in HARD:
            is_wrong = wrong(name, arguments[0], y)
        else:
            is_wrong = y != TO_TYPE["float32"](as_numbers[0] * DERIVATIVES[name](as_numbers[1]))
        expected = error < table.error
        assert ((is_wrong & ~undecided) == expected).all()


@pytest.mark.parametrize("lanes", [1, 8], indirect=True)
@pytest.mark.parametrize("name", HARD_LOGS)
def test_a_smaller_bound_of_logarithms_is_seen(name, lanes, level, monkeypatch):
    entries = len(TABLES[lanes].roots.rounded)
    x = np.resize(np.array([float.fromhex(text) for text in HARD_LOGS[name][entries]], np.float32), 16)
    for share in (1, 0.25):
        for errors in (tabled_log.ERRORS, tabled_log.ERRORS_OF_LOG1P):
            monkeypatch.setitem(errors, entries, errors[entries] * share)
        y, undecided, _ = compile_phase(fast.fast_phase(name, "float32", level), lanes, "float32")(x)
        assert ((wrong(name, x, y) & ~undecided) == (share < 1)).all()
