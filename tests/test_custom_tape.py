"""Elementwise functions that users write, on tensors of the tape: all gradients in one call, of every order."""

import numpy as np
import pytest
from custom_functions import elu, gaussian, waves
from helpers import OF_NUMPY, assert_same_bits

import numbaexp
from numbaexp import autograd
from numbaexp.derivatives import custom

pytestmark = pytest.mark.sampled(name=("gaussian",))


FUNCTIONS = {"gaussian": gaussian, "elu": elu, "waves": waves}
RNG = np.random.default_rng(0)
# Broadcast, and none of them at a kink.
ARGUMENTS = [RNG.uniform(0.5, 2.0, shape) for shape in ((2, 3), (3,), ())]


def tensors(arrays, dtype="float64"):
    return [autograd.tensor(array.astype(dtype), requires_grad=True) for array in arrays]


@pytest.fixture
def calls(monkeypatch):
    """List the derivatives that are computed."""
    found = []

    def run(operation, *arrays):
        found.append(operation)
        return call(operation, *arrays)

    call = custom.call
    monkeypatch.setattr(custom, "call", run)
    return found


@pytest.mark.thorough
@pytest.mark.checked(name="gaussian")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    """Against differences, first and second ones, with numbers in any place."""
    function = FUNCTIONS[name]
    given = tensors(ARGUMENTS[: function.nin])
    assert autograd.gradcheck(function, given)
    assert autograd.gradgradcheck(function, given)
    for i, x in enumerate(given):

        def with_numbers(x, i=i):
            return function(*[0.75] * i, x, *[1.5] * (function.nin - 1 - i))

        assert autograd.gradcheck(with_numbers, x)
        assert autograd.gradgradcheck(with_numbers, x)


@pytest.mark.thorough
@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_bits(dtype, calls):
    """One call gives all gradients that are wanted, with the bits that ``backward`` has on arrays."""
    x, mu, sigma = (array.astype(dtype) for array in ARGUMENTS)
    given = tensors([x, mu, sigma], dtype)
    y = gaussian(*given)
    assert_same_bits(y.data, gaussian(x, mu, sigma))
    assert repr(y.grad_fn) == "<GaussianBackward>"
    y.sum().backward()
    expected = gaussian.backward(np.ones((2, 3), dtype), x, mu, sigma)
    assert_same_bits(given[0].grad.data, expected[0])
    assert_same_bits(given[1].grad.data, expected[1].sum(0))
    np.testing.assert_allclose(given[2].grad.data, expected[2].sum(), rtol=8 * np.finfo(dtype).eps)
    assert {each.grad.dtype for each in given} == {np.dtype(dtype)}
    (x,) = tensors([x], dtype)
    gaussian(x, mu, 0.5).sum().backward()
    gaussian(x, given[1], given[2].detach()).sum().backward()
    assert calls == [gaussian.operation.backward(wrt) for wrt in ((0, 1, 2), (0,), (0, 1))]


@pytest.mark.thorough
def test_one_walk_goes_through_several_results_once(calls):
    x, y = tensors(ARGUMENTS[:2])
    first, second = waves(x, y)
    assert repr(first.grad_fn) == "<WavesBackward>"
    (first * 2.0 + second * first).sum().backward()
    assert calls == [waves.operation.backward((0, 1))]
    a, b = waves(*ARGUMENTS[:2])
    expected = waves.backward(2.0 + b, a, *ARGUMENTS[:2])
    np.testing.assert_allclose(x.grad.data, expected[0])
    np.testing.assert_allclose(y.grad.data, expected[1].sum(0))
    (of_first,) = autograd.grad(waves(x, 0.5)[0].sum(), x)
    assert_same_bits(of_first.data, waves.backward(1.0, 0.0, ARGUMENTS[0], 0.5)[0])
    # Each result is a tensor of its own, and can be what is differentiated by.
    first, second = waves(x, 0.5)
    (by_first,) = autograd.grad((first * second).sum(), first)
    assert_same_bits(by_first.data, second.data)


def test_in_place():
    x, mu, sigma = tensors(ARGUMENTS)
    out = x * 1.0
    assert gaussian(out, mu, sigma, out=out) is out
    assert_same_bits(out.data, gaussian(*ARGUMENTS))
    out.sum().backward()
    assert_same_bits(x.grad.data, gaussian.backward(1.0, *ARGUMENTS)[0])
    with pytest.raises(RuntimeError, match=r"^`out` must be `x` itself where `gaussian` is recorded"):
        gaussian(x, mu, sigma, out=autograd.tensor(ARGUMENTS[0]))
    with pytest.raises(TypeError, match=r"^`out` must be a tensor of `numbaexp.autograd`"):
        gaussian(x, mu, sigma, out=ARGUMENTS[0].copy())
    outs = tuple(autograd.tensor(ARGUMENTS[0]) for _ in range(2))
    with pytest.raises(RuntimeError, match=r"^`out` must be `x` itself where `waves` is recorded"):
        waves(x, mu, out=outs)
    with autograd.no_grad():
        assert waves(x, mu, out=outs) is outs
    for made, expected in zip(outs, waves(*ARGUMENTS[:2]), strict=True):
        assert_same_bits(made.data, expected)
    with pytest.raises(TypeError, match=r"^of a tensor of `numbaexp.autograd` `gaussian` does not take `where`"):
        gaussian(x, mu, sigma, where=True)


def test_changes_are_detected():
    x, mu, _ = tensors(ARGUMENTS)
    moved = mu * 1.0
    y = gaussian(x, moved, 2.0)
    moved += 1.0
    with pytest.raises(RuntimeError, match=r"^GaussianBackward needs `mu` as it was"):
        y.sum().backward()
    out = x * 1.0
    y = numbaexp.sigmoid(out)
    with autograd.no_grad():
        waves(x, mu, out=(autograd.tensor(ARGUMENTS[0]), out))
    with pytest.raises(RuntimeError, match=r"^SigmoidBackward needs `x` as it was"):
        y.sum().backward()


def test_a_users_own_gradient():
    @numbaexp.elementwise
    def cube(x):
        return x * x * x

    @cube.gradient
    def _(grad_output, result, x):
        return 3.0 * x * x * grad_output + 1.0

    (x,) = tensors(ARGUMENTS[:1])
    (first,) = autograd.grad(cube(x).sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    np.testing.assert_array_equal(first.data, 3.0 * ARGUMENTS[0] * ARGUMENTS[0] + 1.0)
    np.testing.assert_allclose(second.data, 6.0 * ARGUMENTS[0])


@pytest.mark.thorough
def test_arguments_of_any_name():
    """Even those that the tape and derivatives have for values of their own."""

    @numbaexp.elementwise
    def product(result, grad_output):
        return result * grad_output

    given = tensors([ARGUMENTS[1]] * 2)
    assert autograd.gradcheck(product, given)
    assert autograd.gradgradcheck(product, given)
