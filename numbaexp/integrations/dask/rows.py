"""The softmax family on Dask arrays, block by block.

Where no row spans several chunks, each block is a call on ndarrays. Where rows do, the statistics of each block's rows
are merged by Dask's tree reduction (see ``numbaexp.cpu.row_merging``), and a second pass over the blocks gives the
results.
"""

import math
from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np

from numbaexp.backends import numpy
from numbaexp.backends.numpy import as_stored
from numbaexp.cpu import row_functions
from numbaexp.engine import host
from numbaexp.integrations.dask.blocks import called, check_broadcast, converted, mask_of, of_blocks, of_numpys
from numbaexp.layout import axes_of, reduced_shape
from numbaexp.operations import Operation
from numbaexp.scalar.row_order import CHUNK

# The statistics of a row: a structured type, so that an array of them has the shape of a reduction's result.
_SUMS = np.dtype([(field, np.float64) for field in ("greatest", "others", "others_low")])


def reduction(operation: Operation, axis: Any, keepdims: bool, where: Any = None, **arrays: Any) -> Any:
    """Return a result for each row."""
    x, _ = _masked(arrays[operation.like], operation.like, None, where)
    axes = axes_of(axis, x.ndim)
    if x.ndim == 0:
        return of_blocks(called, x.dtype, x, function=operation.name, axis=axis, keepdims=False)
    if _is_cut(x, axes):
        # In pairs of float64 for every type: the maximum and the logarithm may cancel.
        statistics = _statistics(_as_float64(x), axes)
        result = of_blocks(_reduced, x.dtype, statistics, function=operation.name, kind=x.dtype)
    else:
        chunks = tuple((1,) if axis in axes else lengths for axis, lengths in enumerate(x.chunks))
        result = of_blocks(called, x.dtype, x, chunks=chunks, function=operation.name, axis=axes, keepdims=True)
    return result if keepdims else da.squeeze(result, axes)


def rows(operation: Operation, x: Any, axis: Any, dtype: Any = None, where: Any = None) -> Any:
    """Return a result for each element."""
    x, mask = _masked(x, "x", dtype, where)
    axes = axes_of(axis, x.ndim)
    if _is_cut(x, axes):
        result = of_blocks(_rows_of_statistics, x.dtype, x, _statistics(x, axes), function=operation.name, axes=axes)
    else:
        result = of_blocks(called, x.dtype, x, function=operation.name, axis=axis)
    return result if mask is None else da.where(mask, result, x.dtype.type(operation.masked))


def _masked(x: Any, argument: str, dtype: Any, where: Any) -> tuple[Any, Any]:
    """Return ``x`` in the type that is computed in, -infinity where masked, and the mask or None.

    Both broadcast; ``argument`` is the name of ``x`` in error messages."""
    x = of_numpys(x, argument)
    kind = numpy.float_type(x, argument, dtype)
    x = x if x.dtype == kind else of_blocks(converted, kind, x, kind=kind)
    mask = mask_of(where)
    if mask is None:
        return x, None
    both = check_broadcast("where", mask, argument, x)
    # Chunked as ``x`` is, so that no further row is cut.
    mask = mask.rechunk({axis: x.chunks[axis] for axis, (n, m) in both.items() if n == m})
    return da.where(mask, x, kind.type(-np.inf)), mask


def _as_float64(x: Any) -> Any:
    kind = np.dtype(np.float64)
    return of_blocks(converted, kind, x, kind=kind)


def _is_cut(x: Any, axes: tuple[int, ...]) -> bool:
    """Tell whether chunks cut rows."""
    return any(x.numblocks[axis] > 1 for axis in axes if x.ndim)


def _statistics(x: Any, axes: tuple[int, ...]) -> Any:
    """Return the statistics of each row."""
    meta = np.empty((0,) * x.ndim, _SUMS)
    return da.reduction(x, _sums, _merged, axis=axes, keepdims=True, dtype=_SUMS, meta=meta, name="sums-of-rows")


# The functions below run in Dask's tasks, on ndarrays of one block or of the statistics of several.


def _run(name: str, dtype: str, axes: tuple[int, ...], **operands: Any) -> None:
    """Run a row function on one thread: Dask has its own."""
    row_functions.run(name, dtype, row_functions.Operands(**operands), axes, "cpu")


def _sums(x: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """Return the statistics of a block's rows; for an empty block the maximum is -infinity."""
    sums = np.zeros(reduced_shape(x.shape, axis), _SUMS)
    sums["greatest"] = -np.inf
    if x.size:
        of_x = as_stored(host.as_rows(x, x.dtype, axis))
        _run("statistics", x.dtype.name, axis, x=of_x, extra=sums["greatest"])
        _run("sums_of_statistics", "float64", (), x=sums["greatest"], extra=sums["greatest"])
    return sums


def _merged(sums: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """Merge the statistics of the pieces of rows along ``axis``."""
    merged = np.empty(reduced_shape(sums.shape, axis), _SUMS)
    if merged.size:
        last = tuple(range(-len(axis), 0))
        pieces = np.moveaxis(sums, axis, last).reshape(merged.size, -1)
        _run("merged_sums", "float64", (1,), x=pieces["greatest"], extra=merged.reshape(-1, 1)["greatest"])
    return merged


def _reduced(sums: np.ndarray, function: str, kind: np.dtype) -> np.ndarray:
    """Return the results of rows, from their statistics."""
    result = np.empty(sums.shape)
    if result.size:
        _run(f"{function}_of_sums", "float64", (), x=result, y=result, extra=sums["greatest"])
    return converted(result, kind)


def _pieces(x: np.ndarray, axes: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Yield the slices of a block in which a row has at most ``CHUNK`` elements, as the kernels for batched rows take
    them."""
    first, *others = axes
    step = max(CHUNK // math.prod(x.shape[axis] for axis in others), 1)
    for start in range(0, x.shape[first], step):
        yield (slice(None),) * first + (slice(start, start + step),)


def _rows_of_statistics(x: np.ndarray, sums: np.ndarray, function: str, axes: tuple[int, ...]) -> np.ndarray:
    """Compute a function of a block from its elements and the sums of its rows."""
    result = host.empty(x.shape, x.dtype, axes)
    if x.size:
        for index in _pieces(x, axes):
            piece = as_stored(host.as_rows(x[index], x.dtype, axes))
            _run(f"{function}_of_sums", x.dtype.name, axes, x=piece, y=as_stored(result[index]), extra=sums["greatest"])
    return result
