"""JAX's arrays, with the type promotion of ``jax.numpy.exp``. Results are not weakly typed."""

import math
from typing import Any

import jax
import jax.dlpack
import numpy as np

from numbaexp.backends import dlpack
from numbaexp.backends.adapter import Elements, check_mask
from numbaexp.backends.promotion import computed_in

# Alignment in bytes that XLA needs to use memory without a copy.
_ALIGNMENT = 64


def asarray(array: Any, x: Any) -> Any:
    """Convert float ndarrays to JAX's types; not next to an ``x`` on a device, where that would copy."""
    given = np.asarray(array)
    is_float = given.dtype.kind == "f" or given.dtype.name == "bfloat16"
    on_host = isinstance(x, jax.core.Tracer) or device(x, "logits") == "cpu"
    return jax.numpy.asarray(given) if is_float and on_host else array


def select(mask: Any, x: Any, value: float, out: Any = None) -> Any:
    mask = jax.numpy.asarray(mask)
    check_mask(mask.dtype)
    return jax.numpy.where(mask, convert(x, float_type(x, "x")), value)


def convert(x: Any, dtype: str) -> Any:
    return x.astype(dtype)


def together(a: Any, b: Any) -> tuple[Any, Any]:
    dtype = jax.numpy.result_type(a, b, *() if _is_float(a) or _is_float(b) else (float,))
    a, b = jax.numpy.broadcast_arrays(a, b)
    return a.astype(dtype), b.astype(dtype)


def _is_float(array: Any) -> bool:
    return jax.numpy.issubdtype(jax.numpy.result_type(array), jax.numpy.inexact)


def device(array: Any, argument: str) -> str:
    if len(array.devices()) > 1:
        names = ", ".join(sorted(map(str, array.devices())))
        raise ValueError(f"`{argument}` must be on one device; got an array on {names}")
    (device,) = array.devices()
    if device.platform == "cpu":
        return "cpu"
    if device.platform not in ("gpu", "cuda"):
        raise TypeError(f"`{argument}` must be on a CPU or a CUDA device; got an array on {device}")
    return f"cuda:{device.local_hardware_id}"


def float_type(x: Any, argument: str) -> str:
    """Return the name of the type that an array is computed in."""
    dtype = computed_in(str(x.dtype), argument)
    if x.dtype.kind in "biu":
        return "float64" if x.dtype.itemsize == 8 else "float32"
    return dtype


def read(x: Any, argument: str = "x") -> tuple[Elements, str]:
    dtype = float_type(x, argument)
    if device(x, "x") == "cpu":
        return Elements(x, _bits(np.asarray(x))), dtype
    return dlpack.read(x)[0], dtype


def write(given: Elements, out: Any, dtype: str) -> Elements:
    if out is not None:
        raise TypeError("`out` must not be a JAX array: they cannot be changed")
    return new(given, dtype, given.view.shape)


def new(given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
    if not isinstance(given.view, np.ndarray):
        return dlpack.new(given, dtype, shape)
    made = _aligned(shape, jax.numpy.dtype(dtype))
    return Elements(made, _bits(made))


stream = dlpack.stream


def finish(x: Any, out: Any, written: Elements) -> Any:
    if not isinstance(written.view, np.ndarray):
        dlpack.synchronize(written)
        return dlpack.hand_over(written, jax.dlpack.from_dlpack)
    (device,) = x.devices()
    if x.committed:
        return jax.device_put(written.array, device, may_alias=True)
    if jax.config.jax_default_device is None and device is jax.local_devices()[0]:
        return jax.device_put(written.array, may_alias=True)
    with jax.default_device(device):
        return jax.device_put(written.array, may_alias=True)


def _bits(array: np.ndarray) -> np.ndarray:
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
