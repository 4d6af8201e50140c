"""The types of a cross entropy's arrays: logits and probabilities are taken in the type that they promote to."""

from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.registry import find
from numbaexp.scalar.forms import FLOATS


def promoted(logits: Any, targets: Any) -> tuple[Any, Any, Any]:
    """Return logits and probabilities in one float type, and that of the logits where it was another one, or else None.

    What is no float, and what its library cannot convert, stays as it is.
    """
    if type(logits) is np.ndarray and type(targets) is np.ndarray and targets.dtype.kind == "i":
        return logits, targets, None
    of_logits, of_targets = find(logits).backend, find(targets).backend
    for backend, array in ((of_logits, logits), (of_targets, targets)):
        if backend is None and not hasattr(type(array), "astype"):
            return logits, targets, None  # a stand-in for an array, of which nothing is known
    if of_logits is numpy:
        logits = _as_array(logits)
    if of_targets is numpy:
        asarray = getattr(of_logits, "asarray", None)
        targets = _as_array(targets) if asarray is None else asarray(targets, logits)
    types = _type_name(logits), _type_name(targets)
    if types[0] == types[1] or not {*types} <= {*FLOATS}:
        return logits, targets, None
    wide = "float64" if "float64" in types else "float32"
    widened = _widened(logits, types[0], wide)
    return widened, _widened(targets, types[1], wide), None if widened is logits else logits.dtype


def in_type(gradient: Any, dtype: Any) -> Any:
    """Return the gradient in the type of the logits, which were of another one, or None."""
    if dtype is None:
        return gradient
    if hasattr(type(gradient), "double"):
        return gradient.to(dtype)
    with np.errstate(all="ignore"):
        return gradient.astype(dtype.newbyteorder("="))


def _as_array(x: Any) -> Any:
    """Return an array; a mask is refused later. Dask's are to be computed later, and labels are taken off later."""
    return x if isinstance(x, np.ndarray) or find(x).intercept is not None else np.asarray(x)


def _type_name(array: Any) -> str:
    dtype = getattr(array, "dtype", None)
    return getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")


def _widened(array: Any, dtype: str, wide: str) -> Any:
    if dtype == wide:
        return array
    # PyTorch's have no ``astype``.
    if hasattr(type(array), "double"):
        return array.double() if wide == "float64" else array.float()
    return array.astype(wide) if hasattr(type(array), "astype") else array
