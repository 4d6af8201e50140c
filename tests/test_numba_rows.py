"""The functions of rows inside code that users compile: the bits of calls from Python."""

import numba
import numpy as np
import pytest
from helpers import OF_ROWS, SOFTMAX_LIKE
from numba import njit, prange
from numpy.exceptions import AxisError

import numbaexp

pytestmark = pytest.mark.thorough

SOFTMAX_FAMILY = ("softmax", "log_softmax", "logsumexp")


def compiled(name):
    """Return the function with its axis left out, given, and None."""
    function = getattr(numbaexp, name)

    @njit
    def plain(x):
        return function(x)

    @njit
    def along(x, axis):
        return function(x, axis=axis)

    @njit
    def of_all(x):
        return function(x, None)

    return plain, along, of_all


def same(result, expected):
    """Assert that results have one shape, one type where they have elements, and the same bits but for NaN."""
    assert np.shape(result) == np.shape(expected)
    assert np.ndim(result) == 0 or result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def rows(dtype):
    """Arrays of one and of more dimensions, with rows that are batched and that are not, and any strides."""
    x = np.random.default_rng(0).normal(size=(9, 50, 12)).astype(dtype) * 10
    return [x[0, 0], x[0, :, 3], x[0, ::-3, 3], x[0], x[0].T, x[0, ::2, ::-5], x, x[:, ::-2, ::3], x.T[::3]]


@pytest.mark.checked(name=("softmax", "logsumexp"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SOFTMAX_FAMILY)
def test_same_bits_along_any_axis(name, dtype):
    function, (plain, along, of_all) = getattr(numbaexp, name), compiled(name)
    for x in rows(dtype):
        if x.ndim < 3:
            same(plain(x), function(x))
            same(of_all(x), function(x, axis=None))
        for axis in range(-x.ndim, x.ndim):
            same(along(x, axis), function(x, axis=axis))


@pytest.fixture(scope="module", params=SOFTMAX_FAMILY)
def of_rows(request):
    return getattr(numbaexp, request.param), *compiled(request.param)


def test_special_rows(of_rows):
    function, plain, along, _ = of_rows
    for row in ([np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0], [-np.inf, -np.inf], [1000.0, 1000.0], [-0.0], []):
        same(plain(np.array(row)), function(np.array(row)))
    for shape in ((0, 3), (3, 0)):
        for axis in (0, 1):
            same(along(np.zeros(shape), axis), function(np.zeros(shape), axis=axis))


def test_long_rows(of_rows):
    """Of several chunks, and of more than are kept."""
    function, plain, along, _ = of_rows
    for length in (5000, 100_000):
        x = np.random.default_rng(1).normal(size=(2, length)) * 5
        same(plain(x[1]), function(x[1]))
        same(along(x.T, 0), function(x.T, axis=0))


def test_integers_become_float64(of_rows):
    function, plain, _, _ = of_rows
    same(plain(np.arange(5)), function(np.arange(5.0)))


def test_no_such_axis(of_rows):
    _, _, along, _ = of_rows
    for shape, axis in (((3,), 1), ((3,), -2), ((3, 4), 2), ((3, 4), -3)):
        with pytest.raises(AxisError, match="`axis` must be one of `x`"):
            along(np.zeros(shape), axis)


@pytest.mark.parametrize("x", [1.0, "a", np.zeros(3, complex)])
def test_what_has_no_rows(of_rows, x):
    with pytest.raises(numba.TypingError, match=r"must be an array of float32, float64, integers or bool.*; got"):
        of_rows[1](x)


def test_an_axis_that_is_none(of_rows):
    with pytest.raises(numba.TypingError, match="`axis` must be an integer or None; got float64"):
        of_rows[2](np.zeros(3), 1.0)


@njit
def into(x, axis, out):
    return numbaexp.softmax(x, axis, out=out)


def test_a_given_result():
    x, memory = np.random.default_rng(2).normal(size=(20, 30)), np.full((20, 60), 7.0)
    expected, out = numbaexp.softmax(x, 0), memory[:, ::2]
    into(x, 0, out)
    same(out, expected)
    assert (memory[:, 1::2] == 7).all()
    into(x, 0, x)
    same(x, expected)


def test_what_cannot_be_a_given_result():
    with pytest.raises(ValueError, match="`out` must be of the shape of `x`"):
        into(np.zeros((3, 4)), -1, np.zeros((4, 3)))
    for out in (np.zeros(3), np.zeros((3, 4), np.float32), np.broadcast_to(0.0, (3, 4)), 1.0):
        with pytest.raises(numba.TypingError, match="`out` must be a writeable array of float64 with 2 dimensions"):
            into(np.zeros((3, 4)), -1, out)
    with pytest.raises(numba.TypingError, match="`axis` must be an integer where `out` is given; got none"):
        into(np.zeros((3, 4)), None, np.zeros((3, 4)))


def test_in_a_fast_parallel_loop():
    """By several threads, with flags that change the arithmetic of the loop itself."""

    @njit(parallel=True, fastmath=True)
    def of_each(x, y):
        for i in prange(x.shape[0]):
            y[i] = numbaexp.log_softmax(x[i])

    x = np.random.default_rng(3).normal(size=(300, 40)).astype(np.float32)
    y = np.empty_like(x)
    of_each(x, y)
    same(y, numbaexp.log_softmax(x))


def test_the_family_is_whole():
    """Of the functions of rows, entropy alone is left to calls from Python."""
    assert {*SOFTMAX_FAMILY} | {"entropy"} == {*OF_ROWS}
    assert {*SOFTMAX_LIKE} <= {*SOFTMAX_FAMILY}
