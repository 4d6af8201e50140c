"""The bits of the softmax family depend on a row's values alone: the order of sums, and what must not change them."""

import hashlib
import itertools
import platform

import numpy as np
import pytest
from helpers import FLOATS, OF_ROWS, SOFTMAX_LIKE, assert_same_but_nan, dtype_of
from python_calls import from_python

import numbaexp
from numbaexp.cpu import row_functions, row_job, row_memory
from numbaexp.scalar import narrow, row_arithmetic
from numbaexp.scalar.row_gradients import gradient_of

pytestmark = pytest.mark.sampled(dtype="float32")

TYPES = {name: dtype_of(name) for name in FLOATS}
TARGETS = ("cpu", "parallel", "auto")
BACKWARD = tuple(f"{name}_backward" for name in SOFTMAX_LIKE)


def logits(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape) * 6
    x[generator.random(shape) < 0.05] = -np.inf
    return x.astype(TYPES[dtype])


# The reference: rows in the order that the documentation tells of, in NumPy, of scalars that are called one at a time.


def add_pairs(a, b):
    (high_a, low_a), (high_b, low_b) = a, b
    total = high_a + high_b
    part = total - high_a
    return total, (low_a + low_b) + ((high_a - (total - part)) + (high_b - part))


def add_floats(a, b):
    return a[0] + b[0], np.zeros_like(a[0])


def lanes_sum(pairs, add):
    """Element i to lane i mod 32; then the lanes by halves."""
    padded = np.zeros((2, -(-len(pairs) // 32) * 32))
    padded[:, : len(pairs)] = np.array(pairs, np.float64).reshape(-1, 2).T
    lanes = np.zeros(32), np.zeros(32)
    for block in padded.reshape(2, -1, 32).swapaxes(0, 1):
        lanes = add(lanes, tuple(block))
    for half in (16, 8, 4, 2, 1):
        lanes = add(tuple(part[:half] for part in lanes), tuple(part[half : 2 * half] for part in lanes))
    return tuple(part[0] for part in lanes)


TO_BITS = {"float16": from_python(narrow.to_half), "bfloat16": from_python(narrow.to_bfloat)}
NARROW, PAIRED = from_python(row_arithmetic.NARROW), from_python(row_arithmetic.PAIRED)


def rounded(values, dtype):
    values = np.array(values, np.float64)
    to_bits = TO_BITS.get(dtype)
    if to_bits is None:
        with np.errstate(all="ignore"):
            return values.astype(TYPES[dtype])
    return np.array([to_bits(v) for v in values], np.uint16).view(TYPES[dtype])


def chunks_of(x):
    return [x[start : start + 4096] for start in range(0, len(x), 4096)]


def arithmetic_of(dtype):
    return (PAIRED, add_pairs) if dtype == "float64" else (NARROW, add_floats)


def subtracted(greatest, value):
    return value(0) if greatest == -np.inf else greatest


def exponentials(values, reference, a, add):
    """Of each chunk, and their sum."""
    powers = [[a.exponential(v, subtracted(reference, np.float64)) for v in piece] for piece in chunks_of(values)]
    sums = [lanes_sum(each, add) for each in powers]
    return powers, lanes_sum(sums, add) if len(sums) > 1 else sums[0]


def softmax(x, dtype, scale=None):
    a, add = arithmetic_of(dtype)
    values = [a.value(v) for v in x.astype(np.float64)]
    with np.errstate(over="ignore", invalid="ignore"):
        powers, total = exponentials(values, 0.0, a, add)
    if not a.usable(total[0]):
        powers, total = exponentials(values, np.float64(max(values)), a, add)
    share = a.share(*total)
    share = share if scale is None else a.scaled(*share, float(scale))
    return rounded([a.shared(*e, *share) for each in powers for e in each], dtype)


def statistics(x, a, add):
    """(greatest, logarithm, low)"""
    pieces = chunks_of([a.value(v) for v in x.astype(np.float64)])
    tops = [max(piece) for piece in pieces]
    top = max(tops)
    ones = [float(piece.count(of_piece)) for piece, of_piece in zip(pieces, tops, strict=True)]
    sums = [
        lanes_sum([a.addend(v, of_piece)[1:] for v in piece], add) for piece, of_piece in zip(pieces, tops, strict=True)
    ]
    if len(pieces) == 1:
        return top, *a.logarithm(ones[0], *a.weighted(*sums[0], a.one, 0.0))
    others = [
        sums[c] if tops[c] == top else tuple(map(float, add((ones[c] * a.one, 0.0), sums[c])))
        for c in range(len(pieces))
    ]
    total = lanes_sum([a.weighted(*others[c], *a.weight(tops[c], top)) for c in range(len(pieces))], add)
    return top, *a.logarithm(sum(n for n, of_piece in zip(ones, tops, strict=True) if of_piece == top), *total)


def log_softmax(x, dtype):
    a, add = arithmetic_of(dtype)
    known = statistics(x, a, add)
    return rounded([a.log_share(a.value(v), *known) for v in x.astype(np.float64)], dtype)


def logsumexp(x, dtype):
    a, add = arithmetic_of(dtype)
    known = statistics(x, a, add)
    result = a.log_sum(*known)
    if a is NARROW and abs(result) < known[1] / 4:
        result = PAIRED.log_sum(*statistics(x.astype(np.float64), PAIRED, add_pairs))
    return rounded([result], dtype)[0]


def gradient(name, g, y, dtype):
    of = from_python(gradient_of(name, dtype))
    pairs = list(zip(*(array.astype(np.float64).tolist() for array in (g, y)), strict=True))
    sums = [lanes_sum([of.addend(*pair) for pair in piece], add_pairs) for piece in chunks_of(pairs)]
    total = lanes_sum(sums, add_pairs)
    return rounded([of.result(*pair, *total) for pair in pairs], dtype)


LENGTHS = {
    "float16": (1, 33, 4097),
    "bfloat16": (1, 33, 4097),
    "float32": (1, 2, 31, 32, 33, 63, 64, 65, 100, 1000, 4095, 4096, 4097, 8300, 65_535, 65_536, 65_537, 100_000),
    "float64": (1, 2, 31, 32, 33, 63, 64, 65, 100, 1000, 4095, 4096, 4097, 8300, 65_536, 65_537),
}


@pytest.mark.thorough
@pytest.mark.parametrize("dtype", TYPES)
def test_order(dtype):
    """From 65 537 elements on other kernels go through a row."""
    for n in LENGTHS[dtype]:
        x = logits(n, dtype, n)
        x[n // 2] = 1
        assert_same_but_nan(numbaexp.softmax(x), softmax(x, dtype))
        assert_same_but_nan(numbaexp.log_softmax(x), log_softmax(x, dtype))
        assert_same_but_nan(numbaexp.logsumexp(x), logsumexp(x, dtype))
        scale = x.dtype.type(-3.7)
        assert_same_but_nan(numbaexp.logsumexp_backward(scale, x), softmax(x, dtype, scale))
        g = logits(n, dtype, n + 1)
        g[np.isinf(g)] = 7
        for name, result in (("softmax_backward", numbaexp.softmax(x)), ("log_softmax_backward", x - x[n // 2])):
            y = np.minimum(result, x.dtype.type(1))
            assert_same_but_nan(getattr(numbaexp, name)(g, y), gradient(name, g, y, dtype))


@pytest.mark.parametrize("offset", [-2000, -800, -350, 350, 700, 2000, 30_000])
@pytest.mark.parametrize("dtype", TYPES)
def test_references(dtype, offset):
    """Exponentials that would overflow or vanish are of differences from the greatest element."""
    for n in (1, 33, 4097, *((65_537,) if dtype in ("float32", "float64") and abs(offset) == 2000 else ())):
        x = (logits(n, dtype, n).astype(np.float64) + offset).astype(TYPES[dtype])
        x[n // 2] = offset
        result = numbaexp.softmax(x)
        assert_same_but_nan(result, softmax(x, dtype))
        assert abs(result.astype(np.float64).sum() - 1) < 0.02
        assert_same_but_nan(numbaexp.logsumexp_backward(x.dtype.type(-3.7), x), softmax(x, dtype, x.dtype.type(-3.7)))
        # Rows beside each other have a reference each.
        beside = np.stack([x, *(logits(n, dtype, seed) for seed in range(8)), x], 1)
        results = numbaexp.softmax(beside, axis=0)
        assert_same_but_nan(results[:, 9], softmax(x, dtype))
        for i in range(1, 9):
            assert_same_but_nan(results[:, i], numbaexp.softmax(np.ascontiguousarray(beside[:, i])))


@pytest.mark.parametrize("way", ["by row", "batched", "by chunks"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_nothing_nothing_is_left(monkeypatch, dtype, way):
    """However great the number is that it is multiplied by."""
    force(monkeypatch, way)
    x = np.zeros((40, 70), dtype)
    x[:, ::3] = -np.inf
    out = np.ones_like(x)
    factors = np.full((40, 1), {"float32": 1e300, "float64": 1e150}[dtype])
    with np.errstate(over="ignore"):
        row_functions.run("scaled_softmax", dtype, row_functions.Operands(x=x, y=out, extra=factors), (1,), "cpu")
    assert not out[:, ::3].any()
    assert (out[:, 1::3] > 1e30).all()


def test_bfloats_are_rounded_once():
    """Numbers whose nearest float32 is halfway between two bfloat16."""
    once, by_float = from_python(narrow.to_bfloat), from_python(row_memory.to_bfloat_by_float)
    for exponent in (-130, -126, -3, 0, 100):
        for place in range(40):
            halfway = float(np.ldexp(1 + (2 * place + 1) / 256, exponent))
            for value in (halfway * (1 - 2.0**-30), halfway, halfway * (1 + 2.0**-30)):
                assert by_float(value) == once(value), value.hex()
                assert by_float(-value) == once(-value), value.hex()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_order_of_the_logarithm(dtype):
    """In all of its bits, where a result in the type shows few of a change in the order."""
    for n in LENGTHS[dtype]:
        x = logits(n, dtype, n)
        x[n // 2] = 1
        made = np.empty((1, 3))
        operands = row_functions.Operands(x=x.reshape(1, n), extra=made[:, :1])
        row_functions.run("statistics", dtype, operands, (1,), "cpu")
        assert made.tolist() == [list(map(float, statistics(x, *arithmetic_of(dtype))))]


def spread_out(n, dtype):
    """The same numbers whatever the generators of NumPy do."""
    return (((np.arange(n) * 7919) % 4001 - 2000) / 150).astype(TYPES[dtype])


# The statistics of a row, its logsumexp, and a digest of its softmax and log_softmax.
PINNED = {
    ("float32", 100): (
        "0x1.a06d3a0000000p+3",
        "0x1.c5a0f4c448f30p+0",
        "0x0.0p+0",
        "0x1.d921580000000p+3",
        "4d89bbee894d4cac",
    ),
    ("float32", 70000): (
        "0x1.aaaaaa0000000p+3",
        "0x1.f81611e97e66cp+2",
        "0x0.0p+0",
        "0x1.535ada0000000p+4",
        "c9ef3e54ad8c387c",
    ),
    ("float64", 100): (
        "0x1.a06d3a06d3a07p+3",
        "0x1.c5a0f508ec9aep+0",
        "0x1.0d76ac6b20300p-58",
        "0x1.d92158a7f133dp+3",
        "4e9ae02a29e32c68",
    ),
    ("float64", 70000): (
        "0x1.aaaaaaaaaaaabp+3",
        "0x1.f816108fa8314p+2",
        "-0x1.21ca66e90efaap-53",
        "0x1.535ad9793f61ap+4",
        "d45e528af470087e",
    ),
}


@pytest.mark.parametrize(("dtype", "n"), [("float32", 100), ("float32", 70_000), ("float64", 100), ("float64", 70_000)])
def test_pinned(dtype, n):
    """A change of bits is a change of what was promised."""
    x = spread_out(n, dtype)
    made = np.empty((1, 3))
    row_functions.run("statistics", dtype, row_functions.Operands(x=x.reshape(1, n), extra=made[:, :1]), (1,), "cpu")
    results = [numbaexp.softmax(x), numbaexp.log_softmax(x)]
    digest = hashlib.sha256(b"".join(array.astype(array.dtype.newbyteorder("<")).tobytes() for array in results))
    seen = (*(float(v).hex() for v in made[0]), float(numbaexp.logsumexp(x)).hex(), digest.hexdigest()[:16])
    assert seen == PINNED[dtype, n]


# How kernels are forced: what ``numbaexp.cpu.row_functions`` goes by.
MANY = 1 << 40
WAYS = {
    "by row": (0, MANY, 64),
    "batched": (MANY, 0, 64),
    "by chunks": (0, MANY, 0),
}


def force(monkeypatch, way):
    alone_from, beside_from, kept = WAYS[way]
    monkeypatch.setattr(row_job, "ALONE_FROM", alone_from)
    monkeypatch.setattr(row_job, "BATCHED_FROM", beside_from)
    monkeypatch.setattr(row_job, "KEPT", kept)


def kernels_used(monkeypatch):
    """The ways of the kernels that were asked for since."""
    used = []
    kernel = row_functions.kernel
    monkeypatch.setattr(row_functions, "kernel", lambda name, way, dtype: used.append(way) or kernel(name, way, dtype))
    return used


def call(name, x, y, out):
    """One function of a row each of ``x``, of whatever strides, into ``out``."""
    n, dtype = x.shape[1], x.dtype.name
    result, extra = out, None
    if name in ("logsumexp", "entropy"):
        result = out[:, :1]
    if name == "scaled_softmax":
        extra = np.arange(1.0, len(x) + 1)[:, None]
    operands = row_functions.Operands(x=x, y=result, w=y if name in BACKWARD else None, extra=extra)
    row_functions.run(name, dtype, operands, (1,), "cpu")
    assert n == x.shape[1]
    return result


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*itertools.product((*OF_ROWS, *BACKWARD), ("float32", "float64")), ("scaled_softmax", "float32")],
)
def test_every_kernel(monkeypatch, name, dtype):
    """Rows in C and Fortran order, strided and reversed, by row, beside each other and by chunks: the bits of each row
    by itself."""
    seen = set()
    for count, n in ((70, 3), (33, 64), (9, 130), (9, 4200), (2, 70_000)):
        x, y = logits((count, n), dtype), logits((count, n), dtype, 1)
        x[np.isinf(x)], y = (5, np.minimum(y, 0)) if name in BACKWARD else (-np.inf, y)
        with monkeypatch.context() as patch:
            force(patch, "by row")
            # What a row is multiplied by depends on its place, so that all are computed at once.
            expected = call(name, x, y, np.empty_like(x)).copy()
            if name != "scaled_softmax":
                alone = call(name, x[-1:].copy(), y[-1:].copy(), np.empty_like(x[-1:]))
                assert_same_but_nan(alone, expected[-1:])
        for way in WAYS:
            with monkeypatch.context() as patch:
                used = kernels_used(patch)
                force(patch, way)
                for arranged in LAYOUTS.values():
                    out = arranged(np.empty_like(x))
                    assert_same_but_nan(call(name, arranged(x), arranged(y), out), expected)
                if name not in BACKWARD:
                    assert_same_but_nan(call(name, x, y, np.empty(x.shape[::-1], x.dtype).T), expected)
                in_place = x.copy()
                assert_same_but_nan(call(name, in_place, y, in_place), expected)
                seen.update(used)
    assert seen == row_functions.FUNCTIONS[name].makes().keys()


def placed(array, memory):
    memory[...] = array
    return memory


LAYOUTS = {
    "C": lambda x: x.copy(),
    "Fortran": np.asfortranarray,
    "strided": lambda x: placed(x, np.empty((len(x), 3 * x.shape[1]), x.dtype)[:, ::3]),
    "reversed": lambda x: placed(x, np.empty(x.shape, x.dtype)[::-1, ::-1]),
    "rows apart": lambda x: placed(x, np.empty((2 * len(x), x.shape[1] + 5), x.dtype)[::2, 2:-3]),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", OF_ROWS)
def test_targets(name, dtype, target):
    function = getattr(numbaexp, name)
    for shape in ((300, 100), (30_000, 3), (5, 5000)) if dtype[0] == "f" and dtype[-2] != "1" else ((300, 100),):
        x = logits(shape, dtype)
        expected = np.stack([function(row, -1) for row in x[:40]])
        with numbaexp.use_target(target):
            assert_same_but_nan(function(x, -1)[:40], expected)
            assert_same_but_nan(function(x.T, 0).T[:40], expected)
            assert_same_but_nan(function(np.asfortranarray(x), 1)[:40], expected)
            assert_same_but_nan(function(x[::-1], -1)[::-1][:40], expected)


def test_every_position():
    """Of a row in memory and in a batch."""
    row = logits(77, "float32")
    expected = {name: getattr(numbaexp, name)(row, -1) for name in OF_ROWS}
    memory = np.empty(77 + 64, np.float32)
    for at in range(64):
        memory[:] = 9
        memory[at : at + 77] = row
        for name in OF_ROWS:
            assert_same_but_nan(getattr(numbaexp, name)(memory[at : at + 77], -1), expected[name])
    for at in range(40):
        batch = logits((40, 77), "float32", at)
        batch[at] = row
        for name in OF_ROWS:
            assert_same_but_nan(getattr(numbaexp, name)(batch, 1)[at], expected[name])
            assert_same_but_nan(getattr(numbaexp, name)(batch.T.copy(), 0).T[at], expected[name])


SCRIPT = """
    import sys
    import numba, numpy as np, numbaexp
    arrays = dict(np.load({given!r}))
    made = {{}}
    for threads in {threads}:
        numba.set_num_threads(threads)
        for target in {targets}:
            with numbaexp.use_target(target):
                for key, x in arrays.items():
                    for name in {names}:
                        made[f"{{key}} {{name}} {{threads}} {{target}}"] = getattr(numbaexp, name)(x, -1)
    np.savez({made!r}, **made)
"""


def in_a_process(run_script, tmp_path, arrays, names, threads, targets, **environment):
    """By what it was and how it was asked for."""
    given, made = tmp_path / "given.npz", tmp_path / "made.npz"
    np.savez(given, **arrays)
    script = SCRIPT.format(given=str(given), made=str(made), threads=threads, targets=targets, names=names)
    run_script(script, timeout=600, **environment)
    with np.load(made) as results:
        return dict(results)


def compare(arrays, results):
    for key, result in results.items():
        array, name, *_ = key.split()
        with numbaexp.use_target("cpu"):
            assert_same_but_nan(result, getattr(numbaexp, name)(arrays[array], -1))


def test_threads(run_script, tmp_path):
    """One very long row, and rows that are shared."""
    arrays = {
        "long": logits((1, 200_001), "float32"),
        "rows": logits((37, 999), "float32"),
        "short": logits((20_000, 3), "float32"),
        "double": logits((7, 5000), "float64"),
    }
    results = in_a_process(
        run_script, tmp_path, arrays, OF_ROWS, (1, 2, 3), ("parallel", "auto"), NUMBA_NUM_THREADS="3"
    )
    assert len(results) == len(arrays) * len(OF_ROWS) * 6
    compare(arrays, results)


@pytest.mark.whole  # ``test_fingerprint.py`` tries softmax before
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="stand-ins for x86 processors alone")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_processors(run_script, tmp_path, processor, dtype):
    arrays = {"rows": logits((9, 4200), dtype)}
    names = OF_ROWS if processor["NUMBA_CPU_NAME"] == "haswell" else OF_ROWS[:1]
    environment = {**processor, "NUMBA_CACHE_DIR": str(tmp_path)}
    results = in_a_process(run_script, tmp_path, arrays, names, (1,), ("cpu",), **environment)
    assert len(results) == len(arrays) * len(names)
    compare(arrays, results)
