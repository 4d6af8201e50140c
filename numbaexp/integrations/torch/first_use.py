"""The operators as they are from the import of both packages on: known by name, while their kernels are imported with
the first use of one.

A saved program names operators before any function of this package is called.
"""

import re
from collections.abc import Callable
from typing import Any

import torch

from numbaexp.engine import tracing
from numbaexp.integrations.torch.schemas import NAMES, until_used
from numbaexp.operations import Operation

# The hash in the name of an operator of a user's function.
_OF_USERS = re.compile("_[0-9a-f]{32}")
_Base: Any = type(torch.ops.numbaexp)


class _Namespace(_Base):
    """Import the kernels where Python looks an operator up: PyTorch asks it which kernels there are, and keeps the
    answers."""

    # Saved programs name their operators by it.
    __module__ = _Base.__module__

    def __getattr__(self, name: str) -> Any:
        if name in NAMES:
            from numbaexp.integrations.torch import operators  # noqa: F401
        try:
            return super().__getattr__(name)
        except AttributeError:
            if not _OF_USERS.search(name):
                raise
        from numbaexp.integrations.torch.custom_operators import register_named

        if register_named(name):
            return super().__getattr__(name)
        raise AttributeError(
            f"`torch.ops.numbaexp.{name}` is of no function that `numbaexp.elementwise` has made here: import the "
            "module that defines the function; another version of the function has another name"
        )


def _prepare(operation: Operation) -> None:
    from numbaexp.integrations.torch.custom_operators import operator_of

    operator_of(operation)


def _from_cpp(name: str) -> Callable[..., torch.Tensor]:
    """Make the kernel that C++ calls first, in a program that ``torch.jit`` has saved."""

    def call(*arguments: Any) -> torch.Tensor:
        return getattr(torch.ops.numbaexp, name).default(*arguments)

    return call


def _run_traceable(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    # The compiler imports while it traces.
    from numbaexp.integrations.torch.intercept import run_traceable

    return run_traceable(name, arrays, out, options)


torch.ops.numbaexp.__class__ = _Namespace
for _name in NAMES:
    until_used.impl(_name, _from_cpp(_name), "CompositeImplicitAutograd")
tracing.register(_run_traceable, _prepare)
