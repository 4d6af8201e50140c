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
from numbaexp.default_mode import in_default_mode
from numbaexp.engine import call, host
from numbaexp.layout import axes_of, reduced_shape
from numbaexp.operations import Kind, Operation
from numbaexp.scalar.row_order import CHUNK
from numbaexp.target import CUDA, current_target

# The statistics of a row: a structured type, so that an array of them has the shape of a reduction's result.
_SUMS = np.dtype([(field, np.float64) for field in ("greatest", "others", "others_low")])


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Build the graph of a function of rows that is made of their statistics, which can be merged.

    All else goes the way of NumPy's arrays.
    """
    is_merged = f"{operation.name}_of_sums" in row_functions.FUNCTIONS
    if not is_merged or not isinstance(arrays[0], da.Array):
        return NotImplemented
    label, *others = operation.arrays
    factors = dict(zip(others, arrays[1:], strict=True))
    for option, value in {"out": out, **factors, "return_sign": options.get("return_sign")}.items():
        if value is not None:
            raise TypeError(f"of an array of Dask `{operation.name}` does not take `{option}`")
    if current_target() == CUDA:
        raise TypeError(f"`{label}` must not be an array of Dask under the target 'cuda'")
    compute = _reduction if operation.kind is Kind.REDUCTION else _rows
    return compute(operation, arrays[0], **options)


def _reduction(operation: Operation, a: Any, axis: Any, keepdims: bool, where: Any = None) -> Any:
    x, _ = _masked(a, operation.arrays[0], None, where)
    axes = axes_of(axis, x.ndim)
    if x.ndim == 0:
        return _blocks(_whole, x.dtype, x, function=operation.name, axis=axis, keepdims=False)
    if _is_cut(x, axes):
        # In pairs of float64 for every type: the maximum and the logarithm may cancel.
        statistics = _statistics(_as_float64(x), axes)
        result = _blocks(_reduced, x.dtype, statistics, function=operation.name, kind=x.dtype)
    else:
        chunks = tuple((1,) if axis in axes else lengths for axis, lengths in enumerate(x.chunks))
        result = _blocks(_whole, x.dtype, x, chunks=chunks, function=operation.name, axis=axes, keepdims=True)
    return result if keepdims else da.squeeze(result, axes)


def _rows(operation: Operation, x: Any, axis: Any, dtype: Any = None, where: Any = None) -> Any:
    x, mask = _masked(x, "x", dtype, where)
    axes = axes_of(axis, x.ndim)
    if _is_cut(x, axes):
        result = _blocks(_rows_of_statistics, x.dtype, x, _statistics(x, axes), function=operation.name, axes=axes)
    else:
        result = _blocks(_whole, x.dtype, x, function=operation.name, axis=axis)
    return result if mask is None else da.where(mask, result, x.dtype.type(operation.masked))


def _masked(x: Any, argument: str, dtype: Any, where: Any) -> tuple[Any, Any]:
    """Return ``x`` in the type that is computed in, -infinity where masked, and the mask or None.

    Both broadcast; ``argument`` is the name of ``x`` in error messages."""
    if not isinstance(x._meta, np.ndarray):
        raise TypeError(f"`{argument}` must be made of arrays of NumPy; got {type(x._meta).__name__}")
    numpy.as_ndarray(x._meta, argument)
    kind = numpy.float_type(x, argument, dtype)
    x = x if x.dtype == kind else _blocks(_converted, kind, x, kind=kind)
    if where is None or where is True:
        return x, None
    mask = da.asarray(where)
    numpy.as_ndarray(mask._meta, "where")
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be of type bool; got {mask.dtype}")
    # Axes are counted from the last, as in broadcasting. An unknown length is NaN.
    both = {-i: (x.shape[-i], mask.shape[-i]) for i in range(1, min(x.ndim, mask.ndim) + 1)}
    if not all(n == m or 1 in (n, m) or np.isnan([n, m]).all() for n, m in both.values()):
        raise ValueError(f"`where` must broadcast with `{argument}` of shape {x.shape}; got {mask.shape}")
    # Chunked as ``x`` is, so that no further row is cut.
    mask = mask.rechunk({axis: x.chunks[axis] for axis, (n, m) in both.items() if n == m})
    return da.where(mask, x, kind.type(-np.inf)), mask


def _as_float64(x: Any) -> Any:
    kind = np.dtype(np.float64)
    return _blocks(_converted, kind, x, kind=kind)


def _is_cut(x: Any, axes: tuple[int, ...]) -> bool:
    """Tell whether chunks cut rows."""
    return any(x.numblocks[axis] > 1 for axis in axes if x.ndim)


def _blocks(function: Any, dtype: np.dtype, x: Any, /, *others: Any, **options: Any) -> Any:
    """Map a function over blocks, with results of a type."""
    return da.map_blocks(function, x, *others, dtype=dtype, meta=np.empty((0,) * x.ndim, dtype), **options)


def _statistics(x: Any, axes: tuple[int, ...]) -> Any:
    """Return the statistics of each row."""
    meta = np.empty((0,) * x.ndim, _SUMS)
    return da.reduction(x, _sums, _merged, axis=axes, keepdims=True, dtype=_SUMS, meta=meta, name="sums-of-rows")


# The functions below run in Dask's tasks, on ndarrays of one block or of the statistics of several.


@in_default_mode
def _converted(x: np.ndarray, kind: np.dtype) -> np.ndarray:
    with np.errstate(all="ignore"):
        return x.astype(kind)


def _whole(x: np.ndarray, function: str, **arguments: Any) -> Any:
    return call.dispatch(function, (x,), None, arguments)


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
    return _converted(result, kind)


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
