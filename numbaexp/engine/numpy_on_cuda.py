"""NumPy's arrays under the target "cuda": copied to the current device, computed there, and copied back."""

from typing import Any

import numpy as np

from numbaexp.backends.numpy import as_stored
from numbaexp.engine.checks import outs_of
from numbaexp.operations import Operation
from numbaexp.scalar.forms import FLOATS

# Numbers of Python, whose type gives way to that of an array beside them.
_WEAK = (int, float)


def run(
    operation: Operation,
    ufunc: np.ufunc,
    arguments: tuple[Any, ...],
    out: Any = None,
    where: Any = True,
    casting: Any = "same_kind",
    order: Any = "K",
    dtype: Any = None,
    subok: bool = True,
    signature: Any = None,
) -> Any:
    """Compute as ``ufunc(*arguments, out, ...)``, whose rules of types these are."""
    given = [_of_numpys_own(x, label) for x, label in zip(arguments, operation.arrays, strict=True)]
    outs = outs_of(operation, out)
    for each in outs:
        if each is not None and not isinstance(_of_numpys_own(each, "out"), np.ndarray):
            raise TypeError(f"`out` must be an array; got {type(each).__name__}")
    if signature is not None and dtype is not None:
        raise TypeError("`signature` and `dtype` must not both be given")
    arrays = [np.asarray(array) for array in given]
    types: list[Any] = [arrays[0].dtype]
    if len(given) > 1:
        types = [type(a) if type(a) in _WEAK else array.dtype for a, array in zip(given, arrays, strict=True)]
    types += [None if each is None else each.dtype for each in outs]
    wanted = signature or (*[None] * len(given), *[dtype] * len(outs))
    computed = ufunc.resolve_dtypes(tuple(types), signature=wanted, casting=casting)[0]
    if computed.name not in FLOATS:
        of_types = " and ".join(str(array.dtype) for array in arrays)
        raise TypeError(f"`{operation.name}` of {of_types} is computed in {computed}, for which there is no GPU kernel")
    arrays = [array.astype(computed, copy=False) for array in arrays]
    results = [_new(arrays, computed, order) for _ in outs]
    if results[0].size:
        _run(operation, arrays, results, computed.name)
    delivered = tuple(_delivered(*pair, where, casting) for pair in zip(results, outs, strict=True))
    return delivered if operation.results > 1 else delivered[0]


def _new(arrays: list[np.ndarray], dtype: np.dtype, order: Any) -> np.ndarray:
    """Return a new array for the result of some, which are broadcast."""
    operands = np.broadcast_arrays(*arrays)
    # The strides of one that is broadcast tell nothing.
    like = next((each for each in operands if 0 not in each.strides), None)
    if like is None:
        return np.empty(operands[0].shape, dtype, "F" if order == "F" else "C")
    return np.empty_like(like, dtype, order, subok=False)


def _run(operation: Operation, arrays: list[np.ndarray], results: list[np.ndarray], dtype: str) -> None:
    from numbaexp.cuda import host

    into = [as_stored(result) for result in results]
    if operation.is_custom:
        host.custom(operation, [as_stored(array) for array in arrays], into, dtype)
    else:
        operands = np.broadcast_arrays(*arrays)
        host.elementwise(operation.name, [as_stored(operand) for operand in operands], into[0], dtype)


def _delivered(result: np.ndarray, out: Any, where: Any, casting: Any) -> Any:
    """Return a result as the user asked for it."""
    if out is None:
        if where is True:
            return result[()]
        out = np.empty(np.broadcast_shapes(result.shape, np.shape(where)), result.dtype)
    np.copyto(out, result, casting, where)
    return out


def _of_numpys_own(array: Any, argument: str) -> Any:
    """Return an argument that NumPy itself computes on; others' ``__array_ufunc__`` would call back the ufunc of the
    CPU."""
    kind = type(array)
    if hasattr(kind, "__array_ufunc__") and kind is not np.ndarray and not isinstance(array, np.generic):
        raise TypeError(f"`{argument}` must be an array of NumPy's own under the target 'cuda'; got {kind.__name__}")
    return array
