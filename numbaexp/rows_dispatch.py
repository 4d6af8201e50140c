"""Where a call of the softmax family runs, and on what memory: its arrays, as the kernels of rows take them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp import dispatch
from numbaexp.default_mode import in_default_mode
from numbaexp.layout import axes_of, find_rows
from numbaexp.once import LOCK
from numbaexp.owners.table import owner_of, recorded

FLOATS = ("float16", "bfloat16", "float32", "float64")
# The bits of -infinity.
_NOTHING_IN_BFLOAT16 = 0xFF80


def float_type(x: np.ndarray, argument: str, dtype: Any = None) -> np.dtype:
    """The type that an argument is computed in: ``dtype`` where it is given, that of ``x`` where it is a float, and
    float64 for integers and bool."""
    given = x.dtype
    is_float = given.name in FLOATS
    if not is_float and given.kind not in "biu":
        raise TypeError(f"`{argument}` must be of type {', '.join(FLOATS)}, integers or bool; got {given}")
    wanted = np.dtype(dtype) if dtype is not None else given if is_float else np.dtype(np.float64)
    if dtype is not None and wanted.name not in FLOATS:
        raise TypeError(f"`dtype` must be one of {', '.join(FLOATS)}; got {wanted}")
    return wanted.newbyteorder("=")


def plain(x: Any, argument: str) -> np.ndarray:
    """What NumPy makes of an argument. A mask would be lost."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"`{argument}` must not be a masked array: give its data, and what is not masked as `where`")
    return np.asarray(x)


def mask_of(where: Any) -> np.ndarray | None:
    """Return the mask, or None where nothing is masked."""
    if where is None or where is True:
        return None
    mask = plain(where, "where")
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be of type bool; got {mask.dtype}")
    return mask


def common_type(**arguments: tuple[Any, np.ndarray]) -> np.dtype:
    """Return the float type of the product of two arguments, each as it is given and as an array, as NumPy promotes
    them: a number of Python's takes the type of the other."""
    types = [float_type(array, argument) for argument, (_, array) in arguments.items()]
    is_number = [type(given) in (bool, int, float) for given, _ in arguments.values()]
    strong = [each for each, weak in zip(types, is_number, strict=True) if not weak] or types
    if strong[0] == strong[-1]:
        return strong[0]
    product = np.multiply.resolve_dtypes((*(array.dtype for _, array in arguments.values()), None))[-1]
    return product if product.name in FLOATS else np.dtype(np.float64)


def common_shape(**arrays: np.ndarray | None) -> tuple[int, ...]:
    """Return the shape that arguments are broadcast to; None is left out."""
    shape: tuple[int, ...] | None = None
    before: list[str] = []
    for argument, array in arrays.items():
        if array is None:
            continue
        try:
            shape = array.shape if shape is None else np.broadcast_shapes(shape, array.shape)
        except ValueError:
            names = " and ".join(before)
            raise ValueError(f"`{argument}` must broadcast with {names} of shape {shape}; got {array.shape}") from None
        before.append(f"`{argument}`")
    return shape or ()


def broadcast(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a view of another shape, or the array itself, which takes less time."""
    return array if array.shape == shape else np.broadcast_to(array, shape)


def stored(array: np.ndarray | None) -> np.ndarray | None:
    """NumPy has no bfloat16 of its own: the kernels take its bits."""
    return array.view(np.uint16) if array is not None and array.dtype.name == "bfloat16" else array


def fits(array: np.ndarray, dtype: np.dtype, axes: tuple[int, ...]) -> bool:
    """Whether the kernels can go through an array as it lies."""
    if array.dtype != dtype or not array.dtype.isnative or not array.flags.aligned:
        return False
    return len(axes) == 1 or not array.size or find_rows(array.shape, (array.strides,), axes) is not None


def new(shape: tuple[int, ...], dtype: np.dtype, axes: tuple[int, ...]) -> np.ndarray:
    """An array whose axes are one dimension in memory."""
    if len(axes) == 1:
        return np.empty(shape, dtype)
    others = [axis for axis in range(len(shape)) if axis not in axes]
    order = [*others, *axes]
    made = np.empty([shape[axis] for axis in order], dtype)
    return made.transpose(np.argsort(order))


def read(
    x: np.ndarray, dtype: np.dtype, axes: tuple[int, ...], mask: np.ndarray | None = None, masked: float = -np.inf
) -> np.ndarray:
    """``x`` as the kernels can go through it, ``masked`` where it is masked: itself or a copy."""
    if mask is None and fits(x, dtype, axes):
        return x
    made = new(x.shape, dtype, axes)
    copy(x, made, mask, masked)
    return made


def copy(x: np.ndarray, target: np.ndarray, mask: np.ndarray | None, masked: float = -np.inf) -> None:
    """As it is converted, ``masked`` where it is masked."""
    with np.errstate(all="ignore"):
        if mask is None:
            np.copyto(target, x, "unsafe")
        else:
            kept = x.copy() if np.may_share_memory(x, target) else x
            target[...] = masked
            np.copyto(target, kept, "unsafe", where=mask)


def apart_or_same(x: np.ndarray, out: np.ndarray) -> bool:
    """Whether one can be read row by row while the other is written to."""
    same = x.__array_interface__["data"] == out.__array_interface__["data"] and x.strides == out.strides
    return same or not np.may_share_memory(x, out)


def on_host(name: str, dtype: str, axes: tuple[int, ...], **operands: np.ndarray | None) -> None:
    """Compute in the host's memory; see ``numbaexp.cpu.row_functions.Operands``."""
    from numbaexp.cpu import row_functions

    given = row_functions.Operands(**operands)  # type: ignore[arg-type]
    target = dispatch.current_target()
    if target == "cuda":
        from numbaexp.cuda import host

        host.rows(name, dtype, given, axes)
    else:
        row_functions.run(name, dtype, given, axes, target)


def on_views(name: str, dtype: str, views: list[np.ndarray], axes: tuple[int, ...]) -> None:
    """Compute on the memory of another library's arrays: one or two arguments, the result last, of the float type
    ``dtype``; bfloat16 is in uint16. An argument of integers is converted."""
    *inputs, result = (view.reshape(1) if view.ndim == 0 else view for view in views)
    if not inputs[0].size:
        # Of rows without elements there are logarithms of sums alone.
        result[...] = _NOTHING_IN_BFLOAT16 if dtype == "bfloat16" else -np.inf
        return
    x, *second = (read(view, result.dtype, axes) for view in inputs)
    target = result if fits(result, result.dtype, axes) else new(result.shape, result.dtype, axes)
    on_host(name, dtype, axes, x=x, w=second[0] if second else None, y=target)
    if target is not result:
        np.copyto(result, target)


def on_views_scaled(dtype: str, views: list[np.ndarray], grad_dtype: str, axes: tuple[int, ...]) -> None:
    """The gradient of a logarithm of a sum, on such memory: of its gradient, whose type is named, with the axes; of the
    argument; to the result."""
    grad, x, result = (view.reshape(1) if view.ndim == 0 else view for view in views)
    target = result if fits(result, result.dtype, axes) else new(result.shape, result.dtype, axes)
    on_host("scaled_softmax", dtype, axes, x=read(x, result.dtype, axes), extra=as_float64(grad, grad_dtype), y=target)
    if target is not result:
        np.copyto(result, target)


def as_float64(view: np.ndarray, dtype: str) -> np.ndarray:
    """A copy; bfloat16 is in uint16."""
    if dtype == "bfloat16":
        return (view.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return view.astype(np.float64)


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raise where the result cannot be stored."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"`out` must be an array; got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"`out` must be of the shape of the result, {shape}; got {out.shape}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"`out` must be of a type that {dtype} can be cast to; got {out.dtype}")
    if not out.flags.writeable:
        raise ValueError("`out` is read-only")


class Door:
    """``compute(x, out)``, or ``compute(x, w, out)``: whether a function has been computed along the last axis, as it
    is where all are contiguous arrays of one shape and type."""

    def __init__(self, name: str):
        self.name = name
        self.call: Callable[..., bool | None] = self._first

    def compute(self, *arrays: Any) -> bool | None:
        done = self.call(*arrays)
        if done is None:
            self.learn(arrays[0])
            done = self.call(*arrays)
        return done

    def _first(self, *arrays: Any) -> bool | None:
        # Compiling is for those who call; importing the package is not to wait for it.
        with LOCK:
            from numbaexp.cpu.row_entry import Quick

            quick = Quick(self.name)
            self.call, self.learn = quick.call, quick.learn
        return self.call(*arrays)


@in_default_mode
def shares(name: str, masked: float, x: Any, axis: Any, out: Any, dtype: Any, where: Any) -> Any:
    """A function of the shape of its argument, of which masked elements become ``masked``."""
    out = out[0] if type(out) is tuple and len(out) == 1 else out
    if owner_of(x) is not None or owner_of(out) is not None:
        result = recorded(name, (x,), {"axis": axis, "out": out, "dtype": dtype, "where": where})
        if result is not NotImplemented:
            return result
        from numbaexp.owners import row_flow

        row_flow.refuse(name, x, dtype=dtype, where=where)
        return row_flow.elementwise(name, x, out, axis, on_views)
    x, mask = plain(x, "x"), mask_of(where)
    kind, shape = float_type(x, "x", dtype), common_shape(x=x, where=mask)
    axes, is_widened = axes_of(axis, len(shape)), shape != x.shape
    if mask is not None:
        x, mask = broadcast(x, shape), broadcast(mask, shape)
    if out is not None:
        check_out(out, x.shape, kind)
        # The mask is looked at again when the results are written.
        mask = mask.copy() if mask is not None and np.may_share_memory(mask, out) else mask
    source = x.reshape(1) if x.ndim == 0 else x
    target = out.reshape(1) if out is not None and x.ndim == 0 else out
    if target is None or not fits(target, kind, axes):
        alike = not is_widened and fits(source, kind, axes)
        target = np.empty_like(source, kind, subok=False) if alike else new(source.shape, kind, axes)
    if mask is not None or not fits(source, kind, axes) or not apart_or_same(source, target):
        copy(source, target, None if mask is None else mask.reshape(source.shape))
        source = target
    if source.size:
        on_host(name, kind.name, axes, x=stored(source), y=stored(target))
    if mask is not None:
        np.copyto(target, masked, where=~mask.reshape(target.shape))
    if out is None:
        return target.reshape(x.shape)[()]
    if target.base is not out and target is not out:
        with np.errstate(all="ignore"):
            np.copyto(out, target.reshape(out.shape), "same_kind")
    return out
