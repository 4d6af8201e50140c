"""Functions that users write, on a device: what their kernels are compiled to. Executed on the CPU, that gives the bits
of the CPU's own code."""

import functools
import math
import re

import numpy as np
import pytest
from helpers import FLOATS, differing, dtype_of
from sampling import checked, sampled

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

# Where these are skipped this is.
from numba import cuda, types
from ptx_machine import Machine
from test_ptx import CAPABILITIES, Code, _linker, _no_device, assert_fits, for_each_capability  # noqa: F401 - fixtures
from test_ptx_execution import DEVICES, GRIDS_FOR_ENDS, launches_of_module, memory, strided_of  # noqa: F401 - fixture

import numbaexp
from numbaexp import elementwise
from numbaexp.cuda import custom_kernels, custom_launch
from numbaexp.cuda.compile import to_ptx

pytestmark = pytest.mark.sampled(
    device="sm_80", cc="(9, 0)", kernel="contiguous", dtype=("float32", "bfloat16"), source="int64"
)


@elementwise
def decay(x, a, b):
    return a * numbaexp.exp(-b * x)


@elementwise
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@elementwise
def logistic(x, steepness, middle):
    return 1.0 / (1.0 + numbaexp.exp(-steepness * (x - middle)))


@elementwise
def elu(x, a):
    return x if x > 0 else a * numbaexp.expm1(x)


@elementwise
def compound(principal, rate, years):
    return principal * numbaexp.exp(rate * years)


@elementwise
def spiral(radius, angle):
    grown = radius * numbaexp.exp(-angle)
    return grown, math.sqrt(abs(radius)) - grown * angle


@elementwise
def newton(y):
    x = 1.0 + y / 2
    for k in range(4):
        x = x - (x * x - y) / (2 * x) + (0.1 * k + 0.2) * y
    return x


@elementwise
def all_functions(x):
    return numbaexp.exp2(x) - numbaexp.exp10(x) * numbaexp.sigmoid(x) + numbaexp.softplus(x) / max(x, 3.0)


FUNCTIONS = {each.__name__: each for each in (decay, gaussian, logistic, elu, compound, spiral, newton, all_functions)}
VALUE, GRADIENT, SECOND = "value", "gradient", "second gradient"
_OF_SAMPLE = {
    ("gaussian", "float32", VALUE),
    ("gaussian", "float64", VALUE),
    ("gaussian", "float32", SECOND),
    ("spiral", "float16", GRADIENT),
    ("elu", "bfloat16", VALUE),
}
ALL = [
    (name, dtype, which) for name in FUNCTIONS for dtype in FLOATS for which in (VALUE, GRADIENT, SECOND)
]  # fmt: skip
# Second gradients go by the same formulas: a release tries them all.
CASES = [case for case in ALL if case[2] != SECOND or case[0] in ("gaussian", "all_functions")]


def is_checked(name, dtype, which):
    """Tell whether a kernel is compiled before a release: some in float32, one in all types, and the sample."""
    return (
        (dtype == "float32" and which != SECOND and name in ("decay", "elu", "spiral", "all_functions"))
        or (name == "gaussian" and which == VALUE)
        or (name, dtype, which) in _OF_SAMPLE
    )


def each_of(cases):
    """Parametrize a test, of which an ordinary run tries a sample."""
    return pytest.mark.parametrize(
        ("name", "dtype", "which"), sampled(checked(cases, is_checked), lambda *case: case in _OF_SAMPLE)
    )


for_each_case = each_of(CASES)
# What computes 16-bit floats is float64 code, too.
for_each_wide_case = each_of([case for case in CASES if case[1] in ("float32", "float64")])


@pytest.fixture(name="device", params=DEVICES)
def device_of_launches(launches, request):
    """The name of a device, which stands for its number."""
    launches.grid = None
    return request.param


def derived(name, which):
    """A function, its gradients by all inputs, or the gradients of these by all of theirs."""
    function = FUNCTIONS[name]
    for _ in range((VALUE, GRADIENT, SECOND).index(which)):
        function = function.backward
    return function


def arguments(count, dtype, size):
    """Numbers of any bits, special ones among them, and more that are ordinary."""
    rng, words = np.random.default_rng(count), np.dtype(f"u{dtype.itemsize}")
    special = np.array([0, -0.0, 1, -1, 5, np.inf, -np.inf, np.nan, -np.nan]).astype(dtype)
    given = []
    for _ in range(count):
        some = rng.normal(0, 3, size).astype(dtype)
        any_bits = rng.random(size) < 0.2
        some[any_bits] = rng.integers(0, 1 << 8 * dtype.itemsize, np.count_nonzero(any_bits), words).view(dtype)
        is_special = rng.random(size) < 0.1
        some[is_special] = rng.choice(special, np.count_nonzero(is_special))
        given.append(some)
    return given


def on_cpu(function, given):
    """What the CPU gives, of numbers in the type of the arrays, which need not give way beside bfloat16."""
    (dtype,) = {each.dtype for each in given if isinstance(each, np.ndarray)}
    with np.errstate(all="ignore"):
        results = function(
            *(each if isinstance(each, np.ndarray) else np.asarray(each).astype(dtype) for each in given)
        )
    return results if function.nout > 1 else (results,)


def assert_as_on_cpu(function, given, device, expected=None):
    """Arrays and numbers give the bits of the CPU, in memory that nothing else of is written to."""
    arrays = [each for each in given if isinstance(each, np.ndarray)]
    dtype = dtype_of(arrays[0].dtype.name)
    shape = np.broadcast_shapes(*(each.shape for each in arrays))
    made = [memory(math.prod(shape), dtype) for _ in range(function.nout)]
    results = [out.reshape(shape) for out, _ in made]
    run(function, given, results, device)
    for result, wanted in zip(results, expected or on_cpu(function, given), strict=True):
        wrong = differing(result, np.broadcast_to(wanted, shape))
        told = [np.broadcast_to(each, shape)[wrong][:3] for each in (*given, result, wanted)]
        assert not wrong.any(), (np.count_nonzero(wrong), *told)
    assert all((guard == 0xA5).all() for _, guards in made for guard in guards)


def run(function, given, results, device):
    """Launch on the memory of the host."""
    inputs = [strided_of(each, device) if isinstance(each, np.ndarray) else each for each in given]
    dtype = results[0].dtype.name
    custom_launch.run(function.operation, inputs, [strided_of(each, device) for each in results], dtype, 0)


@pytest.mark.checked(device="sm_80")
@for_each_case
def test_bits(name, dtype, which, device):
    function = derived(name, which)
    assert_as_on_cpu(function, arguments(function.nin, dtype_of(dtype), 20_000), device)


@pytest.mark.thorough
@pytest.mark.parametrize("device", [*DEVICES][1:], indirect=True)
@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_on_later_devices(dtype, device):
    """By another compiler than the earlier ones have."""
    assert_as_on_cpu(gaussian, arguments(gaussian.nin, dtype_of(dtype), 20_000), device)


@pytest.mark.whole
@pytest.mark.parametrize(("name", "dtype", "which"), ALL)
def test_bits_of_a_million(name, dtype, which, device):
    function = derived(name, which)
    assert_as_on_cpu(function, arguments(function.nin, dtype_of(dtype), 1_000_000), device)


# Layouts, of a function that is soon compiled.


@elementwise
def mixed(x, a, b):
    return a * x + b / (1.0 + x * x)


@elementwise
def parts(x, y):
    return x * y, x - y


LAYOUTS = {
    "arrays": lambda x: (x, x + 1, 2 * x),
    "numbers": lambda x: (x, 0.1, 3),
    "no dimensions": lambda x: (x, x[3, ...], x[5, ...]),
    "reversed": lambda x: (x[::-1], x[::-1], 0.1),
    "every other": lambda x: (x[::2], x[1::2], x[0, ...]),
    "a row and a column": lambda x: (x[:20, None], x[None, :30], 0.1),
    "four dimensions": lambda x: (x.reshape(2, 5, 6, 7)[::-1, 1:, ::-2, ::3], x[:3], x[:2].reshape(2, 1, 1, 1)),
    "five dimensions": lambda x: (x.reshape(2, 5, 2, 3, 7)[:, ::2, :, ::-2, ::2], x[:4], 2),
    "one element": lambda x: (x[3, ...], 2, x[5, ...]),
    "empty": lambda x: (x[:0], 1, 2),
}


@pytest.mark.checked(dtype="float32")
@pytest.mark.checked(device="sm_80")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(launches, dtype, layout, device):
    given = LAYOUTS[layout](np.linspace(-12, 12, 420).astype(dtype_of(dtype)))
    for launches.grid in GRIDS_FOR_ENDS:
        assert_as_on_cpu(mixed, given, device)


@pytest.mark.checked(device="sm_80")
@pytest.mark.parametrize("dtype", FLOATS)
def test_heads_and_tails(launches, dtype, device):
    """Elements before the first whole vector and behind the last, and nothing beside them, wherever arrays begin."""
    kind = dtype_of(dtype)
    values, lanes = np.linspace(-3, 3, 100).astype(kind), 16 // kind.itemsize
    for launches.grid in GRIDS_FOR_ENDS:
        for place in range(lanes):
            for size in (1, lanes - 1, lanes, 2 * lanes + 1, 5 * lanes + 3):
                x, y = (memory(size, kind, each)[0] for each in (place, 0))
                x[:], y[:] = values[:size], values[-size:]
                made = [memory(size, kind, place) for _ in range(2)]
                # Two at one place and one at another are taken by the strided kernel, unless it is one element.
                for given in ((x, 0.3), (x, x), (x, y), (x, y[:1])):
                    run(parts, given, [out for out, _ in made], device)
                    for (out, guards), expected in zip(made, on_cpu(parts, given), strict=True):
                        assert not differing(out, expected).any()
                        assert all((guard == 0xA5).all() for guard in guards)


def test_in_place(device):
    for step in (1, 2):
        x = np.linspace(-3, 3, 1001)
        expected, other = parts(x[::step], 0.5), np.empty(1001)[::step]
        run(parts, (x[::step], 0.5), (x[::step], other), device)
        assert not differing(x[::step], expected[0]).any()
        assert not differing(other, expected[1]).any()


@pytest.mark.checked(device="sm_80")
@pytest.mark.parametrize(
    ("source", "dtype"), [("bool", "float16"), ("int8", "float16"), ("int64", "float32"), ("uint64", "float64")]
)
def test_integers(source, dtype, device):
    """They are rounded to the nearest float, beside numbers and floats."""
    x = np.random.default_rng(4).integers(0, 1 << 63, 500, np.uint64).astype(source)
    floats = x.astype(dtype)
    for given in ((x, x[:1], 0.1), (x, floats, x[0, ...]), (floats, x, 3)):
        as_floats = [each.astype(dtype) if isinstance(each, np.ndarray) else each for each in given]
        out, _ = memory(x.size, np.dtype(dtype))
        run(mixed, given, [out], device)
        assert not differing(out, *on_cpu(mixed, as_floats)).any()


@pytest.mark.checked(device="sm_80")
@pytest.mark.parametrize("dtype", FLOATS)
def test_numbers(dtype, device):
    """A number is rounded once, and may be infinite or NaN."""
    kind = dtype_of(dtype)
    for number in (0.1, -1e-8, 3, True, np.float64(1 / 3), math.inf, -math.inf, math.nan, 1e300, 65519.9, 2049, 1e-45):
        with np.errstate(over="ignore"):
            as_element = np.asarray(number).astype(kind)
        x = np.ones(5, kind)
        out = [np.empty(5, kind) for _ in range(2)]
        run(parts, (x, number), out, device)
        assert not differing(out[0], np.full(5, as_element)).any()


def test_launches(launches, monkeypatch, device):
    """What is launched again is looked up; a vector a thread."""
    grids = []
    monkeypatch.setattr(custom_launch.launcher, "launch", lambda stream, grid, *_: grids.append(grid))
    custom_launch.launcher.configured.cache_clear()
    custom_launch._contiguous_launch.cache_clear()
    for _ in range(2):
        for size in (1, 1000, 10_000):
            x = np.zeros(size, np.float32)
            run(mixed, (x, 1, 2.5), [x], device)
    assert grids == [(1, 256), (1, 256), (16, 256)] * 2
    assert custom_launch._contiguous_launch.cache_info()[:2] == (3, 3)
    custom_launch.launcher.configured.cache_clear()
    custom_launch._contiguous_launch.cache_clear()


# What is compiled.


@elementwise
def exp_alone(x):
    return numbaexp.exp(x)


@elementwise
def counters(x):
    """Arithmetic of plain floats, which is Numba's own, and which compilers for GPUs would contract."""
    for k in range(40):
        x = x * x + (0.1 * k + 0.2)
    return x


@functools.cache
def code(function, dtype, kernel, cc, contracted=False):
    operation = function.operation
    inputs, results = len(operation.arrays), operation.results
    if kernel == "contiguous":
        made = custom_kernels.make_contiguous(operation, dtype), custom_kernels.contiguous_types(inputs, results)
    else:
        made = (
            custom_kernels.make_strided(operation, (dtype,) * inputs, dtype),
            custom_kernels.strided_types(inputs, results),
        )
    return Code(to_ptx(*made, cc, contracted=contracted))


for_each_kernel = pytest.mark.parametrize("kernel", ["contiguous", "strided"])


@pytest.mark.checked(kernel="contiguous")
@for_each_capability
@for_each_kernel
@for_each_wide_case
def test_nothing_is_called_spilled_or_approximated(name, dtype, which, kernel, cc):
    compiled = code(derived(name, which), dtype, kernel, cc)
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b|__nv_", compiled.text)
    assert compiled.count(r"call.*") == 0
    assert compiled.count(r"(ld|st)\..*") == compiled.count(r"(ld\.param|(ld|st)\.global)\..*")
    assert compiled.divisions == compiled.count(r"(div|rcp|sqrt)\.rn\.f(32|64)")
    assert compiled.bare_products_in_sums() == []


@for_each_capability
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fused_multiply_adds_are_those_of_our_functions(dtype, cc):
    """Of as many elements as the kernel of one such function alone has."""
    alone = code(exp_alone, dtype, "contiguous", cc).fused
    assert alone > 20
    for name, which in (("gaussian", VALUE), ("decay", GRADIENT)):
        assert code(derived(name, which), dtype, "contiguous", cc).fused == alone
    assert code(derived("newton", SECOND), dtype, "contiguous", cc).fused == 0
    assert code(counters, dtype, "strided", cc).fused == 0


def test_compilers_contract_where_they_may():
    """Else the test before this says nothing."""
    assert code(counters, "float64", "strided", (10, 0), contracted=True).fused > 0
    assert code(counters, "float64", "strided", (10, 0)).fused == 0


@for_each_capability
def test_vectors_move_16_bytes(cc):
    for dtype, vector in (("float16", "v4.u32"), ("float32", "v4.f32"), ("float64", "v2.f64")):
        compiled = code(mixed, dtype, "contiguous", cc)
        loads, stores = (compiled.count(rf"{each}\.global\.{vector}") for each in ("ld", "st"))
        # NVVM may make a loop for each way of being given the inputs.
        assert loads >= 3
        assert stores >= 1


@pytest.mark.checked(kernel="contiguous")
@pytest.mark.usefixtures("_linker")
@for_each_capability
@for_each_wide_case
def test_registers(name, dtype, which, cc):
    """Of a second gradient too many may be needed for two blocks on a processor."""
    if which != SECOND:
        assert_fits(code(derived(name, which), dtype, "contiguous", cc).text, cc)


# In kernels that users compile.


@pytest.mark.usefixtures("launches")
@pytest.mark.sampled(dtype="float32", fastmath="True")
@pytest.mark.parametrize("fastmath", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_kernels_of_users(dtype, fastmath):
    """Their flags change nothing: value and gradients have the bits of arrays', and subnormal numbers are kept."""
    function, gradients = gaussian, gaussian.backward

    def kernel(grad, x, mu, sigma, out, n):
        i = cuda.grid(1)
        if i < n:
            out[i] = function(x[i], mu[i], sigma[i])
            by_x, by_mu, by_sigma = gradients(grad[i], x[i], mu[i], sigma[i])
            out[n + i], out[2 * n + i], out[3 * n + i] = by_x, by_mu, by_sigma

    array, size = types.CPointer(getattr(types, dtype)), 5000
    signature = types.void(*[array] * 5, types.int64)
    text = cuda.compile_ptx(kernel, signature, cc=CAPABILITIES[-1], fastmath=fastmath)[0]
    assert not re.search(r"\.approx|\.ftz|__nv_", text)
    given = arguments(4, np.dtype(dtype), size)
    given[1][:100] = np.finfo(dtype).smallest_subnormal * np.arange(100)
    out = np.empty(4 * size, dtype)
    Machine(text)(20, 256, *(each.ctypes.data for each in (*given, out)), size)
    expected = np.concatenate([*on_cpu(gaussian, given[1:]), *on_cpu(gaussian.backward, given)])
    assert not differing(out, expected).any()
