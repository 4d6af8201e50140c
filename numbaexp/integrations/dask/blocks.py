"""Arrays of Dask, checked, and graphs of one function of each block."""

from typing import Any, NamedTuple

import dask.array as da
import numpy as np

from numbaexp.backends import numpy
from numbaexp.default_mode import in_default_mode
from numbaexp.engine import call


def of_numpys(x: Any, argument: str) -> Any:
    """Return an argument, of Dask or not, as an array of Dask whose blocks are NumPy's."""
    array = da.asarray(x)
    if not isinstance(array._meta, np.ndarray):
        raise TypeError(f"`{argument}` must be made of arrays of NumPy; got {type(array._meta).__name__}")
    numpy.as_ndarray(array._meta, argument)
    return array


class Known(NamedTuple):
    """Describe what is known of an array: unknown lengths are one and the same NaN, equal to itself in a tuple."""

    shape: tuple[Any, ...]


def known(array: Any) -> Known:
    """Return what is known of an array before computing."""
    return Known(tuple(np.nan if np.isnan(n) else n for n in array.shape))


def mask_of(where: Any) -> Any:
    """Return the mask, or None where nothing is masked."""
    if where is None or where is True:
        return None
    mask = of_numpys(where, "where")
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be of type bool; got {mask.dtype}")
    return mask


def check_broadcast(argument: str, array: Any, like: str, x: Any) -> dict[int, tuple[float, float]]:
    """Return the lengths of two arrays along the axes that they share, counted from the last, as in broadcasting; raise
    where they do not broadcast. An unknown length is NaN."""
    both = {-i: (x.shape[-i], array.shape[-i]) for i in range(1, min(x.ndim, array.ndim) + 1)}
    if not all(n == m or 1 in (n, m) or np.isnan([n, m]).all() for n, m in both.values()):
        raise ValueError(f"`{argument}` must broadcast with `{like}` of shape {x.shape}; got {array.shape}")
    return both


def of_blocks(function: Any, dtype: np.dtype, x: Any, /, *others: Any, **options: Any) -> Any:
    """A function of each block, with results of a type."""
    return da.map_blocks(function, x, *others, dtype=dtype, meta=np.empty((0,) * x.ndim, dtype), **options)


def of_whole_rows(
    function: Any, dtype: np.dtype, axes: tuple[int, ...], shrunk: tuple[int, ...], /, *pairs: Any, **options: Any
) -> Any:
    """A function of blocks that cut no rows.

    Parameters
    ----------
    function : callable
        Of a block of each array.
    dtype : dtype
        Of the results.
    axes : tuple of int
        Along which the rows lie.
    shrunk : tuple of int
        Along which a block's result has the length 1.
    *pairs
        Arrays, each with the axes of the result that it lies along.
    **options
        Are given to the function.
    """
    arrays = [
        x.rechunk({i: -1 for i, axis in enumerate(index) if axis in axes and x.numblocks[i] > 1})
        for x, index in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    along = tuple(sorted({axis for index in pairs[1::2] for axis in index}))
    return da.blockwise(
        function,
        along,
        *(each for pair in zip(arrays, pairs[1::2], strict=True) for each in pair),
        dtype=dtype,
        meta=np.empty((0,) * len(along), dtype),
        adjust_chunks={axis: 1 for axis in shrunk if axis in along},
        **options,
    )


@in_default_mode
def converted(x: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return a block in another type."""
    with np.errstate(all="ignore"):
        return x.astype(kind)


def called(*arrays: np.ndarray | None, function: str, **options: Any) -> Any:
    """Call a function of blocks."""
    return call.dispatch(function, arrays, None, options)
