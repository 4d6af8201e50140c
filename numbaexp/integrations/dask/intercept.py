"""Calls of the public functions on arrays of Dask, which become graphs."""

from typing import Any

import dask.array as da

from numbaexp.integrations.dask import losses, rows, whole
from numbaexp.operations import Kind, Operation
from numbaexp.target import CUDA, current_target


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Build the graph of a function of rows; elementwise functions go the way of NumPy's arrays."""
    lazy = [label for label, array in zip(operation.arrays, arrays, strict=True) if isinstance(array, da.Array)]
    if operation.kind is Kind.ELEMENTWISE or not lazy:
        return NotImplemented
    if out is not None:
        raise TypeError(f"of an array of Dask `{operation.name}` does not take `out`")
    if current_target() == CUDA:
        raise TypeError(f"`{lazy[0]}` must not be an array of Dask under the target 'cuda'")
    if operation.kind is Kind.LOSS:
        return (losses.backward if operation.is_gradient else losses.forward)(operation, arrays, options)
    if operation.is_gradient:
        return whole.gradient(operation, arrays, **options)
    if operation.kind is Kind.ROWS:
        return rows.rows(operation, *arrays, **options)
    return (whole.weighted if options.keys() & {"b", "return_sign"} else rows.reduction)(operation, *arrays, **options)
