"""Refusals of results in other memory that PyTorch's own functions make too."""

from typing import Any

import torch


def refuse_out(name: str, tensors: tuple[Any, ...]) -> None:
    """Raise where ``out`` is given, and one of the tensors requires a gradient."""
    if torch.is_grad_enabled() and any(isinstance(each, torch.Tensor) and each.requires_grad for each in tensors):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )


def refuse_leaf(x: torch.Tensor) -> None:
    """Raise as PyTorch does, but before anything is computed."""
    if x.is_leaf and x.requires_grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if x._is_view() and x._base is not None and x._base.is_leaf and x._base.requires_grad:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
