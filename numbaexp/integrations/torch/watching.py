"""Tests for calls that PyTorch has to see: records, transforms, traces or casts."""

import torch
from torch.autograd import forward_ad

# Every call asks these, and each attribute on the way to them would take as long as the answer.
are_transforms_active = torch._C._are_functorch_transforms_active
is_tracing = torch._C._is_tracing
dispatch_modes, function_modes = torch._C._len_torch_dispatch_stack, torch._C._len_torch_function_stack
_is_any_autocast_enabled = torch._C._is_any_autocast_enabled
_graph_task_id, _is_key_included = torch._C._current_graph_task_id, torch._C._dispatch_tls_is_dispatch_key_included

# Classes without a behaviour of their own.
ORDINARY = (torch.Tensor, torch.nn.Parameter)
# The dispatch key of the older ``vmap``, which PyTorch uses for batched gradients; Python has no name for the key.
_VMAP = torch._C._parse_dispatch_key("VmapMode")


def is_watched() -> bool:
    """Tell whether transformations, tracing, dispatch modes, autocast or forward mode are active."""
    return (
        are_transforms_active()
        or is_tracing()
        or dispatch_modes() > 0
        or function_modes() > 0
        or _is_any_autocast_enabled()
        or forward_ad._current_level >= 0
        or (_graph_task_id() != -1 and _is_key_included(_VMAP))
    )
