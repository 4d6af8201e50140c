"""Options of functions of rows for NumPy's arrays alone: masks, another type, factors, the sign of a sum."""

from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.numpy import as_stored
from numbaexp.engine import host
from numbaexp.engine.checks import check_shape
from numbaexp.layout import axes_of, final_shape, reduced_shape
from numbaexp.operations import Kind, Operation


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, **options: Any) -> Any:
    """Compute the function of arrays of NumPy's."""
    if operation.kind is Kind.REDUCTION:
        return _log_sum(*arrays, **options)
    (x,) = arrays
    return _rows(operation, x, out, **options)


def _rows(operation: Operation, x: Any, out: Any, axis: Any, dtype: Any = None, where: Any = None) -> Any:
    """Compute a function of the shape of its argument, whose masked elements count for nothing."""
    array, mask = numpy.as_ndarray(x, "x"), numpy.mask_of(where)
    kind = numpy.float_type(array, "x", dtype)
    shape = numpy.common_shape(x=array, where=mask)
    axes = axes_of(axis, len(shape))
    source = _masked(np.broadcast_to(array, shape), kind, axes, mask, -np.inf)
    if out is not None:
        numpy.check_out(out, kind)
        check_shape("out", out.shape, "the result", shape)
        # The mask is looked at again when the results are written.
        mask = mask.copy() if mask is not None and np.may_share_memory(mask, out) else mask
    if source.size:
        of_rows = as_stored(source.reshape(shape or (1,)))
        host.run_on_rows(operation.name, kind.name, axes, x=of_rows, y=of_rows)
    if mask is not None:
        np.copyto(source, np.float64(operation.masked or 0.0), "same_kind", where=~np.broadcast_to(mask, shape))
    if out is None:
        return source[()]
    with np.errstate(all="ignore"):
        np.copyto(out, source, "same_kind")
    return out


def _log_sum(a: Any, b: Any = None, *, axis: Any, keepdims: bool, return_sign: bool = False, where: Any = None) -> Any:
    """Compute the logarithm of a sum of exponentials, each with a factor."""
    x, factors, mask = numpy.as_ndarray(a, "a"), None if b is None else numpy.as_ndarray(b, "b"), numpy.mask_of(where)
    kind = numpy.float_type(x, "a") if factors is None else numpy.common_type(a=(a, x), b=(b, factors))
    shape = numpy.common_shape(a=x, b=factors, where=mask)
    axes = axes_of(axis, len(shape))
    final = final_shape(shape, axes, keepdims) if shape else ()
    shape = shape or (1,)
    result = np.full(reduced_shape(shape, axes), -np.inf, kind)
    sign = np.zeros(result.shape)
    if 0 not in shape:
        x = np.broadcast_to(x, shape)
        if factors is None:
            source = as_stored(_masked(x, kind, axes, mask, -np.inf))
            host.run_on_rows("logsumexp", kind.name, axes, x=source, y=as_stored(result))
            sign[...] = np.where(np.isnan(result), np.nan, result != -np.inf)
        else:
            # The factor 0 hides an element as a mask does, so that the mask is needed once.
            weights = as_stored(_masked(np.broadcast_to(factors, shape), kind, axes, mask, 0))
            source = as_stored(host.as_rows(x, kind, axes))
            operands = {"x": source, "w": weights, "y": as_stored(result), "extra": sign}
            host.run_on_rows("weighted_logsumexp", kind.name, axes, **operands)
            if not return_sign:
                result[sign < 0] = np.nan
    result = result.reshape(final)[()]
    return (result, sign.astype(kind).reshape(final)[()]) if return_sign else result


def _masked(x: np.ndarray, kind: np.dtype, axes: tuple[int, ...], mask: np.ndarray | None, masked: float) -> np.ndarray:
    """Return a new array of a type, ``masked`` where it is masked, whose axes are one dimension in memory."""
    made = host.empty(x.shape, kind, axes)
    if mask is not None:
        made[...] = masked
    host.convert(x, made, True if mask is None else mask)
    return made
