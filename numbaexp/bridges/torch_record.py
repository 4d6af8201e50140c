"""Which calls on tensors PyTorch has to know of."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.autograd import forward_ad

from numbaexp.dispatch import SERIAL_BELOW, current_target
from numbaexp.rows_dispatch import FLOATS
from numbaexp.scalar.family import FAMILY

# What has no behaviour of its own.
_PLAIN = (torch.Tensor, torch.nn.Parameter)
# That of the older ``vmap``, in which PyTorch goes through batches of gradients; it has no name in Python.
_VMAP = torch._C._parse_dispatch_key("VmapMode")
# By function and type: what computes small tensors, or None.
_small: dict[tuple[str, torch.dtype], Callable[[int, int, int], None] | None] = {}


class _Computing(threading.local):
    """Whether a call is one of the bridge's own, for which all has been recorded."""

    now = False


_computing = _Computing()


def unrecorded(function: Callable[..., torch.Tensor], *args: Any, **kwargs: Any) -> torch.Tensor:
    """Call a public function, of tensors as they are."""
    before, _computing.now = _computing.now, True
    try:
        return function(*args, **kwargs)
    finally:
        _computing.now = before


def record(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call where PyTorch has to know of it, or where a small tensor is soon computed; else NotImplemented."""
    if not _computing.now:
        requires_grad, plain = False, not _is_watched()
        for array in (*args, *kwargs.values()):
            if isinstance(array, torch.Tensor):
                plain = plain and type(array) in _PLAIN and not array.is_meta
                requires_grad = requires_grad or (plain and array.requires_grad)
            elif array is not None and hasattr(type(array), "__torch_function__"):
                return NotImplemented
        if not plain:
            from numbaexp.bridges.torch import call

            return call(name, args, kwargs)
        if requires_grad and torch.is_grad_enabled():
            from numbaexp.bridges.torch import call_recorded

            return call_recorded(name, args, kwargs)
    return _of_small(name, *args) if len(args) == 1 and is_without_out(kwargs) else NotImplemented


def is_without_out(kwargs: Mapping[str, Any]) -> bool:
    """Whether it is what an elementwise function hands on of an ordinary call."""
    return len(kwargs) == 1 and "out" in kwargs and kwargs["out"] is None


def _of_small(name: str, x: Any) -> Any:
    """An elementwise function of a tensor that takes no longer than to see it as an array of NumPy's."""
    try:
        compute = _small[name, x.dtype]
    except KeyError:
        compute = _small[name, x.dtype] = _find_small(name, x.dtype)
    n = x.numel()
    if compute is None or not 0 < n < SERIAL_BELOW or current_target() not in ("auto", "cpu"):
        return NotImplemented
    if not (x.is_cpu and x.layout is torch.strided and x.is_contiguous()) or x.is_neg() or x._is_zerotensor():
        return NotImplemented
    made = torch.empty_like(x)
    compute(x.data_ptr(), made.data_ptr(), n)
    return made


def _find_small(name: str, dtype: torch.dtype) -> Callable[[int, int, int], None] | None:
    from numbaexp.cpu.address_entry import at_addresses

    of_name = str(dtype).removeprefix("torch.")
    return at_addresses(name, of_name) if name in FAMILY and of_name in FLOATS else None


def _is_watched() -> bool:
    """Whether more goes on than the recording of gradients: transformations, tracing, modes, automatic casts."""
    return (
        torch._C._are_functorch_transforms_active()
        or torch._C._is_tracing()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._len_torch_function_stack() > 0
        or torch._C._is_any_autocast_enabled()
        or forward_ad._current_level >= 0
        or (torch._C._current_graph_task_id() != -1 and torch._C._dispatch_tls_is_dispatch_key_included(_VMAP))
    )
