"""NumPy's arrays under the target "cuda": copied to the current device, computed there, and copied back."""

from typing import Any

import numpy as np

from numbaexp.owners.promotion import FLOATS


def run(
    name: str,
    ufunc: np.ufunc,
    x: Any,
    out: Any = None,
    where: Any = True,
    casting: Any = "same_kind",
    order: Any = "K",
    dtype: Any = None,
    subok: bool = True,
    signature: Any = None,
) -> Any:
    """As ``ufunc(x, out, ...)``, whose rules of types these are."""
    x = np.asarray(_plain(x, "x"))
    if out is not None:
        _plain(out, "out")
        if not isinstance(out, np.ndarray):
            raise TypeError(f"`out` must be an array; got {type(out).__name__}")
    if signature is not None and dtype is not None:
        raise TypeError("`signature` and `dtype` must not both be given")
    given = (x.dtype, None if out is None else out.dtype)
    computed = ufunc.resolve_dtypes(given, signature=signature or (None, dtype), casting=casting)[0]
    if computed.name not in FLOATS:
        raise TypeError(f"`{name}` of {x.dtype} is computed in {computed}, for which there is no GPU kernel")

    from numbaexp.cuda import host

    result = np.empty_like(x, computed, order, subok=False)
    if x.size:
        host.run(name, _stored(x.astype(computed, copy=False)), _stored(result), computed.name)
    if out is None:
        if where is True:
            return result[()]
        out = np.empty(np.broadcast_shapes(x.shape, np.shape(where)), computed)
    np.copyto(out, result, casting, where)
    return out


def _plain(array: Any, argument: str) -> Any:
    """What NumPy itself would compute on; others' ``__array_ufunc__`` would call back the ufunc of the CPU."""
    kind = type(array)
    if hasattr(kind, "__array_ufunc__") and kind is not np.ndarray and not isinstance(array, np.generic):
        raise TypeError(f"`{argument}` must be an array of NumPy's own under the target 'cuda'; got {kind.__name__}")
    return array


def _stored(array: np.ndarray) -> np.ndarray:
    """NumPy has no bfloat16 of its own: it travels as its bits."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array
