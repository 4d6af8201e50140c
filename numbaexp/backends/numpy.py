"""NumPy's arrays, and all that NumPy can convert to one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from numbaexp.backends.adapter import Elements
from numbaexp.cpu.fast_rows import fast_rows
from numbaexp.operations import Kind, Operation
from numbaexp.scalar.forms import FLOATS


def device(array: Any, argument: str) -> str:
    return "cpu"


# The characters of the types that formulas compute in, and Python's numbers, whose types are weak.
_OTHERS = frozenset("gFDG")
_NUMBERS = (bool, int, float, complex)

# The name of the type to compute in, by the type of the array.
_types: dict[np.dtype, str] = {}


def read(x: Any, argument: str = "x") -> tuple[Elements, str]:
    array = x if type(x) is np.ndarray else as_ndarray(x, argument)
    dtype = _types.get(array.dtype)
    if dtype is None:
        dtype = _types[array.dtype] = float_type(array, argument).name
    return Elements(array, as_stored(array) if dtype == "bfloat16" else array), dtype


def write(given: Elements, out: Any, dtype: str) -> Elements:
    if out is None:
        return _elements(np.empty_like(given.array, dtype, subok=False))
    kind = np.dtype(dtype)
    check_out(out, kind)
    if out.dtype == kind and out.dtype.isnative and out.flags.aligned:
        return _elements(out)
    return apart(out, kind)


def check_out(out: Any, dtype: np.dtype) -> None:
    """Raise where a result of a type cannot be stored."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"`out` must be an array; got {type(out).__name__}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"`out` must be of a type that {dtype} can be cast to; got {out.dtype}")
    if not out.flags.writeable:
        raise ValueError("`out` is read-only")


def converted(given: Elements, dtype: str) -> Elements:
    """Return a copy in another type."""
    with np.errstate(all="ignore"):
        return _elements(given.array.astype(dtype))


def apart(out: np.ndarray, dtype: Any) -> Elements:
    """Return temporary memory for a result that is to be copied to ``out``."""
    return _elements(np.empty(out.shape, dtype))


def new(given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
    return _elements(np.empty(shape, dtype))


def finish(x: Any, out: Any, written: Elements) -> Any:
    if out is None:
        return written.array[()]
    if written.array is not out:
        with np.errstate(all="ignore"):
            np.copyto(out, written.array, "same_kind")
    return out


def compute_small(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute a function of contiguous rows; return NotImplemented for all else."""
    if operation.kind is not Kind.ROWS or operation.per_row or len(options) > 1:
        return NotImplemented
    axis, like = options["axis"], arrays[-1]
    if type(like) is not np.ndarray or not (axis == -1 or axis == like.ndim - 1):
        return NotImplemented
    result = np.empty_like(like) if out is None else out
    return result if fast_rows(operation.name).compute(*arrays, result) else NotImplemented


def _elements(array: np.ndarray) -> Elements:
    return Elements(array, as_stored(array))


def as_ndarray(x: Any, argument: str) -> np.ndarray:
    """Convert an argument to an ndarray. Raise for masked arrays, whose mask would be lost."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"`{argument}` must not be a masked array: give its data, and what is not masked as `where`")
    return np.asarray(x)


def as_stored(array: np.ndarray) -> np.ndarray:
    """Return the array as kernels take it: bfloat16, which NumPy itself does not have, as uint16."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def _has_kernels(x: Any) -> bool:
    """Tell whether an array is of a type that kernels were found for before."""
    return type(x) is np.ndarray and x.dtype in _types


def formula_type(labels: Sequence[str], arrays: Sequence[Any], dtype: Any) -> np.dtype | None:
    """Return the type in which a function of rows is computed where that is longdouble or complex, by NumPy's promotion
    of the arrays or as ``dtype`` says; else None."""
    if dtype is None and all(map(_has_kernels, arrays)):
        return None
    given = dict(zip(labels, arrays, strict=True))
    typed = {label: x if hasattr(x, "dtype") else np.asarray(x) for label, x in given.items()}
    others = {label for label, x in typed.items() if getattr(x.dtype, "char", None) in _OTHERS}
    wanted = None if dtype is None else np.dtype(dtype)
    if not others if wanted is None else wanted.char not in _OTHERS:
        return None
    for label in typed.keys() - others:
        float_type(typed[label], label)
    kind = np.result_type(*(x if type(x) in _NUMBERS else typed[label].dtype for label, x in given.items()))
    if wanted is not None and kind.kind == "c" and wanted.kind != "c":
        raise TypeError(f"`dtype` must be complex, as the argument is; got {wanted}")
    return (kind if wanted is None else wanted).newbyteorder("=")


def float_type(x: np.ndarray, argument: str, dtype: Any = None) -> np.dtype:
    """Return the type that an argument is computed in: ``dtype`` where it is given, that of ``x`` where it is a float,
    and float64 for integers and bool."""
    given = x.dtype
    is_float = given.name in FLOATS
    is_narrowed = dtype is not None and given.char == "g"
    if not is_float and given.kind not in "biu" and not is_narrowed:
        way = f": convert it, `{argument}.astype(np.float32)`" if np.can_cast(given, np.float32) else ""
        raise TypeError(f"`{argument}` must be of type {', '.join(FLOATS)}, integers or bool; got {given}{way}")
    wanted = np.dtype(dtype) if dtype is not None else given if is_float else np.dtype(np.float64)
    if dtype is not None and wanted.name not in FLOATS:
        raise TypeError(f"`dtype` must be one of {', '.join(FLOATS)}; got {wanted}")
    return wanted.newbyteorder("=")


def common_type(**arguments: tuple[Any, np.ndarray]) -> np.dtype:
    """Return the float type of the product of two arguments by NumPy's promotion, where Python's numbers are weak.

    Each argument is a pair of the given object and its array."""
    types = [float_type(array, argument) for argument, (_, array) in arguments.items()]
    is_number = [type(given) in (bool, int, float) for given, _ in arguments.values()]
    strong = [each for each, weak in zip(types, is_number, strict=True) if not weak] or types
    if strong[0] == strong[-1]:
        return strong[0]
    product = np.multiply.resolve_dtypes((*(array.dtype for _, array in arguments.values()), None))[-1]
    return product if product.name in FLOATS else np.dtype(np.float64)


def common_shape(**arrays: np.ndarray | None) -> tuple[int, ...]:
    """Return the shape that arguments broadcast to; None is skipped."""
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


def mask_of(where: Any) -> np.ndarray | None:
    """Return the mask, or None where nothing is masked."""
    if where is None or where is True:
        return None
    mask = as_ndarray(where, "where")
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be of type bool; got {mask.dtype}")
    return mask
