"""Cross entropy and its gradient: PyTorch's rules, accuracy against MPFR, equal bits, errors and memory."""

import functools
import sys

import numpy as np
import pytest
from helpers import FORMATS, assert_same_bits, dtype_of, to_numpy, to_torch, ulps

import numbaexp

pytestmark = pytest.mark.sampled(dtype="float32", of_logits="float32")

REDUCTIONS = ("mean", "sum", "none")
SHAPES = [(5,), (7, 5), (3, 5, 4, 2), (4, 1), (2, 5, 20)]
KINDS = ("classes", "probabilities")
OPTIONS = {
    "plain": {},
    "weights": {"weight": np.array([0.5, 0.25, 2.0, 1.0, 0.0])},
    "ignored class": {"ignore_index": 2},
    "smoothing": {"label_smoothing": 0.125},
    "smoothing alone": {"label_smoothing": 1.0},
    "all": {"weight": np.array([0.5, 0.25, 2.0, 1.0, 3.0]), "ignore_index": 1, "label_smoothing": 0.25},
}


@pytest.fixture
def gmpy2():
    return pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")


def problem(shape, kind, dtype, options, seed=0):
    """(logits, targets, options) of a loss; the classes are along the axis that is the default."""
    generator = np.random.default_rng(seed)
    axis = min(len(shape) - 1, 1)
    classes = shape[axis]
    logits = (3 * generator.standard_normal(shape)).astype(dtype_of(dtype))
    if kind == "classes":
        targets = generator.integers(0, classes, shape[:axis] + shape[axis + 1 :])
    else:
        share = generator.random(shape)
        targets = (share / share.sum(axis, keepdims=True)).astype(dtype_of(dtype))
        # Without meaning for probabilities, and refused by PyTorch.
        options = {name: value for name, value in options.items() if name != "ignore_index"}
    if "weight" in options:
        options = {**options, "weight": options["weight"][:classes].astype(dtype_of(dtype))}
    return logits, targets, dict(options)


def in_torch(torch, logits, targets, grad, options):
    """PyTorch's loss and gradient in float64."""

    def exactly(array):
        return torch.from_numpy(np.array(array, np.int64 if np.asarray(array).dtype.kind == "i" else np.float64))

    options = {name: exactly(value) if name == "weight" else value for name, value in options.items()}
    x = exactly(logits).requires_grad_()
    loss = torch.nn.functional.cross_entropy(x, exactly(targets), **options)
    loss.backward(exactly(grad).expand(loss.shape))
    return loss.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_rules_of_torch(torch, dtype, kind, options, reduction):
    digits, least = FORMATS[dtype].precision - 1, FORMATS[dtype].least
    # PyTorch itself errs by some ulp of float64; what of a gradient cancels is of the size of a softmax.
    rtol, atol = 2.0**-digits + 2.0**-48, max(2.0**least, 2.0**-38 if dtype != "float64" else 2.0**-50)
    for shape in SHAPES:
        logits, targets, given = problem(shape, kind, dtype, OPTIONS[options])
        given["reduction"] = reduction
        loss = numbaexp.cross_entropy(logits, targets, **given)
        grad = np.random.default_rng(1).standard_normal(loss.shape).astype(logits.dtype)
        gradient = numbaexp.cross_entropy_backward(grad, logits, targets, **given)
        expected, expected_gradient = in_torch(torch, logits, targets, grad, given)
        assert (loss.dtype, loss.shape) == (logits.dtype, expected.shape)
        assert (gradient.dtype, gradient.shape) == (logits.dtype, shape)
        np.testing.assert_allclose(loss.astype(np.float64), expected, rtol)
        np.testing.assert_allclose(gradient.astype(np.float64), expected_gradient, rtol, atol)


@pytest.mark.parametrize("smoothing", [0.0, 0.125])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_all_ignored(torch, reduction, smoothing):
    logits, targets, _ = problem((7, 5), "classes", "float64", {})
    targets[:], options = -100, {"reduction": reduction, "label_smoothing": smoothing}
    loss = numbaexp.cross_entropy(logits, targets, **options)
    gradient = numbaexp.cross_entropy_backward(np.ones(loss.shape), logits, targets, **options)
    expected, expected_gradient = in_torch(torch, logits, targets, 1.0, options)
    np.testing.assert_array_equal(loss, expected)
    np.testing.assert_array_equal(gradient, expected_gradient)


@pytest.mark.parametrize("smoothing", [0.0, 0.125])
def test_a_mean_over_no_weight(smoothing):
    """It is no number, and there is no warning."""
    logits, targets, _ = problem((7, 5), "classes", "float64", {})
    targets[:], options = 3, {"weight": [1, 1, 1, 0, 1], "label_smoothing": smoothing}
    assert not np.isfinite(numbaexp.cross_entropy(logits, targets, **options))
    assert np.isnan(numbaexp.cross_entropy_backward(1.0, logits, targets, **options)).all()


def test_ignore_index_means_nothing_to_probabilities():
    logits, targets, _ = problem((7, 5), "probabilities", "float64", {})
    for function in (numbaexp.cross_entropy, functools.partial(numbaexp.cross_entropy_backward, 1.0)):
        expected = function(logits, targets)
        assert_same_bits(function(logits, targets, ignore_index=2), expected)


@pytest.mark.sampled(dtype=("int64", "uint8"))
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint64"])
def test_types_of_classes(dtype):
    logits, targets, _ = problem((7, 5), "classes", "float32", {})
    expected = numbaexp.cross_entropy(logits, targets, reduction="none")
    for given in (targets.astype(dtype), targets.astype(np.dtype(dtype).newbyteorder()), targets.tolist()):
        assert_same_bits(numbaexp.cross_entropy(logits, given, reduction="none"), expected)


NAN, INF, LN2 = np.nan, np.inf, np.log(2)
# By smoothing, of which a quarter falls to each class: (logits, target, loss, gradient).
SPECIAL_ROWS = {
    0.0: {
        "NaN": ([NAN, 0, 1], 1, NAN, [NAN] * 3),
        "+inf": ([INF, 0, 1], 0, NAN, [NAN] * 3),
        "-inf alone": ([-INF] * 3, 0, NAN, [NAN] * 3),
        "a target of -inf": ([-INF, 0, -INF], 0, INF, [-1, 1, 0]),
        "a class of -inf": ([-INF, 0, 0], 1, LN2, [0, -0.5, 0.5]),
        "an ignored target": ([NAN, INF, -INF], -100, 0, [0] * 3),
        "one class that counts": ([-INF, 7, -INF], 1, 0, [0] * 3),
    },
    0.75: {
        "NaN": ([NAN, 0, 1], 1, NAN, [NAN] * 3),
        "+inf": ([INF, 0, 1], 0, NAN, [NAN] * 3),
        "-inf alone": ([-INF] * 3, 0, NAN, [NAN] * 3),
        "a target of -inf": ([-INF, 0, -INF], 0, INF, [-0.5, 0.75, -0.25]),
        "a class of -inf": ([-INF, 0, 0], 1, INF, [-0.25, 0, 0.25]),
        "an ignored target": ([NAN, INF, -INF], -100, 0, [0] * 3),
        "one class that counts": ([-INF, 7, -INF], 1, INF, [-0.25, 0.5, -0.25]),
    },
}


@pytest.mark.parametrize(("smoothing", "name"), [(part, name) for part, rows in SPECIAL_ROWS.items() for name in rows])
@pytest.mark.parametrize("dtype", FORMATS)
def test_special_rows(dtype, smoothing, name):
    row, target, expected, expected_gradient = SPECIAL_ROWS[smoothing][name]
    logits = np.array([row], dtype_of(dtype))
    with np.errstate(all="raise"):
        loss = numbaexp.cross_entropy(logits, [target], reduction="none", label_smoothing=smoothing)
        gradient = numbaexp.cross_entropy_backward([1.0], logits, [target], reduction="none", label_smoothing=smoothing)
    # NumPy does not know a NaN of bfloat16 for one.
    np.testing.assert_array_equal(loss.astype(np.float64), np.array([expected], logits.dtype).astype(np.float64))
    np.testing.assert_array_equal(gradient.astype(np.float64), [expected_gradient])


# What has the part 0 of a target, by its probability or its weight, beside a share of 0: (logits, targets, options, the
# losses, each of which is that of a part of the row alone).
NO_PARTS = {
    "a probability": ([[-INF, 0, 1]], [[0, 0.25, 0.75]], {}, [1.5 + np.log1p(np.exp(-1)) - 1.25]),
    "another probability": ([[0, 1, -INF]], [[0.25, 0.75, 0]], {}, [0.25 + np.log1p(np.exp(-1))]),
    "a negative zero": ([[-INF, 0, 0]], [[-0.0, 0.5, 0.5]], {}, [LN2]),
    "all but one": ([[-INF, 3, -INF, -INF]], [[0, 1, 0, 0]], {}, [0]),
    "no probability at all": ([[-INF, 0, 0]], [[0, 0, 0]], {}, [0]),
    "a weight of probabilities": ([[-INF, 0, 0]], [[0.5, 0.25, 0.25]], {"weight": [0, 1, 3]}, [LN2]),
    "a weight and smoothing": ([[-INF, 0, 0]], [1], {"weight": [0, 1, 1], "label_smoothing": 0.75}, [0.75 * LN2]),
    "a weight of the class": ([[-INF, 0, 0], [0, 0, -INF]], [0, 1], {"weight": [0, 1, 1]}, [0, LN2]),
    "no weight of the class, smoothed": (
        [[-INF, 0, 0]],
        [0],
        {"weight": [0, 1, 1], "label_smoothing": 0.75},
        [0.5 * LN2],
    ),
    "smoothing alone": ([[-INF, 0, 0]], [0], {"weight": [0, 1, 1], "label_smoothing": 1.0}, [2 / 3 * LN2]),
    "a part by smoothing": ([[-INF, 0, 0]], [0], {"label_smoothing": 1.0}, [INF]),
    "NaN all the same": ([[NAN, 0, 0]], [[0, 0.5, 0.5]], {}, [NAN]),
    "+inf all the same": ([[INF, 0, 0]], [[0, 0.5, 0.5]], {}, [NAN]),
    "-inf alone all the same": ([[-INF, -INF]], [[0, 0]], {}, [NAN]),
}


@pytest.mark.parametrize("name", NO_PARTS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_nothing_counts_for_nothing(dtype, name):
    logits, targets, options, expected = NO_PARTS[name]
    logits, targets = np.array(logits, dtype_of(dtype)), np.array(targets)
    targets = targets if targets.dtype.kind == "i" and targets.ndim == 1 else targets.astype(logits.dtype)
    digits = FORMATS[dtype].precision - 1
    for target in ("cpu", "parallel"):
        with np.errstate(all="raise"), numbaexp.use_target(target):
            losses = numbaexp.cross_entropy(logits, targets, reduction="none", **options)
            total = numbaexp.cross_entropy(logits, targets, reduction="sum", **options)
            gradient = numbaexp.cross_entropy_backward(
                np.ones(len(logits)), logits, targets, reduction="none", **options
            )
        np.testing.assert_allclose(losses.astype(np.float64), expected, 2.0**-digits)
        np.testing.assert_allclose(total.astype(np.float64), np.sum(expected), 2.0**-digits)
        np.testing.assert_array_equal(np.isnan(gradient.astype(np.float64)).any(1), np.isnan(expected))


def test_a_difference_of_logits_that_overflows():
    logits = np.array([[-1.7e308, 0, 1.7e308]])
    assert numbaexp.cross_entropy(logits, [[0.0, 0.0, 1.0]]) == 0
    assert numbaexp.cross_entropy(logits, [[1e-3, 0.0, 1.0]]) == np.inf


def test_rows_of_several_chunks_with_shares_of_zero(gmpy2):
    generator = np.random.default_rng(0)
    for dtype in FORMATS:
        logits, targets, given = problem((3, 9000), "probabilities", dtype, {})
        off = generator.random(logits.shape) < 0.3
        logits[off], targets[off] = -np.inf, 0
        losses = numbaexp.cross_entropy(logits, targets, reduction="none", **given)
        with gmpy2.context(precision=200):
            for loss, row, shares in zip(losses, logits, targets, strict=True):
                logs = log_shares(gmpy2, row[shares != 0])
                exact = -sum(gmpy2.mpfr(float(t)) * log for t, log in zip(shares[shares != 0], logs, strict=True))
                assert ulps(loss, exact, dtype) <= (1.5 if dtype == "float64" else 1.0)


# Types.


def wider(one, other):
    """The type that two promote to, as in PyTorch."""
    return one if one == other else "float64" if "float64" in (one, other) else "float32"


@pytest.mark.parametrize("of_targets", FORMATS)
@pytest.mark.parametrize("of_logits", FORMATS)
def test_types_of_probabilities(torch, of_logits, of_targets):
    """The loss has the type that they promote to, and the bits of a call in that; the gradient has the logits'."""
    logits, _, _ = problem((7, 5), "probabilities", of_logits, {})
    _, targets, _ = problem((7, 5), "probabilities", of_targets, {})
    kind = wider(of_logits, of_targets)
    assert str(torch.promote_types(getattr(torch, of_logits), getattr(torch, of_targets))) == f"torch.{kind}"
    in_one = logits.astype(dtype_of(kind)), targets.astype(dtype_of(kind))
    for options in ({}, {"weight": np.linspace(0, 1, 5), "reduction": "none"}, {"label_smoothing": 0.25}):
        expected = numbaexp.cross_entropy(*in_one, **options)
        loss = numbaexp.cross_entropy(logits, targets, **options)
        assert (loss.dtype, loss.shape) == (dtype_of(kind), expected.shape)
        assert_same_bits(loss, expected)
        grad = np.linspace(0.5, 1, loss.size).reshape(loss.shape)
        gradient = numbaexp.cross_entropy_backward(grad, logits, targets, **options)
        expected = numbaexp.cross_entropy_backward(grad, *in_one, **options).astype(logits.dtype)
        assert gradient.dtype == logits.dtype
        assert_same_bits(gradient, expected)
        # Tensors, recorded and not.
        x, t = to_torch(logits), to_torch(targets)
        given = {**options, "weight": to_torch(options["weight"])} if "weight" in options else options
        there = numbaexp.cross_entropy(x, t, **given)
        assert there.dtype == torch.nn.functional.cross_entropy(x, t).dtype
        assert_same_bits(there, loss)
        x.requires_grad_()
        recorded = numbaexp.cross_entropy(x, t, **given)
        assert torch.equal(recorded.detach(), there)
        recorded.backward(torch.from_numpy(np.asarray(grad)).to(recorded.dtype))
        assert x.grad.dtype == x.dtype
        back = numbaexp.cross_entropy_backward(torch.from_numpy(np.asarray(grad)), x.detach(), t, **given)
        assert_same_bits(back, gradient)


def test_types_of_lists():
    logits, targets, _ = problem((7, 5), "probabilities", "float32", {})
    wide = targets.astype(np.float64)
    for given in (wide, wide.tolist(), wide.astype(">f8")):
        loss = numbaexp.cross_entropy(logits, given)
        assert loss == numbaexp.cross_entropy(logits.astype(np.float64), wide)
        assert numbaexp.cross_entropy_backward(1.0, logits.astype(">f4"), given).dtype == np.float32
    assert numbaexp.cross_entropy(logits.tolist(), targets).dtype == np.float64
    assert numbaexp.cross_entropy_backward(1.0, logits.tolist(), targets).dtype == np.float64


def test_lists_beside_tensors(torch):
    """They are of PyTorch's default type, recorded or not."""
    logits, targets, _ = problem((7, 5), "probabilities", "float32", {})
    expected = numbaexp.cross_entropy(logits, targets)
    for x in (torch.from_numpy(logits), torch.from_numpy(logits).requires_grad_()):
        loss = numbaexp.cross_entropy(x, targets.tolist())
        assert (loss.dtype, loss.item()) == (torch.float32, expected)
        assert numbaexp.cross_entropy(x, [0] * 7).dtype == torch.float32
        assert numbaexp.cross_entropy(x, targets.astype(np.float64)).dtype == torch.float64


def test_a_gradient_beyond_the_type_of_the_logits():
    logits, targets, _ = problem((7, 5), "probabilities", "float32", {})
    with np.errstate(all="raise"):
        gradient = numbaexp.cross_entropy_backward(1e9, logits.astype(np.float16), targets, reduction="sum")
    assert np.isinf(gradient).any()


@pytest.mark.parametrize("of_weight", [*FORMATS, "int64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_types_of_weights(torch, dtype, kind, of_weight):
    """They do not count for the type of the result; and they are the third argument, as PyTorch's."""
    logits, targets, _ = problem((7, 5), kind, dtype, {})
    weight = np.array([1, 0, 2, 3, 1], dtype_of(of_weight))
    expected = numbaexp.cross_entropy(logits, targets, weight=weight.astype(np.float64))
    x, t, w = (to_torch(each) for each in (logits, targets, weight))
    for loss in (
        numbaexp.cross_entropy(logits, targets, weight),
        to_numpy(numbaexp.cross_entropy(x, t, w)),
        to_numpy(numbaexp.cross_entropy(x.requires_grad_(), t, w).detach()),
    ):
        assert loss.dtype == logits.dtype
        assert_same_bits(loss, expected)
    expected = numbaexp.cross_entropy_backward(1.0, logits, targets, weight=weight.astype(np.float64))
    gradient = numbaexp.cross_entropy_backward(1.0, logits, targets, weight)
    assert_same_bits(gradient, expected)
    numbaexp.cross_entropy(x, t, w).backward()
    assert_same_bits(x.grad, expected)


def test_the_call_of_torch(torch):
    """Its deprecated arguments come fourth and sixth, so what follows is given by name."""
    logits, targets, _ = problem((7, 5), "classes", "float32", {})
    weight = np.float32([0.5, 0.25, 2.0, 1.0, 3.0])
    tensors = tuple(map(torch.from_numpy, (logits, targets, weight)))
    loss = numbaexp.cross_entropy(*tensors)
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(*tensors))
    assert torch.equal(numbaexp.cross_entropy(*tensors[:2], weight=tensors[2]), loss)
    assert numbaexp.cross_entropy(logits, targets, weight) == loss.item()
    for function, first in ((numbaexp.cross_entropy, ()), (numbaexp.cross_entropy_backward, (1.0,))):
        with pytest.raises(TypeError, match="positional arguments"):
            function(*first, logits, targets, weight, -100)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_no_rows(reduction):
    logits, targets = np.empty((0, 5), np.float32), np.empty(0, np.int64)
    with np.errstate(all="raise"):
        loss = numbaexp.cross_entropy(logits, targets, reduction=reduction)
        gradient = numbaexp.cross_entropy_backward(np.ones(loss.shape), logits, targets, reduction=reduction)
    np.testing.assert_array_equal(loss, {"mean": np.nan, "sum": 0, "none": np.empty(0)}[reduction])
    assert (gradient.dtype, gradient.shape) == (logits.dtype, (0, 5))


# Accuracy.

# More than what is lost where a logarithm of a share, exp(-745) at the least, is left of a difference from 1.
PRECISION = 1500


def log_shares(gmpy2, row):
    values = [gmpy2.mpfr(value) for value in row.astype(np.float64).tolist()]
    greatest = max(values)
    logarithm = gmpy2.log(sum(gmpy2.exp(value - greatest) for value in values))
    return [(value - greatest) - logarithm for value in values]


def rows_of(dtype, lengths=(1, 2, 3, 10, 33, 300, 4100)):
    """(what it is, row, class)"""
    generator = np.random.default_rng(0)
    span = {"float16": 15, "float64": 700}.get(dtype, 80)
    for n in lengths:
        normal = generator.standard_normal(n)
        wide = generator.uniform(-span, span, n)
        for name, row, target in [
            ("normal", normal, generator.integers(n)),
            ("wide", wide, generator.integers(n)),
            ("the greatest of wide ones", wide, wide.argmax()),
            ("tiny", 1e-6 * normal, generator.integers(n)),
            ("ties", np.round(normal), generator.integers(n)),
            ("-inf among them", np.where(normal > normal[0], -np.inf, normal), 0),
        ]:
            yield f"{name}, {n}", row.astype(dtype_of(dtype)), target
    for lead in (5, 20, 60, 90, 100) + ((300, 700, 730, 740) if dtype == "float64" else ()):
        row = generator.uniform(-1, 0, 10).astype(dtype_of(dtype))
        row[4] = lead
        yield f"a lead of {lead}", row, 4
        yield f"behind one with a lead of {lead}", row, 2


@pytest.mark.parametrize("dtype", FORMATS)
def test_accuracy_of_classes(gmpy2, dtype):
    """Every row alone, of its loss and its gradient."""
    bound, bound_of_gradient = (0.6, 1.5) if dtype == "float64" else (0.5001, 1.0)
    with gmpy2.context(precision=PRECISION):
        for name, row, target in rows_of(dtype):
            logs = log_shares(gmpy2, row)
            loss = numbaexp.cross_entropy(row, target, reduction="none")
            assert ulps(loss, -logs[target], dtype) <= bound, name
            gradient = numbaexp.cross_entropy_backward(1.0, row, target, reduction="none")
            for i in {*range(0, len(row), 1 + len(row) // 50), target}:
                exact = gmpy2.exp(logs[i]) - (i == target)
                assert ulps(gradient[i], exact, dtype) <= bound_of_gradient, name


@pytest.mark.parametrize("shape", [(3000, 5), (6, 5, 800), (40, 5000), (3, 70_000)], ids=str)
@pytest.mark.parametrize("dtype", FORMATS)
def test_losses_of_classes_are_those_of_log_softmax(dtype, shape):
    logits, targets, _ = problem(shape, "classes", dtype, {})
    losses = numbaexp.cross_entropy(logits, targets, reduction="none")
    every = numbaexp.log_softmax(logits, 1)
    np.testing.assert_array_equal(-losses, np.take_along_axis(every, targets[:, None], 1)[:, 0])


def test_gradient_of_a_dominating_target(gmpy2):
    logits = np.array([[100, 0]], np.float32)
    gradient = numbaexp.cross_entropy_backward(np.float32(1), logits, [0], reduction="sum")
    with gmpy2.context(precision=PRECISION):
        exact = -1 / (1 + gmpy2.exp(gmpy2.mpfr(100)))
        assert ulps(gradient[0, 0], exact, "float32") <= 0.5001
        assert ulps(gradient[0, 1], -exact, "float32") <= 0.5001


def exact_loss(gmpy2, row, target, classes, options):
    """(loss, weight in a mean) of a row by the definition, in the precision that is set."""
    weight = [gmpy2.mpfr(float(w)) for w in options.get("weight", np.ones(classes))]
    smoothing = gmpy2.mpfr(options.get("label_smoothing", 0.0))
    if np.ndim(target) == 0 and target == options.get("ignore_index", -100):
        return gmpy2.mpfr(0), gmpy2.mpfr(0)
    shares = np.arange(classes) == target if np.ndim(target) == 0 else target.astype(np.float64)
    parts = [(1 - smoothing) * gmpy2.mpfr(float(share)) + smoothing / classes for share in shares]
    logs = log_shares(gmpy2, row)
    loss = -sum(w * part * log for w, part, log in zip(weight, parts, logs, strict=True))
    return loss, weight[target] if np.ndim(target) == 0 else gmpy2.mpfr(1)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_accuracy_of_reductions(gmpy2, dtype, kind, options):
    bound = 1.5 if dtype == "float64" else 1.0
    logits, targets, given = problem((60, 5), kind, dtype, OPTIONS[options])
    with gmpy2.context(precision=PRECISION):
        exact, weights = zip(
            *(exact_loss(gmpy2, *each, 5, given) for each in zip(logits, targets, strict=True)), strict=True
        )
        losses = numbaexp.cross_entropy(logits, targets, reduction="none", **given)
        for loss, value in zip(losses, exact, strict=True):
            assert ulps(loss, value, dtype) <= bound
        total = numbaexp.cross_entropy(logits, targets, reduction="sum", **given)
        assert ulps(total, sum(exact), dtype) <= bound
        mean = numbaexp.cross_entropy(logits, targets, **given)
        assert ulps(mean, sum(exact) / sum(weights), dtype) <= bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_accuracy_of_a_sum_of_many(gmpy2, dtype):
    """Losses of all sizes, one of which is as great as the others together, and more of them than a chunk holds."""
    generator = np.random.default_rng(0)
    logits = np.zeros((20_000, 2), dtype)
    logits[:, 0] = generator.uniform(-40, 2, len(logits))
    logits[777, 0] = 80_000
    targets = np.ones(len(logits), np.int64)
    with gmpy2.context(precision=200):
        exact = sum(gmpy2.log1p(gmpy2.exp(gmpy2.mpfr(value))) for value in logits[:, 0].tolist())
        bound = 1.5 if dtype == "float64" else 1.0
        total = numbaexp.cross_entropy(logits, targets, reduction="sum")
        assert ulps(total, exact, dtype) <= bound
        mean = numbaexp.cross_entropy(logits, targets)
        assert ulps(mean, exact / len(logits), dtype) <= bound


# Bits.

LAYOUTS = {
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 3, -1)[..., ::3],
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder()),
}


def both(logits, targets, reduction, **options):
    """The loss and the gradient."""
    loss = numbaexp.cross_entropy(logits, targets, reduction=reduction, **options)
    grad = np.linspace(-1, 2, loss.size).reshape(loss.shape)
    return loss, numbaexp.cross_entropy_backward(grad, logits, targets, reduction=reduction, **options)


def assert_both_same(got, expected):
    for each, wanted in zip(got, expected, strict=True):
        assert_same_bits(each, wanted)


@pytest.mark.parametrize("shape", [(3000, 5), (6, 5, 800), (3, 70_000), (40, 5000)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets(dtype, kind, shape):
    logits, targets, _ = problem(shape, kind, dtype, {})
    for reduction in REDUCTIONS:
        expected = both(logits, targets, reduction)
        for target in ("cpu", "parallel"):
            with numbaexp.use_target(target):
                assert_both_same(both(logits, targets, reduction), expected)


def test_threads(run_script):
    """More of them than there may be processors."""
    run_script(
        """
        import numba, numpy as np, numbaexp
        generator = np.random.default_rng(0)
        logits, targets = generator.standard_normal((5000, 9), np.float32), generator.integers(0, 9, 5000)
        seen = set()
        with numbaexp.use_target("parallel"):
            for threads in (1, 2, 3):
                numba.set_num_threads(threads)
                loss = numbaexp.cross_entropy(logits, targets)
                gradient = numbaexp.cross_entropy_backward(loss, logits, targets)
                seen.add(loss.tobytes() + gradient.tobytes())
        assert len(seen) == 1
        """,
        NUMBA_NUM_THREADS="3",
    )


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_by_itself_in_any_order(dtype, kind, options):
    logits, targets, given = problem((200, 5), kind, dtype, OPTIONS[options])
    loss, gradient = both(logits, targets, "none", **given)
    grad = np.linspace(-1, 2, len(loss))
    order = np.random.default_rng(1).permutation(len(loss))
    for rows in (order, *order[:20, None]):
        got = numbaexp.cross_entropy(logits[rows], targets[rows], reduction="none", **given)
        back = numbaexp.cross_entropy_backward(grad[rows], logits[rows], targets[rows], reduction="none", **given)
        assert_both_same((got, back), (loss[rows], gradient[rows]))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_layouts(kind, layout):
    logits, targets, _ = problem((9, 5, 30), kind, "float32", {})
    targets_so = LAYOUTS[layout](targets) if kind == "probabilities" else targets
    assert_both_same(
        both(LAYOUTS[layout](logits), targets_so, "none", label_smoothing=0.125),
        both(logits, targets, "none", label_smoothing=0.125),
    )


@pytest.mark.parametrize("axis", [0, 2, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_axis(kind, axis):
    logits, targets, _ = problem((9, 5, 30), kind, "float32", {})
    moved = targets if kind == "classes" else np.moveaxis(targets, 1, axis)
    loss, gradient = both(logits, targets, "none")
    got, back = both(np.moveaxis(logits, 1, axis), moved, "none", axis=axis)
    assert_both_same((got, np.moveaxis(back, axis, 1)), (loss, gradient))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_tensors(torch, dtype, kind, reduction):
    for shape in SHAPES:
        logits, targets, given = problem(shape, kind, dtype, OPTIONS["all"])
        given["reduction"] = reduction
        in_tensors = {**given, "weight": to_torch(given["weight"])}
        loss = numbaexp.cross_entropy(logits, targets, **given)
        grad = np.random.default_rng(1).standard_normal(loss.shape).astype(logits.dtype)
        expected = loss, numbaexp.cross_entropy_backward(grad, logits, targets, **given)
        x, t = to_torch(logits), to_torch(targets)
        got = (
            numbaexp.cross_entropy(x, t, **in_tensors),
            numbaexp.cross_entropy_backward(to_torch(grad), x, t, **in_tensors),
        )
        for each, wanted in zip(got, expected, strict=True):
            assert type(each) is torch.Tensor
            assert (each.dtype, tuple(each.shape)) == (x.dtype, wanted.shape)
            assert_same_bits(each, wanted)


# Errors.

ROWS = np.zeros((4, 3), np.float32)
CLASSES = np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"logits": np.zeros((4, 3), int)}, TypeError, "`logits` must be of type .*; got int64"),
        ({"logits": np.float32(1)}, ValueError, "`logits` must have an axis of classes; got a scalar"),
        ({"logits": np.ma.ones((4, 3))}, TypeError, "`logits` must not be a masked array"),
        ({"targets": CLASSES[:3]}, ValueError, r"`targets` must be.* shape \(4,\); got \(3,\)"),
        ({"targets": CLASSES + 1}, ValueError, "`targets` must be classes from 0 to 2; got 3"),
        ({"targets": CLASSES - 1}, ValueError, "`targets` must be classes from 0 to 2; got -1"),
        ({"targets": ROWS[:3]}, ValueError, r"`targets` must be.*, \(4, 3\); got \(3, 3\)"),
        ({"targets": ROWS.astype("D")}, TypeError, "`targets` must be.*; got complex128"),
        ({"targets": CLASSES > 0}, TypeError, "`targets` must be.*; got bool"),
        ({"targets": ROWS.astype(int)}, TypeError, r"of a float type; got int64: convert one-hot.*targets.argmax\(1\)"),
        ({"targets": ROWS > 0}, TypeError, r"of a float type; got bool: convert one-hot .* `targets.argmax\(1\)`"),
        ({"weight": np.ones(4)}, ValueError, r"`weight` must .*, \(3,\); got \(4,\)"),
        ({"weight": np.ones((4, 3))}, ValueError, r"`weight` must .*, \(3,\); got \(4, 3\)"),
        ({"reduction": "median"}, ValueError, r"`reduction` must be one of \('mean', 'sum', 'none'\); got 'median'"),
        ({"label_smoothing": 1.5}, ValueError, r"`label_smoothing` must be in \[0, 1\]; got 1.5"),
        ({"label_smoothing": np.nan}, ValueError, r"`label_smoothing` must be in \[0, 1\]; got nan"),
        ({"axis": 2}, np.exceptions.AxisError, "axis 2 is out of bounds"),
    ],
)
def test_errors(arguments, error, message):
    given = {"logits": ROWS, "targets": CLASSES, **arguments}
    logits, targets = given.pop("logits"), given.pop("targets")
    with pytest.raises(error, match=message):
        numbaexp.cross_entropy(logits, targets, **given)
    with pytest.raises(error, match=message):
        numbaexp.cross_entropy_backward(1.0, logits, targets, **given)


@pytest.mark.parametrize(("reduction", "wanted"), [("mean", ()), ("sum", ()), ("none", (4,))])
def test_grad_output_of_another_shape(reduction, wanted):
    for shape in {(), (1,), (4,), (4, 1)} - {wanted}:
        with pytest.raises(ValueError, match="`grad_output` must be of the shape of the loss") as raised:
            numbaexp.cross_entropy_backward(np.ones(shape), ROWS, CLASSES, reduction=reduction)
        assert str(raised.value).endswith(f"{wanted}; got {shape}")


# Memory.


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells how much memory was held at most")
def test_peak_memory(run_script):
    """Beyond the logits, as a part of their size: what is held at most from one call to the next, from those that may
    take least on. Not ``ru_maxrss``, which in a new process is that of its parent until it exceeds that."""
    taken = run_script(
        """
        import numpy as np, numbaexp

        def held(entry):
            with open("/proc/self/status") as status:
                return next(1024 * int(line.split()[1]) for line in status if line.startswith(entry))

        def call(logits, targets):
            before = held("VmRSS")
            for smoothing in (0.0, 0.1):
                numbaexp.cross_entropy(logits, targets, label_smoothing=smoothing)
            print((held("VmHWM") - before) / logits.nbytes)
            for smoothing in (0.0, 0.1):
                numbaexp.cross_entropy_backward(1.0, logits, targets, label_smoothing=smoothing)
            print((held("VmHWM") - before) / logits.nbytes)

        call(np.ones((4, 8000), np.float32), np.zeros(4, np.int64))
        call(np.ones((4000, 8000), np.float32), np.zeros(4000, np.int64))
        """
    )
    *_, forward, backward = map(float, taken.split())
    assert 0 <= forward < 0.1
    # The gradient itself is as large as the logits.
    assert 0.9 < backward < 1.1


@pytest.mark.parametrize("kind", ["int64", "uint8"])
def test_classes_under_another_default_type(torch, kind):
    x, classes = torch.linspace(-2, 2, 6).reshape(2, 3), torch.tensor([2, 0], dtype=getattr(torch, kind))
    expected = numbaexp.cross_entropy(x, classes)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        assert torch.equal(numbaexp.cross_entropy(x, classes), expected)
    finally:
        torch.set_default_dtype(before)
