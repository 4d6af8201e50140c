"""The softmax family on arrays of Dask, block by block.

Where no chunk cuts a row, each block is a call on NumPy's arrays. Where chunks do, what is known of each block's rows
is merged by Dask's own tree reduction (see ``numbaexp.cpu.row_merging``), and a second pass over the blocks gives the
shares.
"""

import math
from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np

from numbaexp import rows_dispatch as rows
from numbaexp import softmax_family
from numbaexp.cpu import row_functions
from numbaexp.default_mode import in_default_mode
from numbaexp.dispatch import current_target
from numbaexp.layout import axes_of, reduced_shape
from numbaexp.scalar.row_order import CHUNK

# What is known of a row; a field for each number, so that an array of them has the shape of a reduction's result.
_SUMS = np.dtype([(field, np.float64) for field in ("greatest", "others", "others_low")])


def softmax(x: Any, axis: Any, out: Any, dtype: Any, where: Any) -> Any:
    """See :func:`numbaexp.softmax`."""
    return _shares("softmax", 0.0, x, axis, out, dtype, where)


def log_softmax(x: Any, axis: Any, out: Any, dtype: Any, where: Any) -> Any:
    """See :func:`numbaexp.log_softmax`."""
    return _shares("log_softmax", -np.inf, x, axis, out, dtype, where)


def logsumexp(a: Any, axis: Any, b: Any, keepdims: bool, return_sign: bool, where: Any) -> Any:
    """See :func:`numbaexp.logsumexp`."""
    _refuse("logsumexp", "a", b=b, return_sign=return_sign or None)
    x, _ = _taking_part(a, "a", None, where)
    axes = axes_of(axis, x.ndim)
    if x.ndim == 0:
        return _blocks(_whole, x.dtype, x, function="logsumexp", axis=axis)
    if _cut(x, axes):
        # In the pairs of float64 in every type: the greatest element and the logarithm may cancel.
        result = _blocks(_log_sums, x.dtype, _known(_as_float64(x), axes), kind=x.dtype)
    else:
        chunks = tuple((1,) if axis in axes else lengths for axis, lengths in enumerate(x.chunks))
        result = _blocks(_whole, x.dtype, x, chunks=chunks, function="logsumexp", axis=axes, keepdims=True)
    return result if keepdims else da.squeeze(result, axes)


def _shares(name: str, masked: float, x: Any, axis: Any, out: Any, dtype: Any, where: Any) -> Any:
    _refuse(name, "x", out=out)
    x, mask = _taking_part(x, "x", dtype, where)
    axes = axes_of(axis, x.ndim)
    if _cut(x, axes):
        result = _blocks(_shares_of_sums, x.dtype, x, _known(x, axes), function=name, axes=axes)
    else:
        result = _blocks(_whole, x.dtype, x, function=name, axis=axis)
    return result if mask is None else da.where(mask, result, x.dtype.type(masked))


def _refuse(name: str, first: str, **arguments: Any) -> None:
    for argument, value in arguments.items():
        if value is not None:
            raise TypeError(f"of an array of Dask `{name}` does not take `{argument}`")
    if current_target() == "cuda":
        raise TypeError(f"`{first}` must not be an array of Dask under the target 'cuda'")


def _taking_part(x: Any, argument: str, dtype: Any, where: Any) -> tuple[Any, Any]:
    """``x``, which is called ``argument``, in the type that is computed in, -infinity where it is masked, and the mask
    or None; each of the two may be the wider one."""
    if not isinstance(x._meta, np.ndarray):
        raise TypeError(f"`{argument}` must be made of arrays of NumPy; got {type(x._meta).__name__}")
    rows.plain(x._meta, argument)
    kind = rows.float_type(x, argument, dtype)
    x = x if x.dtype == kind else _blocks(_converted, kind, x, kind=kind)
    if where is None or where is True:
        return x, None
    mask = da.asarray(where)
    rows.plain(mask._meta, "where")
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be of type bool; got {mask.dtype}")
    # Axes are counted from the last, as in broadcasting. An unknown length is NaN.
    both = {-i: (x.shape[-i], mask.shape[-i]) for i in range(1, min(x.ndim, mask.ndim) + 1)}
    if not all(n == m or 1 in (n, m) or np.isnan([n, m]).all() for n, m in both.values()):
        raise ValueError(f"`where` must broadcast with `{argument}` of shape {x.shape}; got {mask.shape}")
    # Cut as ``x`` is, it cuts no row that ``x`` does not.
    mask = mask.rechunk({axis: x.chunks[axis] for axis, (n, m) in both.items() if n == m})
    return da.where(mask, x, kind.type(-np.inf)), mask


def _as_float64(x: Any) -> Any:
    kind = np.dtype(np.float64)
    return _blocks(_converted, kind, x, kind=kind)


def _cut(x: Any, axes: tuple[int, ...]) -> bool:
    """Whether chunks cut rows."""
    return any(x.numblocks[axis] > 1 for axis in axes if x.ndim)


def _blocks(function: Any, dtype: np.dtype, x: Any, /, *others: Any, **options: Any) -> Any:
    """A function of each block, with results of a type."""
    return da.map_blocks(function, x, *others, dtype=dtype, meta=np.empty((0,) * x.ndim, dtype), **options)


def _known(x: Any, axes: tuple[int, ...]) -> Any:
    """What is known of each row."""
    meta = np.empty((0,) * x.ndim, _SUMS)
    return da.reduction(x, _sums, _merged, axis=axes, keepdims=True, dtype=_SUMS, meta=meta, name="sums-of-rows")


# What follows is called with NumPy's arrays, of one block or of what is known of several.


@in_default_mode
def _converted(x: np.ndarray, kind: np.dtype) -> np.ndarray:
    with np.errstate(all="ignore"):
        return x.astype(kind)


def _whole(x: np.ndarray, function: str, **arguments: Any) -> Any:
    return getattr(softmax_family, function)(x, **arguments)


def _run(name: str, dtype: str, axes: tuple[int, ...], **operands: Any) -> None:
    """On one thread: Dask has its own."""
    row_functions.run(name, dtype, row_functions.Operands(**operands), axes, "cpu")


def _sums(x: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """What is known of a block's rows; of one without elements, that there is nothing above -infinity."""
    sums = np.zeros(reduced_shape(x.shape, axis), _SUMS)
    sums["greatest"] = -np.inf
    if x.size:
        of_x = rows.stored(rows.read(x, x.dtype, axis))
        _run("statistics", x.dtype.name, axis, x=of_x, extra=sums["greatest"])
        _run("sums_of_statistics", "float64", (), x=sums["greatest"], extra=sums["greatest"])
    return sums


def _merged(sums: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """What is known of rows, from what is known of their pieces, which lie along ``axis``."""
    merged = np.empty(reduced_shape(sums.shape, axis), _SUMS)
    if merged.size:
        last = tuple(range(-len(axis), 0))
        pieces = np.moveaxis(sums, axis, last).reshape(merged.size, -1)
        _run("merged_sums", "float64", (1,), x=pieces["greatest"], extra=merged.reshape(-1, 1)["greatest"])
    return merged


def _log_sums(sums: np.ndarray, kind: np.dtype) -> np.ndarray:
    """The logarithms of rows' sums."""
    result = np.empty(sums.shape)
    if result.size:
        _run("logsumexp_of_sums", "float64", (), x=result, y=result, extra=sums["greatest"])
    return _converted(result, kind)


def _pieces(x: np.ndarray, axes: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Places in a block along whose rows a piece of each is at most a chunk, which the kernels take beside each other
    where rows lie across memory."""
    first, *others = axes
    step = max(CHUNK // math.prod(x.shape[axis] for axis in others), 1)
    for start in range(0, x.shape[first], step):
        yield (slice(None),) * first + (slice(start, start + step),)


def _shares_of_sums(x: np.ndarray, sums: np.ndarray, function: str, axes: tuple[int, ...]) -> np.ndarray:
    """A function of the elements of a block, of whose rows the sums are known."""
    result = rows.new(x.shape, x.dtype, axes)
    if x.size:
        for place in _pieces(x, axes):
            piece = rows.stored(rows.read(x[place], x.dtype, axes))
            _run(
                f"{function}_of_sums", x.dtype.name, axes, x=piece, y=rows.stored(result[place]), extra=sums["greatest"]
            )
    return result
