"""astropy's Quantities, of which those without a dimension have exponentials."""

from typing import Any

import numpy as np
from astropy.units import Quantity, UnitConversionError, UnitTypeError, dimensionless_unscaled

from numbaexp.integrations.labels import Library, interceptor


def _elements(array: Any, argument: str, function: str) -> Any:
    try:
        return array.to_value(dimensionless_unscaled)
    except UnitConversionError:
        # In the words that astropy has for its own.
        raise UnitTypeError(f"Can only apply '{function}' function to dimensionless quantities") from None


def _wrapped(result: Any, like: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return result << dimensionless_unscaled


def _into(out: Any, function: str) -> Any:
    if out.unit != dimensionless_unscaled:
        raise UnitTypeError(f"`out` must be a quantity without a unit; got {out.unit}")
    return out.view(np.ndarray)


intercept = interceptor(Library((Quantity,), _elements, _wrapped, lambda *_: True, _into, takes_ufuncs=False))
