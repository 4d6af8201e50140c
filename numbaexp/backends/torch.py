"""PyTorch's tensors, with the type promotion of ``torch.exp``."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd.graph import increment_version

from numbaexp.backends import huge_pages
from numbaexp.backends.adapter import Elements, check_mask
from numbaexp.backends.overlap import refuse_repeats
from numbaexp.cpu.fast_rows import fast_rows
from numbaexp.layout import Strided
from numbaexp.operations import Kind, Operation
from numbaexp.target import AUTO, CPU, SERIAL_BELOW, current_target

_FLOATS = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
}
_TYPES = {name: dtype for dtype, name in _FLOATS.items()}
_OF_NUMPY = (torch.float16, torch.float32, torch.float64)
_ELEMENTWISE, _ROWS = Kind.ELEMENTWISE, Kind.ROWS
_ON_ONE_THREAD = (AUTO, CPU)
_REAL = (bool, int, float, np.generic)
_NUMBERS = (*_REAL, torch.SymBool, torch.SymInt, torch.SymFloat)
# Others are rounded from float64 by no instruction.
_WITH_NUMBERS = (torch.float32, torch.float64)
_Tensor, _address, _empty_like = torch.Tensor, torch.Tensor.data_ptr, torch.empty_like


def asarray(array: Any, x: torch.Tensor) -> Any:
    """Convert a list to a tensor of PyTorch's default type, unless ``x`` is on a device."""
    return torch.as_tensor(array) if isinstance(array, (list, tuple)) and x.is_cpu else array


def select(mask: Any, x: torch.Tensor, value: float, out: torch.Tensor | None = None) -> torch.Tensor:
    mask = _as_tensor(mask, x, "where")
    check_mask(mask.dtype)
    return torch.where(mask, x, value) if out is None else out.masked_fill_(~mask, value)


def convert(x: torch.Tensor, dtype: str) -> torch.Tensor:
    return x.to(_TYPES[dtype])


def together(a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = _as_tensor(a, b, "a"), _as_tensor(b, a, "b")
    dtype = _product_type(a, b)
    return torch.broadcast_tensors(a.to(dtype), b.to(dtype))


def _product_type(a: torch.Tensor, b: torch.Tensor) -> torch.dtype:
    """Return the float type of a product; PyTorch's compiler does not know ``torch.result_type``."""
    for first, second in ((a, b), (b, a)):
        is_weak = not second.is_floating_point() or second.ndim == 0 < first.ndim
        if first.is_floating_point() and is_weak:
            return first.dtype
    return torch.promote_types(a.dtype, b.dtype) if a.is_floating_point() else torch.get_default_dtype()


def _as_tensor(array: Any, x: Any, argument: str) -> torch.Tensor:
    """Return an argument as a tensor on the device of the tensor ``x``; nothing but a number is copied there."""
    if isinstance(array, torch.Tensor):
        if isinstance(x, torch.Tensor) and array.device != x.device:
            raise ValueError(f"`{argument}` must be on {x.device}, as the other array is; got {array.device}")
        return array
    if isinstance(array, (bool, int, float)) or x.is_cpu:
        return torch.as_tensor(array, device=x.device)
    raise TypeError(f"`{argument}` must be a torch.Tensor on {x.device}; got a {type(array).__name__}")


def alike(labels: Sequence[str], arrays: Sequence[Any]) -> Sequence[torch.Tensor]:
    """Return arguments, numbers among them, as tensors of one shape and float type."""
    return torch.broadcast_tensors(*promoted(labels, arrays))


def promoted(labels: Sequence[str], arrays: Sequence[Any]) -> list[torch.Tensor]:
    """Return arguments, numbers among them, as tensors of the float type that PyTorch computes in."""
    like = next(x for x in arrays if isinstance(x, torch.Tensor))
    tensors = []
    for label, x in zip(labels, arrays, strict=True):
        if isinstance(x, torch.Tensor):
            float_type(x, label)
            if x.device != like.device:
                raise ValueError(f"`{label}` must be on {like.device}, as another array is; got {x.device}")
            tensors.append(x)
        elif isinstance(x, _NUMBERS):
            # By way of float64, for overflow is no error.
            tensors.append(torch.full((), x, dtype=torch.float64, device=like.device))
        else:
            raise TypeError(f"`{label}` must be a number or a torch.Tensor; got a {type(x).__name__}")
    dtype = _promoted_type(arrays)
    return [x if x.dtype is dtype else x.to(dtype) for x in tensors]


def _promoted_type(arrays: Sequence[Any]) -> torch.dtype:
    """Return the float type of a function of several tensors: a type is weaker in a tensor without dimensions, and
    weakest in a number."""
    tensors = [x for x in arrays if isinstance(x, torch.Tensor) and x.is_floating_point()]
    of_dims = [x.dtype for x in tensors if x.ndim]
    types = of_dims or [x.dtype for x in tensors]
    return functools.reduce(torch.promote_types, types) if types else torch.get_default_dtype()


def device(array: torch.Tensor, argument: str) -> str:
    if array.layout is not torch.strided or array.is_quantized:
        layout = "quantized" if array.is_quantized else array.layout
        raise TypeError(f"`{argument}` must be a dense tensor; got a tensor of layout {layout}")
    if array.is_cpu:
        return "cpu"
    if not array.is_cuda:
        raise TypeError(f"`{argument}` must be on a CPU or a CUDA device; got a tensor on {array.device}")
    return f"cuda:{array.device.index}"


def float_type(x: torch.Tensor, argument: str) -> str:
    """Return the name of the type that a tensor is computed in."""
    dtype = _FLOATS.get(x.dtype)
    if dtype is None:
        if x.is_floating_point() or x.is_complex():
            way = f": convert it, `{argument}.to(torch.float32)`" if str(x.dtype).startswith("torch.float8") else ""
            raise TypeError(f"`{argument}` must be of a float, integer or bool type; got {x.dtype}{way}")
        dtype = _FLOATS[torch.get_default_dtype()]
    return dtype


def read(x: torch.Tensor, argument: str = "x") -> tuple[Elements, str]:
    dtype = float_type(x, argument)
    if x.requires_grad:
        x = x.detach()
    if type(x) is not torch.Tensor:
        x = x.as_subclass(torch.Tensor)
    if x.is_neg():
        x = x.resolve_neg()
    if x._is_zerotensor():
        x = x.clone()  # which has memory
    # No loop of NumPy's can convert to it; classes stay integers, whatever the default type is.
    if dtype == "bfloat16" and x.is_cpu and argument != "targets":
        x = x.to(torch.bfloat16)
    return Elements(x, _view(x)), dtype


def write(given: Elements, out: torch.Tensor | None, dtype: str) -> Elements:
    x = given.array
    if out is not None:
        check_out(x, out, dtype)
        if out.dtype is _TYPES[dtype] and not out.is_neg():
            return Elements(out, _view(out.detach() if out.requires_grad else out))
        refuse_repeats(out.shape, out.stride())
    made = _new(x, dtype)
    return Elements(made, _view(made))


def new(given: Elements, dtype: str, shape: tuple[int, ...]) -> Elements:
    made = given.array.new_empty(shape, dtype=_TYPES[dtype])
    return Elements(made, _view(made))


def stream(x: torch.Tensor, out: torch.Tensor | None) -> int:
    return torch.cuda.current_stream(x.device).cuda_stream


def scratch(x: torch.Tensor, count: int) -> tuple[torch.Tensor, int]:
    made = x.new_empty(count, dtype=torch.float64)
    return made, made.data_ptr()


def threads() -> int:
    return torch.get_num_threads()


def finish(x: torch.Tensor, out: torch.Tensor | None, written: Elements) -> torch.Tensor:
    if out is None:
        return written.array
    if out is written.array:
        # Autograd detects by it that a saved tensor has been modified.
        increment_version(out)
    else:
        out.copy_(written.array)
    return out


def compute_small(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute small contiguous tensors in host memory; return NotImplemented for all else."""
    if operation.kind is _ELEMENTWISE and not options:
        if not operation.is_custom and not all(isinstance(x, _Tensor) for x in arrays):
            return NotImplemented
        if out is None:
            return small(operation)(*arrays)
        return _small_into(operation, arrays, out) if operation.results == 1 else NotImplemented
    given = arrays if out is None else (*arrays, out)
    if operation.kind is not _ROWS or current_target() not in _ON_ONE_THREAD or not _are_plain(*given):
        return NotImplemented
    made = torch.empty_like(arrays[-1]) if out is None else out
    if not _rows_into(made, operation, arrays, options):
        return NotImplemented
    if out is not None:
        increment_version(out)
    return made


@functools.cache
def small(operation: Operation) -> Callable[..., Any]:
    """Return a function that computes small contiguous tensors in host memory at the addresses of their elements, and
    returns NotImplemented for all else.

    Each step takes a good part of the time that the computation does.
    """
    if operation.is_custom:
        return _small_of_several(operation)
    compute_of: dict[torch.dtype, Any] = {}

    def of_one(x: torch.Tensor) -> Any:
        n = x.numel()
        if not x.is_cpu or not x.is_contiguous() or x.is_neg() or not 0 < n < SERIAL_BELOW:
            return NotImplemented
        compute = compute_of.get(x.dtype) or learn(x.dtype)
        target = current_target()
        if compute is None or (target is not AUTO and target is not CPU):
            return NotImplemented
        try:
            address = x.data_ptr()
        except RuntimeError:  # sparse, or batched by the older vmap
            return NotImplemented
        if not address:  # a tensor of zeros that has no memory
            return NotImplemented
        made = _empty_like(x)
        compute(address, made.data_ptr(), n)
        return made

    def of_two(x: torch.Tensor, y: torch.Tensor) -> Any:
        n = y.numel()
        if not (y.is_cpu and y.is_contiguous() and x.is_cpu and x.is_contiguous() and 0 < n < SERIAL_BELOW):
            return NotImplemented
        compute = compute_of.get(y.dtype) or learn(y.dtype)
        target = current_target()
        if compute is None or (target is not AUTO and target is not CPU) or x.is_neg() or y.is_neg():
            return NotImplemented
        if x.dtype is not y.dtype or x.shape != y.shape:
            return NotImplemented
        try:
            first, second = x.data_ptr(), y.data_ptr()
        except RuntimeError:
            return NotImplemented
        if not first or not second:
            return NotImplemented
        made = _empty_like(y)
        compute(first, second, made.data_ptr(), n)
        return made

    def learn(dtype: torch.dtype) -> Any:
        compute_of[dtype] = _at_addresses(operation, dtype)
        return compute_of[dtype]

    return of_two if operation.is_gradient else of_one


def _small_of_several(operation: Operation) -> Callable[..., Any]:
    """Return the same of a function of any number of arguments: tensors of one shape and type, and beside them numbers
    and tensors without dimensions."""
    compute_of: dict[torch.dtype, Any] = {}
    results = operation.results

    def of_several(*arrays: Any) -> Any:
        like = arrays[0]
        if not isinstance(like, _Tensor) or not like.ndim:
            tensors = [x for x in arrays if isinstance(x, _Tensor)]
            like = next((x for x in tensors if x.ndim), tensors[0])
        n, shape, dtype, target = like.numel(), like.shape, like.dtype, current_target()
        if not 0 < n < SERIAL_BELOW or (target is not AUTO and target is not CPU):
            return NotImplemented
        compute, operands = compute_of.get(dtype) or learn(dtype), []
        try:
            for x in arrays:
                if isinstance(x, _Tensor) and x.dtype is dtype and x.shape == shape:
                    operands.append(x.data_ptr() or None if x.is_cpu and x.is_contiguous() and not x.is_neg() else None)
                else:
                    operands.append(_as_float(x, like))
        except RuntimeError:  # sparse, or batched by the older vmap
            return NotImplemented
        if compute is None or None in operands:
            return NotImplemented
        if results == 1:
            made = _empty_like(like)
            compute(*operands, made.data_ptr(), n)
            return made
        several = tuple(_empty_like(like) for _ in range(results))
        compute(*operands, *map(_address, several), n)
        return several

    def learn(dtype: torch.dtype) -> Any:
        compute_of[dtype] = _at_addresses(operation, dtype)
        return compute_of[dtype]

    return of_several


def _as_float(x: Any, like: torch.Tensor) -> float | None:
    """Return what is the same for all elements, and weaker than the type of others, as a number of Python's."""
    if isinstance(x, _Tensor) and like.ndim and x.is_cpu and not x.ndim:
        x = x.item()
    return float(x) if isinstance(x, _REAL) and like.dtype in _WITH_NUMBERS else None


def _are_plain(*tensors: Any) -> bool:
    """Tell whether these are small contiguous tensors in host memory, of one shape and type."""
    like = tensors[0]
    for x in tensors:
        if not isinstance(x, torch.Tensor) or not (x.is_cpu and x.layout is torch.strided and x.is_contiguous()):
            return False
        if x is not like and (x.dtype is not like.dtype or x.shape != like.shape):
            return False
        if x.is_neg() or x._is_zerotensor() or not 0 < x.numel() < SERIAL_BELOW:
            return False
    return True


def _small_into(operation: Operation, arrays: tuple[torch.Tensor, ...], out: torch.Tensor) -> Any:
    if current_target() not in _ON_ONE_THREAD or not _are_plain(*arrays, out) or not _are_apart_or_same(arrays, out):
        return NotImplemented
    compute = _at_addresses(operation, out.dtype)
    if compute is None:
        return NotImplemented
    compute(*map(_address, arrays), out.data_ptr(), out.numel())
    increment_version(out)
    return out


def _rows_into(
    made: torch.Tensor, operation: Operation, arrays: tuple[torch.Tensor, ...], options: dict[str, Any]
) -> bool:
    """Compute along the last axis; tell whether this could be done."""
    axis = options["axis"]
    if operation.per_row or made.dtype not in _OF_NUMPY or len(options) > 1 or axis not in (-1, made.ndim - 1):
        return False
    views = [(x.detach() if x.requires_grad else x).numpy() for x in (*arrays, made)]
    return bool(fast_rows(operation.name).compute(*views))


def _are_apart_or_same(tensors: tuple[torch.Tensor, ...], out: torch.Tensor) -> bool:
    """Tell whether the memory of no tensor overlaps that of ``out`` in part."""
    distances = [abs(x.data_ptr() - out.data_ptr()) for x in tensors]
    return all(distance == 0 or distance >= out.nbytes for distance in distances)


@functools.cache
def _at_addresses(operation: Operation, dtype: torch.dtype) -> Callable[..., None] | None:
    from numbaexp.cpu.address_entry import at_addresses

    return at_addresses(operation, _FLOATS[dtype]) if dtype in _FLOATS else None


def _new(x: torch.Tensor, dtype: str) -> torch.Tensor:
    """Return a tensor of the strides that the result of ``torch.exp`` has."""
    # PyTorch has rules of its own for the strides of empty tensors.
    made = torch.empty_like(x, dtype=_TYPES[dtype]) if x.numel() else torch.exp(x).to(_TYPES[dtype])
    if made.is_cpu and made.nbytes >= huge_pages.LARGE:
        huge_pages.ask_for(made.data_ptr(), made.nbytes)
    return made


def check_out(x: torch.Tensor, out: torch.Tensor, dtype: str) -> None:
    """Raise where a result of the shape of ``x`` cannot be stored; resize an empty ``out``."""
    if out.dtype not in _FLOATS:
        raise TypeError(f"`out` must be of a float type, to hold torch.{dtype}; got {out.dtype}")
    # ``out.shape`` would record the shapes in a trace; the compiler does not know ``is_same_size``.
    if not (out.shape == x.shape if torch.compiler.is_compiling() else out.is_same_size(x)):
        if out.numel():
            raise ValueError(f"`out` must be of the shape of the result, {tuple(x.shape)}; got {tuple(out.shape)}")
        out.resize_(x.shape).as_strided_(x.shape, _new(x, dtype).stride())


def _view(x: torch.Tensor) -> np.ndarray | Strided:
    if x.is_cpu:
        return x.view(torch.uint16).numpy() if x.dtype is torch.bfloat16 else x.numpy()
    strides = tuple(step * x.itemsize for step in x.stride())
    return Strided(x.data_ptr(), tuple(x.shape), strides, str(x.dtype).removeprefix("torch."), x.device.index)
