"""Where a call runs: the target that was asked for, or the one that the size of the array pays for."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol, cast

import numpy as np

TARGETS = ("auto", "cpu", "parallel")

# Elements below which no array is shared among threads.
SERIAL_BELOW = 8192
# Elements from which Python's threads pay for an array that NumPy does not hand to its loops in one piece.
SLABS_FROM = 1 << 19

_target: ContextVar[str] = ContextVar("numbaexp target", default="auto")
# Whether any target was ever asked for: until then no call has to look at the context variable.
_ever_switched = False
# Where ml_dtypes is looked for, by name, until its bfloat16 is known to the ufuncs.
_unseen: Any = sys.modules


def use_target(target: str) -> contextlib.AbstractContextManager[None]:
    """Run the functions of this package on a target of your choice, inside a ``with`` statement.

    Parameters
    ----------
    target : {"auto", "cpu", "parallel"}
        ``"cpu"`` is one thread; ``"parallel"`` is all of Numba's threads (``numba.set_num_threads``) whatever the size;
        ``"auto"``, the default, is all threads where the array is large enough for them to pay.

    Returns
    -------
    context manager
        The choice holds in the current context (:mod:`contextvars`): in this thread or asynchronous task alone. It may
        be nested.

    Raises
    ------
    ValueError
        If there is no such target.
    NotImplementedError
        For ``"cuda"``, which this version does not have.

    Notes
    -----
    Accuracy: every target gives the same bits.

    Special values: every target gives the same.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> with numbaexp.use_target("cpu"):
    ...     numbaexp.exp(np.float32([0, 1]))
    array([1.       , 2.7182817], dtype=float32)
    """
    if target == "cuda":
        raise NotImplementedError(
            f"`target` 'cuda' needs GPU kernels, which this version of numbaexp does not have; it has {TARGETS}"
        )
    if target not in TARGETS:
        raise ValueError(f"`target` must be one of {TARGETS}; got {target!r}")
    return _switched(target)


@contextlib.contextmanager
def _switched(target: str) -> Iterator[None]:
    global _ever_switched
    _ever_switched = True
    token = _target.set(target)
    try:
        yield
    finally:
        _target.reset(token)


class Ufunc(Protocol):
    """What a function of this package can be asked for, as a NumPy ufunc can."""

    __name__: str
    nin: int
    nout: int
    nargs: int
    ntypes: int
    types: list[str]
    identity: None
    signature: None
    at: Callable[..., None]

    def __call__(self, x: Any, /, out: Any = None, **kwargs: Any) -> Any: ...


# Attributes that say the same of each function as of NumPy's ufunc of that name, and methods that refuse as its do.
_DESCRIPTIONS = ("nin", "nout", "nargs", "ntypes", "types", "identity", "signature")
_METHODS = ("at", "reduce", "accumulate", "reduceat", "outer", "resolve_dtypes")


def elementwise(document: Callable[..., Any]) -> Ufunc:
    """The function that ``document`` names, describes and gives the signature of, computed by the ufunc of its name."""
    name = document.__name__

    small: Callable[..., Any]

    def build_first(x: Any, out: Any = None, **kwargs: Any) -> Any:
        nonlocal small
        small = _ufunc(name, "auto")
        return small(x, out=out, **kwargs)

    small = build_first
    is_array = np.ndarray

    @functools.wraps(document)
    def function(x: Any, /, out: Any = None, **kwargs: Any) -> Any:
        if type(x) is is_array and x.size < SERIAL_BELOW and not _ever_switched and "ml_dtypes" not in _unseen:
            if kwargs or type(out) is tuple:
                return small(x, out=out, **kwargs)
            return small(x, out)
        return _call(name, x, out, kwargs)

    for attribute in _DESCRIPTIONS:
        setattr(function, attribute, getattr(getattr(np, name), attribute))
    for method in _METHODS:
        setattr(function, method, _method(name, method))
    return cast(Ufunc, function)


def _method(name: str, method: str) -> Callable[..., Any]:
    """A ufunc's method, which builds the ufunc only when it is called."""

    @functools.wraps(getattr(np.ufunc, method))
    def bound(*args: Any, **kwargs: Any) -> Any:
        return getattr(_ufunc(name, "auto"), method)(*args, **kwargs)

    return bound


def _ufunc(name: str, target: str) -> Any:
    # Compiling is for those who call; importing the package is not to wait for it.
    from numbaexp.cpu.ufunc import ufunc

    return ufunc(name, target)


def _know_bfloat16() -> None:
    """Teach the ufuncs ml_dtypes' bfloat16, once its module is loaded."""
    global _unseen
    dtype = getattr(_unseen.get("ml_dtypes"), "bfloat16", None) if _unseen else None
    if dtype is not None:
        from numbaexp.cpu.ufunc import add_bfloat16

        add_bfloat16(np.dtype(dtype))
        _unseen = ()


def _call(name: str, x: Any, out: Any, kwargs: dict[str, Any]) -> Any:
    """Any call but that of a small array under "auto"."""
    _know_bfloat16()
    target = _target.get()
    size = getattr(x, "size", 0)
    if target != "cpu" and isinstance(size, int) and (size >= SERIAL_BELOW or target == "parallel"):
        from numbaexp.cpu import blocks, pool

        shared = pool.start()
        if size >= SLABS_FROM and type(x) is np.ndarray:
            flat_out = out[0] if type(out) is tuple and len(out) == 1 else out
            if not (shared and _one_piece(_ufunc(name, target), x, flat_out, kwargs)):
                result = blocks.run(_ufunc(name, "cpu"), x, flat_out, kwargs)
                if result is not None:
                    return result
    return _ufunc(name, target)(x, out=out, **kwargs)


def _one_piece(ufunc: Any, x: np.ndarray, out: Any, kwargs: dict[str, Any]) -> bool:
    """Whether NumPy will hand all of an array to a loop of ours in one piece: no cast, no mask, one stride."""
    if kwargs or not x.dtype.isnative or not x.flags.aligned or ufunc.resolve_dtypes((x.dtype, None))[1] != x.dtype:
        return False
    if out is None:
        return x.flags.forc
    if type(out) is not np.ndarray or out.shape != x.shape or out.dtype != x.dtype or not out.flags.aligned:
        return False
    return np.nditer([x, out], ["external_loop"], [["readonly"], ["readonly"]]).ndim == 1
