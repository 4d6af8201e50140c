"""Checks of a call's arrays, each with its one text."""

from collections.abc import Mapping, Sequence
from typing import Any

from numbaexp.backends.adapter import Adapter
from numbaexp.backends.registry import decided, find
from numbaexp.layout import final_shape
from numbaexp.operations import Operation


def library_of(array: Any) -> str:
    """Return the name of an array's class."""
    kind = type(array)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def one_backend(labels: Sequence[str], arrays: Sequence[Any], out: Any = None) -> tuple[Any, str]:
    """Return the adapter of all arrays, and the device on which they are.

    Raises
    ------
    ValueError
        If they are on several devices: nothing is copied between devices.
    TypeError
        If they are of several libraries.
    RuntimeError
        If they are on a CUDA device that cannot be used.
    """
    first, x = labels[0], arrays[0]
    backend = backend_of(first, x)
    device = backend.device(x, first)
    others = () if len(arrays) == 1 else tuple(zip(labels[1:], arrays[1:], strict=True))
    for argument, array in others if out is None else (*others, ("out", out)):
        other = backend_of(argument, array)
        of_other = other.device(array, argument)
        if of_other != device:
            raise apart(first, device, argument, of_other)
        if other is not backend:
            libraries = f"a {library_of(x)} and a {library_of(array)}"
            raise TypeError(f"`{first}` and `{argument}` must be arrays of one library; got {libraries}")
    if device != "cpu":
        from numbaexp.cuda import usable

        usable.need(first)
    return backend, device


def device_of(first: str, arrays: Mapping[str, Any]) -> str:
    """Return the device on which all arrays are that an argument names, on the host those of several libraries."""
    devices = {argument: backend_of(argument, array).device(array, argument) for argument, array in arrays.items()}
    for argument, other in devices.items():
        if other != devices[first]:
            raise apart(first, devices[first], argument, other)
    return devices[first]


def backend_of(argument: str, array: Any) -> Adapter:
    """Return the adapter of an array."""
    backend = (decided.get(type(array)) or find(array)).backend
    if backend is None:
        raise TypeError(f"`{argument}` must not be a {library_of(array)} here, on which nothing can be computed")
    return backend


def apart(first: str, device: str, argument: str, of_other: str) -> ValueError:
    """Return the error of arrays on two devices."""
    return ValueError(
        f"`{first}` is on {device} and `{argument}` on {of_other}: numbaexp copies nothing between devices"
    )


def outs_of(operation: Operation, out: Any) -> tuple[Any, ...]:
    """Return where each result is to be stored, None for a new array."""
    outs = (None,) * operation.results if out is None else out if type(out) is tuple else (out,)
    if len(outs) != operation.results:
        raise ValueError(f"`out` must be a tuple of {operation.results} arrays, one for each result; got {len(outs)}")
    return outs


def refuse(operation: Operation, array: Any, options: Mapping[str, Any]) -> None:
    """Raise where an option is given that arrays of NumPy alone have."""
    for option in options:
        if option not in operation.options:
            raise TypeError(f"of a {library_of(array)} `{operation.name}` does not take `{option}`")


def check_shape(argument: str, shape: tuple[int, ...], like: str, wanted: tuple[int, ...]) -> None:
    """Raise where an argument is not of the shape of another, or of the result."""
    if tuple(shape) != tuple(wanted):
        name = like if like == "the result" else f"`{like}`"
        raise ValueError(f"`{argument}` must be of the shape of {name}, {tuple(wanted)}; got {tuple(shape)}")


def check_per_row(label: str, given: tuple[int, ...], shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """Raise where an array has not one element for each row, with the axes or without them."""
    accepted = [final_shape(shape, axes, keepdims) if shape else () for keepdims in (False, True)]
    if tuple(given) not in accepted:
        raise ValueError(f"`{label}` must be of the shape {accepted[0]} or {accepted[1]}; got {tuple(given)}")


def check_type(argument: str, dtype: str, like: str, wanted: str) -> None:
    """Raise where an argument is not of the type of another."""
    if dtype != wanted:
        raise TypeError(f"`{argument}` must be of the type of `{like}`, {wanted}; got {dtype}")


def check_on_device(argument: str, dtype: str, wanted: tuple[str, ...]) -> None:
    """Raise where an argument on a device is of another type than the kernels have."""
    if dtype not in wanted:
        raise TypeError(f"`{argument}` must be of a float type on a device; got {dtype}")


def stream_of(backend: Adapter, arrays: list[Any], out: Any = None) -> int:
    """Return the stream of the first array, or of ``out``, after the work of the streams of the others."""
    first, *others = arrays
    stream = backend.stream(first, None)
    for array in others:
        if backend.stream(array, None) != stream:
            # An adapter waits for the one or the other of two.
            backend.stream(array, first)
            backend.stream(first, array)
    return stream if out is None else backend.stream(first, out)
