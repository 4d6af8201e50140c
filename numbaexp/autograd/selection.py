"""Masks, types and broadcasting of tensors, as operations that are recorded, for masked functions of rows."""

from typing import Any

import numpy as np

from numbaexp.autograd.tensor import Tensor
from numbaexp.backends import numpy
from numbaexp.backends.adapter import check_mask
from numbaexp.derivatives.arrays import module_of


def select(mask: Any, x: Any, value: float, out: Any = None) -> Any:
    """Return the elements of a tensor where the mask is true, and ``value`` elsewhere; or write those to ``out``."""
    mask = mask._elements if isinstance(mask, Tensor) else mask if hasattr(mask, "dtype") else np.asarray(mask)
    check_mask(mask.dtype)
    if out is None:
        return _broadcast(x, np.broadcast_shapes(x.shape, mask.shape)).masked_fill(~mask, value)
    module_of(out._elements).copyto(out._elements, value, where=~mask)
    return out


def convert(x: Any, dtype: Any) -> Any:
    """Return a tensor of another float type."""
    return x if x.dtype == dtype else x.astype(dtype)


def together(a: Any, b: Any) -> tuple[Any, Any]:
    """Broadcast two arguments, of which one may be no tensor, and promote their types as NumPy does."""
    given = [each._elements if isinstance(each, Tensor) else each for each in (a, b)]
    arrays = [each if hasattr(each, "dtype") else np.asarray(each) for each in given]
    dtype = numpy.common_type(a=(given[0], arrays[0]), b=(given[1], arrays[1]))
    shape = numpy.common_shape(a=arrays[0], b=arrays[1])
    tensors = (each if isinstance(each, Tensor) else Tensor(array) for each, array in zip((a, b), arrays, strict=True))
    first, second = (_broadcast(convert(each, dtype), shape) for each in tensors)
    return first, second


def _broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else x._broadcast(shape)
