"""Arrays without elements, in every library: what NumPy, SciPy and PyTorch make of them."""

import itertools

import numpy as np
import pytest

import numbaexp
from numbaexp import autograd

pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.sampled(shape=("(0, 3)", "(2, 0)")),
]

SHAPES = [(0,), (0, 2), (2, 0), (0, 0), (2, 0, 3), (0, 3, 4), (3, 4, 0)]


class Lends:
    """An owner of ``__dlpack__``, which has no methods of its own."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def torch_of(dtype, requires_grad=False):
    def make(array):
        torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")
        tensor = torch.from_numpy(array.copy())
        return tensor.to(getattr(torch, dtype)).requires_grad_(requires_grad) if array.dtype.kind == "f" else tensor

    return make


def jax_array(array):
    return pytest.importorskip("jax.numpy", reason="the arrays are JAX's").asarray(array)


def tape(array):
    return autograd.tensor(array, requires_grad=True) if array.dtype.kind == "f" else array


def at_once(function, *arrays):
    return function(*arrays)


def in_jax_jit(function, *arrays):
    return pytest.importorskip("jax").jit(function)(*arrays)


def in_torch_vmap(function, *arrays):
    """Of a batch of one."""
    import torch

    return torch.vmap(function)(*(array[None] for array in arrays))[0]


def in_torch_trace(function, *arrays):
    import torch

    return torch.jit.trace(function, arrays)(*arrays)


LIBRARIES = {
    "numpy": (np.asarray, at_once),
    "dlpack": (Lends, at_once),
    "tape": (tape, at_once),
    "torch": (torch_of("float32"), at_once),
    "torch float64": (torch_of("float64"), at_once),
    "torch bfloat16": (torch_of("bfloat16"), at_once),
    "torch with grad": (torch_of("float32", requires_grad=True), at_once),
    "torch.vmap": (torch_of("float32"), in_torch_vmap),
    "torch.jit.trace": (torch_of("float32"), in_torch_trace),
    "jax": (jax_array, at_once),
    "jax.jit": (jax_array, in_jax_jit),
}


def assert_values(result, expected):
    result = result.data if isinstance(result, autograd.Tensor) else result
    if hasattr(result, "detach"):
        result = result.detach().double().numpy()
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result.astype(np.float64), expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("library", LIBRARIES)
def test_rows(library, shape):
    make, run = LIBRARIES[library]
    x = np.zeros(shape)
    for axis in (None, 0, -1, *(((0, 1),) if len(shape) > 1 else ())):
        axes = tuple(range(x.ndim)) if axis is None else axis
        for keepdims in (False, True):
            with np.errstate(divide="ignore"):
                expected = np.log(np.exp(x).sum(axes, keepdims=keepdims))
            assert_values(run(lambda x, a=axis, k=keepdims: numbaexp.logsumexp(x, a, keepdims=k), make(x)), expected)
            grad = make(np.ones(expected.shape))
            assert_values(run(lambda g, x, a=axis: numbaexp.logsumexp_backward(g, x, a), grad, make(x)), x)
        for function in (numbaexp.softmax, numbaexp.log_softmax):
            assert_values(run(lambda x, a=axis, f=function: f(x, a), make(x)), x)
        for function in (numbaexp.softmax_backward, numbaexp.log_softmax_backward):
            assert_values(run(lambda g, x, a=axis, f=function: f(g, x, a), make(x), make(x)), x)


@pytest.mark.parametrize("library", LIBRARIES)
def test_elementwise(library):
    make, run = LIBRARIES[library]
    for shape in SHAPES:
        assert_values(run(numbaexp.expm1, make(np.zeros(shape))), np.zeros(shape))
        assert_values(run(numbaexp.expm1_backward, *[make(np.zeros(shape))] * 2), np.zeros(shape))


@pytest.mark.checked(shape=("(0, 3)", "(2, 0)", "(0, 3, 2)"))
@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0), (0,), (0, 3, 2), (2, 3, 0)], ids=str)
@pytest.mark.parametrize("library", LIBRARIES)
def test_losses(library, shape):
    """Sums of nothing are 0, a mean of nothing is NaN; a row without classes has the loss 0."""
    make, run = LIBRARIES[library]
    rows = shape[:1] + shape[2:] if len(shape) > 1 else ()
    choices = itertools.product(("mean", "sum", "none"), (False, True), (False, True), (0.0, 0.25))
    for reduction, of_classes, weighted, smoothing in choices:
        targets = np.full(rows, -100) if of_classes else np.zeros(shape)
        counted = not of_classes and 0 not in rows
        expected = {"mean": 0.0 if counted else np.nan, "sum": 0.0, "none": np.zeros(rows)}[reduction]
        weight = (np.ones(shape[min(len(shape) - 1, 1)]),) if weighted else ()
        arrays = [make(array) for array in (np.zeros(shape), targets)]
        # By no library but JAX are weights differentiated or refused.
        arrays += [make(array) if "grad" not in library and library != "tape" else array for array in weight]

        def loss(x, targets, weight=None, reduction=reduction, smoothing=smoothing):
            options = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
            return numbaexp.cross_entropy(x, targets, **options)

        def backward(grad, x, targets, weight=None, reduction=reduction, smoothing=smoothing):
            options = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
            return numbaexp.cross_entropy_backward(grad, x, targets, **options)

        assert_values(run(loss, *arrays), expected)
        assert_values(run(backward, make(np.ones(np.shape(expected))), *arrays), np.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 3, 2)], ids=str)
@pytest.mark.parametrize("of_classes", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_derivatives_of_losses(shape, of_classes, reduction):
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    targets = np.full(shape[:1] + shape[2:], -100) if of_classes else np.zeros(shape, np.float32)

    def loss(x, targets):
        return numbaexp.cross_entropy(x, targets, reduction=reduction).sum()

    x, of_torch = torch.zeros(shape, requires_grad=True), torch.from_numpy(targets)
    (grad,) = torch.autograd.grad(loss(x, of_torch), x, create_graph=True)
    assert grad.shape == shape
    assert torch.autograd.grad(grad.sum(), x)[0].shape == shape
    assert torch.func.hessian(loss)(x.detach(), of_torch).shape == (*shape, *shape)
    x = jax.numpy.zeros(shape)
    assert jax.jit(jax.grad(loss))(x, targets).shape == shape
    assert jax.hessian(loss)(x, targets).shape == (*shape, *shape)
    assert jax.jvp(lambda x: loss(x, targets), (x,), (x,))[1] == 0
    x = autograd.tensor(np.zeros(shape, np.float32), requires_grad=True)
    loss(x, targets).backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)], ids=str)
def test_derivatives_of_logsumexp(shape):
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")

    def total(x):
        return numbaexp.logsumexp(x, 1).sum()

    x = torch.zeros(shape, requires_grad=True)
    (grad,) = torch.autograd.grad(total(x), x, create_graph=True)
    assert torch.autograd.grad(grad.sum(), x)[0].shape == shape
    assert torch.func.hessian(total)(x.detach()).shape == (*shape, *shape)
    x = jax.numpy.zeros(shape)
    assert jax.jit(jax.grad(total))(x).shape == shape
    assert jax.hessian(total)(x).shape == (*shape, *shape)


def test_batches_of_nothing():
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    for reduction, shape in (("mean", (0,)), ("none", (0, 4))):

        def of_torch(x, targets, reduction=reduction):
            return numbaexp.cross_entropy(x, targets, weight=torch.ones(2), reduction=reduction)

        def of_jax(x, targets, reduction=reduction):
            return numbaexp.cross_entropy(x, targets, reduction=reduction)

        x, targets = torch.zeros(0, 4, 2), torch.zeros(0, 4, dtype=torch.int64)
        assert torch.vmap(of_torch)(x, targets).shape == shape
        assert jax.vmap(of_jax)(jax.numpy.zeros((0, 4, 2)), jax.numpy.zeros((0, 4), int)).shape == shape
    assert torch.vmap(lambda x: numbaexp.logsumexp(x, 0))(torch.zeros(0, 2)).shape == (0,)


def test_blocks_of_dask():
    dask = pytest.importorskip("dask.array")
    for shape, axis, expected in (((2, 0), 1, [-np.inf] * 2), ((0, 2), 1, []), ((0, 2), 0, [-np.inf] * 2)):
        assert_values(numbaexp.logsumexp(dask.zeros(shape, chunks=1), axis).compute(), expected)
