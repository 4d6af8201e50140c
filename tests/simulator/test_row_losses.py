"""The cross entropy of arrays that a device holds, in Numba's simulator: the bits of the CPU, for all that it takes."""

import numpy as np
import pytest
from helpers import FLOATS, INTEGERS, assert_same_but_nan, dtype_of
from numba import cuda
from on_device import OnDevice, Stream

import numbaexp
from numbaexp.backends import cuda_memory
from numbaexp.cpu import row_functions
from numbaexp.cuda import launch, launch_rows
from numbaexp.engine.call import compute_from_outside
from numbaexp.operations import OPERATIONS
from numbaexp.scalar.loss_record import RECORD
from numbaexp.scalar.row_order import CHUNK

pytestmark = pytest.mark.sampled(option="smoothing", reduction="mean", dtype="float32", axis="0")

REDUCTIONS = ("mean", "sum", "none")
KINDS = ("classes", "probabilities")
OPTIONS = {
    "plain": {},
    "weights": {"weight": 1},
    "smoothing": {"label_smoothing": 0.125},
    "smoothing alone": {"label_smoothing": 1.0},
    "all": {"weight": 1, "label_smoothing": 0.25},
}
NAN, INF = np.nan, np.inf


def problem(shape, kind, dtype, options, axis=1):
    """(gradient of the losses, logits, targets, options), of which one target is ignored."""
    generator = np.random.default_rng(shape)
    classes = shape[axis]
    logits = (3 * generator.standard_normal(shape)).astype(dtype)
    without = shape[:axis] + shape[axis + 1 :]
    if kind == "classes":
        targets = np.array(generator.integers(0, classes, without))
        targets.reshape(-1)[-1] = -100
    else:
        targets = (generator.random(shape) / classes).astype(dtype)
    if "weight" in options:
        options = {**options, "weight": generator.random(classes).astype(dtype)}
    return generator.standard_normal(without).astype(dtype), logits, targets, options


def both(grad, logits, targets, **options):
    """The loss, and the gradient that follows."""
    loss = numbaexp.cross_entropy(logits, targets, **options)
    return loss, numbaexp.cross_entropy_backward(grad, logits, targets, **options)


def of_host(array):
    """What an array of NumPy's, Numba's or PyTorch's holds."""
    return array.copy_to_host() if hasattr(array, "copy_to_host") else np.asarray(array)


def assert_all_same(got, expected):
    for each, wanted in zip(map(of_host, got), expected, strict=True):
        assert_same_but_nan(each, wanted)


def assert_as_on_the_cpu(grad, logits, targets, **options):
    reduction = options.get("reduction", "mean")
    grad = grad if reduction == "none" else grad.reshape(-1)[0]
    expected = both(grad, logits, targets, **options)
    with numbaexp.use_target("cuda"):
        assert_all_same(both(grad, logits, targets, **options), expected)


CASES = [(kind, option, reduction) for kind in KINDS for option in OPTIONS for reduction in REDUCTIONS]


@pytest.mark.sampled(kind="classes")
@pytest.mark.parametrize(("kind", "option", "reduction"), CASES)
def test_options(kind, option, reduction):
    """Each in one of the types."""
    dtype = dtype_of(FLOATS[CASES.index((kind, option, reduction)) % len(FLOATS)])
    grad, logits, targets, given = problem((3, 7), kind, dtype, OPTIONS[option])
    assert_as_on_the_cpu(grad, logits, targets, reduction=reduction, **given)


@pytest.mark.sampled(option=("weights", "all"), batch="(2,)")
@pytest.mark.parametrize("batch", [(2,), (2, 2), (0,)], ids=str)
@pytest.mark.parametrize(("kind", "option", "reduction"), CASES)
def test_separate_calls(kind, option, reduction, batch):
    """Each has the bits that it has alone, with weights of its own."""
    grad, logits, targets, given = problem((3, 7), kind, "float32", OPTIONS[option])
    grad = grad if reduction == "none" else grad[0]
    options = {"ignore_index": -100, "reduction": reduction, "label_smoothing": 0.0, "axis": -1, **given}
    weight = options.pop("weight", None)
    arrays = []
    for array in (grad, logits, targets, weight):
        repeated = None if array is None else np.broadcast_to(array, (*batch, *array.shape)).copy()
        if repeated is not None and repeated.dtype.kind == "f":
            repeated[1:] = 0.75 * np.flip(array)
        arrays.append(repeated)
    on_device = [None if array is None else cuda.to_device(array) for array in arrays]
    for name, first in (("cross_entropy", 1), ("cross_entropy_backward", 0)):
        operation, many = OPERATIONS[name], {**options, "calls": len(batch)}
        expected = compute_from_outside(operation, tuple(arrays[first:]), many)
        assert_all_same([compute_from_outside(operation, tuple(on_device[first:]), many)], [expected])
        with numbaexp.use_target("cuda"):
            assert_all_same([compute_from_outside(operation, tuple(arrays[first:]), many)], [expected])


LENGTHS = (1, 31, 33, 1000, CHUNK + 1, 9000)


@pytest.mark.thorough
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("kind", "option"), [("classes", "plain"), ("probabilities", "all")])
def test_lengths(kind, option, length):
    """The class of the first row is in the first chunk, and that of the second in the last one."""
    dtype = dtype_of(("float64", "float32", "float16")[(LENGTHS.index(length) + (kind == "classes")) % 3])
    grad, logits, targets, given = problem((2, length), kind, dtype, OPTIONS[option])
    if kind == "classes":
        targets[:] = 0, length - 1
    assert_as_on_the_cpu(grad, logits, targets, reduction="none", **given)


@pytest.mark.thorough
def test_smoothing_of_several_chunks():
    grad, logits, targets, given = problem((1, CHUNK + 9), "classes", "float64", OPTIONS["all"])
    targets[:] = CHUNK + 5
    assert_as_on_the_cpu(grad, logits, targets, reduction="none", **given)


@pytest.mark.thorough
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_class_that_is_most_of_its_row(dtype):
    """What its share lacks of 1 is not lost, in rows of one chunk and of two."""
    for length in (5, CHUNK + 3):
        logits = np.random.default_rng(length).uniform(-1, 0, (2, length)).astype(dtype)
        logits[0, 3], logits[1, -1] = 60, 30
        assert_as_on_the_cpu(np.ones(2, dtype), logits, np.array([3, length - 1]), reduction="none")


SPECIAL = np.array(
    [
        [NAN, 0, 1, 2],
        [INF, 0, 1, 2],
        [-INF, -INF, -INF, -INF],
        [-INF, 0, 1, 2],
        [0, -INF, 1, 2],
        [-INF, 7, -INF, -INF],
        [0, 0, 0, 0],
        [6e4, -6e4, 6e4, 0],
        [NAN, INF, -INF, 0],
    ]
)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("dtype", "smoothing"),
    [("float16", 0.5), ("bfloat16", 0.0), ("float32", 0.0), ("float32", 0.5), ("float64", 0.0), ("float64", 0.5)],
)
def test_special_rows(dtype, smoothing):
    logits = SPECIAL.astype(dtype_of(dtype))
    targets = np.array([1, 0, 0, 0, 2, 1, 3, 1, -100])
    options = {"reduction": "none", "label_smoothing": smoothing}
    assert_as_on_the_cpu(np.ones(len(targets), logits.dtype), logits, targets, **options)
    if not smoothing:
        shares = np.tile(np.array([0.5, 0.0, 0.5, 0.0], logits.dtype), (len(logits), 1))
        assert_as_on_the_cpu(np.ones(len(targets), logits.dtype), logits, shares, reduction="none")
    options["weight"] = np.array([0, 0, 2, 1], logits.dtype)
    assert_as_on_the_cpu(np.ones(len(targets), logits.dtype), logits, targets, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_all_ignored(reduction):
    grad, logits, targets, _ = problem((3, 7), "classes", "float32", {})
    targets[:] = -100
    assert_as_on_the_cpu(grad, logits, targets, reduction=reduction)


def test_a_mean_over_no_weight():
    _, logits, targets, _ = problem((3, 7), "classes", "float32", {})
    targets[:] = 2
    for smoothing in (0.0, 0.5):
        weight = np.float32([1, 1, 0, 1, 1, 1, 1])
        assert_as_on_the_cpu(np.float32([1.0]), logits, targets, weight=weight, label_smoothing=smoothing)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shape", "axis", "way"),
    [
        ((6,), 0, lambda x: x),
        ((2, 3, 2, 2), 1, lambda x: x),
        ((2, 3, 4), 2, np.asfortranarray),
        ((3, 4), 0, lambda x: np.repeat(x, 2, -1)[..., ::2]),
        ((2, 3, 4), 1, lambda x: x[..., ::-1].copy()[..., ::-1]),
    ],
)
def test_layouts(kind, shape, axis, way):
    """Of Numba's device arrays too."""
    grad, logits, targets, given = problem(shape, kind, "float32", OPTIONS["all"], axis)
    if len(shape) == 1 and kind == "classes":
        targets = np.array(4)
    for reduction in ("none", "mean"):
        options = {**given, "reduction": reduction, "axis": axis}
        assert_as_on_the_cpu(grad, way(logits), targets, **options)
    options = {**options, "reduction": "none"}
    expected = both(grad, logits, targets, **options)
    there = {name: cuda.to_device(value) if name == "weight" else value for name, value in options.items()}
    arrays = (cuda.to_device(np.array(x)) for x in (grad, way(logits), targets))
    assert_all_same(both(*arrays, **there), expected)


def test_a_total_of_more_rows_than_a_chunk_holds():
    """Every bit shows the order."""
    generator = np.random.default_rng(0)
    rows = CHUNK + 70
    pairs = generator.standard_normal((rows, RECORD)) * 10.0 ** generator.uniform(-20, 20, (rows, 1))
    expected, result = np.zeros((1, 2)), np.zeros(2)
    row_functions.run("total", "float64", row_functions.Operands(x=pairs[:, 0], extra=expected[:, 0]), (0,), "cpu")
    given = launch.Strided(pairs.ctypes.data, (rows,), pairs.strides[:1], "float64", 0)
    launch_rows.run("total", (given, launch.Strided(result.ctypes.data, (1,), (8,), "float64", 0)), (0,), 0)
    assert result.tobytes() == expected.tobytes()


def test_nothing_comes_to_the_host(monkeypatch):
    """Of what lies on a device: not even the classes."""
    grad, logits, targets, options = problem((3, 7), "classes", "float32", OPTIONS["all"])
    expected = both(grad[0], logits, targets, **options)
    there = [cuda.to_device(x) for x in (grad[0], logits, targets)]
    options["weight"] = cuda.to_device(options["weight"])
    kind, given = type(there[1]), [*there, options["weight"]]
    copy = kind.copy_to_host

    def watch(self, *arguments, **named):
        assert not any(self is array for array in given)
        return copy(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "copy_to_host", watch)
        results = both(*there, **options)
    assert all(type(result) is kind for result in results)
    assert_all_same(results, expected)


@pytest.mark.sampled(kind=("uint8", "int64"))
@pytest.mark.parametrize("kind", INTEGERS)
def test_types_of_classes(kind):
    """The class that is ignored is one that the type may not have, or none; what is out of range gives NaN."""
    logits = np.random.default_rng(0).standard_normal((4, 120)).astype(np.float32)
    targets = np.array([0, 119, 100, 7])
    for ignored in (-100, 100):
        options = {"ignore_index": ignored, "reduction": "none"}
        expected = both(np.ones(4), logits, targets, **options)
        given = cuda.to_device(np.ones(4)), cuda.to_device(logits), cuda.to_device(targets.astype(kind))
        assert_all_same(both(*given, **options), expected)
    beyond = targets.astype(kind)
    beyond[1:3] = 120, np.iinfo(kind).max if kind[0] == "u" else -1
    if kind == "uint64":
        beyond[2] = 2**64 - 100  # as an int64 the class that is ignored
    result = numbaexp.cross_entropy(cuda.to_device(logits), cuda.to_device(beyond), reduction="none").copy_to_host()
    np.testing.assert_array_equal(np.isnan(result), [False, True, True, False])


def test_classes_that_there_are_not():
    logits = cuda.to_device(np.zeros((3, 4), np.float32))
    targets = cuda.to_device(np.array([1, 4, -2]))
    for smoothing in (0.0, 0.5):
        for reduction in ("mean", "sum"):
            loss = numbaexp.cross_entropy(logits, targets, reduction=reduction, label_smoothing=smoothing)
            assert np.isnan(loss.copy_to_host())
        options = {"reduction": "none", "label_smoothing": smoothing}
        loss, gradient = both(cuda.to_device(np.ones(3, np.float32)), logits, targets, **options)
        np.testing.assert_array_equal(np.isnan(loss.copy_to_host()), [False, True, True])
        np.testing.assert_array_equal(np.isnan(gradient.copy_to_host()), np.repeat([[False], [True], [True]], 4, 1))


def test_a_gradient_that_is_a_number():
    _, logits, targets, _ = problem((3, 7), "classes", "float64", {})
    for number in (0.3, np.float32(0.3), 2):
        expected = numbaexp.cross_entropy_backward(number, logits, targets)
        result = numbaexp.cross_entropy_backward(number, cuda.to_device(logits), cuda.to_device(targets))
        assert_all_same([result], [expected])


@pytest.mark.sampled(reduction=("mean", "none"))
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0,), (0, 4, 2), (2, 4, 0)])
def test_without_elements(shape, reduction, dtype):
    dtype, rows = dtype_of(dtype), shape[:1] + shape[2:] if len(shape) > 1 else ()
    logits = np.zeros(shape, dtype)
    for targets in (np.full(rows, -100), logits):
        for options in ({}, {"weight": np.ones(shape[min(len(shape) - 1, 1)], dtype), "label_smoothing": 0.25}):
            options["reduction"] = reduction
            grad = np.ones(rows if reduction == "none" else (), dtype)
            expected = both(grad, logits, targets, **options)
            on_device = {key: cuda.to_device(value) if key == "weight" else value for key, value in options.items()}
            given = [cuda.to_device(array) for array in (grad, logits, targets)]
            assert_all_same([array.copy_to_host() for array in both(*given, **on_device)], expected)
    with numbaexp.use_target("cuda"):
        assert_all_same([numbaexp.cross_entropy(logits, logits, reduction=reduction)], [expected[0]])


def test_classes_are_checked_of_arrays_of_the_host():
    with numbaexp.use_target("cuda"), pytest.raises(ValueError, match="`targets` must be classes from 0 to 3; got 4"):
        numbaexp.cross_entropy(np.zeros((1, 4)), [4])


HERE, THERE = np.zeros((3, 4), np.float32), cuda.to_device(np.zeros((3, 4), np.float32))
CLASSES, CLASSES_THERE = np.zeros(3, int), cuda.to_device(np.zeros(3, int))


@pytest.mark.parametrize(
    ("logits", "targets", "options", "error", "message"),
    [
        (THERE, CLASSES, {}, ValueError, "`logits` is on cuda:0 and `targets` on cpu: numbaexp copies nothing"),
        (HERE, CLASSES_THERE, {}, ValueError, "`logits` is on cpu and `targets` on cuda:0: numbaexp copies nothing"),
        (THERE, CLASSES_THERE, {"weight": np.ones(4)}, ValueError, "`logits` is on cuda:0 and `weight` on cpu"),
        (
            THERE,
            CLASSES_THERE,
            {"weight": cuda.to_device(np.ones(4, int))},
            TypeError,
            "`weight` must be of a float type on a device; got int64",
        ),
        (THERE, cuda.to_device(np.zeros(3, bool)), {}, TypeError, "`targets` must be integers, or .*; got bool"),
        (THERE, cuda.to_device(np.zeros((3, 4))), {}, TypeError, "`targets` must be.* float32; got float64"),
        (THERE, cuda.to_device(np.zeros(4, int)), {}, ValueError, r"`targets` must be.* shape \(3,\); got \(4,\)"),
        (cuda.to_device(CLASSES), CLASSES_THERE, {}, TypeError, "`logits` must be of type .*; got int64"),
    ],
)
def test_refused(logits, targets, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        numbaexp.cross_entropy(logits, targets, **options)
    with pytest.raises(error, match=f"^{message}"):
        numbaexp.cross_entropy_backward(1.0, logits, targets, **options)


def test_gradients_of_the_loss_refused():
    for grad, error, message in (
        (np.ones(()), ValueError, "`logits` is on cuda:0 and `grad_output` on cpu: numbaexp copies nothing"),
        (cuda.to_device(np.ones(2)), ValueError, r"`grad_output` must be of the shape of the loss, \(\); got \(2,\)"),
    ):
        with pytest.raises(error, match=f"^{message}"):
            numbaexp.cross_entropy_backward(grad, THERE, CLASSES_THERE)
    with pytest.raises(ValueError, match=r"the shape of the loss, \(3,\); got \(\)$"):
        numbaexp.cross_entropy_backward(1.0, THERE, CLASSES_THERE, reduction="none")


def test_streams(monkeypatch):
    """Of arrays on several streams the others are waited for."""
    waited_for, launched = [], []
    monkeypatch.setattr(cuda_memory, "synchronize", lambda stream, number: waited_for.append(stream))
    run = launch_rows.run

    def watch(name, operands, axes, stream, numbers=(0, 0)):
        launched.append(stream)
        run(name, operands, axes, stream, numbers)

    monkeypatch.setattr(launch_rows, "run", watch)
    _, logits, targets, _ = problem((3, 7), "classes", "float32", {})
    x, t = cuda.to_device(logits).bind(Stream(5)), cuda.to_device(targets).bind(Stream(6))
    numbaexp.cross_entropy(x, t)
    assert set(launched) == {5}
    assert 6 in waited_for
    numbaexp.logsumexp_backward(cuda.to_device(np.ones(3, np.float32)).bind(Stream(7)), x, 1)
    assert set(launched) == {5}
    assert 7 in waited_for
    launched.clear()
    numbaexp.logsumexp_backward(OnDevice(np.ones(3, np.float32), stream=9), OnDevice(logits, stream=8), 1)
    assert set(launched) == {8}
    assert 9 in waited_for


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_torch(torch, kind, reduction):
    grad, logits, targets, options = problem((2, 5, 3), kind, "float32", OPTIONS["all"])
    grad = grad if reduction == "none" else grad[0, 0, ...]
    expected = both(grad, logits, targets, reduction=reduction, **options)
    options["weight"] = torch.from_numpy(options["weight"])
    tensors = [torch.from_numpy(np.array(x)) for x in (grad, logits, targets)]
    loss, gradient = both(*tensors, reduction=reduction, **options)
    assert type(loss) is type(gradient) is torch.Tensor
    assert_all_same([loss.numpy(), gradient.numpy()], expected)


# The gradient of logsumexp.


@pytest.mark.sampled(axis="(0, 2)")
@pytest.mark.parametrize(("dtype", "axis"), list(zip(FLOATS, [None, 0, (0, 2), -1], strict=True)))
def test_logsumexp_backward(dtype, axis):
    """Of arrays of the host, whose gradients are of float64, and of a device."""
    x = np.random.default_rng(0).normal(0, 4, (2, 3, 4)).astype(dtype_of(dtype))
    grad = np.asarray(numbaexp.logsumexp(x, axis))
    expected = numbaexp.logsumexp_backward(grad, x, axis)
    with numbaexp.use_target("cuda"):
        assert_all_same([numbaexp.logsumexp_backward(grad, x, axis)], [expected])
        wide = grad.astype(np.float64) / 3
        result = numbaexp.logsumexp_backward(wide, x, axis)
    assert_all_same([result], [numbaexp.logsumexp_backward(wide, x, axis)])
    # Of a device's array they would have to be one dimension.
    if dtype != "bfloat16" and axis != (0, 2):
        for given in (grad, numbaexp.logsumexp(x, axis, keepdims=True)):
            there = cuda.to_device(np.array(given)), cuda.to_device(x)
            result = numbaexp.logsumexp_backward(*there, axis)
            assert_all_same([result], [expected])

    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape \(.*\) or \(.*\); got \(7,\)$"):
        numbaexp.logsumexp_backward(cuda.to_device(np.ones(7)), cuda.to_device(np.ones((2, 3, 4))), axis)


@pytest.mark.thorough
def test_logsumexp_backward_of_a_scalar_and_of_nothing():
    result = numbaexp.logsumexp_backward(cuda.to_device(np.array(3.0)), cuda.to_device(np.array(1.0)))
    assert_all_same([result], [numbaexp.logsumexp_backward(3.0, 1.0)])
    empty = numbaexp.logsumexp_backward(cuda.to_device(np.ones(0)), cuda.to_device(np.ones((0, 3))), 1)
    assert empty.shape == (0, 3)


def test_logsumexp_backward_refused():
    there = cuda.to_device(np.ones(3))
    with pytest.raises(TypeError, match=r"^`a` must be of a float type on a device; got int64$"):
        numbaexp.logsumexp(cuda.to_device(np.ones(3, int)))
    with pytest.raises(TypeError, match=r"^`x` must be of a float type on a device; got int64$"):
        numbaexp.logsumexp_backward(cuda.to_device(np.array(1.0)), cuda.to_device(np.ones(3, int)))
    with pytest.raises(ValueError, match=r"^`grad_output` is on cuda:0 and `x` on cpu: numbaexp copies nothing"):
        numbaexp.logsumexp_backward(there, np.ones(3))


def test_absent_operands():
    like = launch.Strided(8, (2, 3), (12, 4), "float32", 1)
    assert launch_rows.absent(like) == launch.Strided(0, (1, 1), (0, 0), "float64", 1)
