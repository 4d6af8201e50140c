"""NumPy's arrays under the target "cuda", for gradients: as ``numbaexp.owners.numpy_on_cuda``, of two arguments."""

from typing import Any

import numpy as np

from numbaexp.owners.numpy_on_cuda import _plain, _stored
from numbaexp.owners.promotion import FLOATS
from numbaexp.scalar.gradients import SAVED

# Numbers of Python, whose type gives way to that of an array beside them.
_WEAK = (int, float)


def run(
    name: str,
    ufunc: np.ufunc,
    grad_output: Any,
    saved: Any,
    out: Any = None,
    where: Any = True,
    casting: Any = "same_kind",
    order: Any = "K",
    dtype: Any = None,
    subok: bool = True,
    signature: Any = None,
) -> Any:
    """As ``ufunc(grad_output, saved, out, ...)``, whose rules of types these are."""
    given = [_plain(grad_output, "grad_output"), _plain(saved, SAVED[name])]
    if out is not None and not isinstance(_plain(out, "out"), np.ndarray):
        raise TypeError(f"`out` must be an array; got {type(out).__name__}")
    if signature is not None and dtype is not None:
        raise TypeError("`signature` and `dtype` must not both be given")
    arrays = [np.asarray(array) for array in given]
    types = [type(a) if type(a) in _WEAK else array.dtype for a, array in zip(given, arrays, strict=True)]
    wanted = signature or (None, None, dtype)
    computed = ufunc.resolve_dtypes((*types, None if out is None else out.dtype), signature=wanted, casting=casting)[0]
    if computed.name not in FLOATS:
        raise TypeError(f"`{name}` is computed in {computed} here, for which there is no GPU kernel")

    from numbaexp.cuda import host

    g, x = np.broadcast_arrays(*(array.astype(computed, copy=False) for array in arrays))
    result = np.empty_like(g if g.ndim and g.strides else x, computed, order, subok=False)
    if result.size:
        host.run_gradient(name, _stored(g), _stored(x), _stored(result), computed.name)
    if out is None:
        if where is True:
            return result[()]
        out = np.empty(np.broadcast_shapes(g.shape, np.shape(where)), computed)
    np.copyto(out, result, casting, where)
    return out
