"""Where a call runs: where its arrays live; and on the host, the target that was asked for, or the one that the size of
the array pays for."""

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from typing import Any, Protocol

import numpy as np

from numbaexp.once import LOCK
from numbaexp.owners.table import owner_of, recorded
from numbaexp.ufunc_like import UfuncLike

TARGETS = ("auto", "cpu", "parallel", "cuda")
_AUTO = TARGETS[0]

# Elements below which no array is shared among threads.
SERIAL_BELOW = 8192
# Elements from which Python's threads pay for an array that NumPy does not hand to its loops in one piece: two were
# measured to be 1.1 to 1.3 times faster than one here, and to draw level at half as many.
SLABS_FROM = 1 << 19

_target: ContextVar[str] = ContextVar("numbaexp target", default=_AUTO)
# The target that holds in this context.
current_target = _target.get
# Whether any target was ever asked for: until then no call has to look at the context variable.
_ever_switched = False
# Elements below which a call passes the door: threads are started first, when an array comes for which they pay.
_pass_below = SERIAL_BELOW
# Whether the ufuncs know the bfloat16 of ml_dtypes, which may be loaded at any time.
_know_bfloat16 = False


def use_target(target: str) -> contextlib.AbstractContextManager[None]:
    """Run the functions of this package on a target of your choice, inside a ``with`` statement.

    Parameters
    ----------
    target : {"auto", "cpu", "parallel", "cuda"}
        What computes arrays that the host holds, of NumPy or another library. ``"cpu"`` is one thread; ``"parallel"``
        is all threads whatever the size; ``"auto"``, the default, is all threads where the array is large enough for
        them to pay. ``"cuda"`` copies the array to the current CUDA device and the
        result back. Arrays that a device holds are computed there under each of them.

    Returns
    -------
    context manager
        The choice holds in the current context (:mod:`contextvars`): in this thread or asynchronous task alone. It may
        be nested.

    Raises
    ------
    ValueError
        If there is no such target.
    RuntimeError
        For ``"cuda"``, if CUDA cannot be used here; it says what is missing.

    See Also
    --------
    targets : those that can be used here.

    Notes
    -----
    Accuracy: every target gives the same bits.

    Special values: every target gives the same.

    All threads are those that Numba has for the calling thread (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``), but
    no more than the processors on which that may run; than ``OMP_NUM_THREADS`` and ``OMP_THREAD_LIMIT``, where
    ``NUMBA_NUM_THREADS`` is not given; and, of tensors, than ``torch.get_num_threads()``.

    Under ``"cuda"`` results are NumPy's in type and shape, and ``out``, ``where``, ``dtype``, ``casting``, ``order``
    and ``signature`` are honoured. No floating-point warnings are given there. What NumPy hands on to other owners
    (pandas, Dask, masked arrays, further subclasses) and types that no GPU kernel computes in (complex, longdouble,
    object) are refused with a :class:`TypeError`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> with numbaexp.use_target("cpu"):
    ...     numbaexp.exp(np.float32([0, 1]))
    array([1.       , 2.7182817], dtype=float32)
    """
    if target not in TARGETS:
        raise ValueError(f"`target` must be one of {TARGETS}; got {target!r}")
    if target == "cuda":
        from numbaexp.cuda import usable

        reason = usable.missing()
        if reason is not None:
            raise RuntimeError(f"`target` 'cuda' cannot be used: {reason}")
    return _switched(target)


@contextlib.contextmanager
def _switched(target: str) -> Iterator[None]:
    global _ever_switched
    if not _ever_switched:
        _ever_switched = True
        _tell_doors()
    token = _target.set(_AUTO if target == _AUTO else target)  # that very object, which the doors know
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


# By name: the function, and the built-in function behind it once it has been called.
_functions: dict[str, Any] = {}
_doors: dict[str, Any] = {}


def elementwise(document: Callable[..., Any], inputs: int = 1) -> Any:
    """The function that ``document`` names, describes and gives the signature of, computed by the ufunc of its name:
    a ``Ufunc`` of one input, or a gradient, of two.

    Before the first call it calls a function which compiles.
    """
    name = document.__name__
    function: Any = UfuncLike(_first_call, name)
    for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(function, attribute, getattr(document, attribute))
    function.__signature__, function.nin = inspect.signature(document), inputs
    function._find_ufunc = functools.partial(_ufunc_of_methods, name)
    _functions[name] = function
    return function


def _first_call(name: str, *args: Any, **kwargs: Any) -> Any:
    function = _functions[name]
    function.__setstate__((_door(name), (), {}, function.__dict__))
    return function(*args, **kwargs)


def _ufunc_of_methods(name: str) -> Any:
    if not _know_bfloat16:
        _learn_bfloat16()
    return _ufunc(name, "auto")


@functools.cache
def _ufunc(name: str, target: str) -> Any:
    # Compiling is for those who call; importing the package is not to wait for it.
    with LOCK:
        from numbaexp.cpu.ufunc import ufunc

        return ufunc(name, target)


@functools.cache
def _bits_ufunc(name: str, target: str) -> Any:
    with LOCK:
        from numbaexp.cpu.ufunc import bits_ufunc

        return bits_ufunc(name, target)


def _door(name: str) -> Any:
    elsewhere = _elsewhere(name) if _functions[name].nin == 1 else _gradient_elsewhere(name)
    elsewhere.__name__ = elsewhere.__qualname__ = name
    with LOCK:
        from numbaexp.cpu.entry import make_door

        if name not in _doors:
            _doors[name] = make_door(name, _ufunc(name, "auto"), elsewhere)
            _tell_doors()
        return _doors[name]


def _elsewhere(name: str) -> Any:
    def elsewhere(x: Any, /, out: Any = None, **kwargs: Any) -> Any:
        return _call(name, x, out, kwargs)

    return elsewhere


def _gradient_elsewhere(name: str) -> Any:
    def elsewhere(grad_output: Any, saved: Any, /, out: Any = None, **kwargs: Any) -> Any:
        return _call_gradient(name, grad_output, saved, out, kwargs)

    return elsewhere


def _tell_doors() -> None:
    """Write what the doors go by into their states."""
    from numbaexp.cpu import entry, entry_state

    for door in _doors.values():
        state = door.__self__
        state[entry_state.SIZE_LIMIT] = _pass_below
        state[entry_state.TYPE_LIMIT] = np.iinfo(np.intp).max if _know_bfloat16 else entry.FIRST_FOREIGN_TYPE
        if _ever_switched:
            state[[entry_state.USUAL_VALUE, entry_state.CONTEXT_VARIABLE]] = id(_AUTO), id(_target)


def _learn_bfloat16() -> None:
    """Teach the ufuncs the bfloat16 of ml_dtypes, if that is loaded."""
    global _know_bfloat16
    dtype = getattr(sys.modules.get("ml_dtypes"), "bfloat16", None)
    if dtype is not None:
        with LOCK:
            from numbaexp.cpu.ufunc import add_bfloat16

            add_bfloat16(np.dtype(dtype))
            _know_bfloat16 = True
            _tell_doors()


def _call(name: str, x: Any, out: Any, kwargs: dict[str, Any]) -> Any:
    """Any call that does not pass the door."""
    if type(x) is not np.ndarray or (out is not None and type(out) is not np.ndarray):
        given = _one(out)
        if owner_of(x) is not None or owner_of(given) is not None:
            result = recorded(name, (x,), {**kwargs, "out": given})
            if result is not NotImplemented:
                return result
            from numbaexp.owners import flow

            return flow.run(name, x, given, kwargs, _on_host)
    if not _know_bfloat16:
        _learn_bfloat16()
    target = _target.get()
    if target == "cuda":
        from numbaexp.owners import numpy_on_cuda

        return numpy_on_cuda.run(name, _ufunc(name, "cpu"), {"x": x}, _one(out), **kwargs)
    return _in_numpy(_ufunc, name, target, (x,), out, kwargs)


def _call_gradient(name: str, grad_output: Any, saved: Any, out: Any, kwargs: dict[str, Any]) -> Any:
    """The same, of a gradient."""
    given = _one(out)
    if any(owner_of(array) is not None for array in (grad_output, saved, given)):
        result = recorded(name, (grad_output, saved), {**kwargs, "out": given})
        if result is not NotImplemented:
            return result
        from numbaexp.owners import gradient_flow
        from numbaexp.scalar.family import SAVED

        return gradient_flow.run(name, SAVED[name], grad_output, saved, given, kwargs, _gradient_on_host)
    if not _know_bfloat16:
        _learn_bfloat16()
    target = _target.get()
    if target == "cuda":
        from numbaexp.owners import numpy_on_cuda
        from numbaexp.scalar.family import SAVED

        arguments = {"grad_output": grad_output, SAVED[name]: saved}
        return numpy_on_cuda.run(name, _ufunc(name, "cpu"), arguments, given, **kwargs)
    return _in_numpy(_ufunc, name, target, (grad_output, saved), out, kwargs)


def _gradient_on_host(name: str, grad_output: np.ndarray, saved: np.ndarray, out: np.ndarray, dtype: str) -> None:
    """As ``_on_host``."""
    target = _target.get()
    if target == "cuda":
        from numbaexp.cuda import host

        host.elementwise(name, [array.astype(out.dtype, copy=False) for array in (grad_output, saved)], out, dtype)
        return
    make = _bits_ufunc if dtype == "bfloat16" else _ufunc
    kwargs = {} if grad_output.dtype == saved.dtype == out.dtype else {"dtype": out.dtype}
    _without_warnings.copy().run(_in_numpy, make, name, target, (grad_output, saved), out, kwargs)


def _one(out: Any) -> Any:
    """The array in a tuple of one, as ufuncs take it."""
    return out[0] if type(out) is tuple and len(out) == 1 else out


# The libraries whose arrays come here know nothing of NumPy's floating-point warnings.
with np.errstate(all="ignore"):
    _without_warnings = copy_context()


def _on_host(name: str, x: np.ndarray, out: np.ndarray, dtype: str) -> None:
    """Compute on the host's memory of another library's arrays, in the float type of ``out``; bfloat16 is in uint16."""
    target = _target.get()
    if target == "cuda":
        from numbaexp.cuda import host

        host.elementwise(name, [x.astype(out.dtype, copy=False)], out, dtype)
        return
    make = _bits_ufunc if dtype == "bfloat16" else _ufunc
    kwargs = {} if x.dtype == out.dtype else {"dtype": out.dtype}
    # A context can be entered only once, and threads may meet here.
    _without_warnings.copy().run(_in_numpy, make, name, target, (x,), out, kwargs)


def _in_numpy(
    make: Callable[[str, str], Any], name: str, target: str, inputs: tuple[Any, ...], out: Any, kwargs: dict[str, Any]
) -> Any:
    """Call the ufunc that ``make`` has for a target, or let Python's threads call it."""
    sizes = [size for size in (getattr(x, "size", 0) for x in inputs) if isinstance(size, int)]
    size = max(sizes, default=0)
    large = target != "cpu" and (size >= SERIAL_BELOW or (target == "parallel" and bool(sizes)))
    if large:
        shared = _start_threads()
        if size >= SLABS_FROM and all(type(x) is np.ndarray for x in inputs):
            flat_out = _one(out)
            if not (shared and _one_piece(make(name, target), inputs, flat_out, kwargs)):
                from numbaexp.cpu import blocks

                result = blocks.run(make(name, "cpu"), inputs, flat_out, kwargs)
                if result is not None:
                    return result
    if out is not None:
        kwargs["out"] = out
    if not large:
        return make(name, target)(*inputs, **kwargs)
    from numbaexp.cpu.thread_limit import NumbaAtMost

    with NumbaAtMost():
        return make(name, target)(*inputs, **kwargs)


def _start_threads() -> bool:
    """Whether a ufunc uses all threads that it may by itself, which Python need not see."""
    global _pass_below
    from numbaexp.cpu import pool

    if _pass_below != SLABS_FROM:
        _pass_below = SLABS_FROM
        _tell_doors()
    return pool.start()


def _one_piece(ufunc: Any, inputs: tuple[np.ndarray, ...], out: Any, kwargs: dict[str, Any]) -> bool:
    """Whether NumPy will hand all of its arrays to a loop of ours in one piece: no cast, no mask, one stride each."""
    x, dtypes = inputs[0], [array.dtype for array in inputs]
    if kwargs or any(not (each.dtype.isnative and each.flags.aligned and each.shape == x.shape) for each in inputs):
        return False
    if any(dtype != x.dtype for dtype in ufunc.resolve_dtypes((*dtypes, None))):
        return False
    if out is None:
        return all(each.flags.c_contiguous for each in inputs) or all(each.flags.f_contiguous for each in inputs)
    if type(out) is not np.ndarray or out.shape != x.shape or out.dtype != x.dtype or not out.flags.aligned:
        return False
    return np.nditer([*inputs, out], ["external_loop"], [["readonly"]] * (len(inputs) + 1)).ndim == 1
