"""The comparisons of the tests fail where they are to, and the table of float types is right."""

import numpy as np
import pytest
from helpers import FLOATS, FORMATS, assert_same_bits, assert_same_but_nan, assert_same_stored, bits, dtype_of, to_torch


def changed(x, place, pattern):
    """Return a copy in which some bits of one number are others."""
    copy = x.copy()
    bits(copy)[place] ^= pattern
    return copy


@pytest.fixture(params=FLOATS)
def x(request):
    return np.array([1, np.nan, -0.0, np.inf], dtype_of(request.param))


def test_formats(x):
    form = FORMATS[x.dtype.name]
    least, one, greatest = np.array([1, bits(x)[0], form.infinity - 1], bits(x).dtype).view(x.dtype).astype(float)
    assert (bits(x)[3], one) == (form.infinity, 1)
    assert (least, greatest) == (2.0**form.least, form.greatest)
    assert np.array(1 << form.precision - 1, bits(x).dtype).view(x.dtype) == 2.0**form.least_normal


def test_a_payload_of_nan_counts_for_bits_alone(x):
    other = changed(x, 1, 1)
    assert_same_but_nan(x, other)
    with pytest.raises(AssertionError):
        assert_same_bits(x, other)


@pytest.mark.parametrize("compare", [assert_same_bits, assert_same_but_nan])
def test_all_else_counts(compare, x):
    compare(x, x.copy())
    sign = 1 << 8 * x.itemsize - 1
    others = [changed(x, 0, 1), changed(x, 2, sign), changed(x, 3, 1), changed(x, 1, bits(x)[1] ^ bits(x)[0])]
    others += [x[:3], x.reshape(2, 2), x.astype(np.float64 if x.itemsize < 8 else np.float32)]
    for other in others:
        for pair in ((x, other), (other, x)):
            with pytest.raises(AssertionError):
                compare(*pair)


def test_tensors(torch, x):
    assert_same_bits(to_torch(x), x)
    assert_same_bits(x, to_torch(x))
    with pytest.raises(AssertionError):
        assert_same_bits(to_torch(x), to_torch(changed(x, 1, 1)))


def test_patterns():
    """Integers are all different, but for those that stand for NaN of bfloat16."""
    one, other = np.array([0x7FC1, 1], np.uint16), np.array([0x7FC2, 1], np.uint16)
    assert_same_stored(one, other)
    for pair in ((one, other), (one, one + np.uint16(1))):
        with pytest.raises(AssertionError):
            assert_same_but_nan(*pair)
    with pytest.raises(AssertionError):
        assert_same_stored(one, np.array([0x7FC1, 2], np.uint16))
