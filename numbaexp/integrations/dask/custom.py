"""Functions that users have written, of Dask's arrays: each block by the function itself, which is pickled by name."""

import operator
from typing import Any

import dask.array as da
import numpy as np
from dask.array.core import elemwise
from dask.base import tokenize

from numbaexp.engine.functions import function_of
from numbaexp.integrations.dask.blocks import of_numpys
from numbaexp.operations import Operation

_NUMBERS = (bool, int, float, np.generic)


def elementwise(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Return the result, or a tuple of them, with the options that Dask has for ufuncs."""
    labels = operation.arrays
    given = [x if isinstance(x, _NUMBERS) else of_numpys(x, label) for label, x in zip(labels, arrays, strict=True)]
    function = function_of(operation)
    # By the hash of all that the function is made of, for functions of one name may be others.
    names = [
        f"{operation.name}-{tokenize(operation.kernel, k, *given, out, options)}" for k in range(operation.results)
    ]
    # Refuses what the function cannot compute, of which Dask says nothing.
    like = function(*(x._meta if isinstance(x, da.Array) else x for x in given))
    if operation.results == 1:
        return elemwise(function, *given, out=out, name=names[0], **options)
    if out is not None or options:
        raise TypeError(f"of an array of Dask `{operation.name}`, of several results, takes no options and no `out`")
    return _several(function, given, like[0].dtype, names)


def _several(function: Any, given: list[Any], dtype: np.dtype, names: list[str]) -> tuple[Any, ...]:
    """Return the results of a function of several, of which each block is computed once."""
    axes = tuple(range(max(np.ndim(x) for x in given)))
    pairs = [(x, axes[len(axes) - x.ndim :] if isinstance(x, da.Array) else None) for x in given]
    flat = [each for pair in pairs for each in pair]
    like: Any = {"dtype": dtype, "meta": np.empty((0,) * len(axes), dtype)}
    whole = da.blockwise(function, axes, *flat, name=f"all-of-{names[0]}", **like)
    return tuple(da.map_blocks(operator.itemgetter(k), whole, name=name, **like) for k, name in enumerate(names))
