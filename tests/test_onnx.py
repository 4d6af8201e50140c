"""ONNX and SONNX ``Exp``: the published node test, the special values, and X_max with its neighbours."""

import numpy as np
import pytest

import numbaexp

# By type: the specification's X_max, and the greatest argument whose exponential does not round to infinity.
X_MAX = {
    np.float16: (11.09375, 11.0859375),
    np.float32: (88.72283935546875, 88.72283172607422),
    np.float64: (709.782712893384, 709.782712893384),
}
TYPES = sorted(X_MAX, key=lambda dtype: dtype().itemsize)


def test_node_example():
    """Node test ``test_exp_example``."""
    x = np.array([-1, 0, 1], np.float32)
    np.testing.assert_array_equal(numbaexp.exp(x), np.array([0.36787945, 1.0, 2.7182817], np.float32))


@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4, 5), (1, 0, 3)])
@pytest.mark.parametrize("dtype", TYPES)
def test_shape_and_type_are_kept(dtype, shape):
    y = numbaexp.exp(np.ones(shape, dtype))
    assert y.shape == shape
    assert y.dtype == dtype


@pytest.mark.parametrize("dtype", TYPES)
def test_special_values(dtype):
    x = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0], dtype)
    np.testing.assert_array_equal(numbaexp.exp(x), np.array([np.nan, 0, np.inf, 1, 1], dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_x_max(dtype):
    specified, greatest_finite = (dtype(value) for value in X_MAX[dtype])
    assert specified in (greatest_finite, np.nextafter(greatest_finite, dtype(np.inf)))
    with np.errstate(over="raise"):
        assert np.isfinite(numbaexp.exp(greatest_finite))
    above = np.nextafter(specified, dtype(np.inf))
    for x in (above, np.finfo(dtype).max):
        with pytest.warns(RuntimeWarning, match="overflow encountered in exp"):
            assert numbaexp.exp(x) == np.inf
    below = np.nextafter(greatest_finite, dtype(0))
    assert numbaexp.exp(below) < np.inf
