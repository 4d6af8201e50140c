"""The ufuncs of the elementwise functions, by target, and the fast paths that hand small arrays to them."""

import contextlib
import functools
import math
import sys
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import numpy as np

from numbaexp.once import LOCK
from numbaexp.operations import Operation
from numbaexp.target import AUTO, CPU, CUDA, PARALLEL, SERIAL_BELOW, TARGETS, VARIABLE

# Elements from which Python's threads pay for an array that NumPy does not hand to its loops in one piece: two were
# measured to be 1.1 to 1.3 times faster than one here, and to draw level at half as many.
SLABS_FROM = 1 << 19
_NUMBERS = (bool, int, float, np.bool_, np.number)

# The fast path of each function that has been called; and its ufunc for each target.
_fast_paths: dict[Operation, Any] = {}
_made: dict[tuple[Operation, str], Any] = {}
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
def ufunc(operation: Operation, target: str) -> Any:
    """Return the ufunc of a function on a target of the CPU."""
    with LOCK:
        made = _made[operation, target] = _make("ufunc", operation, target)
        _publish()
        return made


@functools.cache
def _bits_ufunc(operation: Operation, target: str) -> Any:
    with LOCK:
        return _make("bits_ufunc", operation, target)


def _make(which: str, operation: Operation, target: str) -> Any:
    # Compiling is for those who call; importing the package is not to wait for it.
    if operation.is_custom:
        from numbaexp.cpu import custom_ufunc

        return getattr(custom_ufunc, which)(operation, target)
    from numbaexp.cpu import ufunc

    return getattr(ufunc, which)(operation.name, target)


def fast_path(operation: Operation, slow_path: Callable[..., Any]) -> Any:
    """Return the built-in function that calls the ufunc of a function where that is all that a call needs, else
    ``slow_path``."""
    slow_path.__name__ = slow_path.__qualname__ = operation.name
    with LOCK:
        from numbaexp.cpu import entry

        if operation not in _fast_paths:
            _fast_paths[operation] = entry.make_fast_path(operation.name, slow_path)
            ufunc(operation, AUTO)
            _publish()
        return _fast_paths[operation]


def _publish() -> None:
    """Tell all fast paths which ufuncs there are, and for which arrays."""
    if not _fast_paths:
        return
    from numbaexp.cpu import entry

    for (operation, target), made in _made.items():
        if operation in _fast_paths:
            entry.offer(_fast_paths[operation], target, made, _size_limits[target])
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


def run_on_elements(
    operation: Operation, target: str, inputs: tuple[np.ndarray, ...], results: tuple[np.ndarray, ...], dtype: str
) -> None:
    """Compute on the host's memory of another library's arrays, in the float type that the results store; bfloat16 is
    in uint16. No floating-point warnings are given."""
    result = results[0]
    if target == CUDA:
        from numbaexp.cuda import host

        alike = [x.astype(result.dtype, copy=False) for x in inputs]
        if operation.is_custom:
            host.custom(operation, alike, results, dtype)
        else:
            host.elementwise(operation.name, alike, result, dtype)
        return
    make = _bits_ufunc if dtype == "bfloat16" else ufunc
    options = {}
    for x in inputs:
        if x.dtype != result.dtype:
            options["dtype"] = result.dtype
    # A context can be entered only once, and threads may meet here.
    _without_warnings.copy().run(run, make, operation, target, inputs, results, options)


def run(
    make: Callable[[Operation, str], Any],
    operation: Operation,
    target: str,
    arrays: tuple[Any, ...],
    out: Any,
    options: dict[str, Any],
) -> Any:
    """Call the ufunc that ``make`` has for a target, or let Python's threads call it."""
    size = _size_of(arrays)
    keywords = options if out is None else {**options, "out": out}
    if target == CPU or (target == AUTO and size < SERIAL_BELOW):
        return make(operation, target)(*arrays, **keywords)
    shared = start_threads()
    if size >= SLABS_FROM and all(type(x) is np.ndarray or isinstance(x, _NUMBERS) for x in arrays):
        outs = (None,) * operation.results if out is None else out if type(out) is tuple else (out,)
        if not (shared and _is_one_piece(make(operation, target), arrays, outs, options)):
            from numbaexp.cpu import blocks

            results = blocks.run(make(operation, CPU), arrays, outs, options)
            if results is not None:
                return results if operation.results > 1 else results[0]
    from numbaexp.cpu.thread_limit import NumbaAtMost

    with NumbaAtMost():
        return make(operation, target)(*arrays, **keywords)


def _size_of(arrays: tuple[Any, ...]) -> int:
    """Return the size of the arrays broadcast together; 0 where they do not broadcast."""
    sizes = {getattr(x, "shape", ()): x.size for x in arrays if type(getattr(x, "size", None)) is int}
    if len(sizes) < 2:
        return sum(sizes.values())
    try:
        return math.prod(np.broadcast_shapes(*sizes))
    except ValueError:
        return 0


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


def _is_one_piece(function: Any, arrays: tuple[Any, ...], outs: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Tell whether NumPy will hand all of its arrays to a loop in one piece: no cast but of numbers, no mask, one
    stride each."""
    whole = [each for each in arrays if type(each) is np.ndarray and each.ndim]
    if options or not whole:
        return False
    x = whole[0]
    if any(not (each.dtype.isnative and each.flags.aligned and each.shape == x.shape) for each in whole):
        return False
    types = (getattr(each, "dtype", type(each)) for each in arrays)
    computed = function.resolve_dtypes((*types, *[None] * len(outs)))[0]
    if any(each.dtype != computed for each in whole):
        return False
    given = [each for each in outs if each is not None]
    if any(type(each) is not np.ndarray or each.shape != x.shape or each.dtype != computed for each in given):
        return False
    if not given:
        return all(each.flags.c_contiguous for each in whole) or all(each.flags.f_contiguous for each in whole)
    operands = [*whole, *given]
    are_aligned = all(each.flags.aligned for each in given)
    return are_aligned and np.nditer(operands, ["external_loop"], [["readonly"]] * len(operands)).ndim == 1
