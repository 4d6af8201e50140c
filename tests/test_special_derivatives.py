"""Derivatives at -inf, +inf, 0 and NaN: the limits, and the same ones in every mode of every library."""

import functools
import itertools

import numpy as np
import pytest
from helpers import ELEMENTWISE, saved_by

import numbaexp
from numbaexp import autograd

INF, NAN = np.inf, np.nan
# (first, second) derivatives at -inf and +inf.
LIMITS = {
    **dict.fromkeys(("exp", "exp2", "exp10", "expm1"), ((0, 0), (INF, INF))),
    "sigmoid": ((0, 0), (0, 0)),
    "softplus": ((0, 0), (1, 0)),
    # The formulas, where the functions are not real.
    **dict.fromkeys(("log", "log2", "log10", "log1p"), ((0, 0), (0, 0))),
    "logit": ((0, NAN), (0, NAN)),
    "sinh": ((INF, -INF), (INF, INF)),
    "cosh": ((-INF, INF), (INF, INF)),
    "tanh": ((0, 0), (0, 0)),
    "log_sigmoid": ((1, 0), (0, 0)),
}
S = 1 / (1 + np.e)  # the softmax of 0 beside 1
V = S * (1 - S)


def zeros(*shape):
    return np.zeros(shape)


def _cases():
    """name: (function, x, the gradient of the sum of its results, its Hessian or None)."""
    for name in ELEMENTWISE:
        function = getattr(numbaexp, name)
        for x, (first, second) in zip((-INF, INF), LIMITS[name], strict=True):
            yield f"{name} of {x}", function, [x], [first], [[second]]
        yield f"{name} of NaN", function, [NAN], [NAN], [[NAN]]

    def squares(name, **options):
        """The sum of a function's squares, for whatever sums to 1 has no gradient."""
        return lambda x: getattr(numbaexp, name)(x, **options) ** 2

    every = np.full((2, 2), NAN)
    yield "logsumexp of -inf", numbaexp.logsumexp, [-INF, -INF], [0, 0], zeros(2, 2)
    yield "logsumexp of one -inf", numbaexp.logsumexp, [-INF], [0], [[0]]
    yield (
        "logsumexp of -inf and more",
        numbaexp.logsumexp,
        [-INF, 0, 1],
        [0, S, 1 - S],
        [[0] * 3, [0, V, -V], [0, -V, V]],
    )
    yield "logsumexp of +inf", numbaexp.logsumexp, [INF, 0], [NAN, NAN], every
    yield "logsumexp of NaN", numbaexp.logsumexp, [NAN, 0], [NAN, NAN], every
    by_row = functools.partial(numbaexp.logsumexp, axis=1)
    yield "logsumexp of rows", by_row, [[-INF, -INF], [0, 1]], [[0, 0], [S, 1 - S]], None
    kept = functools.partial(numbaexp.logsumexp, axis=0, keepdims=True)
    yield "logsumexp, kept", kept, [[-INF, 0], [-INF, 1]], [[0, S], [0, 1 - S]], None
    yield "log_softmax", numbaexp.log_softmax, [-INF, 0, 1], [1, 1 - 3 * S, 1 - 3 * (1 - S)], None
    yield "log_softmax of -inf", numbaexp.log_softmax, [-INF, -INF], [NAN, NAN], every
    yield "softmax", squares("softmax"), [-INF, 0, 0], [0, 0, 0], [[0] * 3, [0, 0.25, -0.25], [0, -0.25, 0.25]]
    yield "softmax of one", squares("softmax"), [-INF, 3], [0, 0], zeros(2, 2)
    yield "softmax of -inf", squares("softmax"), [-INF, -INF], [NAN, NAN], every


CASES = {name: case for name, *case in _cases()}
# Cases that an ordinary run tries in JAX too, where each is compiled.
IN_JAX = ("exp of inf", "log of -inf", "logit of NaN", "logsumexp of -inf", "log_softmax of -inf", "softmax of -inf")

# (shape, options, logits, targets, the gradient by the logits).
CLASSES = {
    "a class of -inf": ({}, [[-INF, 0, 1]], [0], [[-1, S, 1 - S]]),
    "another class": ({}, [[-INF, 0, 1]], [1], [[0, S - 1, 1 - S]]),
    "ignored NaN": ({}, [[NAN, 0, 1], [0, 1, -INF]], [-100, 0], [[0] * 3, [S - 1, 1 - S, 0]]),
    "ignored +inf, each": ({"reduction": "none"}, [[INF, 0], [0, 1]], [-100, 0], [[0, 0], [S - 1, 1 - S]]),
    "ignored, and weights": ({"weight": [NAN, 2.0]}, [[INF, 0], [0, 1]], [-100, 1], [[0, 0], [S, -S]]),
    "ignored, smoothed": ({"label_smoothing": 0.5}, [[-INF] * 2, [0, 1]], [-100, 0], [[0, 0], [S - 0.75, 0.75 - S]]),
    "all ignored": ({}, [[NAN, 0], [-INF, -INF]], [-100, -100], zeros(2, 2)),
    "no weight of -inf": ({"weight": [0.0, 1, 1]}, [[-INF, 0, 1]] * 2, [0, 1], [[0] * 3, [0, S - 1, 1 - S]]),
    "an infinite weight": ({"weight": [INF, 1, 1]}, [[-INF, 0, 1]], [1], [[0, S - 1, 1 - S]]),
    "no weight, smoothed": (
        {"weight": [0.0, 1, 1], "label_smoothing": 0.75, "reduction": "sum"},
        [[-INF, 0, 0]],
        [1],
        [[0, -0.125, 0.125]],
    ),
    "smoothing alone": ({"label_smoothing": 1.0}, [[-INF, 0, 1]], [1], [[-1 / 3, S - 1 / 3, 2 / 3 - S]]),
}
# (options, logits, probabilities, the gradients by the logits and by the probabilities).
L1 = np.log1p(np.exp(-1))
SHARES = {
    "no share of -inf": ({}, [[-INF, 0, 1]], [[0, 0.25, 0.75]], [[0, S - 0.25, 0.25 - S]], [[INF, 1 + L1, L1]]),
    "a share of -inf": ({}, [[-INF, 0, 1]], [[0.5, 0, 0.5]], [[-0.5, S, 0.5 - S]], [[INF, 1 + L1, L1]]),
    "no weight": (
        {"weight": [0.0, 1, 1], "reduction": "none"},
        [[-INF, 0, 1]],
        [[0.5, 0.25, 0.25]],
        [[0, S / 2 - 0.25, 0.25 - S / 2]],
        [[0, 1 + L1, L1]],
    ),
    "smoothing alone": (
        {"label_smoothing": 1.0},
        [[-INF, 0, 1]],
        [[0, 0.25, 0.75]],
        [[-1 / 3, S - 1 / 3, 2 / 3 - S]],
        [[0, 0, 0]],
    ),
    "two rows": (
        {"reduction": "none"},
        [[-INF, 0], [0, 1]],
        [[0, 1.0], [1.0, 0]],
        [[0, 0], [S - 1, 1 - S]],
        [[INF, 0], [1 + L1, L1]],
    ),
}


def same(result, expected):
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected, np.float64), 1e-12, 1e-15)


# PyTorch's own warning of its own parts, which it loads late.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning"),
    pytest.mark.thorough,
]


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def in_modes(library, function, x, gradient, hessian, argnums=0):
    """The first and second derivatives of a function's sum by the transformations that PyTorch and JAX have alike."""
    reverse, forward = library.jacrev, library.jacfwd

    def total(*arrays):
        return function(*arrays).sum()

    for first in (reverse, forward):
        same(first(total, argnums)(*x), gradient)
    seconds = [
        outer(inner(total, argnums), argnums)(*x) for outer in (reverse, forward) for inner in (reverse, forward)
    ]
    for second in seconds:
        same(second, seconds[0] if hessian is None else hessian)
    return seconds[0]


def of_the_tape(function, x, gradient, hessian):
    """The same by the tape, which has reverse mode alone."""
    x = autograd.tensor(np.array(x, np.float64), requires_grad=True)
    (first,) = autograd.grad(function(x).sum(), x, create_graph=True)
    same(first.detach(), gradient)
    for place in np.ndindex(x.shape):
        if first.requires_grad and hessian is not None:
            (row,) = autograd.grad(first[place], x, retain_graph=True)
            same(row, np.asarray(hessian)[place])


@pytest.mark.parametrize("name", CASES)
def test_functions_in_torch(torch, name):
    function, x, gradient, hessian = CASES[name]
    in_modes(torch.func, function, [torch.tensor(x, dtype=torch.float64)], gradient, hessian)


@pytest.mark.checked(name=IN_JAX)
@pytest.mark.parametrize("name", CASES)
def test_functions_in_jax(jax, name):
    function, x, gradient, hessian = CASES[name]
    in_modes(jax, function, [jax.numpy.array(x, float)], gradient, hessian)


@pytest.mark.parametrize("name", CASES)
def test_functions_of_the_tape(name):
    function, x, gradient, hessian = CASES[name]
    # Sums of squares of infinity are NumPy's own.
    with np.errstate(invalid="ignore"):
        of_the_tape(function, x, gradient, hessian)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_at_infinities(name, dtype):
    """Without a flag, where the gradient given is neither 0 nor infinite."""
    x = np.array([-INF, INF], dtype)
    with np.errstate(all="raise"):
        saved = getattr(numbaexp, name)(x) if saved_by(name) == "output" else x
        result = getattr(numbaexp, f"{name}_backward")(np.ones_like(x), saved)
    np.testing.assert_array_equal(result, [first for first, _ in LIMITS[name]])


def loss(array, targets, options):
    options = {**options, **({"weight": array(options["weight"])} if "weight" in options else {})}
    return lambda x: numbaexp.cross_entropy(x, array(targets), **options)


def loss_of_both(array, options):
    options = {**options, **({"weight": array(options["weight"])} if "weight" in options else {})}
    return lambda x, t: numbaexp.cross_entropy(x, t, **options)


def in_torch(torch):
    return lambda values: torch.from_numpy(np.array(values))


@pytest.mark.checked(name=("a class of -inf", "ignored NaN", "smoothing alone"))
@pytest.mark.parametrize("name", CLASSES)
def test_classes(torch, jax, name):
    options, logits, targets, gradient = CLASSES[name]
    x = np.array(logits, np.float64)
    of_torch = in_modes(torch.func, loss(in_torch(torch), targets, options), [in_torch(torch)(x)], gradient, None)
    assert not np.isnan(of_torch.numpy()).any()
    in_modes(jax, loss(jax.numpy.array, targets, options), [jax.numpy.array(x)], gradient, of_torch)
    of_the_tape(loss(np.array, targets, options), x, gradient, of_torch)


@pytest.mark.checked(name=("no share of -inf", "no weight", "two rows"))
@pytest.mark.parametrize("name", SHARES)
def test_probabilities(torch, jax, name):
    """By the logits and by the probabilities, and twice by the one and the other."""
    options, logits, targets, *gradients = SHARES[name]
    x, t = np.array(logits, np.float64), np.array(targets, np.float64)
    seconds = {}
    for library, array in ((torch.func, in_torch(torch)), (jax, jax.numpy.array)):
        function = loss_of_both(array, options)

        def total(*both, function=function):
            return function(*both).sum()

        for place, gradient in enumerate(gradients):
            second = in_modes(library, function, [array(x), array(t)], gradient, seconds.get(place), place)
            seconds.setdefault(place, np.asarray(second))
            assert not np.isnan(seconds[place]).any()
        ways = [
            outer(inner(total, 0), 1)(array(x), array(t))
            for outer, inner in itertools.product((library.jacrev, library.jacfwd), repeat=2)
        ]
        for mixed in ways:
            same(mixed, seconds.setdefault("mixed", np.asarray(mixed)))
        assert not np.isnan(seconds["mixed"]).any()
    of_the_tape(lambda x: loss_of_both(np.array, options)(x, t), x, gradients[0], seconds[0])
    of_the_tape(lambda t: loss_of_both(np.array, options)(x, t), t, gradients[1], seconds[1])


@pytest.mark.parametrize("name", SHARES)
def test_gradients_of_losses_that_count_for_nothing(name):
    """Of a row whose gradient is 0, also where the derivative is infinite."""
    options, logits, targets, *_ = SHARES[name]
    t = autograd.tensor(np.array(targets, np.float64), requires_grad=True)
    result = numbaexp.cross_entropy(np.array(logits, np.float64), t, **options)
    (gradient,) = autograd.grad(result, t, np.zeros(result.shape))
    same(gradient, np.zeros(t.shape))


def test_derivatives_of_no_classes_and_no_rows():
    for shape in ((2, 0), (0, 3)):
        for options in ({}, {"label_smoothing": 0.5, "weight": np.ones(shape[1])}):
            x, t = (autograd.tensor(np.zeros(shape), requires_grad=True) for _ in range(2))
            result = numbaexp.cross_entropy(x, t, reduction="none", **options)
            for gradient in autograd.grad(result, [x, t], np.ones(result.shape)):
                assert gradient.shape == shape
