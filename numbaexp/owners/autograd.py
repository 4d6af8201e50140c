"""Tensors of ``numbaexp.autograd``, calls on which are recorded."""

from typing import Any

from numbaexp.autograd.calls import record

__all__ = ["place", "record"]


def place(array: Any, argument: str) -> str:
    """What is computed on is the array of a tensor: this is asked where no gradient can be taken."""
    raise TypeError(f"`{argument}` must not be a tensor of `numbaexp.autograd` here: give its `data`")
