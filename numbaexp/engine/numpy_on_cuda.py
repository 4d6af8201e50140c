"""NumPy's arrays under the target "cuda": copied to the current device, computed there, and copied back."""

from typing import Any

import numpy as np

from numbaexp.backends.numpy import as_stored
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
    if out is not None and not isinstance(_of_numpys_own(out, "out"), np.ndarray):
        raise TypeError(f"`out` must be an array; got {type(out).__name__}")
    if signature is not None and dtype is not None:
        raise TypeError("`signature` and `dtype` must not both be given")
    arrays = [np.asarray(array) for array in given]
    types: list[Any] = [arrays[0].dtype]
    if len(given) > 1:
        types = [type(a) if type(a) in _WEAK else array.dtype for a, array in zip(given, arrays, strict=True)]
    wanted = signature or (*[None] * len(given), dtype)
    computed = ufunc.resolve_dtypes((*types, None if out is None else out.dtype), signature=wanted, casting=casting)[0]
    if computed.name not in FLOATS:
        of_types = " and ".join(str(array.dtype) for array in arrays)
        raise TypeError(f"`{operation.name}` of {of_types} is computed in {computed}, for which there is no GPU kernel")

    from numbaexp.cuda import host

    operands = np.broadcast_arrays(*(array.astype(computed, copy=False) for array in arrays))
    result = np.empty_like(operands[0], computed, order, subok=False)
    if result.size:
        host.elementwise(operation.name, [as_stored(operand) for operand in operands], as_stored(result), computed.name)
    if out is None:
        if where is True:
            return result[()]
        out = np.empty(np.broadcast_shapes(result.shape, np.shape(where)), computed)
    np.copyto(out, result, casting, where)
    return out


def _of_numpys_own(array: Any, argument: str) -> Any:
    """Return an argument that NumPy itself computes on; others' ``__array_ufunc__`` would call back the ufunc of the
    CPU."""
    kind = type(array)
    if hasattr(kind, "__array_ufunc__") and kind is not np.ndarray and not isinstance(array, np.generic):
        raise TypeError(f"`{argument}` must be an array of NumPy's own under the target 'cuda'; got {kind.__name__}")
    return array
