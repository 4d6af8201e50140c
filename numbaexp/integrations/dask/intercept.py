"""Calls of the public functions on arrays of Dask, which become graphs."""

from typing import Any

import dask.array as da

from numbaexp.cpu import row_functions
from numbaexp.engine.checks import refuse
from numbaexp.integrations.dask import custom, losses, rows, whole
from numbaexp.operations import Kind, Operation
from numbaexp.target import CUDA, current_target


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Build the graph of a function of rows; elementwise functions go the way of NumPy's arrays, and so do chosen
    classes, which may lie in any chunk."""
    lazy = [i for i, array in enumerate(arrays) if isinstance(array, da.Array)]
    if not lazy or (operation.kind in (Kind.ELEMENTWISE, Kind.SELECTION) and not operation.is_custom):
        return NotImplemented
    if out is not None and not operation.is_custom:
        raise TypeError(f"of an array of Dask `{operation.name}` does not take `out`")
    if current_target() == CUDA:
        raise TypeError(f"`{operation.arrays[lazy[0]]}` must not be an array of Dask under the target 'cuda'")
    if operation.is_custom:
        return custom.elementwise(operation, arrays, out, options)
    if operation.kind is Kind.LOSS:
        return (losses.backward if operation.is_gradient else losses.forward)(operation, arrays, options)
    given = {**dict(zip(operation.arrays, arrays, strict=True)), **options}
    has_sums = f"{operation.name}_of_sums" in row_functions.FUNCTIONS
    if operation.kind is Kind.REDUCTION:
        is_plain = given.get("b") is None and "return_sign" not in options
        return (rows.reduction if has_sums and is_plain else whole.reduction)(operation, **given)
    if has_sums:
        return rows.rows(operation, **given)
    refuse(operation, arrays[lazy[0]], options)
    return whole.rows(operation, **given)
