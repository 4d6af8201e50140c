"""Masks and factors of functions of rows in libraries other than NumPy, by selections which the library itself makes,
and records where gradients are wanted."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.promotion import float_named
from numbaexp.backends.registry import find
from numbaexp.operations import Kind, Operation

Call = Callable[[str, tuple[Any, ...], Any, dict[str, Any]], Any]


def library_of(arrays: tuple[Any, ...]) -> Any:
    """Return the adapter that selects for a call with a mask or with factors, or None where NumPy computes."""
    backends = [find(array).backend for array in arrays]
    return next((each for each in backends if each is not numpy and hasattr(each, "select")), None)


def compute(
    call: Call, library: Any, operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]
) -> Any:
    """Compute a function by ``call(name, arrays, out, options)`` of the elements that count.

    Masked elements are -infinity for the function, their factors 0; they get the result for them afterwards.
    """
    x, *factors = arrays
    has_factors = bool(factors) and factors[0] is not None
    rest = {name: value for name, value in options.items() if name != "where"}
    mask = options.get("where")
    if has_factors and hasattr(library, "together"):
        x, factors[0] = library.together(x, factors[0])
    if mask is None or mask is True:
        return call(operation.name, (x, *factors), out, rest)
    if has_factors:
        factors[0] = library.select(mask, factors[0], 0.0)
    if rest.get("dtype") is not None and hasattr(library, "convert"):
        # A mask makes floats of integers, which may be of another type.
        x = library.convert(x, float_named(rest.pop("dtype")))
    result = call(operation.name, (library.select(mask, x, -np.inf), *factors), out, rest)
    if operation.kind is Kind.REDUCTION:
        return result
    # Of a library without arrays of its own the result is another one's.
    of_result = find(result).backend
    return (of_result if hasattr(of_result, "select") else library).select(mask, result, operation.masked, out)
