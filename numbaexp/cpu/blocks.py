"""Large arrays on Python's threads, piece by piece.

NumPy hands a loop one-dimensional pieces: one for a contiguous array, which ``numbaexp.cpu.parallel`` shares out, but
a short one for each row or buffer of any other (strided, cast, masked, byte-swapped). Such arrays are cut here into
slabs, and each thread calls the serial ufunc on one slab after another; NumPy releases the lock while its loops run.
"""

import contextlib
import threading
from collections import deque
from typing import Any

import numpy as np

from numbaexp.cpu import thread_limit

# Slabs: long enough that starting one (some 5 us) is nothing, short enough that threads finish together and that an
# interrupt is soon heard.
SLAB = 1 << 18

# Options of a ufunc call that each slab's call can be given.
_PASSED_ON = {"where", "casting", "dtype", "signature", "order", "subok"}

# Quotients that raise each floating-point flag, by the name that NumPy calls it.
_RAISES = {
    "divide by zero": (1.0, 0.0),
    "overflow": (1e300, 1e-300),
    "underflow": (1e-300, 1e300),
    "invalid value": (0.0, 0.0),
}


def run(serial, inputs, outs, kwargs):
    """Call ``serial(*inputs, *outs, **kwargs)`` on all threads; return None where the call cannot be cut into slabs.

    Inputs are arrays and numbers, and broadcast; ``outs`` are arrays, or None to be allocated. Returns them.
    """
    where = kwargs.get("where", True)
    arrays = [each for each in (*inputs, where) if type(each) is np.ndarray]
    shape = _shape_of(arrays)
    if not _PASSED_ON.issuperset(kwargs) or shape is None or not (where is True or type(where) is np.ndarray):
        return None
    if all(out is None for out in outs):
        outs = _allocate(serial, inputs, kwargs, shape, len(outs))
    if not all(_fits(out, shape) and out.flags.writeable for out in outs):
        return None
    if any(_overlaps(array, out) for array in (*arrays, *outs) for out in outs if array is not out):
        return None
    out = outs[0]
    if any(array.dtype.kind == "c" for array in arrays) and out.dtype.kind != "c":  # NumPy warns, once a call
        return None
    options = {key: value for key, value in kwargs.items() if key not in ("where", "order", "subok")}

    axis = int(np.argmax([abs(step) * (length > 1) for step, length in zip(out.strides, out.shape, strict=True)]))
    length = shape[axis]
    count = min(length, -(-out.size // SLAB))
    before = (slice(None),) * axis
    slabs = deque((*before, slice(length * i // count, length * (i + 1) // count)) for i in range(count))
    # Those of one element stay as they are, for the loop is faster with a number.
    whole = [np.broadcast_to(each, shape) if getattr(each, "ndim", 0) else each for each in (*inputs, where)]

    def work(slab):
        *given, mask = (each[slab] if getattr(each, "ndim", 0) else each for each in whole)
        serial(*given, *(out[slab] for out in outs), where=mask, **options)

    flags = on_all_threads(work, slabs)
    if flags:
        _report(serial.__name__, flags)
    return outs


def _shape_of(arrays):
    """Return the shape that arrays are broadcast to; None where they do not broadcast, or are of objects."""
    if any(array.dtype.hasobject for array in arrays):
        return None
    try:
        return np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        return None


def _report(name, flags):
    """Let NumPy do about floating-point flags what ``np.errstate`` says, as for one call of the ufunc of this name."""
    from numbaexp.cpu.ufunc import division

    dividends, divisors = zip(*(_RAISES[flag] for flag in flags), strict=True)
    division(name)(dividends, divisors)


def _fits(array, shape):
    """Tell whether an array can be cut as one of that shape is."""
    return type(array) is np.ndarray and array.shape == shape


def _overlaps(a, out):
    """Tell whether writing a slab of ``out`` could change another slab of ``a``."""
    if not np.may_share_memory(a, out):
        return False
    return not (a.ctypes.data == out.ctypes.data and a.strides == out.strides and a.dtype == out.dtype)


def _allocate(serial, inputs, kwargs, shape, results):
    """Allocate the arrays that NumPy would return the results in; return Nones where it would refuse the call."""
    types = [getattr(each, "dtype", type(each)) for each in inputs]
    signature = kwargs.get("signature") or (*[None] * len(inputs), *[kwargs.get("dtype")] * results)
    casting = kwargs.get("casting", "same_kind")
    try:
        dtypes = serial.resolve_dtypes((*types, *[None] * results), signature=signature, casting=casting)
    except TypeError:
        return (None,) * results
    arrays = [each for each in inputs if getattr(each, "ndim", 0)]
    access: Any = [*[["readonly"]] * len(arrays), *[["writeonly", "allocate", "no_subtype"]] * results]
    iterator = np.nditer(
        [*arrays, *[None] * results],
        ["external_loop", "buffered", "delay_bufalloc", "zerosize_ok"],
        access,
        [*(array.dtype for array in arrays), *dtypes[-results:]],
        kwargs.get("order", "K"),
        "unsafe",
        itershape=shape,
    )
    return iterator.operands[-results:]


def on_all_threads(work, slabs):
    """Call ``work`` on every slab; returns the floating-point flags that were raised, raises the first error."""
    flags: set[str] = set()
    errors: list[BaseException] = []

    def take():
        try:
            return None if errors else slabs.popleft()
        except IndexError:
            return None

    def drain():
        try:
            with np.errstate(all="call", call=lambda flag, _: flags.add(flag)):
                for slab in iter(take, None):
                    work(slab)
        except BaseException as error:
            errors.append(error)

    helpers = []
    try:
        # Where no thread can be started (the interpreter is going down, say) this one does all the work.
        with contextlib.suppress(RuntimeError):
            for _ in range(min(thread_limit.threads(), len(slabs)) - 1):
                helpers.append(threading.Thread(target=drain, daemon=True))
                helpers[-1].start()
        drain()
    finally:
        slabs.clear()
        _join(helpers)
    if errors:
        raise errors[0]
    return flags


def _join(threads):
    """Wait for all threads, an interrupt (Ctrl-C) too: they write to arrays that the caller goes on with."""
    for thread in threads:
        try:
            # A thread that ``start`` was interrupted for finds nothing left to do.
            while thread.is_alive():
                thread.join()
        except KeyboardInterrupt:
            _join(threads)
            raise
