"""Functions that users write, on a device: what their kernels are compiled to, and that this, executed on the CPU, gives
the bits of the CPU's own code."""

import functools
import math
import re
import types as python_types

import numpy as np
import pytest
from helpers import FLOATS, dtype_of
from sampling import sampled

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

# Where these are skipped this is.
from helpers import differing
from test_ptx import CAPABILITIES, Code, _linker, _no_device, assert_fits, for_each_capability  # noqa: F401 - fixtures
from test_ptx_execution import GRIDS, device, launches_of_module, memory, strided_of  # noqa: F401 - fixtures

import numbaexp
from numbaexp.cuda import custom_kernels, custom_launch
from numbaexp.cuda.compile import to_ptx
from numbaexp.public.custom import elementwise

pytestmark = pytest.mark.sampled(device="sm_80", cc="(9, 0)")


@elementwise
def decay(x, a, b):
    return a * numbaexp.exp(-b * x)


@elementwise
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@elementwise
def gaussian_in_own_type(x, mu, sigma):
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


FUNCTIONS = {
    each.__name__: each for each in (decay, gaussian, logistic, elu, compound, spiral, newton, all_functions)
}
VALUE, GRADIENT, SECOND = "value", "gradient", "second gradient"
_OF_SAMPLE = {
    *(("gaussian", dtype, VALUE) for dtype in FLOATS),
    ("gaussian", "float32", SECOND),
    ("spiral", "float16", GRADIENT),
    ("elu", "bfloat16", GRADIENT),
    ("newton", "float64", VALUE),
}
CASES = [
    (name, dtype, which) for name in FUNCTIONS for dtype in FLOATS for which in (VALUE, GRADIENT, SECOND)
]  # fmt: skip
for_each_case = pytest.mark.parametrize(
    ("name", "dtype", "which"), sampled(CASES, lambda *case: case in _OF_SAMPLE)
)


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
    with np.errstate(all="ignore"):
        results = function(*given)
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


@for_each_case
def test_bits(name, dtype, which, device):
    function = derived(name, which)
    assert_as_on_cpu(function, arguments(function.nin, dtype_of(dtype), 20_000), device)


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "dtype", "which"), CASES)
def test_bits_of_a_million(name, dtype, which, device):
    function = derived(name, which)
    assert_as_on_cpu(function, arguments(function.nin, dtype_of(dtype), 1_000_000), device)
