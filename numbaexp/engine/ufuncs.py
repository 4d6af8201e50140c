"""The ufuncs of the elementwise functions, by target, and the fast paths that hand small arrays to them."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import numpy as np

from numbaexp.once import LOCK
from numbaexp.target import AUTO, CPU, CUDA, PARALLEL, SERIAL_BELOW, TARGETS, VARIABLE

# Elements from which Python's threads pay for an array that NumPy does not hand to its loops in one piece: two were
# measured to be 1.1 to 1.3 times faster than one here, and to draw level at half as many.
SLABS_FROM = 1 << 19

# By name: the fast path of a function that has been called; by name and target: its ufunc.
_fast_paths: dict[str, Any] = {}
_made: dict[tuple[str, str], Any] = {}
# Elements from which the slow path is taken, by target: first it starts threads, for an array for which they pay.
_size_limits = {AUTO: SERIAL_BELOW, CPU: np.iinfo(np.intp).max, PARALLEL: 0}
# Whether any target was ever asked for: until then no call has to look at the context variable.
_ever_switched = False
# Whether the ufuncs know the bfloat16 of ml_dtypes, which may be loaded at any time.
_know_bfloat16 = False
# Libraries other than NumPy know nothing of its floating-point warnings.
with np.errstate(all="ignore"):
    _without_warnings = copy_context()


@contextlib.contextmanager
def switched(target: str) -> Iterator[None]:
    """Have a target hold in a ``with`` statement."""
    global _ever_switched
    if not _ever_switched:
        _ever_switched = True
        _publish()
    token = VARIABLE.set(TARGETS[TARGETS.index(target)])
    try:
        yield
    finally:
        VARIABLE.reset(token)


@functools.cache
def ufunc(name: str, target: str) -> Any:
    """Return the ufunc of a function on a target of the CPU."""
    # Compiling is for those who call; importing the package is not to wait for it.
    with LOCK:
        from numbaexp.cpu.ufunc import ufunc as make

        made = _made[name, target] = make(name, target)
        _publish()
        return made


@functools.cache
def _bits_ufunc(name: str, target: str) -> Any:
    with LOCK:
        from numbaexp.cpu.ufunc import bits_ufunc

        return bits_ufunc(name, target)


def fast_path(name: str, slow_path: Callable[..., Any]) -> Any:
    """Return the built-in function that calls the ufunc of a function where that is all that a call needs, else
    ``slow_path``."""
    slow_path.__name__ = slow_path.__qualname__ = name
    with LOCK:
        from numbaexp.cpu import entry

        if name not in _fast_paths:
            _fast_paths[name] = entry.make_fast_path(name, slow_path)
            ufunc(name, AUTO)
            _publish()
        return _fast_paths[name]


def _publish() -> None:
    """Tell all fast paths which ufuncs there are, and for which arrays."""
    if not _fast_paths:
        return
    from numbaexp.cpu import entry

    for (name, target), made in _made.items():
        if name in _fast_paths:
            entry.offer(_fast_paths[name], target, made, _size_limits[target])
    for each in _fast_paths.values():
        if _know_bfloat16:
            entry.take_all_types(each)
        if _ever_switched:
            entry.watch_targets(each)


def learn_bfloat16() -> None:
    """Teach the ufuncs the bfloat16 of ml_dtypes, if that is loaded."""
    global _know_bfloat16
    dtype = None if _know_bfloat16 else getattr(sys.modules.get("ml_dtypes"), "bfloat16", None)
    if dtype is not None:
        with LOCK:
            from numbaexp.cpu.ufunc import add_bfloat16

            add_bfloat16(np.dtype(dtype))
            _know_bfloat16 = True
            _publish()


def run_on_elements(name: str, target: str, inputs: tuple[np.ndarray, ...], result: np.ndarray, dtype: str) -> None:
    """Compute on the host's memory of another library's arrays, in the float type that ``result`` stores; bfloat16 is
    in uint16. No floating-point warnings are given."""
    if target == CUDA:
        from numbaexp.cuda import host

        host.elementwise(name, [x.astype(result.dtype, copy=False) for x in inputs], result, dtype)
        return
    make = _bits_ufunc if dtype == "bfloat16" else ufunc
    options = {}
    for x in inputs:
        if x.dtype != result.dtype:
            options["dtype"] = result.dtype
    # A context can be entered only once, and threads may meet here.
    _without_warnings.copy().run(run, make, name, target, inputs, result, options)


def run(
    make: Callable[[str, str], Any], name: str, target: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]
) -> Any:
    """Call the ufunc that ``make`` has for a target, or let Python's threads call it."""
    size = 0
    for x in arrays:
        n = getattr(x, "size", 0)
        if type(n) is int and n > size:
            size = n
    keywords = options if out is None else {**options, "out": out}
    if target == CPU or (target == AUTO and size < SERIAL_BELOW):
        return make(name, target)(*arrays, **keywords)
    shared = start_threads()
    are_large = size >= SLABS_FROM and all(type(x) is np.ndarray for x in arrays)
    if are_large and not (shared and _is_one_piece(make(name, target), arrays, out, options)):
        from numbaexp.cpu import blocks

        result = blocks.run(make(name, CPU), arrays, out, options)
        if result is not None:
            return result
    from numbaexp.cpu.thread_limit import NumbaAtMost

    with NumbaAtMost():
        return make(name, target)(*arrays, **keywords)


def start_threads() -> bool:
    """Start Numba's threads where they are safe; tell whether a ufunc uses all threads that it may by itself, which
    Python need not see."""
    from numbaexp.cpu import pool

    shared = pool.start()
    limits = {**_size_limits, AUTO: SLABS_FROM, PARALLEL: SLABS_FROM if shared else 0}
    if limits != _size_limits:
        with LOCK:
            _size_limits.update(limits)
            _publish()
    return shared


def _is_one_piece(function: Any, arrays: tuple[np.ndarray, ...], out: Any, options: dict[str, Any]) -> bool:
    """Tell whether NumPy will hand all of its arrays to a loop in one piece: no cast, no mask, one stride each."""
    x, dtypes = arrays[0], [array.dtype for array in arrays]
    if options or any(not (each.dtype.isnative and each.flags.aligned and each.shape == x.shape) for each in arrays):
        return False
    if any(dtype != x.dtype for dtype in function.resolve_dtypes((*dtypes, None))):
        return False
    if out is None:
        return all(each.flags.c_contiguous for each in arrays) or all(each.flags.f_contiguous for each in arrays)
    if type(out) is not np.ndarray or out.shape != x.shape or out.dtype != x.dtype or not out.flags.aligned:
        return False
    return np.nditer([*arrays, out], ["external_loop"], [["readonly"]] * (len(arrays) + 1)).ndim == 1
