"""The table of rules: every function's gradients and tangents, first and higher ones, against finite differences and
against PyTorch."""

import inspect

import numpy as np
import pytest
from helpers import ELEMENTWISE, OF_ROWS, SOFTMAX_LIKE, inside, saved_by

import numbaexp
from numbaexp import autograd
from numbaexp.derivatives.rule import needs
from numbaexp.derivatives.rules import RULES

pytestmark = pytest.mark.sampled(
    name=("exp", "exp_backward", "softplus", "softmax", "logsumexp", "log_prob", "cross_entropy")
)

SHAPE = (3, 4)
X = np.random.default_rng(1).uniform(-2, 2, SHAPE)
G = np.random.default_rng(2).uniform(-2, 2, SHAPE)
POSITIVE = np.random.default_rng(3).uniform(0.1, 2, SHAPE)
CLASSES = np.array([1, -100, 3])
WEIGHT = np.array([0.5, 2.0, 1.0, 0.1])
AXES = [-1, 0, None, (0, 1)]
# One class a row; several, one of them twice; along another axis.
SELECTED = [(-1, np.array([1, 3, 0])), (1, np.array([[1, 1], [3, 0], [2, 0]])), (0, np.array([[0, 2, 1, 0]] * 2))]


def _losses():
    for reduction in ("mean", "sum", "none"):
        for smoothing in (0.0, 0.3):
            for weight in (None, WEIGHT):
                yield {"reduction": reduction, "label_smoothing": smoothing, "weight": weight}
    yield {"reduction": "sum", "axis": 0}
    yield {"reduction": "none", "axis": 0, "weight": WEIGHT[:3], "label_smoothing": 0.1}


def _cases():
    """(name, arrays, options) of each function of the table."""
    for name in ELEMENTWISE:
        x = inside(name, X)
        yield name, [x], {}
        yield f"{name}_backward", [G, POSITIVE if saved_by(name) == "output" else x], {}
    for axis in AXES:
        of_rows = np.asarray(G.sum(axis))
        yield "softmax", [X], {"axis": axis}
        yield "log_softmax", [X], {"axis": axis}
        yield "softmax_backward", [G, POSITIVE], {"axis": axis}
        yield "log_softmax_backward", [G, X], {"axis": axis}
        for keepdims in (False, True):
            yield "logsumexp", [X], {"axis": axis, "keepdims": keepdims}
        yield "logsumexp_backward", [of_rows, X], {"axis": axis}
        for keepdims in (False, True):
            yield "entropy", [X], {"axis": axis, "keepdims": keepdims}
        yield "entropy_backward", [of_rows, X], {"axis": axis}
    for axis, index in SELECTED:
        yield "log_prob", [X, index], {"axis": axis}
        yield "log_prob_backward", [np.cos(1.0 + np.arange(index.size)).reshape(index.shape), X, index], {"axis": axis}
    for options in _losses():
        classes = np.array([2, -100, 0, 1]) if options.get("axis") == 0 else CLASSES
        for targets in (classes, POSITIVE):
            grad = np.asarray(G.sum(options.get("axis", 1) if options["reduction"] == "none" else None))
            yield "cross_entropy", [X, targets], options
            yield "cross_entropy_backward", [grad, X, targets], options


CASES = list(_cases())
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]
each_case = pytest.mark.parametrize(("name", "arrays", "options"), CASES, ids=IDS)


def tensors(arrays):
    return [autograd.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]


def test_every_function_has_a_rule():
    others = {"UnsupportedError", "accelerate_numba", "autograd", "elementwise", "expit", "targets", "use_target"}
    others |= {"logaddexp", "logaddexp2"}  # whose rule is that of users' functions
    functions = {name for name in numbaexp.__all__ if not name.endswith("_")} - others
    assert functions == set(RULES) == {name for name, _, _ in CASES}


def test_rules_take_what_their_functions_take():
    for name, rule in RULES.items():
        assert rule.name == name
        parameters = list(inspect.signature(getattr(numbaexp, name)).parameters)
        positions = [parameters.index(argument) for argument in rule.arguments]
        assert positions == sorted(positions)
        assert set(rule.options) <= set(parameters)
        assert rule.gradients.keys() == rule.tangents.keys() <= set(rule.arguments)
        known = {*rule.arguments, *rule.options, "result", "options"}
        for formula in (*rule.gradients.values(), *rule.tangents.values()):
            assert set(needs(formula)) <= known
        assert set(rule.saved) <= {*rule.arguments, "result"}


@pytest.mark.parametrize(
    ("names", "saved"),
    [
        (("exp", "exp2", "exp10", "softmax", "log_softmax"), ("result",)),
        (("expm1", "sigmoid", "softplus", "log", "sinh", "cosh", "tanh", "logit"), ("x",)),
        (("logsumexp",), ("a", "b", "result")),
        (("log_prob",), ("logits", "index")),
        (("entropy",), ("logits",)),
        (("cross_entropy",), ("logits", "targets", "weight")),
    ],
)
def test_what_is_saved(names, saved):
    assert all(RULES[name].saved == saved for name in names)


@pytest.mark.by_form
@each_case
def test_gradients_to_the_third(name, arrays, options):
    """The second ones are the first ones of the gradients, and the third ones of those."""
    given = tensors(arrays)

    def function(*arguments):
        return getattr(numbaexp, name)(*arguments, **options)

    def gradients(*arguments):
        result = function(*arguments)
        above = np.cos(np.arange(result.size)).reshape(result.shape)
        by = [argument for argument in arguments if argument.requires_grad]
        return autograd.grad(result, by, above, create_graph=True)

    assert autograd.gradcheck(function, given)
    assert autograd.gradgradcheck(function, given)
    if len(given) == 1 and options.get("axis", -1) == -1:
        assert autograd.gradgradcheck(gradients, autograd.tensor(arrays[0][0, :3], requires_grad=True))


@each_case
def test_tangents(name, arrays, options):
    """Along a direction, as differences say; and the transpose of what gradients are."""
    rule, function = RULES[name], getattr(numbaexp, name)
    options = {"ignore_index": -100, "reduction": "mean", "label_smoothing": 0.0, "axis": None, **options}
    options = {key: value for key, value in options.items() if key in (*rule.options, "weight")}
    result = np.asarray(function(*arrays, **options))
    given = dict(zip(rule.arguments, arrays, strict=False))
    given = {"b": None, **given, "result": result, "weight": options.pop("weight", None), "options": options, **options}
    rng = np.random.default_rng(4)
    above = rng.standard_normal(result.shape)
    by_keyword = {"weight": given["weight"]} if "weight" in rule.arguments else {}
    for argument, formula in rule.tangents.items():
        place = rule.arguments.index(argument)
        if place >= len(arrays) or arrays[place].dtype.kind != "f":
            continue
        direction, step = rng.standard_normal(arrays[place].shape), 2.0**-8

        def at(k, place=place, direction=direction, step=step):
            moved = [array + k * step * direction if i == place else array for i, array in enumerate(arrays)]
            return function(*moved, **by_keyword, **options)

        weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
        differences = sum(weight * (at(k) - at(-k)) for k, weight in weights.items()) / step
        tangent = formula(direction, *(given[need] for need in needs(formula)))
        assert np.shape(tangent) == result.shape
        np.testing.assert_allclose(tangent, differences, 1e-8, 1e-9)
        gradient = rule.gradients[argument]
        back = gradient(above, *(given[need] for need in needs(gradient)))
        np.testing.assert_allclose((tangent * above).sum(), (back * direction).sum(), 1e-12, 1e-13)


@pytest.mark.parametrize("name", OF_ROWS)
def test_rows_of_a_scalar(name):
    assert autograd.gradgradcheck(getattr(numbaexp, name), autograd.tensor(0.3, requires_grad=True))


def test_third_derivative_of_exp_has_its_bits():
    x = autograd.tensor(X, requires_grad=True)
    derivative = numbaexp.exp(x)
    for _ in range(3):
        (derivative,) = autograd.grad(derivative, x, np.ones(SHAPE), create_graph=True)
    np.testing.assert_array_equal(derivative.detach(), numbaexp.exp(X))


@pytest.mark.thorough
def test_gradients_are_the_public_ones():
    """Bit for bit, and so whatever the number of threads."""
    given = np.random.default_rng(5).standard_normal((40, 20_000)).astype(np.float32)
    above = given[::-1].copy()
    for name in (*ELEMENTWISE, *SOFTMAX_LIKE):
        expected, large = None, inside(name, given)
        for target in ("cpu", "parallel", "auto"):
            with numbaexp.use_target(target):
                x = autograd.tensor(large, requires_grad=True)
                y = getattr(numbaexp, name)(x)
                y.backward(above)
            saved = y.detach().data if RULES[name].saved == ("result",) else large
            if expected is None:
                expected = getattr(numbaexp, f"{name}_backward")(above, saved)
            np.testing.assert_array_equal(x.grad.data.view(np.uint32), expected.view(np.uint32))


def test_the_loss_where_nothing_counts():
    x = autograd.tensor(X, requires_grad=True)
    loss = numbaexp.cross_entropy(x, np.full(3, -100))
    (first,) = autograd.grad(loss, x, create_graph=True)
    assert not first.detach().data.any()
    (second,) = autograd.grad(first.sum(), x)
    assert not second.data.any()


def test_weights_have_no_rule():
    weight = autograd.tensor(WEIGHT, requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"`cross_entropy` has no rule .* with respect to `weight`"):
        numbaexp.cross_entropy(autograd.tensor(X), CLASSES, weight=weight)
    numbaexp.cross_entropy(autograd.tensor(X, requires_grad=True), CLASSES, weight=weight.detach()).backward()


# Beside PyTorch.


def torchs(torch, name):
    functional = torch.nn.functional
    return {
        "exp10": lambda x: torch.pow(torch.tensor(10.0, dtype=x.dtype), x),
        "softplus": lambda x: functional.softplus(x, threshold=1000),
        "log_sigmoid": functional.logsigmoid,
        "softmax": functional.softmax,
        "log_softmax": functional.log_softmax,
    }.get(name) or getattr(torch, name)


def derivatives(library, function, x, above, grad):
    """The first and the second ones, each summed with weights."""
    (first,) = grad(function(x), x, above, create_graph=True)
    (second,) = grad(first, x, above)
    return np.asarray(first.detach()), np.asarray(second)


def ulps(result, exact):
    """By how many units in the last place of its type a result is off."""
    rounded = exact.astype(result.dtype)
    return float(np.max(np.abs(result - exact) / np.spacing(np.abs(rounded)).astype(np.float64)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_beside_torch(torch, name):
    """PyTorch's, in float64, are exact enough for float32."""
    x, above = inside(name, np.linspace(-5, 5, 40, dtype=np.float32)), np.linspace(1, 2, 40, dtype=np.float32)
    ours = derivatives(
        np, getattr(numbaexp, name), autograd.tensor(x, requires_grad=True), autograd.tensor(above), autograd.grad
    )
    there = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    theirs = derivatives(
        torch, torchs(torch, name), there, torch.tensor(above, dtype=torch.float64), torch.autograd.grad
    )
    assert ulps(ours[0], theirs[0]) < (1.1 if name.startswith("exp") and name != "expm1" else 0.51)
    assert ulps(ours[1], theirs[1]) < 4


@pytest.mark.parametrize("name", SOFTMAX_LIKE)
def test_rows_beside_torch(torch, name):
    ours = derivatives(
        np,
        lambda x: getattr(numbaexp, name)(x, -1),
        autograd.tensor(X, requires_grad=True),
        autograd.tensor(G),
        autograd.grad,
    )
    there = torch.tensor(X, requires_grad=True)
    theirs = derivatives(torch, lambda x: torchs(torch, name)(x, -1), there, torch.tensor(G), torch.autograd.grad)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, 0, 8 * np.spacing(abs(other).max()))


@pytest.mark.parametrize("options", [options for options in _losses() if "axis" not in options], ids=str)
@pytest.mark.parametrize("kind", ["classes", "probabilities"])
def test_cross_entropy_beside_torch(torch, kind, options):
    options = dict(options)
    targets = CLASSES if kind == "classes" else POSITIVE
    weight = options.pop("weight")
    there = torch.tensor(X, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(
        there, torch.tensor(targets), None if weight is None else torch.tensor(weight), **options
    )
    here = autograd.tensor(X, requires_grad=True)
    ours = numbaexp.cross_entropy(here, targets, weight=weight, **options)
    (second_here,) = autograd.grad(
        autograd.grad(ours, here, np.ones(ours.shape), create_graph=True), here, [G], retain_graph=True
    )
    first_there = torch.autograd.grad(theirs, there, torch.ones_like(theirs), create_graph=True)
    (second_there,) = torch.autograd.grad(first_there, there, [torch.tensor(G)], retain_graph=True)
    ours.backward(np.ones(ours.shape))
    theirs.backward(torch.ones_like(theirs))
    np.testing.assert_allclose(here.grad, there.grad, 0, 1e-14)
    np.testing.assert_allclose(second_here, second_there, 0, 1e-14)
