"""Functions of rows of Dask's arrays whose rows are made whole, where chunks cut them: gradients, and sums with
factors."""

from typing import Any

import dask.array as da
import numpy as np

from numbaexp.backends import numpy
from numbaexp.engine import call
from numbaexp.engine.checks import check_shape
from numbaexp.engine.rows import check_per_row
from numbaexp.integrations.dask.blocks import (
    called,
    check_broadcast,
    converted,
    known,
    mask_of,
    of_numpys,
    of_whole_rows,
)
from numbaexp.layout import axes_of
from numbaexp.operations import OPERATIONS, Operation


def rows(operation: Operation, axis: Any, **arrays: Any) -> Any:
    """Return a result for each element."""
    given = {label: of_numpys(array, label) for label, array in arrays.items()}
    like = given[operation.like]
    shape, axes, pairs = known(like).shape, axes_of(axis, like.ndim), []
    for label, array in given.items():
        numpy.float_type(array, label)
        if label in operation.per_row:
            check_per_row(label, known(array).shape, shape, axes)
        else:
            check_shape(label, known(array).shape, operation.like, shape)
        is_short = array.ndim < like.ndim
        pairs += [array, tuple(i for i in range(like.ndim) if not (is_short and i in axes))]
    dtype, along = numpy.float_type(like, operation.like), axes[0] if len(axes) == 1 else axes
    return of_whole_rows(called, dtype, axes, (), *pairs, function=operation.name, axis=along)


def reduction(
    operation: Operation, axis: Any, keepdims: bool, where: Any = None, return_sign: bool = False, **arrays: Any
) -> Any:
    """Return a result for each row, and the sign of its sum."""
    given = {label: of_numpys(array, label) for label, array in arrays.items() if array is not None}
    if len(given) > 1:
        kind = numpy.common_type(**{label: (arrays[label], array) for label, array in given.items()})
    else:
        kind = numpy.float_type(given[operation.like], operation.like)
    labels, mask = tuple(given), mask_of(where)
    if mask is not None:
        given["where"] = mask
    ndim, pairs = max(array.ndim for array in given.values()), []
    for place, (label, array) in enumerate(given.items()):
        for other in list(given)[:place]:
            check_broadcast(label, array, other, given[other])
        pairs += [array, tuple(range(ndim - array.ndim, ndim))]
    axes = axes_of(axis, ndim)
    dtype = np.dtype([("logarithm", kind), ("sign", kind)]) if return_sign else kind
    options = {"axis": axes, "keepdims": True, **({"return_sign": True} if return_sign else {})}
    result = of_whole_rows(
        _reduced, dtype, axes, axes, *pairs, of=operation.name, kind=kind, labels=labels, options=options
    )
    if ndim and not keepdims:
        result = da.squeeze(result, axes)
    return (result["logarithm"], result["sign"]) if return_sign else result


def _reduced(
    *blocks: np.ndarray, of: str, kind: np.dtype, labels: tuple[str, ...], options: dict[str, Any]
) -> np.ndarray:
    given: dict[str, Any] = dict(zip(labels, (converted(block, kind) for block in blocks), strict=False))
    if len(blocks) > len(labels):
        options = {**options, "where": blocks[-1]}
    arrays = tuple(given.pop(label, None) for label in OPERATIONS[of].arrays)
    result = call.dispatch(of, arrays, None, {**options, **given})
    if not isinstance(result, tuple):
        return result
    made = np.empty(np.shape(result[0]), [("logarithm", kind), ("sign", kind)])
    made["logarithm"], made["sign"] = result
    return made
