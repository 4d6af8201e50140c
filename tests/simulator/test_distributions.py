"""The entropy and the logarithms at chosen classes of arrays that a device holds, and their gradients, in Numba's
simulator: the bits of the CPU."""

import numpy as np
import pytest
from helpers import FLOATS, INTEGERS, OF_NUMPY, assert_same_but_nan, dtype_of
from numba import cuda

import numbaexp
from numbaexp.scalar.row_order import CHUNK

pytestmark = pytest.mark.sampled(dtype="float32")

NAN, INF = np.nan, np.inf
SPECIAL = np.array(
    [
        [NAN, 0, 1, 2],
        [INF, 0, 1, 2],
        [-INF, -INF, -INF, -INF],
        [-INF, 0, 1, 2],
        [-INF, 7, -INF, -INF],
        [0, 0, 0, 0],
        [6e4, -6e4, 6e4, 0],
        [40, 0, 0, -INF],
        [NAN, INF, -INF, 0],
    ]
)
LAYOUTS = [((3, 5), 1), ((2, 33), 1), ((2, 3, 4), 1), ((12, 20), 0), ((1, CHUNK + 1), 1), ((3, 1), 1)]


def all_of(logits, axis, several, given=np.asarray):
    """The entropy, the logarithms, and the gradients of both; of None one class a row."""
    generator = np.random.default_rng(logits.shape)
    of_rows = tuple(n for i, n in enumerate(logits.shape) if i != axis)
    chosen = of_rows if several is None else (*of_rows[:axis], several, *of_rows[axis:])
    index = generator.integers(0, logits.shape[axis], chosen)
    of_entropy, of_chosen = (generator.standard_normal(shape).astype(logits.dtype) for shape in (of_rows, chosen))
    x, index, of_entropy, of_chosen = map(given, (logits, index, of_entropy, of_chosen))
    return (
        numbaexp.entropy(x, axis),
        numbaexp.entropy_backward(of_entropy, x, axis),
        numbaexp.log_prob(x, index, axis),
        numbaexp.log_prob_backward(of_chosen, x, index, axis),
    )


def assert_all_same(logits, axis, several):
    expected = all_of(logits, axis, several)
    with numbaexp.use_target("cuda"):
        made = all_of(logits, axis, several)
    for each, wanted in zip(made, expected, strict=True):
        assert_same_but_nan(each, wanted)


def _cases():
    """All layouts in one type, and all types in one layout."""
    for several in (None, 0, 3):
        yield from ((*layout, several, "float32") for layout in LAYOUTS)
        yield from ((*LAYOUTS[0], several, dtype) for dtype in FLOATS if dtype != "float32")


@pytest.mark.parametrize(("shape", "axis", "several", "dtype"), [*_cases()])
def test_layouts(shape, axis, several, dtype):
    logits = (4 * np.random.default_rng(0).standard_normal(shape)).astype(dtype_of(dtype))
    assert_all_same(logits, axis, several)


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_rows(dtype):
    for several in (None, 4):
        assert_all_same(SPECIAL.astype(dtype_of(dtype)), 1, several)


def of_host(array):
    """Return the elements of an array of NumPy's, Numba's or PyTorch's."""
    return array.copy_to_host() if hasattr(array, "copy_to_host") else np.asarray(array)


@pytest.mark.parametrize("dtype", OF_NUMPY)
@pytest.mark.parametrize("several", [None, 3])
def test_arrays_of_a_device(several, dtype):
    """In the order of C and of Fortran."""
    shape, axis = LAYOUTS[2]
    logits = (4 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)
    expected = all_of(logits, axis, several)
    for order in (np.ascontiguousarray, np.asfortranarray):
        made = all_of(logits, axis, several, lambda array, order=order: cuda.to_device(order(array)))
        for each, wanted in zip(made, expected, strict=True):
            assert_same_but_nan(np.ascontiguousarray(of_host(each)), wanted)


@pytest.mark.parametrize("several", [None, 3])
def test_torch(torch, several):
    logits = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)
    expected = all_of(logits, 1, several)
    made = all_of(logits, 1, several, lambda array: torch.from_numpy(np.array(array)))
    for each, wanted in zip(made, expected, strict=True):
        assert type(each) is torch.Tensor
        assert_same_but_nan(each.numpy(), wanted)


@pytest.mark.parametrize("kind", INTEGERS)
def test_invalid_classes_are_nan(kind):
    """Only the device could see them."""
    logits = np.random.default_rng(0).standard_normal((3, 7)).astype(np.float32)
    index = np.array([2, 100 if kind.startswith("u") else -1, 7]).astype(kind)
    there, classes = cuda.to_device(logits), cuda.to_device(index)
    made = of_host(numbaexp.log_prob(there, classes))
    assert_same_but_nan(made, np.array([numbaexp.log_softmax(logits)[0, 2], NAN, NAN], np.float32))
    gradient = of_host(numbaexp.log_prob_backward(cuda.to_device(np.ones(3, np.float32)), there, classes))
    assert_same_but_nan(gradient[0].copy(), numbaexp.log_prob_backward(np.float32(1), logits[0], 2))
    assert np.isnan(gradient[1:]).all()


def test_nothing_of_nothing():
    there = cuda.to_device(np.zeros((2, 0)))
    assert numbaexp.log_prob(there, cuda.to_device(np.zeros((2, 0), int))).shape == (2, 0)
    assert numbaexp.log_prob_backward(there, there, cuda.to_device(np.zeros((2, 0), int))).shape == (2, 0)
    np.testing.assert_array_equal(of_host(numbaexp.entropy(there)), [0, 0])


def test_refused():
    there, classes = cuda.to_device(np.zeros((2, 3))), cuda.to_device(np.zeros(2, int))
    for logits, index, error, message in (
        (np.zeros((2, 3)), classes, ValueError, "`logits` is on cpu and `index` on cuda:0: numbaexp copies nothing"),
        (there, np.zeros(2, int), ValueError, "`logits` is on cuda:0 and `index` on cpu: numbaexp copies nothing"),
        (there, cuda.to_device(np.zeros(2)), TypeError, "`index` must be integers; got float64"),
        (there, cuda.to_device(np.zeros(3, int)), ValueError, r"`index` must be of the shape of .*; got \(3,\)"),
        (cuda.to_device(np.zeros((2, 3), int)), classes, TypeError, "`logits` must be of a float type on a device"),
    ):
        with pytest.raises(error, match=f"^{message}"):
            numbaexp.log_prob(logits, index)
    with pytest.raises(ValueError, match=r"^`grad_output` must be of the shape of `index`, \(2,\); got \(3,\)"):
        numbaexp.log_prob_backward(cuda.to_device(np.zeros(3)), there, classes)
