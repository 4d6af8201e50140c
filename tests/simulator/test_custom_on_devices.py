"""Functions that users write, on arrays that a device holds and under ``use_target("cuda")``: the bits of the CPU."""

import math
import re

import numpy as np
import pytest
from helpers import FLOATS, assert_same_but_nan, dtype_of
from numba import cuda
from on_device import OnDevice

import numbaexp
from numbaexp.cuda import custom_launch

pytestmark = pytest.mark.sampled(dtype="float32", given="on device")

X = np.linspace(-3, 3, 24).reshape(4, 6)


@numbaexp.elementwise
def mixed(x, a, b):
    return a * x + b / (1.0 + x * x)


@numbaexp.elementwise
def pair(x, y):
    return x * y, math.sqrt(abs(x)) - y


@numbaexp.elementwise
def gaussian(x, sigma):
    z = x / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


OWNERS = {"on device": OnDevice, "of Numba": lambda array: cuda.to_device(np.ascontiguousarray(array))}
for_each_owner = pytest.mark.parametrize("given", OWNERS)


@pytest.fixture(autouse=True)
def launches(monkeypatch):
    """The inputs and the type of each launch."""
    seen = []
    run = custom_launch.run

    def watch(operation, inputs, results, dtype, stream):
        seen.append((inputs, dtype))
        run(operation, inputs, results, dtype, stream)

    monkeypatch.setattr(custom_launch, "run", watch)
    return seen


def of(owner, arguments):
    return [owner(each) if isinstance(each, np.ndarray) else each for each in arguments]


def assert_alike(results, expected):
    """Arrays of a device, and the functions of the host for them."""
    results, expected = (each if type(each) is tuple else (each,) for each in (results, expected))
    for result, wanted in zip(results, expected, strict=True):
        assert type(result) is type(cuda.device_array(1))
        assert_same_but_nan(result.copy_to_host(), np.asarray(wanted))


INPUTS = {
    "arrays": lambda x: (x, x + 1, 2 * x),
    "numbers": lambda x: (x, 0.1, 3),
    "a number first": lambda x: (2, x, x),
    "no dimensions": lambda x: (x, x[1, 2, ...], x[0, 0, ...]),
    "one element": lambda x: (x, x[1:2, 2:3], x[:1, 0]),
    "a row and a column": lambda x: (x[:, :1], x[0], 0.5),
    "a row": lambda x: (x, x[0], x),
    "strides": lambda x: (x[::2, ::-1], x[1::2], x[:2, :1]),
    "five dimensions": lambda x: (x.reshape(2, 2, 1, 2, 3), x[0, :3], x.reshape(2, 2, 6, 1, 1)),
    "empty": lambda x: (x[:0], x[:1], 1.0),
    "nothing but one": lambda x: (x[1, 2, ...], 1.5, 2),
}


@for_each_owner
@pytest.mark.parametrize("dtype", FLOATS)
def test_inputs(given, dtype):
    if dtype == "bfloat16" and given == "on device":
        pytest.skip("the interface has no bfloat16")
    x = X.astype(dtype_of(dtype))
    for make in INPUTS.values():
        arguments = make(x)
        assert_alike(mixed(*of(OWNERS[given], arguments)), mixed(*arguments))


def test_numbers_are_launched_as_they_are(launches):
    mixed(OnDevice(X), 0.1, np.float32(3))
    ((inputs, _),) = launches
    assert inputs[1:] == (0.1, np.float32(3))


@pytest.mark.parametrize(
    ("code", "number", "dtype"),
    [
        ("b", 2, "float16"),
        ("b", 0.5, "float64"),
        ("?", 1, "float16"),
        ("h", True, "float32"),
        ("h", np.float32(2), "float64"),
        ("l", 2, "float64"),
        ("e", 0.5, "float16"),
        ("f", 2, "float32"),
    ],
)
def test_types(launches, code, number, dtype):
    x = abs(X).astype(code)
    assert_alike(mixed(OnDevice(x), OnDevice(x), number), mixed(x, x, number if number != np.float32(2) else 2.0))
    assert [of_launch for _, of_launch in launches] == [dtype]


@for_each_owner
def test_results(given):
    x = X.astype("f")
    owner = OWNERS[given]
    assert_alike(pair(*of(owner, (x, x[:1]))), pair(x, x[:1]))
    into = owner(np.zeros_like(x))
    first, second = pair(owner(x), 0.5, out=(into, None))
    assert first is into
    stored = cuda.to_device(first.array) if given == "on device" else first
    assert_alike((stored, second), pair(x, 0.5))


def test_in_place():
    x = X.astype("f")
    expected = pair(x, 0.5)
    y, other = OnDevice(x.copy()), OnDevice(x.copy())
    assert pair(y, 0.5, out=(y, other)) == (y, other)
    for each, wanted in zip((y, other), expected, strict=True):
        assert_same_but_nan(each.array, wanted)


@pytest.mark.sampled(function="of pair")
@pytest.mark.parametrize(
    "function",
    [pair.backward, gaussian.backward, mixed.backward.backward],
    ids=["of pair", "of gaussian", "of gradients of mixed"],
)
def test_gradients(function):
    arguments = [X.astype("f") + k for k in range(function.nin)]
    assert_alike(function(*of(OnDevice, arguments)), function(*arguments))


REFUSED = {
    "two types": (
        lambda x: mixed(OnDevice(x), OnDevice(x.astype("f")), 1),
        TypeError,
        "`a` must be of the type of `x`, float64; got float32",
    ),
    "shapes": (lambda x: mixed(OnDevice(x), OnDevice(x[:3, :1]), 1), ValueError, "shape mismatch"),
    "out of another shape": (
        lambda x: mixed(OnDevice(x[0]), 1, 2, OnDevice(x.copy())),
        ValueError,
        "`out` must be of the shape of the result, (6,); got (4, 6)",
    ),
    "out of another type": (
        lambda x: mixed(OnDevice(x), 1, 2, OnDevice(x.astype("f"))),
        TypeError,
        "`out` must be of the type of the result, float64; got float32",
    ),
    "out overlaps": (
        lambda x: mixed(OnDevice(x[:3]), 1, 2, OnDevice(x[1:])),
        ValueError,
        "`out` overlaps `x` without being the same array",
    ),
    "out is one of its inputs, broadcast": (
        lambda x: mixed(OnDevice(x), OnDevice(x[:1, :1]), 2, OnDevice(x)),
        ValueError,
        "`out` overlaps `a` without being the same array",
    ),
    "one out for two results": (
        lambda x: pair(OnDevice(x), 1, out=(y := OnDevice(x.copy()), y)),
        ValueError,
        "the arrays of `out` overlap: pass one for each result",
    ),
    "of two places": (lambda x: mixed(OnDevice(x), x, 1), ValueError, "numbaexp copies nothing between devices"),
    "where": (lambda x: mixed(OnDevice(x), 1, 2, where=True), TypeError, "does not take `where`"),
    "unaligned": (
        lambda x: mixed(OnDevice(np.ones(9, "u1")[1:].view("f4")), 1, 2),
        ValueError,
        "`x` must be aligned to its elements of 4 bytes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=re.escape(message)):
        call(X.copy())


# NumPy's arrays under the target "cuda".

CALLS = {
    "arrays": lambda f, x: f(x, x + 1),
    "numbers": lambda f, x: (f(x, 0.1), f(2, x), f(1.5, 2)),
    "broadcast": lambda f, x: (f(x, x[0]), f(x[:, :1], x[0]), f(x[0], x.T[:, :1].T)),
    "order": lambda f, x: (f(x.T, 1), f(x.T, 1, order="C"), f(x, 2, order="F"), f(x[0], x[:, :1], order="F")),
    "dtype": lambda f, x: f(x.astype("e"), 1, dtype="d"),
    "integers": lambda f, x: (f(abs(x).astype("b"), 1), f(x.astype("i"), 0.5)),
    "bfloat16": lambda f, x: f(x.astype(dtype_of("bfloat16")), 0.1),
    "empty": lambda f, x: f(x[:0], 1),
    "no dimensions": lambda f, x: f(x[1, 2, ...], np.float32(2)),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_arrays(name, launches):
    def alike(result, expected):
        if type(expected) is tuple:
            for each in zip(result, expected, strict=True):
                alike(*each)
            return
        assert type(result) is type(expected)
        assert np.asarray(result).strides == np.asarray(expected).strides
        assert_same_but_nan(result, expected)

    expected = CALLS[name](pair, X.astype("f"))
    with numbaexp.use_target("cuda"):
        alike(CALLS[name](pair, X.astype("f")), expected)
    assert bool(launches) == (name != "empty")


def test_numpys_outs_and_masks():
    x = X.astype("f")
    expected = pair(x, 0.5)
    with numbaexp.use_target("cuda"):
        into = np.zeros_like(x)
        first, second = pair(x, 0.5, out=(None, into), where=x > 0)
        assert second is into
        np.testing.assert_array_equal(first[x > 0], expected[0][x > 0])
        np.testing.assert_array_equal(second, np.where(x > 0, expected[1], 0))
        y = x.copy()
        assert pair(y, 0.5, y)[0] is y
        np.testing.assert_array_equal(y, expected[0])
        with pytest.raises(TypeError, match="`out` must be an array; got list"):
            pair(x, 0.5, out=(None, [1.0]))


# PyTorch's tensors.


def test_tensors(torch, launches):
    """Numbers are not copied to a device, and types are PyTorch's."""
    x = torch.linspace(-3, 3, 24).reshape(4, 6)
    of_float64 = x.to(torch.float64)
    for arguments, dtype in (
        ((x, x[0], 0.1), "float32"),
        ((x.T, 2, x[1, 2]), "float32"),
        ((x.to(torch.int32), 0.5, 1), "float32"),
        ((x, of_float64, 1), "float64"),
        ((of_float64, x[0, 0], 1), "float64"),
    ):
        result = mixed(*arguments)
        on_host = [each.numpy().astype(dtype) if isinstance(each, torch.Tensor) else each for each in arguments]
        assert_same_but_nan(result.numpy(), mixed(*on_host))
        ((inputs, _),) = launches
        assert [type(each) for each in inputs if type(each) in (int, float)] == [
            type(each) for each in arguments if not isinstance(each, torch.Tensor)
        ]
        launches.clear()
