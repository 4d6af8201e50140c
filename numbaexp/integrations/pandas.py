"""pandas' Series and DataFrames."""

from typing import Any

import numpy as np
import pandas

from numbaexp.integrations.labels import Library, interceptor, refuse_out


def _elements(array: Any, argument: str, function: str) -> np.ndarray:
    if array.ndim == 1:
        if not pandas.api.types.is_numeric_dtype(array.dtype):
            raise TypeError(f"`{argument}` must be of a float type, integers or bool; got {array.dtype}")
        if getattr(array.dtype, "na_value", None) is pandas.NA and array.hasnans:
            raise ValueError(
                f"`{argument}` has missing values (NA): fill them, `{argument}.fillna(...)`, or drop them, "
                f"`{argument}.dropna()`"
            )
        # Without it, older versions of pandas give objects.
        return array.to_numpy(getattr(array.dtype, "numpy_dtype", None))
    types = set(array.dtypes)
    if len(types) <= 1 and all(isinstance(dtype, np.dtype) for dtype in types):
        return array.to_numpy()
    return np.column_stack([_elements(column, argument, function) for _, column in array.items()])


def _wrapped(result: Any, like: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    left = [labels for axis, labels in enumerate(like.axes) if axis not in axes]
    if not left or np.shape(result) != tuple(map(len, left)):
        return result
    if like.ndim == 1:
        made = like._constructor(_typed(result, like), *left)
    elif len(left) == 1:
        made = like._constructor_sliced(_typed(result, like.iloc[:0].sum(axis=axes[0]).iloc[:0]), *left)
    elif all(isinstance(dtype, np.dtype) for dtype in like.dtypes):
        made = like._constructor(result, *left)
    else:
        columns = (column for _, column in like.items())
        made = like._constructor({i: _typed(result[:, i], column) for i, column in enumerate(columns)}, left[0])
        made.columns = left[1]
    return made.__finalize__(like)


def _typed(values: np.ndarray, like: Any) -> Any:
    """Return values in the kind of type that a Series has, nullable or sparse: that of its sum with them."""
    if isinstance(like.dtype, np.dtype):
        return values
    return pandas.array(values, (like.iloc[:0] + values[:0]).dtype)


def _agree(array: Any, like: Any) -> bool:
    return array.ndim == like.ndim and all(map(pandas.Index.equals, array.axes, like.axes))


intercept = interceptor(
    Library((pandas.Series, pandas.DataFrame), _elements, _wrapped, _agree, refuse_out, takes_ufuncs=True)
)
