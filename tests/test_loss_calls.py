"""Losses of many calls at once: each has the bits that it has alone, and the kernels are called once."""

import functools

import numpy as np
import pytest
from helpers import FLOATS, assert_same_bits, dtype_of

import numbaexp
from numbaexp.cpu import losses
from numbaexp.engine.call import compute_from_outside
from numbaexp.operations import OPERATIONS

pytestmark = pytest.mark.sampled(dtype="float32", shape="(3, 5)", options=("mean", "smoothed"))

DEFAULTS = {"ignore_index": -100, "reduction": "mean", "label_smoothing": 0.0, "axis": None}
OPTIONS = {
    "mean": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "ignored": {"ignore_index": 1},
    "smoothed": {"label_smoothing": 0.125},
    "smoothed alone": {"label_smoothing": 1.0, "reduction": "none", "ignore_index": 1},
}
KINDS = ("classes", "probabilities")
WEIGHTS = ("no weights", "weights of all", "weights of each")


def arrays_of(batch, shape, kind, weights, dtype="float32"):
    """(logits, targets, weight) of as many calls as the batch has."""
    generator, axis = np.random.default_rng(len(shape)), min(len(shape) - 1, 1)
    logits = (3 * generator.standard_normal((*batch, *shape))).astype(dtype_of(dtype))
    if kind == "classes":
        targets = generator.integers(0, shape[axis], (*batch, *shape[:axis], *shape[axis + 1 :]))
    else:
        targets = generator.dirichlet(np.ones(4), (*batch, *shape)).astype(dtype_of(dtype))[..., 0]
    of_each = generator.random((*batch, shape[axis]))
    weight = {WEIGHTS[0]: None, WEIGHTS[1]: of_each[(0,) * len(batch)], WEIGHTS[2]: of_each}[weights]
    return logits, targets, weight


def each(function, batch, *arrays):
    """Return the results of each call alone; an array that is not mapped is a pair of it and None."""
    results = []
    for index in np.ndindex(batch):
        results.append(function(*(array[0] if type(array) is tuple else array[index] for array in arrays)))
    made = np.stack([np.asarray(result) for result in results])
    return made.reshape(*batch, *made.shape[1:])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("batch", [(4,), (2, 3)], ids=str)
@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 5, 7), (300, 5), (3, 2000)], ids=str)
@pytest.mark.parametrize("weights", [WEIGHTS[0], WEIGHTS[2]])
@pytest.mark.parametrize("kind", KINDS)
def test_plan(kind, weights, shape, batch, dtype):
    logits, targets, weight = arrays_of(batch, shape, kind, weights, dtype)
    of_each = logits, targets, (None, None) if weight is None else weight
    for given in OPTIONS.values():
        options = {**DEFAULTS, **given}
        many = {**options, "calls": len(batch)}

        def loss(x, t, w, options=options):
            return numbaexp.cross_entropy(x, t, w, **options)

        def gradient(g, x, t, w, options=options):
            return numbaexp.cross_entropy_backward(g, x, t, w, **options)

        expected = each(loss, batch, *of_each)
        result = compute_from_outside(OPERATIONS["cross_entropy"], (logits, targets, weight), many)
        assert_same_bits(result, expected)
        grad = np.random.default_rng(1).standard_normal(expected.shape).astype(logits.dtype)
        result = compute_from_outside(OPERATIONS["cross_entropy_backward"], (grad, logits, targets, weight), many)
        assert_same_bits(result, each(gradient, batch, grad, *of_each))


def test_axis_is_that_of_one_call():
    logits, targets, _ = arrays_of((4,), (2, 5, 3), "classes", WEIGHTS[0])
    loss, options = OPERATIONS["cross_entropy"], {**DEFAULTS, "calls": 1}
    expected = compute_from_outside(loss, (logits, targets, None), options)
    for axis in (1, -2):
        assert_same_bits(compute_from_outside(loss, (logits, targets, None), {**options, "axis": axis}), expected)
    last = compute_from_outside(loss, (logits.swapaxes(2, 3), targets, None), {**options, "axis": 2})
    assert_same_bits(last, expected)


@pytest.fixture
def runs(monkeypatch):
    """The names of the computations, as they come."""
    names = []
    for name in ("forward", "backward"):
        compute = getattr(losses, name)

        def counted(*arguments, name=name, compute=compute):
            names.append(name)
            return compute(*arguments)

        monkeypatch.setattr(losses, name, counted)
    return names


BATCH = (3, 2)
CASES = [(kind, weights) for kind in KINDS for weights in WEIGHTS]


def cases(function):
    for mark in (
        pytest.mark.parametrize("options", OPTIONS),
        pytest.mark.parametrize(("kind", "weights"), CASES),
        pytest.mark.parametrize("shape", [(5,), (3, 5)], ids=str),
    ):
        function = mark(function)
    return function


@cases
def test_torch(shape, kind, weights, options, runs):
    torch = pytest.importorskip("torch", reason="what maps is PyTorch")
    arrays = [None if array is None else torch.from_numpy(array) for array in arrays_of(BATCH, shape, kind, weights)]
    dims = 0, 0, 0 if weights == WEIGHTS[2] else None
    of_each = [array if dim == 0 else (array, None) for array, dim in zip(arrays, dims, strict=True)]

    def loss(*given):
        return numbaexp.cross_entropy(*given, **OPTIONS[options])

    gradient = torch.func.grad(lambda *given: loss(*given).sum())
    values, gradients = each(loss, BATCH, *of_each), each(gradient, BATCH, *of_each)
    flat = [array.flatten(0, 1) if dim == 0 else array for array, dim in zip(arrays, dims, strict=True)]
    runs.clear()
    assert_same_bits(torch.vmap(gradient, dims)(*flat).unflatten(0, BATCH), gradients)
    assert_same_bits(torch.vmap(torch.vmap(gradient, dims), dims)(*arrays), gradients)
    assert runs == ["forward", "backward"] * 2
    assert_same_bits(torch.vmap(torch.vmap(loss, dims), dims)(*arrays), values)
    # The gradient of a mapped loss, along another axis of the logits.
    mapped, logits = torch.vmap(loss, (-1, *dims[1:])), flat[0].clone().requires_grad_()
    runs.clear()
    mapped(logits.movedim(0, -1), *flat[1:]).sum().backward()
    assert_same_bits(logits.grad.unflatten(0, BATCH), gradients)
    result = torch.func.grad(lambda x: torch.vmap(mapped, dims)(x, *arrays[1:]).sum())(arrays[0].movedim(1, -1))
    assert_same_bits(result, np.moveaxis(gradients, 1, -1))
    assert runs == ["forward", "backward"] * 2


@cases
def test_jax(shape, kind, weights, options, runs):
    jax = pytest.importorskip("jax", reason="what maps is JAX")
    arrays = [array if array is None else jax.numpy.asarray(array) for array in arrays_of(BATCH, shape, kind, weights)]
    axes = 0, 0, 0 if weights == WEIGHTS[2] else None
    of_each = [array if axis == 0 else (array, None) for array, axis in zip(arrays, axes, strict=True)]

    def loss(*given):
        return numbaexp.cross_entropy(*given, **OPTIONS[options])

    gradient = jax.grad(lambda *given: loss(*given).sum())
    values, gradients = each(loss, BATCH, *of_each), each(gradient, BATCH, *of_each)
    flat = [
        array.reshape(6, *array.shape[2:]) if axis == 0 else array for array, axis in zip(arrays, axes, strict=True)
    ]
    runs.clear()
    assert_same_bits(jax.jit(jax.vmap(gradient, axes))(*flat), gradients.reshape(flat[0].shape))
    assert_same_bits(jax.jit(jax.vmap(jax.vmap(gradient, axes), axes))(*arrays), gradients)
    assert runs == ["backward"] * 2
    assert_same_bits(jax.vmap(jax.vmap(loss, axes), axes)(*arrays), values)
    mapped = jax.vmap(loss, (-1, *axes[1:]))
    result = jax.jit(jax.grad(lambda x: jax.vmap(mapped, axes)(x, *arrays[1:]).sum()))(
        jax.numpy.moveaxis(arrays[0], 1, -1)
    )
    assert_same_bits(result, np.moveaxis(gradients, 1, -1))


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives(kind, options):
    """Derivatives of mapped losses, and mapped derivatives, are those of each."""
    torch = pytest.importorskip("torch", reason="what maps is PyTorch")
    func, close = torch.func, functools.partial(torch.testing.assert_close, rtol=1e-13, atol=1e-15)
    x, *rest = map(torch.from_numpy, arrays_of((4,), (3, 5), kind, WEIGHTS[2], "float64"))
    tangents = torch.from_numpy(np.random.default_rng(2).standard_normal(x.shape))

    def loss(x, *given):
        return numbaexp.cross_entropy(x, *given, **OPTIONS[options]).sum()

    def total(x):
        return torch.vmap(loss)(x, *rest).sum()

    def push(x, tangent, *given):
        return func.jvp(lambda x: loss(x, *given), (x,), (tangent,))[1]

    calls = list(zip(x, *rest, strict=True))
    hessians = torch.stack([func.hessian(loss)(*given) for given in calls])
    close(torch.vmap(func.hessian(loss))(x, *rest), hessians)
    for hessian in (func.hessian, lambda function: func.jacfwd(func.jacfwd(function))):
        close(torch.stack([hessian(total)(x)[i, :, :, i] for i in range(4)]), hessians)
    pushed = torch.stack([push(x, tangent, *given) for tangent, (x, *given) in zip(tangents, calls, strict=True)])
    close(torch.vmap(push)(x, tangents, *rest), pushed)
    close(func.jvp(total, (x,), (tangents,))[1], pushed.sum())
    if kind == "probabilities":
        targets, weight = rest
        expected = torch.stack([func.grad(loss, 1)(*given) for given in calls])
        close(func.grad(lambda t: torch.vmap(loss)(x, t, weight).sum())(targets), expected)


def test_errors_are_those_of_one_call():
    torch = pytest.importorskip("torch", reason="what maps is PyTorch")
    x, classes = torch.zeros(2, 3, 5), torch.zeros(2, 4, dtype=torch.int64)
    mapped = torch.vmap(numbaexp.cross_entropy)
    with pytest.raises(ValueError, match=r"`targets` must be, as classes, of the shape \(3,\); got \(4,\)"):
        mapped(x, classes)
    with pytest.raises(ValueError, match=r"`weight` must have the shape of the classes, \(5,\); got \(4,\)"):
        mapped(x, classes[:, 1:], torch.ones(2, 4))
    weight = torch.ones(2, 5, requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"`cross_entropy` has no rule .* with respect to `weight`"):
        mapped(x, classes[:, 1:], weight)
