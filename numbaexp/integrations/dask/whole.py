"""Functions of rows of Dask's arrays whose rows are made whole, where chunks cut them: gradients, and sums with
factors."""

from typing import Any

import dask.array as da
import numpy as np

from numbaexp.backends import numpy
from numbaexp.engine import call
from numbaexp.engine.checks import check_shape
from numbaexp.engine.rows import check_per_row
from numbaexp.integrations.dask.blocks import called, check_broadcast, known, mask_of, of_numpys, of_whole_rows
from numbaexp.layout import axes_of
from numbaexp.operations import Operation


def gradient(operation: Operation, arrays: tuple[Any, ...], axis: Any) -> Any:
    """Return the gradient of a function of rows."""
    given = {label: of_numpys(array, label) for label, array in zip(operation.arrays, arrays, strict=True)}
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


def weighted(
    operation: Operation,
    a: Any,
    axis: Any,
    keepdims: bool,
    b: Any = None,
    return_sign: bool = False,
    where: Any = None,
) -> Any:
    """Return the logarithm of each row's sum of exponentials, each with a factor, and the sum's sign."""
    x, mask, factors = of_numpys(a, "a"), mask_of(where), None if b is None else of_numpys(b, "b")
    kind = numpy.float_type(x, "a") if factors is None else numpy.common_type(a=(a, x), b=(b, factors))
    arrays = {label: array for label, array in (("a", x), ("b", factors), ("where", mask)) if array is not None}
    ndim, pairs = max(array.ndim for array in arrays.values()), []
    for place, (label, array) in enumerate(arrays.items()):
        for other in list(arrays)[:place]:
            check_broadcast(label, array, other, arrays[other])
        pairs += [array, tuple(range(ndim - array.ndim, ndim))]
    axes = axes_of(axis, ndim)
    dtype = np.dtype([("logarithm", kind), ("sign", kind)]) if return_sign else kind
    options = {"kind": kind, "labels": tuple(arrays), "axis": axes, "return_sign": return_sign}
    result = of_whole_rows(_weighted, dtype, axes, axes, *pairs, **options)
    if ndim and not keepdims:
        result = da.squeeze(result, axes)
    return (result["logarithm"], result["sign"]) if return_sign else result


def _weighted(
    *blocks: np.ndarray, kind: np.dtype, labels: tuple[str, ...], axis: tuple[int, ...], return_sign: bool
) -> np.ndarray:
    given = dict(zip(labels, blocks, strict=True))
    with np.errstate(all="ignore"):
        given.update({label: given[label].astype(kind) for label in given.keys() & {"a", "b"}})
    options = {"axis": axis, "keepdims": True, "return_sign": return_sign}
    result = call.dispatch("logsumexp", (given.pop("a"),), None, {**options, **given})
    if not return_sign:
        return result
    made = np.empty(np.shape(result[0]), [("logarithm", kind), ("sign", kind)])
    made["logarithm"], made["sign"] = result
    return made
