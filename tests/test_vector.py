"""Vectors: each operation in every width, against NumPy and so against the same source compiled for a number."""

import ctypes
import functools
import platform
import re
import sys
from fractions import Fraction

import hypothesis.extra.numpy as npst
import llvmlite.binding as llvm
import numpy as np
import pytest
from helpers import INTEGERS, TESTS, assert_same_but_nan, printed, run_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import types
from numba.core.errors import NumbaError, TypingError
from numba.np.numpy_support import from_dtype

from numbaexp.jit import callback, compile_callback, jit
from numbaexp.vector import level, operations
from numbaexp.vector.memory import make_load, make_load_first, store, store_first
from numbaexp.vector.table import make_table
from numbaexp.vector.type import Vector

pytestmark = [
    pytest.mark.checked(name=("float32", "float64", "int32", "uint64")),
    pytest.mark.sampled(name=("float32", "int32"), lanes="8", entries="8"),
]

FLOATS = ("float32", "float64")
# One lane stands for a number.
LANES = (1, 2, 4, 8, 16)

every_width = pytest.mark.parametrize("lanes", LANES)
every_type = pytest.mark.parametrize("name", FLOATS + INTEGERS)
every_float = pytest.mark.parametrize("name", FLOATS)

# Bytes that a result takes for each lane at the most.
ROOM = 8


def kind_of(name, lanes):
    """The type of as many lanes, or of a number."""
    dtype = from_dtype(np.dtype(name))
    return dtype if lanes == 1 else Vector(dtype, lanes)


def compiled(source, **scope):
    """The function ``loop`` of a source, as a callback of addresses and other integers for this process alone."""
    scope = {**vars(operations), "store": store, "np": np, **scope}
    exec(source, scope)
    loop = scope["loop"]
    made = callback(loop, types.void(*[types.intp] * loop.__code__.co_argcount))
    compile_callback(made)
    return made


def call(made, *args):
    """Call a callback, of arrays by their addresses."""
    args = [arg.ctypes.data if isinstance(arg, np.ndarray) else arg for arg in args]
    ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * len(args))(made.address)(*args)


def constants(name):
    """Numbers of a type, for expressions."""
    number = np.dtype(name).type
    return {"three": number(3), "seven": number(7), "places": number(min(8 * np.dtype(name).itemsize - 1, 63))}


def kernel(name, lanes, stored, **scope):
    """A callback that stores each of several expressions of a, b and c, of the loaded lanes of three arrays, and of
    ``flag``: a value of a type or, of a mask, its bits."""
    place = f"results + ({{}} * n + step * {lanes}) * {ROOM}"
    values = [f"mask_bits({text})" if of == "mask" else text for of, text in stored]
    lines = "".join(f"\n        store({place.format(i)}, {value})" for i, value in enumerate(values))
    size = np.dtype(name).itemsize * lanes
    source = f"""
def loop(x, y, z, n, flag, results):
    flag = flag != 0
    for step in range(n // {lanes}):
        a, b, c = load(x + step * {size}), load(y + step * {size}), load(z + step * {size}){lines}
"""
    return compiled(source, load=make_load(kind_of(name, lanes)), **scope)


def run(made, stored, arrays, lanes, flag=0):
    """Return the results that a kernel stores, an array for each expression."""
    n = arrays[0].size
    rows = np.zeros((len(stored), n // lanes, lanes * ROOM), np.uint8)
    call(made, *arrays, n, flag, rows)
    for (of, _), row in zip(stored, rows, strict=True):
        if of == "mask":
            yield (row[:, :8].copy().view(np.uint64) >> np.arange(lanes, dtype=np.uint64) & np.uint64(1)).ravel() != 0
            assert not (row[:, :8].copy().view(np.uint64) >> np.uint64(lanes)).any()
        else:
            yield row[:, : lanes * np.dtype(of).itemsize].copy().view(of).ravel()


def rounded(exact, number):
    """The float of a type nearest to a fraction that is not 0."""
    try:
        value = float(exact)
    except OverflowError:
        return number(np.inf if exact > 0 else -np.inf)
    bits = np.float64(value).view(np.int64)
    if number is np.float32 and Fraction(value) != exact and bits & 1 == 0:
        # What is not halfway is not to look so: of the two floats around it take the odd one.
        value = np.nextafter(value, np.inf if Fraction(value) < exact else -np.inf)
    return number(value)


def exact_fma(a, b, c):
    def one(a, b, c):
        if not (np.isfinite(a) and np.isfinite(b)):
            return a * b + c
        if not np.isfinite(c):
            return c
        exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
        return rounded(exact, type(a)) if exact else a * b + c

    return np.array([one(*each) for each in np.broadcast(a, b, c)], c.dtype)


# The operations as NumPy has them.
NUMPYS = {
    "abs": abs,
    "fma": exact_fma,
    "where": np.where,
    "as_number": lambda value, like: value.astype(like.dtype),
    "bits_of": lambda value: value.view(f"i{value.itemsize}"),
    "float_of": lambda bits: bits.view(f"f{bits.itemsize}"),
    "spread_to": lambda value, like: np.full_like(like, value),
}


def expected(text, arrays, **scope):
    a, b, c = arrays
    with np.errstate(all="ignore"):
        return np.array(eval(text, {**NUMPYS, **scope, "a": a, "b": b, "c": c}))


ARITHMETIC = ["a + b", "a - b", "a * b", "-a", "a * three", "three - a", "seven + b", "spread_to(three, a)"]
CHOICES = ["where(a == b, a, c)", "where(a != b, three, c)", "where(a == c, three, seven)", "where(flag, a, b)"]
OF_FLOATS = ["a / b", "seven / a", "abs(a)", "fma(a, b, c)", "fma(a, three, b)", "fma(seven, three, a)"]
OF_INTEGERS = [
    *("a & b", "a | b", "a ^ b", "~a", "three & a", "a ^ seven"),
    *("a << (b & places)", "a >> (b & places)", "a << three", "a >> places", "seven >> (b & places)"),
]
COMPARISONS = [*("a == b", "a != b", "a < b", "a <= b", "a > b", "a >= b"), "a < three", "three >= a"]
MASKS = ["(a < b) & (b < c)", "(a < b) | (a == c)", "(a < b) ^ (b < c)", "~(a < b)", "(a < b) ^ (three == three)"]


@functools.cache
def plan(name):
    """(type of the result or "mask", expression), of all that a type of number has.

    A number's integers are promoted to 64 bits, so values are narrowed.
    """
    values = [*ARITHMETIC, *CHOICES, *(OF_FLOATS if name in FLOATS else OF_INTEGERS)]
    stored = [(name, f"as_number({text}, a)") for text in values]
    if name in FLOATS:
        stored.append((f"int{name[-2:]}", "bits_of(a)"))
        stored.append((name, "float_of(bits_of(a))"))
    return stored + [("mask", text) for text in COMPARISONS + MASKS]


def arrays_of(name):
    """Three arrays of which many elements are equal."""
    elements = npst.from_dtype(np.dtype(name))
    few = st.lists(elements, min_size=1, max_size=6).flatmap(lambda few: st.sampled_from(few) | elements)
    return st.tuples(*[npst.arrays(name, 2 * max(LANES), elements=few)] * 3)


@pytest.mark.sampled(name="float32")
@every_type
def test_operations(name):
    """Values are drawn, and each width gives NumPy's bits for them."""
    stored = plan(name)
    kernels = {lanes: kernel(name, lanes, stored, **constants(name)) for lanes in LANES}

    @settings(max_examples=12, deadline=None)
    @given(arrays_of(name), st.booleans())
    def same_bits(arrays, flag):
        wanted = [expected(text, arrays, flag=flag, **constants(name)) for _, text in stored]
        for lanes, made in kernels.items():
            for (_, text), got, want in zip(stored, run(made, stored, arrays, lanes, flag), wanted, strict=True):
                assert_same_but_nan(got, want, (text, lanes))

    same_bits()


def bounds(name, integer):
    """The least and the greatest float of a type that are integers of another."""
    least, greatest = np.iinfo(integer).min, np.iinfo(integer).max
    highest = np.dtype(name).type(greatest)
    return least, np.nextafter(highest, highest.dtype.type(0)) if int(highest) > greatest else highest


@every_type
@pytest.mark.parametrize("lanes", [1, 2, 16])
def test_conversions(name, lanes):
    """To each type, of what has a place there; integers wrap."""
    targets = [target for target in FLOATS + INTEGERS if target != name]
    stored = [(target, f"as_number(a, one_{target})") for target in targets]
    stored += [(name, "as_number(a == b, a)"), (name, "as_number(a, b)")]
    ones = {f"one_{target}": np.dtype(target).type(1) for target in targets}
    made = kernel(name, lanes, stored, **ones)
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 256, 64 * np.dtype(name).itemsize, np.uint8).view(name)
    small = generator.integers(-3 if np.dtype(name).kind != "u" else 0, 3, bits.size).astype(name)
    with np.errstate(all="ignore"):
        halves = (generator.integers(-256, 256, bits.size) / 2).astype(name)
    for i, (target, text) in enumerate(stored):
        for x in (bits, small, halves):
            is_bounded = name in FLOATS and target in INTEGERS
            taken = np.clip(np.nan_to_num(x), *bounds(name, target)) if is_bounded else x
            arrays = taken, small, small
            assert_same_but_nan([*run(made, stored, arrays, lanes)][i], expected(text, arrays, **ones), (text, target))


@every_type
@every_width
def test_sum_of_lanes(name, lanes):
    """By halves, in which order floats have other bits than in any other."""
    x = np.random.default_rng(0).integers(0, 256, 64 * np.dtype(name).itemsize, np.uint8).view(name)
    if name in FLOATS:
        x = np.random.default_rng(0).standard_normal(256).astype(name)
    made = kernel(name, lanes, [(name, "spread_to(sum_of_lanes(a), a)")])
    (got,) = run(made, [(name, "")], (x, x, x), lanes)
    sums = x.reshape(-1, lanes)
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    assert_same_but_nan(got, np.repeat(sums.ravel(), lanes), "sum_of_lanes")


@every_type
@every_width
def test_loads_and_stores(name, lanes):
    """At any element; nothing around what is stored is touched."""
    load = make_load(kind_of(name, lanes))
    made = compiled("def loop(x, y):\n    store(y, load(x))", load=load)
    x = np.arange(1, 3 * max(LANES) + 1).astype(name)
    for start in range(max(LANES)):
        y = np.zeros_like(x)
        call(made, x[start:], y[start:])
        expected = np.zeros_like(x)
        expected[start : start + lanes] = x[start : start + lanes]
        assert_same_but_nan(y, expected, (lanes, start))


@every_type
@pytest.mark.parametrize("lanes", LANES[1:])
def test_first_lanes(name, lanes):
    load_first = make_load_first(kind_of(name, lanes))
    source = "def loop(x, y, z, n):\n    a = load_first(x, n)\n    store(y, a)\n    store_first(z, a, n)"
    made = compiled(source, load_first=load_first, store_first=store_first)
    x = np.arange(1, lanes + 1).astype(name)
    counts = [*range(-1, lanes + 2), 2**32, 2**32 + 1, 2**62, -(2**32) + 1, -(2**63)]
    for count in counts:
        read, written = np.full(lanes, 9, name), np.full(lanes + 1, 9, name)
        call(made, x, read, written, count)
        taken = min(max(count, 0), lanes)
        assert_same_but_nan(read, np.where(np.arange(lanes) < taken, x, x.dtype.type(0)), count)
        assert_same_but_nan(written, np.append(read[:taken], np.full(lanes + 1 - taken, 9, name)), count)


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="pages are protected by Linux's mprotect")
def test_nothing_beyond_the_first_lanes_is_touched(run_script):
    """Arrays end where memory does, or begin where it does."""
    run_script(
        f"""
        import ctypes, mmap, sys
        sys.path.insert(0, {str(TESTS)!r})
        from test_vector import *
        libc, size = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE
        pages = mmap.mmap(-1, 3 * size)
        start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        for page in (0, 2):
            assert libc.mprotect(ctypes.c_void_p(start + page * size), ctypes.c_size_t(size), 0) == 0
        for name in FLOATS + INTEGERS:
            for lanes in LANES[1:]:
                source = "def loop(x, n):\\n    store_first(x, load_first(x, n), n)"
                made = compiled(source, load_first=make_load_first(kind_of(name, lanes)), store_first=store_first)
                for count in range(lanes + 1):
                    call(made, start + 2 * size - count * np.dtype(name).itemsize, count)
                call(made, start, 0)
                call(made, start, -1)
        """
    )


@every_float
@every_width
@pytest.mark.parametrize("entries", [1, 2, 8, 16, 32])
def test_tables(name, lanes, entries):
    """The bits of an index above those that number the entries are ignored."""
    values = np.random.default_rng(entries).standard_normal(entries).astype(name)
    integer = f"int{name[-2:]}"
    made = kernel(integer, lanes, [(name, "look_up(a)")], look_up=make_table(values, from_dtype(np.dtype(name))))
    index = np.random.default_rng(0).integers(0, 256, 64 * np.dtype(integer).itemsize, np.uint8).view(integer)
    (got,) = run(made, [(name, "")], (index, index, index), lanes)
    assert_same_but_nan(got, values[index & (entries - 1)], entries)


def test_tables_of_two_types_in_one_kernel():
    """Equal values of float32 and float64 are two tables."""
    single, double = (make_table([1.0, 2.0], kind) for kind in (types.float32, types.float64))
    stored = [("float64", "double(a)"), ("float32", "single(np.int32(a))")]
    made = kernel("int64", 1, stored, single=single, double=double)
    x = np.arange(4)
    for got in run(made, stored, (x, x, x), 1):
        assert got.tolist() == [1.0, 2.0, 1.0, 2.0]


def test_tables_are_powers_of_two():
    for values in ([], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="power of two of floats; got "):
            make_table(values, types.float32)


@pytest.mark.parametrize(
    ("name", "entries", "instruction"),
    [("float32", 32, "vperm[it]2ps"), ("float64", 16, "vperm[it]2pd"), ("float32", 8, "vpermps")],
)
def test_tables_in_registers(name, entries, instruction):
    of = {"float32": {32: level.AVX512, 8: level.AVX2}, "float64": {16: level.AVX512}}[name][entries]
    if level.current_level() != of:
        pytest.skip(f"this processor is not of the level {of.name}")
    lanes = of.lanes(np.dtype(name).itemsize)
    look_up = make_table(range(entries), from_dtype(np.dtype(name)))
    made = kernel(f"int{name[-2:]}", lanes, [(name, "look_up(a)")], look_up=look_up)
    assert re.search(rf"\b{instruction}\b", made._library.get_asm_str())


@every_float
@pytest.mark.parametrize("register", [True, False])
def test_scale(name, register):
    lanes = 64 // np.dtype(name).itemsize if register else 1
    stored = [(name, "scale(a, b)")]
    if not level.current_level().scales:
        with pytest.raises((NumbaError, NotImplementedError), match="`scale` needs a processor with AVX-512"):
            kernel(name, lanes, stored)
        return
    generator = np.random.default_rng(0)
    x = generator.standard_normal(4096).astype(name)
    steps = generator.uniform(*{"float32": (-155, 130), "float64": (-1080, 1030)}[name], x.size).astype(name)
    (got,) = run(kernel(name, lanes, stored), stored, (x, steps, x), lanes)
    with np.errstate(all="ignore"):
        assert_same_but_nan(got, np.ldexp(x, np.floor(steps).astype(np.int32)), "scale")


@pytest.mark.parametrize("lanes", [1, 4, 8, 32])
def test_ldexp_significand(lanes):
    """By AVX-512's instruction where vectors fill its registers, and by bit patterns elsewhere."""
    stored = [("float64", "ldexp_significand(a, b)")]
    generator = np.random.default_rng(0)
    significand = generator.uniform(1, 2, 4096)
    significand[::64] = np.nan
    exponent = generator.integers(-1022, 1100, significand.size).astype(np.float64)
    exponent[1::64] = np.inf
    (got,) = run(kernel("float64", lanes, stored), stored, (significand, exponent, exponent), lanes)
    with np.errstate(over="ignore"):
        assert_same_but_nan(got, np.ldexp(significand, np.minimum(exponent, 1100).astype(np.int32)), lanes)


@pytest.mark.parametrize("lanes", [2, 4, 8, 32])
@pytest.mark.parametrize("name", ["float32", "float64", "uint32"])
def test_halves(name, lanes):
    stored = [(name, "halves(a)[0]"), (name, "halves(a)[1]")]
    x = np.arange(4 * lanes).astype(name)
    lower, upper = run(kernel(name, lanes, stored), stored, (x, x, x), lanes)
    rows = x.reshape(-1, 2, lanes // 2)
    np.testing.assert_array_equal(lower.reshape(-1, lanes)[:, : lanes // 2], rows[:, 0])
    np.testing.assert_array_equal(upper.reshape(-1, lanes)[:, : lanes // 2], rows[:, 1])


@pytest.mark.parametrize("lanes", [2, 8, 32])
@every_float
def test_count_lanes(name, lanes):
    x = np.random.default_rng(0).integers(0, 2, 8 * lanes).astype(name)
    stored = [("int64", "count_lanes(a == b)")]
    got = next(run(kernel(name, lanes, stored), stored, (x, np.ones_like(x), x), lanes)).reshape(-1, lanes)[:, 0]
    np.testing.assert_array_equal(got, x.reshape(-1, lanes).sum(1))


COEFFICIENTS = (0.5, -0.25, 2.0)


@every_float
def test_a_function_of_numbers(name):
    """Control flow, calls and augmented assignment: the source of a number, in every width."""
    number, where = np.dtype(name).type, operations.where
    nothing, coefficients = number(0.0), tuple(number(each) for each in COEFFICIENTS)

    @jit
    def step(total, x, y, coefficient):
        product = total * x
        product += coefficient
        return where(x == y, product, total - y)

    @jit
    def function(x, y):
        total = operations.spread_to(nothing, x)
        for i in range(len(coefficients)):
            if i >= 0:
                total = step(total, x, y, coefficients[i])
        return total

    x, y = np.random.default_rng(0).integers(-2, 3, (2, 64)).astype(name)
    total = np.zeros_like(x)
    for coefficient in coefficients:
        total = np.where(x == y, total * x + coefficient, total - y)
    for lanes in LANES:
        stored = [(name, "function(a, b)")]
        (got,) = run(kernel(name, lanes, stored, function=function), stored, (x, y, x), lanes)
        assert_same_but_nan(got, total, lanes)


REFUSED = [
    # Two types of vector, or numbers of another type than the lanes, which Numba would promote to a third.
    *("f4 + f8", "f4 + i4", "i4 + u4", "f4 + f4x8", "i4 < u4", "f4 == f8", "where(f4 == f4, f4, f8)"),
    *("f4 + 1.5", "f4 * 2", "f4 + np.float64(1.0)", "i4 + 1", "u4 + np.int32(-1)", "u4 < -1", "f8 + 1j", "f4 + None"),
    *("fma(f4, f4, f8)", "fma(f4, f4, 1.0)", "fma(i4, i4, i4)", "where(f4 == f4, np.float32(1.0), np.float64(1.0))"),
    *("where(f4 == f4, f4x8, f4x8)", "where(f4, f4, f4)", "where(f4 == f4, f4, 1.0)", "where(f4 == f4, None, None)"),
    # Operations that the lanes have not.
    *("f4 & f4", "f4 << f4", "~f4", "i4 / i4", "i4 // i4", "f4 % f4", "f4 ** f4", "abs(i4)", "min(f4, f4)"),
    *("(f4 == f4) + (f4 == f4)", "(f4 == f4) == (f4 == f4)", "-(f4 == f4)", "1 if f4 == f4 else 0"),
    *("bits_of(i4)", "float_of(u4)", "float_of(f4)", "mask_bits(f4)", "as_number(f4, f4 == f4)", "as_number(None, f4)"),
    *("sum_of_lanes(f4 == f4)", "sum_of_lanes(f4x3)", "spread_to(f4, f4)", "scale(f4, f8)"),
    *("mask_bits(f4x128 == f4x128)", "look_up(f4)", "look_up(u4)", "look_up(i8)"),
    # Addresses and counts that are floats, as some sums of integers are to Numba; masks, which have no place in memory.
    *("load(1.0)", "load(np.float64(p))", "load_first(1.0, 1)", "load_first(p, 1.0)", "store(1.0, f4)"),
    *("store(p, f4 == f4)", "store(p, None)", "store_first(p, f4, 1.0)", "store_first(p, f4 == f4, 1)"),
    "store_first(p, np.float32(1.0), 1)",
]
OPERANDS = {
    "f4": ("float32", 4),
    "f8": ("float64", 4),
    "i4": ("int32", 4),
    "u4": ("uint32", 4),
    "i8": ("int64", 4),
    "f4x3": ("float32", 3),
    "f4x8": ("float32", 8),
    "f4x128": ("float32", 128),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_when_typed(text):
    loads = {f"load_{name}": make_load(kind_of(*each)) for name, each in OPERANDS.items()}
    used = "".join(f"    {name} = load_{name}(p)\n" for name in OPERANDS if re.search(rf"\b{name}\b", text))
    scope = {
        "load": make_load(kind_of("float32", 4)),
        "load_first": make_load_first(kind_of("float32", 4)),
        "look_up": make_table([1.0, 2.0], types.float32),
    }
    with pytest.raises(TypingError):
        compiled(f"def loop(p):\n{used}    {text}", store_first=store_first, **scope, **loads)


INVALID = 1  # FE_INVALID, on x86 and Arm


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of the process for flags")
@every_float
@every_width
def test_nan_raises_no_flag(name, lanes):
    """In any operation but the orders."""
    quiet = [each for each in plan(name) if not re.search("[<>]", each[1])]
    assert len(quiet) > 15
    made, library = kernel(name, lanes, quiet, **constants(name)), ctypes.CDLL(None)
    x = np.full(2 * max(LANES), np.nan, name)
    library.feclearexcept(INVALID)
    results = [*run(made, quiet, (x, x, x), lanes)]
    assert not library.fetestexcept(INVALID)
    assert not results[[text for _, text in quiet].index("a == b")].any()


def test_neon():
    """An AArch64 that this LLVM compiles for: vectors become its instructions, and nothing is called."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple("aarch64-unknown-linux-gnu")
    except RuntimeError:
        pytest.skip("this LLVM has no AArch64")
    machine = target.create_target_machine(cpu="neoverse-n1", opt=3)
    look_up = make_table(range(8), types.float32)
    stored = [
        ("float32", "where(a == b, fma(a, b, c), abs(a))"),
        ("float32", "float_of(bits_of(a) << np.int32(23))"),
        ("float32", "look_up(bits_of(a))"),
        ("mask", "a != b"),
    ]
    lanes = level.NEON.lanes(4)
    made = kernel("float32", lanes, stored, look_up=look_up)
    source = re.sub("(?m)^target .*$", "", made._library.get_llvm_str())
    module = llvm.parse_assembly(f'target triple = "{machine.triple}"\n{source}')
    assembly = machine.emit_assembly(module)
    for instruction in ("fmla", "fcmeq", "fabs", "shl"):
        assert re.search(rf"\t{instruction}\tv\d+\.4s", assembly), instruction
    # The callback calls the compiled loop, and that nobody.
    called = re.findall(r"\tblr?\t(\S+)", assembly)
    assert len(called) == 1
    assert "loop" in called[0]


@pytest.mark.parametrize(
    ("triple", "features", "expected"),
    [
        ("x86_64-unknown-linux-gnu", "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx2,+fma", level.AVX512),
        ("x86_64-unknown-linux-gnu", "+avx512f,+avx2,+fma,-avx512vl", level.AVX2),
        ("x86_64-pc-windows-msvc", "+avx2,-fma", level.SSE2),
        ("x86_64-apple-darwin", "", level.SSE2),
        ("aarch64-unknown-linux-gnu", "+neon,+sve", level.NEON),
        ("arm64-apple-darwin23", "", level.NEON),
        ("powerpc64le-unknown-linux-gnu", "+vsx", level.PORTABLE),
    ],
)
def test_levels(triple, features, expected):
    assert level.level_of(triple, features) == expected
    assert expected.lanes(4) == 2 * expected.lanes(8) == expected.register // 4


@pytest.mark.thorough
@pytest.mark.checked(processor="AVX2")
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="stand-ins for x86 processors alone")
def test_other_processors(processor):
    chosen = "(float32 or int32) and not (other_processors or refused or uint)"
    printed(run_tests("-x", __file__, "-k", chosen, **processor))
