"""The elementwise functions and their gradients of arrays inside code that users compile: the bits of calls from
Python."""

import numba
import numpy as np
import pytest
from helpers import ELEMENTWISE, computed
from numba import njit

import numbaexp

pytestmark = [pytest.mark.by_form, pytest.mark.sampled(name="exp", dtype="float32")]


def compiled(name):
    """Return the function of an array, and that to another one."""
    function = getattr(numbaexp, name)

    @njit
    def of_one(x):
        return function(x)

    @njit
    def into(x, y):
        return function(x, out=y)

    return of_one, into


@pytest.fixture(scope="module")
def exp():
    return compiled("exp")


def arguments(dtype, count):
    rng = np.random.default_rng(0)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 200.0, -200.0]
    return rng.permutation(np.concatenate([special, rng.uniform(-90, 90, count - len(special))])).astype(dtype)


def layouts(dtype):
    """Arrays of every layout that Numba tells apart, by what they are."""
    x, read_only = arguments(dtype, 30 * 24 * 40).reshape(30, 24, 40), arguments(dtype, 60)
    read_only.flags.writeable = False
    return {
        "C": x,
        "F": x.T,
        "neither": x.transpose(1, 0, 2),
        "a step": x[..., ::3],
        "steps back": x[::-2, :, ::-1],
        "short rows": x[:, :, :2],
        "one dimension": x[0, 0],
        "one dimension with a step": x[0, :, 3],
        "the same element": np.broadcast_to(x[:, :1], x.shape),
        "not aligned to a vector": x.reshape(-1)[1:],
        "one element": x[:1, 0, 0],
        "read-only": read_only,
        "empty": x[:0],
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_same_bits_of_any_layout(name, dtype):
    of_one, _ = compiled(name)
    for layout, x in layouts(dtype).items():
        result = of_one(x)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, computed(name, x), layout)
        assert result.flags.writeable
        # As of Numba's own functions.
        assert result.flags.f_contiguous if layout == "F" else result.flags.c_contiguous


@pytest.mark.thorough
@pytest.mark.parametrize("flags", [{"fastmath": True, "parallel": True}, {"error_model": "numpy"}], ids=str)
def test_flags_of_the_caller(flags):
    @njit(**flags)
    def of_negative(x):
        return numbaexp.sigmoid(-x)

    x = arguments("float32", 10_000)
    result, expected = of_negative(x), computed("sigmoid", -x)
    np.testing.assert_array_equal(result, expected)


def test_no_dimensions(exp):
    """The result is a number, as of Numba's own functions."""
    of_one, into = exp
    result, out = of_one(np.array(1.5)), np.zeros(())
    assert result == numbaexp.exp(1.5)
    assert isinstance(result, float)
    into(np.array(1.5), out)
    assert out == numbaexp.exp(1.5)


@pytest.mark.sampled(kind="int64")
@pytest.mark.parametrize("kind", ["int64", "int8", "uint32", "bool"])
def test_integers_become_float64(exp, kind):
    x = np.arange(12).reshape(3, 4).astype(kind)
    result = exp[0](x)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, numbaexp.exp(x.astype(np.float64)))


@pytest.mark.thorough
@pytest.mark.parametrize("out_type", ["float32", "float64"])
def test_a_given_result(exp, out_type):
    x, memory = arguments("float32", 600).reshape(20, 30), np.full((20, 60), 7, out_type)
    out = memory[:, ::2]
    exp[1](x, out)
    np.testing.assert_array_equal(out, computed("exp", x).astype(out_type))
    assert (memory[:, 1::2] == 7).all()


def test_the_argument_as_the_result(exp):
    x = arguments("float64", 5000)
    expected = computed("exp", x)
    result = exp[1](x, x)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(result, expected)


def test_a_given_result_of_another_shape(exp):
    with pytest.raises(ValueError, match="`out` must be of the shape of `x`"):
        exp[1](np.zeros(3), np.zeros(4))


@pytest.mark.parametrize("out", [1.0, np.zeros(3, int), np.zeros((3, 1)), np.broadcast_to(0.0, 3)])
def test_a_given_result_that_is_none(exp, out):
    with pytest.raises(numba.TypingError, match="`out` must be a writeable array of float32 or float64 with 1 dim"):
        exp[1](np.zeros(3), out)


@njit
def in_place(x):
    return numbaexp.softplus_(x)


def test_in_place():
    memory = arguments("float32", 1000).reshape(20, 50)
    x, left_alone = memory[:, 1::2], memory[:, ::2].copy()
    expected = computed("softplus", x)
    np.testing.assert_array_equal(in_place(x), expected)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(memory[:, ::2], left_alone)


@pytest.mark.parametrize("x", [1.0, np.arange(3), np.broadcast_to(0.0, 3)])
def test_what_cannot_be_changed_in_place(x):
    with pytest.raises(numba.TypingError, match="`x` must be a writeable array of float32 or float64; got"):
        in_place(x)


def compiled_gradient(name):
    function = getattr(numbaexp, f"{name}_backward")

    @njit
    def gradient(grad_output, saved):
        return function(grad_output, saved)

    return gradient


def gradient_arguments(dtype):
    rng = np.random.default_rng(1)
    return arguments(dtype, 600).reshape(20, 30), rng.normal(size=(20, 30)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradients(name, dtype):
    """Of arrays, and of each of their numbers."""
    gradient, (saved, grad_output) = compiled_gradient(name), gradient_arguments(dtype)
    expected = computed(f"{name}_backward", grad_output, saved)
    for way in (slice(None), (slice(None), slice(None, None, -2))):
        np.testing.assert_array_equal(gradient(grad_output[way], saved[way]), expected[way])
    results = [gradient(*each) for each in zip(grad_output.ravel(), saved.ravel(), strict=True)]
    np.testing.assert_array_equal(np.array(results, dtype), expected.ravel())


@pytest.mark.thorough
def test_gradients_in_a_fast_loop():
    @njit(fastmath=True)
    def loop(grad_output, x, result):
        for i in range(x.size):
            result[i] = numbaexp.softplus_backward(grad_output[i], x[i])

    for dtype in ("float32", "float64"):
        saved, grad_output = (array.ravel() for array in gradient_arguments(dtype))
        result = np.empty_like(saved)
        loop(grad_output, saved, result)
        np.testing.assert_array_equal(result, computed("softplus_backward", grad_output, saved))


@pytest.fixture(scope="module")
def gradient():
    return compiled_gradient("sigmoid")


def test_gradients_of_different_types(gradient):
    assert gradient(np.float32(0.1), 2) == numbaexp.sigmoid_backward(np.float64(np.float32(0.1)), 2.0)


def test_gradients_of_different_shapes(gradient):
    with pytest.raises(ValueError, match="`grad_output` must be of the shape of `x`"):
        gradient(np.zeros(3), np.zeros(4))


@pytest.mark.parametrize(
    ("grad_output", "saved", "text"),
    [
        (1j, 1.0, "`grad_output` must be a float32, float64, integer or bool, or an array of one of these; got compl"),
        (1.0, "a", "`x` must be a float32, float64, integer or bool, or an array of one of these; got unicode_type"),
        (1.0, np.zeros(3), "two arrays of one float type and as many dimensions; got float64 and array"),
        (np.zeros(3, np.float32), np.zeros(3), "two arrays of one float type"),
        (np.zeros((3, 1)), np.zeros(3), "two arrays of one float type"),
        (np.arange(3), np.arange(3), "two arrays of one float type"),
    ],
)
def test_gradients_of_what_has_none(gradient, grad_output, saved, text):
    with pytest.raises(numba.TypingError, match=text):
        gradient(grad_output, saved)
