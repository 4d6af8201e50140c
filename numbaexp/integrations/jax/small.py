"""Small arrays that JAX does not trace: called as XLA compiles the function, which makes an array of JAX's sooner."""

import functools
from collections.abc import Callable, Hashable
from types import NoneType
from typing import Any

import jax

from numbaexp.integrations.jax.foreign import KINDS
from numbaexp.operations import Operation
from numbaexp.target import AUTO, SERIAL_BELOW, current_target

# Compiling takes as long as a hundred calls and more, so a shape is to come back. As many as JAX itself remembers.
REMEMBERED = 4096

Compiled = Callable[..., Any]
Options = tuple[tuple[str, Hashable], ...]


def small(operation: Operation, arrays: tuple[Any, ...], options: dict[str, Any], make: Callable[..., Compiled]) -> Any:
    """Return the compiled function of an operation's options, which ``make(operation, options)`` makes; or None where
    a call is the first of its kind, or another than an ordinary one on the CPU."""
    x = arrays[operation.like_index]
    if operation.kind not in KINDS or x.size >= SERIAL_BELOW or current_target() != AUTO:
        return None
    if options and not (options.keys() <= operation.options.keys() and type(options["axis"]) in (int, NoneType)):
        return None
    if not _are_alike(operation, arrays, x) or jax.config.jax_disable_jit:
        return None
    known = _known(operation.name, tuple(options.items()), x.shape, x.dtype)
    if not known:
        known.append(make(operation, tuple(options.items())))
        return None
    return known[0]


def _are_alike(operation: Operation, arrays: tuple[Any, ...], x: Any) -> bool:
    """Tell whether arrays are of one type and shape, on the device of the CPU on which XLA would compute."""
    device, committed = x.device, False
    if getattr(device, "platform", None) != "cpu":
        return False
    for label, array in zip(operation.arrays, arrays, strict=True):
        if array is None:
            continue
        if type(array) is not type(x) or array.dtype != x.dtype or array.device is not device:
            return False
        if array.shape != x.shape and label not in operation.per_row:
            return False
        committed = committed or array.committed
    return committed or (jax.config.jax_default_device is None and device is jax.local_devices()[0])


@functools.lru_cache(REMEMBERED)
def _known(name: str, options: Options, shape: tuple[int, ...], dtype: Any) -> list[Compiled]:
    return []
