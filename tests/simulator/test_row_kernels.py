"""The kernels of rows, launched on the host's memory: the bits of the definition, which ``reference`` computes number
by number, for rows of any values, lengths and layouts."""

import functools
import math
import threading
import zlib

import numpy as np
import pytest
from helpers import FLOATS, assert_same_stored, patterns_type
from numba import njit

from numbaexp.cpu.row_functions import Operands
from numbaexp.cuda import host, launch, launch_rows, warp
from numbaexp.scalar import narrow
from numbaexp.scalar.forms import mixed
from numbaexp.scalar.row_arithmetic import NARROW, PAIRED, arithmetic_of
from numbaexp.scalar.row_gradients import gradient_of
from numbaexp.scalar.row_order import CHUNK, LANES
from numbaexp.scalar.rows import rank

pytestmark = pytest.mark.sampled(
    name=("softmax", "softmax_backward"), dtype="float32", length=("33", "50", "4097", "4136"), axis="1", _shared="2"
)

NAMES = (
    "softmax",
    "log_softmax",
    "logsumexp",
    "statistics",
    "softmax_backward",
    "log_softmax_backward",
    "logsumexp_backward",
)
LENGTHS = (1, 2, 31, 32, 33, 63, 64, 65, 100, CHUNK - 1, CHUNK, CHUNK + 1, 9000)
compiled = njit(error_model="numpy")
for_each_name = pytest.mark.parametrize("name", NAMES)
for_each_dtype = pytest.mark.parametrize("dtype", FLOATS)


# The definition.


@functools.cache
def make_total(add):
    @compiled
    def total(high, low):
        lanes, lanes_low = np.zeros(LANES), np.zeros(LANES)
        for i in range(high.size):
            j = i % LANES
            lanes[j], lanes_low[j] = add(lanes[j], lanes_low[j], high[i], low[i])
        for above in (16, 8, 4, 2, 1):
            for j in range(above):
                lanes[j], lanes_low[j] = add(lanes[j], lanes_low[j], lanes[j + above], lanes_low[j + above])
        return lanes[0], lanes_low[0]

    return total


@functools.cache
def make_greatest(arithmetic):
    value, of_rank = arithmetic.value, arithmetic.of_rank

    @compiled
    def greatest_of(values):
        top = rank(value(-np.inf))
        for x in values:
            top = max(top, rank(value(x)))
        return np.float64(of_rank(top))

    return greatest_of


@functools.cache
def make_sum_for_logarithm(arithmetic):
    """Of the elements as float64: (greatest, ones, high, low) of a row."""
    value, one, add, greatest_of = arithmetic.value, arithmetic.one, arithmetic.add, make_greatest(arithmetic)
    addend, weight_of, weighted, total = arithmetic.addend, arithmetic.weight, arithmetic.weighted, make_total(add)

    @compiled
    def sum_of_row(x):
        chunks = (x.size + CHUNK - 1) // CHUNK
        greatest, ones, high, low = np.zeros(chunks), np.zeros(chunks), np.zeros(chunks), np.zeros(chunks)
        for c in range(chunks):
            values = x[c * CHUNK : (c + 1) * CHUNK]
            greatest[c] = greatest_of(values)
            e, e_low = np.zeros(values.size), np.zeros(values.size)
            for i in range(values.size):
                is_one, e[i], e_low[i] = addend(value(values[i]), value(greatest[c]))
                ones[c] += is_one
            high[c], low[c] = total(e, e_low)
        of_row = greatest_of(greatest)
        ones_of_row = 0.0
        for c in range(chunks):
            weight, weight_low = one, 0.0
            if chunks > 1:
                weight, weight_low = weight_of(value(greatest[c]), value(of_row))
            if greatest[c] == of_row:
                ones_of_row += ones[c]
            else:
                high[c], low[c] = add(ones[c] * one, 0.0, high[c], low[c])
            high[c], low[c] = weighted(high[c], low[c], weight, weight_low)
        if chunks == 1:
            return of_row, ones_of_row, high[0], low[0]
        sum_high, sum_low = total(high, low)
        return of_row, ones_of_row, sum_high, sum_low

    return sum_of_row


@functools.cache
def make_shares(arithmetic):
    value, exponential, greatest_of = arithmetic.value, arithmetic.exponential, make_greatest(arithmetic)
    total, usable, share, shared, scaled = (
        make_total(arithmetic.add),
        arithmetic.usable,
        arithmetic.share,
        arithmetic.shared,
        arithmetic.scaled,
    )
    smallest = arithmetic.nothing

    @compiled
    def sum_of_row(x, reference, e, e_low):
        chunks = (x.size + CHUNK - 1) // CHUNK
        high, low = np.zeros(chunks), np.zeros(chunks)
        for i in range(x.size):
            e[i], e_low[i] = exponential(value(x[i]), 0.0 if reference == -np.inf else reference)
        for c in range(chunks):
            of_chunk = slice(c * CHUNK, (c + 1) * CHUNK)
            high[c], low[c] = total(e[of_chunk], e_low[of_chunk])
        if chunks == 1:
            return high[0], low[0]
        return total(high, low)

    @compiled
    def shares(x, is_scaled, factor, out):
        e, e_low = np.zeros(x.size), np.zeros(x.size)
        reference = 0.0
        high, low = sum_of_row(x, reference, e, e_low)
        if not usable(high):
            reference = greatest_of(x)
            high, low = sum_of_row(x, reference, e, e_low)
        f, f_low = share(high, low)
        if is_scaled:
            f, f_low = scaled(f, f_low, factor)
        if is_scaled and reference == -np.inf:
            f, f_low = 0.0, 0.0
        elif not abs(reference) < np.inf:
            f = np.nan
        for i in range(x.size):
            nothing = is_scaled and e[i] < smallest
            out[i] = shared(0.0 if nothing else e[i], 0.0 if nothing else e_low[i], f, f_low)

    return shares


@functools.cache
def make_logs(arithmetic):
    sum_of_row, in_pairs = make_sum_for_logarithm(arithmetic), make_sum_for_logarithm(PAIRED)
    value = arithmetic.value
    logarithm, log_share, log_sum = arithmetic.logarithm, arithmetic.log_share, arithmetic.log_sum
    paired_logarithm, paired_log_sum = PAIRED.logarithm, PAIRED.log_sum
    is_narrow = arithmetic is NARROW

    @compiled
    def statistics(x, out):
        out[0], ones, high, low = sum_of_row(x)
        out[1], out[2] = logarithm(ones, high, low)

    @compiled
    def log_softmax(x, out):
        known = np.zeros(3)
        statistics(x, known)
        of_row, log, log_low = known
        for i in range(x.size):
            share = log_share(value(x[i]), value(of_row), log, log_low)
            out[i] = share if abs(of_row) < np.inf else np.nan

    @compiled
    def logsumexp(x, out):
        known = np.zeros(3)
        statistics(x, known)
        of_row, log, log_low = known
        result = log_sum(value(of_row), log, log_low)
        if is_narrow and abs(result) < log / 4:
            of_row, ones, high, low = in_pairs(x)
            log, log_low = paired_logarithm(ones, high, low)
            result = paired_log_sum(of_row, log, log_low)
        out[0] = result if abs(of_row) < np.inf else of_row

    return {"statistics": statistics, "log_softmax": log_softmax, "logsumexp": logsumexp}


@functools.cache
def make_gradient(gradient):
    (addend, result), total = gradient, make_total(PAIRED.add)

    @compiled
    def gradient(g, y, out):
        chunks = (g.size + CHUNK - 1) // CHUNK
        high, low = np.zeros(chunks), np.zeros(chunks)
        for c in range(chunks):
            start = c * CHUNK
            count = min(CHUNK, g.size - start)
            e, e_low = np.zeros(count), np.zeros(count)
            for i in range(count):
                e[i], e_low[i] = addend(g[start + i], y[start + i])
            high[c], low[c] = total(e, e_low)
        sum_high, sum_low = total(high, low)
        for i in range(g.size):
            out[i] = result(g[i], y[i], sum_high, sum_low)

    return gradient


@functools.cache
def make_rounded(dtype):
    to_element = {"float16": narrow.to_half, "bfloat16": narrow.to_bfloat}[dtype]

    @np.vectorize(otypes=[np.uint16])
    def rounded(result):
        return to_element(result)

    return rounded


def as_rounded(results, dtype):
    with np.errstate(all="ignore"):
        if dtype in ("float16", "bfloat16"):
            return make_rounded(dtype)(results).view(patterns_type(dtype))
        return results.astype(dtype)


def as_stored(values, dtype):
    if dtype == "bfloat16":
        return (np.asarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(values, np.float64).astype(dtype)


def values_of(array, dtype):
    if dtype == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64)


def has_one_for_each_row(name):
    """Which operands have one number for each row."""
    return {
        "logsumexp": (False, True),
        "statistics": (False, True, True, True),
        "logsumexp_backward": (True, False, False),
    }.get(name, (False,) * len(launch_rows.OPERANDS[name]))


def reference(name, dtype, arguments):
    """What the last operands of a function are to be, whose arguments have rows along the last axis."""
    types = types_of(name, dtype, len(arguments))
    arguments = [values_of(np.ascontiguousarray(x), kind) for x, kind in zip(arguments, types, strict=False)]
    shape = arguments[-1].shape
    arithmetic, one_for_each = arithmetic_of(dtype), has_one_for_each_row(name)[len(arguments) :]
    of_each_row = [3 if name == "statistics" else 1 if one_for_each[0] else shape[-1]]
    results = np.zeros((*shape[:-1], *of_each_row))
    for row in np.ndindex(*shape[:-1]):
        of_row, out = [x[row] for x in arguments], results[row]
        if name == "softmax":
            make_shares(arithmetic)(of_row[0], False, 1.0, out)
        elif name == "logsumexp_backward":
            make_shares(arithmetic)(of_row[1], True, of_row[0][0], out)
        elif name in ("statistics", "log_softmax", "logsumexp"):
            make_logs(arithmetic)[name](of_row[0], out)
        else:
            make_gradient(gradient_of(name, dtype))(*of_row, out)
    return np.split(results, 3, -1) if name == "statistics" else [as_rounded(results, dtype)]


# What is compared.


def strided(array, dtype):
    return launch.Strided(array.ctypes.data, array.shape, array.strides, dtype, 0)


def types_of(name, dtype, arguments):
    """Of the operands."""
    of_results = ["float64" if name == "statistics" else dtype] * (len(launch_rows.OPERANDS[name]) - arguments)
    return ["float64", dtype, dtype] if name == "logsumexp_backward" else [dtype] * arguments + of_results


def compute(name, dtype, arguments, results, axes):
    types = types_of(name, dtype, len(arguments))
    operands = [strided(array, kind) for array, kind in zip((*arguments, *results), types, strict=True)]
    launch_rows.run(name, operands, axes, 0)


def assert_as_defined(name, dtype, arguments):
    """Of arguments with rows along the last axis; in place too."""
    expected = reference(name, dtype, arguments)
    results = [np.ones_like(x) for x in expected]
    axis = (arguments[-1].ndim - 1,)
    before = [x.copy() for x in arguments]
    compute(name, dtype, arguments, results, axis)
    for result, right in zip(results, expected, strict=True):
        assert_same_stored(result, right)
    for x, same in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(x.view(np.uint8), same.view(np.uint8))
    return expected


def some_arguments(name, dtype, shape, seed=0):
    """With rows along the last axis."""
    generator = np.random.default_rng([zlib.crc32(f"{name} {dtype}".encode()), seed, shape[-1]])
    x = as_stored(generator.normal(0, generator.choice([0.5, 5, 60]), shape), dtype)
    if name == "softmax_backward":
        y = np.exp(generator.normal(-3, 2, shape))
        return [x, as_stored(y / y.sum(-1, keepdims=True), dtype)]
    if name == "log_softmax_backward":
        return [x, as_stored(-np.exp(generator.normal(1, 2, shape)), dtype)]
    if name == "logsumexp_backward":
        return [generator.normal(0, 1, (*shape[:-1], 1)), x]
    return [x]


@for_each_name
@pytest.mark.parametrize("length", LENGTHS)
def test_lengths(name, length):
    dtype = FLOATS[(LENGTHS.index(length) + NAMES.index(name)) % len(FLOATS)]
    assert_as_defined(name, dtype, some_arguments(name, dtype, (3, length)))


@pytest.fixture(params=[2, 10**6], ids=["shared among blocks", "a row a block"])
def _shared(request, monkeypatch):
    """From so many chunks several blocks take a row."""
    monkeypatch.setattr(launch_rows, "MANY_CHUNKS", request.param)


@pytest.mark.usefixtures("_shared")
@for_each_dtype
@for_each_name
def test_two_chunks(name, dtype):
    assert_as_defined(name, dtype, some_arguments(name, dtype, (1, CHUNK + 40)))


def balanced(length):
    """Numbers whose exponentials add up to 1, or nearly so: all but one are the same, and a bit too small for it."""
    same = np.nextafter(np.float32(-math.log(length - 1)), np.float32(-np.inf))
    row = np.full(length, same, np.float64)
    row[length // 2] = math.log(-math.expm1(float(same) + math.log(length - 1)))
    return row


def special_rows(dtype, length):
    """Of x, and of a gradient or a result."""
    info = np.finfo(np.float32 if dtype == "bfloat16" else dtype)
    great, tiny, smallest = (float(v) for v in (info.max, info.tiny, info.smallest_subnormal))
    generator = np.random.default_rng(length)
    usual = generator.normal(0, 3, length)
    rows = [usual]

    def with_some(*numbers):
        row = usual.copy()
        row[generator.choice(length, len(numbers), replace=False)] = numbers
        rows.append(row)

    with_some(np.nan)
    with_some(-np.nan, np.inf)
    with_some(np.inf)
    with_some(np.inf, np.inf, -np.inf)
    with_some(-np.inf, -np.inf)
    with_some(great, -great)
    with_some(great, great)
    with_some(6.0, 6.0, 6.0)
    rows.append(np.full(length, -np.inf))
    rows.append(np.full(length, 3.0))
    rows.append(np.full(length, great))
    rows.append(np.full(length, -great))
    rows.append(generator.uniform(-1, 1, length) * tiny)
    rows.append(generator.integers(-5, 6, length) * smallest)
    # What is far below the greatest: results that are subnormal or nothing.
    rows.append(-np.linspace(0, 800 if dtype == "float64" else 120, length))
    # The greatest element and the logarithm cancel.
    rows.append(balanced(length))
    rows.append(np.full(length, -math.log(length)))
    # The first and the last chunk, or half, have nothing.
    half = min(CHUNK, length // 2)
    rows += [
        np.where(np.arange(length) < half, -np.inf, usual),
        np.where(np.arange(length) < length - half, usual, -np.inf),
    ]
    rows.append(np.where(np.arange(length) < half, usual, usual + 500.0))
    with np.errstate(over="ignore", under="ignore"):
        return as_stored(np.stack(rows), dtype)


# Of the 16-bit types each with the half of the functions.
OF_SPECIAL_ROWS = [(name, dtype) for name in NAMES for dtype in ("float32", "float64")]
OF_SPECIAL_ROWS += [(name, ("float16", "bfloat16")[i % 2]) for i, name in enumerate(NAMES)]


@pytest.mark.parametrize(("name", "dtype"), OF_SPECIAL_ROWS)
def test_special_rows(name, dtype):
    rows = special_rows(dtype, 70)
    if name == "logsumexp_backward":
        factors = np.resize([1.0, -0.3, 0.0, 2.5, np.inf, np.nan, 1e4, 1.0], (len(rows), 1))
        assert_as_defined(name, dtype, [factors, rows])
    elif name.endswith("_backward"):
        ordinary = some_arguments(name, dtype, rows.shape)
        assert_as_defined(name, dtype, [rows, ordinary[1]])
        assert_as_defined(name, dtype, [ordinary[0], np.minimum(rows, 0) if dtype != "bfloat16" else rows | 0x8000])
    else:
        assert_as_defined(name, dtype, [rows])


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("softmax", "float64"),
        ("log_softmax", "float32"),
        ("logsumexp", "float32"),
        ("statistics", "float64"),
        ("logsumexp_backward", "float32"),
        ("logsumexp_backward", "float64"),
    ],
)
@pytest.mark.usefixtures("_shared")
def test_special_rows_of_several_chunks(name, dtype):
    rows = special_rows(dtype, CHUNK + 70)
    rows = rows[[1, 3, 4, 7, 9, 16, 17, 18, 19, 20]]
    assert_as_defined(name, dtype, [np.ones((len(rows), 1)), rows] if "back" in name else [rows])


@pytest.mark.thorough
@pytest.mark.usefixtures("_shared")
def test_more_chunks_than_lanes():
    """Of a logarithm the low part shows every order."""
    assert_as_defined("statistics", "float64", some_arguments("statistics", "float64", (1, (LANES + 1) * CHUNK + 3)))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["softmax_backward", "log_softmax_backward"])
def test_sums_that_cancel(name):
    """Of what is left of them every bit depends on the order, which the result of any other sum hardly shows."""
    for length in (100, (LANES + 1) * CHUNK if name == "softmax_backward" else CHUNK + 100):
        generator = np.random.default_rng(length)
        half = generator.normal(0, 1, length // 2) * 10.0 ** generator.uniform(-30, 30, length // 2)
        g = generator.permutation(np.concatenate([half, -half]))
        y = np.full(length, 2.0**-10 if name == "softmax_backward" else -1.0)
        assert_as_defined(name, "float64", [g[None], y[None]])


def beside_each_other(arrays):
    """The same, with the first element of each row before the second of any."""
    return [np.asfortranarray(x) if x.shape[-1] > 1 else x for x in arrays]


@pytest.mark.sampled(name="softmax_backward")
@pytest.mark.parametrize(
    ("name", "dtype"), [(name, FLOATS[(i + j) % 4]) for i, name in enumerate(NAMES) for j in (0, 2, 3)]
)
def test_rows_beside_each_other(monkeypatch, name, dtype):
    """A block takes several, of which some have no use for the sum of differences from 0, or cancel; in place too."""
    monkeypatch.setattr(launch_rows, "BATCHED_FROM", 2)
    used, kernel = set(), launch_rows.compiled
    monkeypatch.setattr(launch_rows, "compiled", lambda *of, device: used.add(of[2]) or kernel(*of, device=device))
    for shape in ((5, 9), (64, 40), (9, CHUNK + 40)):
        if shape[1] > CHUNK and dtype in ("float16", "bfloat16"):
            continue
        arguments = some_arguments(name, dtype, shape)
        if not name.startswith(("softmax_", "log_softmax_")):
            rows = special_rows(dtype, shape[1])[: shape[0]]
            arguments = [x[: len(rows)] for x in arguments[:-1]] + [rows]
        expected = reference(name, dtype, arguments)
        results = beside_each_other([np.ones_like(x) for x in expected])
        compute(name, dtype, beside_each_other(arguments), results, (1,))
        for result, right in zip(results, expected, strict=True):
            assert_same_stored(result, right)
        if name in ("softmax", "log_softmax"):
            (x,) = beside_each_other(arguments)
            compute(name, dtype, [x], [x], (1,))
            assert_same_stored(x, expected[0])
    assert used == {"of_columns"}


# Into a wider type.
MIXED = [(source, to) for place, source in enumerate(FLOATS) for to in FLOATS[max(place + 1, 2) :]]


def assert_computed_in(to, name, x, dtype, as_laid_out=lambda arrays: arrays):
    """The bits of the function of elements that are converted first."""
    (expected,) = reference(name, to, [values_of(x, dtype).astype(to)])
    (given,), (out,) = as_laid_out([x]), as_laid_out([np.ones_like(expected)])
    launch_rows.run(name, [strided(given, dtype), strided(out, to)], (1,), 0)
    assert_same_stored(out, expected)


@pytest.mark.sampled(source="bfloat16")
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("source", "to"), MIXED)
def test_wider_results(monkeypatch, source, to, name):
    """By warps, and of rows beside each other."""
    assert_computed_in(to, name, special_rows(source, 50), source)
    monkeypatch.setattr(launch_rows, "BATCHED_FROM", 2)
    assert_computed_in(to, name, special_rows(source, 40)[:9], source, beside_each_other)


def test_wider_results_of_arrays_of_the_host():
    x = some_arguments("softmax", "float16", (2, 3, 5))[0]
    out = np.ones(x.shape, np.float32)
    host.rows("softmax", mixed("float16", "float32"), Operands(x, out), (0, 2))
    together = np.moveaxis(x, 1, 0).reshape(3, 10).astype(np.float32)
    (expected,) = reference("softmax", "float32", [together])
    assert_same_stored(np.moveaxis(out, 1, 0).reshape(3, 10), expected)


@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize(
    ("name", "source", "to"), [("softmax", "bfloat16", "float32"), ("log_softmax", "float32", "float64")]
)
def test_wider_results_of_several_chunks(name, source, to):
    assert_computed_in(to, name, special_rows(source, CHUNK + 40)[[0, 9]], source)


def test_balanced_rows_tell():
    """Of those whose greatest element and logarithm cancel, whether they are computed anew."""
    for length in (70, CHUNK + 70):
        row = balanced(length).astype(np.float32)
        (greatest,), (logarithm,), _ = reference("statistics", "float32", [row])
        assert np.float32(greatest + logarithm) != reference("logsumexp", "float32", [row])[0]


def laid_out(values, way):
    """The same numbers, which lie in memory otherwise, and what they lie in."""
    if way == "reversed":
        memory = np.ascontiguousarray(values[..., ::-1])
        return memory[..., ::-1]
    if way == "every other":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if way == "first axis fastest":
        return np.asfortranarray(values)
    if way == "rows reversed":
        memory = np.ascontiguousarray(values[::-1])
        return memory[::-1]
    return values.copy()


WAYS = ("contiguous", "reversed", "every other", "first axis fastest", "rows reversed")


@pytest.mark.sampled(way=("every other", "first axis fastest"))
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_layouts(way, axis):
    """Those of the arguments and of the results differ."""
    case = 3 * WAYS.index(way) + axis
    name, dtype = NAMES[case % len(NAMES)], FLOATS[case % len(FLOATS)]
    shape = (2, 3, 5)
    along_last = [*(shape[i] for i in range(3) if i != axis), shape[axis]]
    arguments = some_arguments(name, dtype, tuple(along_last))
    expected = [np.moveaxis(x, -1, axis) for x in reference(name, dtype, arguments)]
    given = [laid_out(np.moveaxis(x, -1, axis), way) for x in arguments]
    results = [laid_out(np.ones_like(x), WAYS[(WAYS.index(way) + 2) % len(WAYS)]) for x in expected]
    compute(name, dtype, given, results, (axis,))
    for result, right in zip(results, expected, strict=True):
        assert_same_stored(result, right)


@pytest.mark.parametrize("length", [40, CHUNK + 40])
def test_layouts_of_several_rows_and_chunks(length):
    """The rows lie across, more of them than there are warps, and backwards."""
    for name, dtype in (("softmax", "float64"), ("log_softmax_backward", "float16"), ("logsumexp", "bfloat16")):
        arguments = some_arguments(name, dtype, (5, length))
        expected = reference(name, dtype, arguments)[0]
        given = [np.ascontiguousarray(x[::-1, ::-1].T)[::-1, ::-1] for x in arguments]
        out = np.ones_like(np.ascontiguousarray(expected.T))
        compute(name, dtype, given, [out], (0,))
        assert_same_stored(out, np.ascontiguousarray(expected.T))


@pytest.mark.parametrize("length", [1, 50, CHUNK + 5])
@for_each_name
def test_in_place(name, length):
    """``out`` is each of the arguments that has its shape."""
    dtype = FLOATS[NAMES.index(name) % len(FLOATS)]
    for place in range(len(some_arguments(name, dtype, (3, length)))):
        arguments = some_arguments(name, dtype, (3, length))
        expected = reference(name, dtype, arguments)
        alike = (arguments[place].shape, arguments[place].dtype) == (expected[0].shape, expected[0].dtype)
        if name == "statistics" or not alike:
            continue
        compute(name, dtype, arguments, [arguments[place]], (1,))
        assert_same_stored(arguments[place], expected[0])


def test_axes():
    """Several that are one dimension, and in a larger array, beside which nothing is written."""
    x = some_arguments("softmax", "float32", (2, 12))[0]
    expected = reference("softmax", "float32", [x])[0].reshape(2, 3, 4)
    memory = np.full((2, 2, 3, 4), 7, np.float32)
    compute("softmax", "float32", [x.reshape(2, 3, 4)], [memory[:, 1]], (1, 2))
    assert_same_stored(memory[:, 1], expected)
    assert (memory[:, 0] == 7).all()
    results = [np.ones((2, 1, 1)) for _ in range(3)]
    compute("statistics", "float32", [x.reshape(2, 3, 4)], results, (1, 2))
    for result, right in zip(results, reference("statistics", "float32", [x]), strict=True):
        assert_same_stored(result, right[..., None])


def test_repeated_rows():
    """Along a step of 0."""
    row = some_arguments("softmax", "float64", (1, 33))[0]
    expected = np.repeat(reference("softmax", "float64", [row])[0], 3, axis=0)
    out = np.ones((3, 33))
    compute("softmax", "float64", [np.broadcast_to(row, (3, 33))], [out], (1,))
    assert_same_stored(out, expected)
    g, y = some_arguments("softmax_backward", "float64", (3, 33))
    expected = reference("softmax_backward", "float64", [np.broadcast_to(g[:, :1], (3, 33)), y])[0]
    compute("softmax_backward", "float64", [np.broadcast_to(g[:, :1], (3, 33)), y], [out], (1,))
    assert_same_stored(out, expected)


def test_nothing():
    compute("softmax", "float32", [np.empty((0, 3), np.float32)], [np.empty((0, 3), np.float32)], (1,))
    compute("logsumexp", "float32", [np.empty((0, 3), np.float32)], [np.empty((0, 1), np.float32)], (1,))


def test_axes_that_are_no_one_dimension_are_refused():
    x, out = np.ones((2, 3, 4), np.float32), np.zeros((2, 3, 4), np.float32)
    message = r"^`axes` must be one dimension in the memory of every operand; got \(0, 2\)"
    with pytest.raises(ValueError, match=message):
        compute("softmax", "float32", [x], [out], (0, 2))
    assert not out.any()


def test_what_lies_between_elements_is_refused():
    raw = np.zeros(64, np.uint8)
    x, out = np.zeros(8, np.float32), raw[1:33].view(np.float32)
    message = "`out` must be aligned to its elements of 4 bytes, as every access on a GPU must be"
    with pytest.raises(ValueError, match=f"^{message}$"):
        compute("softmax", "float32", [x], [out], (0,))
    with pytest.raises(ValueError, match=r"^`output` must be aligned"):
        compute("softmax_backward", "float32", [x, out], [x], (0,))
    assert not raw.any()


def test_lanes_that_part_are_told(monkeypatch):
    """In the simulator, as a GPU would not: one lane does not come."""
    monkeypatch.setattr(warp, "_PATIENCE", 0.2)
    warp.start_exchanges(1)
    told = []

    class Lane(threading.Thread):
        thread_id = 3

        def run(self):
            try:
                warp.above(1.0, 16)
            except threading.BrokenBarrierError:
                told.append(self.thread_id)

    lane = Lane()
    lane.start()
    lane.join()
    assert told == [3]
