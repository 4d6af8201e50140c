"""Numbers of users' functions on CUDA: nothing is contracted, and the PTX gives the CPU's bits."""

import math
import re
import types as python_types

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

from numba import cuda, types
from numba.cuda.core import config

if config.ENABLE_CUDASIM:
    pytest.skip("the simulator compiles no kernels", allow_module_level=True)

from dual_calls import over_arrays
from helpers import differing
from numba.cuda import dispatcher
from numba.cuda.cudadrv import nvvm
from ptx_machine import Machine

try:
    nvvm.NVVM()
except nvvm.NvvmSupportError as error:
    pytest.skip(f"NVVM is not there: {error}", allow_module_level=True)

import numbaexp.cuda.custom_numbers  # noqa: F401  registers the scalars of a GPU
from numbaexp.dual.conversions import make_float, make_number
from numbaexp.dual.derivatives import make_backward
from numbaexp.dual.functions import FUNCTIONS
from numbaexp.jit import jit

pytestmark = pytest.mark.sampled(fastmath="True", function=("arithmetic", "gradient"))

exp, exp2, exp10, expm1 = (FUNCTIONS[name] for name in ("exp", "exp2", "exp10", "expm1"))
sigmoid, softplus, log_sigmoid, logit = (FUNCTIONS[name] for name in ("sigmoid", "softplus", "log_sigmoid", "logit"))
log, log2, log10, log1p = (FUNCTIONS[name] for name in ("log", "log2", "log10", "log1p"))
logaddexp, logaddexp2 = FUNCTIONS["logaddexp"], FUNCTIONS["logaddexp2"]
sinh, cosh, tanh = (FUNCTIONS[name] for name in ("sinh", "cosh", "tanh"))
CAPABILITY = (9, 0)


@pytest.fixture(scope="module", autouse=True)
def _no_device():
    """Numba asks the device for its compute capability where a kernel calls ``@njit`` functions."""
    device = python_types.SimpleNamespace(compute_capability=CAPABILITY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatcher, "get_current_device", lambda: device)
        yield


def to_ptx(function, kind, fastmath=False):
    """Compile a kernel of a function of two numbers."""
    number, plain = make_number(kind), make_float(kind)

    def kernel(x, y, result, n):
        i = cuda.grid(1)
        while i < n:
            result[i] = plain(function(number(x[i]), number(y[i])))
            i += cuda.gridsize(1)

    array = types.CPointer(types.float32 if kind == "float32" else types.float64)
    return cuda.compile_ptx(kernel, types.void(array, array, array, types.int64), cc=CAPABILITY, fastmath=fastmath)[0]


@jit
def arithmetic(x, y):
    z = x * y + 0.1 * x - y * y
    if z > x and not y:
        z = abs(z) - x / (y * y + 1.5)
    z = min(z, -y) + math.sqrt(x * x + y * y) - max(x, 0.5) * y**-3
    # Subnormal numbers are greater than 0 too.
    return z + 1 if x > 0 else z


@jit
def of_functions(x, y):
    z = (x - 0.3) / (abs(y) + 0.1)
    return exp(-0.5 * z * z) + exp2(x) * exp10(0.1 * y) - expm1(x) * sigmoid(y) + softplus(z)


@jit
def of_logarithms(x, y):
    z = log(abs(x) + 0.1) * log2(y * y) - log10(x) + log1p(-x * y)
    return z * tanh(y) + sinh(x) / cosh(y) + log_sigmoid(z) - logit(0.1 * y)


@jit
def of_sums(x, y):
    return logaddexp(x, y) * logaddexp2(0.01 * x, y)


by_x = make_backward(of_functions, 1, 2, (0,))


@jit
def gradient(x, y):
    return by_x(y, x, y)


by_x_again = make_backward(by_x, 1, 3, (1,))


@jit
def second_gradient(x, y):
    return by_x_again(x, y, x, y)


ALL = (arithmetic, of_functions, of_logarithms, of_sums, gradient, second_gradient)


def inputs(kind, count=3000):
    generator = np.random.default_rng(3)
    special = [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 1e-40, -3e-41, 1e30]
    pairs = np.array([(a, b) for a in special for b in special]).T
    x = np.concatenate([pairs, generator.normal(size=(2, count)) * 4], 1)
    return [np.ascontiguousarray(each) for each in x.astype("float32" if kind == "float32" else "float64")]


@pytest.mark.checked(
    function=("of_functions", "of_logarithms", "second_gradient"), kind=("float32", "wide"), fastmath="True"
)
@pytest.mark.parametrize("fastmath", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64", "wide"])
@pytest.mark.parametrize("function", ALL, ids=lambda function: function.py_func.__name__)
def test_bits_are_those_of_the_cpu(function, kind, fastmath):
    """Under a caller's ``fastmath=True`` too."""
    x, y = inputs(kind)
    result = np.empty_like(x)
    Machine(to_ptx(function, kind, fastmath))(3, 32, *(each.ctypes.data for each in (x, y, result)), x.size)
    (expected,) = over_arrays(function, 2, kind=kind)(x, y)
    assert not differing(result, expected).any()


@pytest.mark.parametrize("fastmath", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_steps_say_how_they_round(kind, fastmath):
    opcodes = re.findall(r"^\s+(?:@!?%p\d+\s+)?([a-z][\w.]*\.f(?:32|64))\b", to_ptx(arithmetic, kind, fastmath), re.M)
    rounded = [opcode for opcode in opcodes if re.match(r"add|sub|mul|div|sqrt|rcp|fma|mad", opcode)]
    assert {opcode.rpartition(".")[0] for opcode in rounded} <= {"add.rn", "mul.rn", "div.rn", "rcp.rn", "sqrt.rn"}
    assert not [opcode for opcode in opcodes if ".ftz" in opcode or ".approx" in opcode]
