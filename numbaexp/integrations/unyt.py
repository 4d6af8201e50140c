"""unyt's arrays, of which those without a dimension have exponentials, arrays of NumPy's."""

from typing import Any

import numpy as np
from unyt import dimensionless, unyt_array
from unyt.exceptions import UnitOperationError

from numbaexp.integrations.labels import Library, interceptor


def _elements(array: Any, argument: str, function: str) -> Any:
    if not array.units.is_dimensionless:
        raise UnitOperationError(function, array.units)
    return array.to_value(dimensionless)


def _wrapped(result: Any, like: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return result


def _into(out: Any, function: str) -> Any:
    if out.units != dimensionless:
        raise UnitOperationError(function, out.units)
    return out.view(np.ndarray)


intercept = interceptor(Library((unyt_array,), _elements, _wrapped, lambda *_: True, _into, takes_ufuncs=False))
