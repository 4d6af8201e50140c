"""xarray's DataArrays, whose elements may be those of any library."""

from typing import Any

import numpy as np
import xarray

from numbaexp.engine.functions import function_of
from numbaexp.integrations.labels import Library, interceptor, refuse_out
from numbaexp.layout import final_shape
from numbaexp.operations import Operation


def _elements(array: Any, argument: str, function: str) -> Any:
    return array.data


def _wrapped(result: Any, like: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if np.shape(result) != final_shape(like.shape, axes, keepdims):
        return result
    if axes:
        # The axes that are kept are added again.
        reduced = result.squeeze(axes) if keepdims else result
        return like.reduce(lambda *_, **__: reduced, axis=axes, keepdims=keepdims)
    return xarray.apply_ufunc(lambda _: result, like, dask="allowed", keep_attrs=True)


def _agree(array: Any, like: Any) -> bool:
    try:
        xarray.align(array, like, join="exact", copy=False)
    except ValueError:
        return False
    return array.dims == like.dims


_of_elements = interceptor(Library((xarray.DataArray,), _elements, _wrapped, _agree, refuse_out, takes_ufuncs=True))


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Let xarray compute functions that users have written, by the function itself: its elements may be Dask's, which
    keep what they call. All else is for the elements."""
    labelled = next((x for x in arrays if isinstance(x, xarray.DataArray)), None)
    if operation.is_custom and out is None and labelled is not None:
        return labelled.__array_ufunc__(function_of(operation), "__call__", *arrays, **options)
    return _of_elements(operation, arrays, out, options)
