"""The table of the package's functions, as data for dispatch, backends and integrations."""

import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Kind(enum.Enum):
    """Name the structures of functions: how results depend on elements."""

    ELEMENTWISE = enum.auto()
    # A result for each element, which depends on all of its row.
    ROWS = enum.auto()
    # A result for each row.
    REDUCTION = enum.auto()
    # Rows with targets, and a reduction over rows.
    LOSS = enum.auto()


@dataclass(frozen=True, eq=False)
class Operation:
    """Describe a function.

    Attributes
    ----------
    name : str
        The name of the public function.
    kind : Kind
        The structure.
    arrays : tuple of str
        The names of the array arguments.
    like : str
        The array whose shape and type the result has; a reduction's shape is without the axes.
    optional : tuple of str
        The arrays that may be None.
    per_row : tuple of str
        The arrays of one element for each row.
    options : mapping of str
        The parameters that derivatives support, with their defaults.
    host_only : tuple of str
        The further parameters, for arrays of NumPy alone.
    masked : float or None
        The result where ``where`` is false; of a reduction, that of rows without elements.
    kernel : str
        The name of the kernels, where that differs.
    float32_under_autocast : tuple of str
        The devices on which ``torch.autocast`` computes in float32, as for PyTorch's own function of that name.
    """

    name: str
    kind: Kind
    arrays: tuple[str, ...]
    like: str
    optional: tuple[str, ...] = ()
    per_row: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    host_only: tuple[str, ...] = ()
    masked: float | None = None
    kernel: str = ""
    float32_under_autocast: tuple[str, ...] = ()

    @functools.cached_property
    def is_gradient(self) -> bool:
        """Tell whether the first array is the gradient of another function's result."""
        return self.arrays[0] == "grad_output"

    @functools.cached_property
    def like_index(self) -> int:
        """Return the index of the array ``like``."""
        return self.arrays.index(self.like)


_UFUNC = ("where", "casting", "order", "dtype", "subok", "signature")


def _elementwise(name: str, saved: str, autocast: tuple[str, ...] = ()) -> list[Operation]:
    """Describe a function of one argument and its gradient, which needs the argument or the result."""
    return [
        Operation(name, Kind.ELEMENTWISE, ("x",), "x", host_only=_UFUNC, float32_under_autocast=autocast),
        Operation(f"{name}_backward", Kind.ELEMENTWISE, ("grad_output", saved), "grad_output", host_only=_UFUNC),
    ]


def _softmax_like(name: str, masked: float) -> list[Operation]:
    options = {"axis": -1}
    return [
        Operation(
            name,
            Kind.ROWS,
            ("x",),
            "x",
            options=options,
            host_only=("dtype", "where"),
            masked=masked,
            float32_under_autocast=("cuda",),
        ),
        Operation(f"{name}_backward", Kind.ROWS, ("grad_output", "output"), "output", options=options),
    ]


_LOSS = {"ignore_index": -100, "reduction": "mean", "label_smoothing": 0.0, "axis": None}

_ALL = [
    *_elementwise("exp", "output", ("cuda",)),
    *_elementwise("exp2", "output"),
    *_elementwise("exp10", "output", ("cuda",)),
    *_elementwise("expm1", "x", ("cuda",)),
    *_elementwise("sigmoid", "x"),
    *_elementwise("softplus", "x", ("cuda",)),
    *_softmax_like("softmax", 0.0),
    *_softmax_like("log_softmax", float("-inf")),
    Operation(
        "logsumexp",
        Kind.REDUCTION,
        ("a",),
        "a",
        options={"axis": None, "keepdims": False},
        host_only=("b", "return_sign", "where"),
        masked=float("-inf"),
        float32_under_autocast=("cuda",),
    ),
    Operation(
        "logsumexp_backward",
        Kind.ROWS,
        ("grad_output", "x"),
        "x",
        per_row=("grad_output",),
        options={"axis": None},
        kernel="scaled_softmax",
    ),
    Operation(
        "cross_entropy",
        Kind.LOSS,
        ("logits", "targets", "weight"),
        "logits",
        optional=("weight",),
        options=_LOSS,
        float32_under_autocast=("cpu", "cuda"),
    ),
    Operation(
        "cross_entropy_backward",
        Kind.LOSS,
        ("grad_output", "logits", "targets", "weight"),
        "logits",
        optional=("weight",),
        options=_LOSS,
    ),
]

OPERATIONS = {operation.name: operation for operation in _ALL}


def named(kind: Kind) -> tuple[str, ...]:
    """Return the names of the functions of a kind."""
    return tuple(name for name, operation in OPERATIONS.items() if operation.kind is kind)
