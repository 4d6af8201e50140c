"""The public functions in kernels that users write, in the simulator: there they are called as they are in Python."""

import numpy as np
import pytest
from numba import cuda

import numbaexp
from numbaexp.scalar.family import FAMILY

pytestmark = pytest.mark.sampled(name="exp", dtype="float32")


def kernel_over(function):
    @cuda.jit
    def kernel(x, y):
        i = cuda.grid(1)
        if i < x.size:
            y[i] = function(x[i])

    return kernel


@cuda.jit
def by_name(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = numbaexp.exp(x[i]) if i % 2 else numbaexp.expit(x[i])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", [*FAMILY, "expit"])
def test_same_bits(name, dtype):
    function = getattr(numbaexp, name)
    x = np.concatenate([[np.nan, np.inf, -np.inf, 0, -0.0], np.random.default_rng(0).uniform(-4, 4, 40)]).astype(dtype)
    y = np.empty_like(x)
    kernel_over(function)[2, 32](x, y)
    np.testing.assert_array_equal(y, function(x))
    np.testing.assert_array_equal(np.signbit(y), np.signbit(function(x)) | np.isnan(y) & np.signbit(y))


@pytest.mark.thorough
def test_by_name():
    x = np.linspace(-5, 5, 50, dtype=np.float32)
    y = np.empty_like(x)
    by_name[2, 32](x, y)
    np.testing.assert_array_equal(y, np.where(np.arange(50) % 2, numbaexp.exp(x), numbaexp.expit(x)))


def test_integers_become_float64():
    x = np.arange(-20, 20)
    y = np.empty(x.size)
    kernel_over(numbaexp.exp)[2, 32](x, y)
    np.testing.assert_array_equal(y, numbaexp.exp(x))


@numbaexp.elementwise
def decay(x, rate):
    return numbaexp.exp(-rate * x)


@cuda.jit
def of_several(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[0, i] = numbaexp.sigmoid_backward(x[i], x[0])
        y[1, i] = decay(x[i], x[0])
        y[2, i], y[3, i] = decay.backward(x[0], x[i], x[0])


def test_functions_of_several_numbers():
    x = np.linspace(1, 5, 50, dtype=np.float32)
    y = np.empty((4, x.size), np.float32)
    of_several[2, 32](x, y)
    expected = [numbaexp.sigmoid_backward(x, x[0]), decay(x, x[0]), *decay.backward(x[0], x, x[0])]
    np.testing.assert_array_equal(y, expected)
