"""The table of the package's functions, as data for dispatch, backends and integrations."""

import enum
from collections.abc import Mapping
from typing import Any


class Kind(enum.Enum):
    """Name the structures of functions: how results depend on elements."""

    ELEMENTWISE = enum.auto()
    # A result for each element, which depends on all of its row.
    ROWS = enum.auto()
    # A result for each row.
    REDUCTION = enum.auto()
    # A result for each of some places of rows, which an array of integers selects.
    SELECTION = enum.auto()
    # Rows with targets, and a reduction over rows.
    LOSS = enum.auto()


_NO_OPTIONS: Mapping[str, Any] = {}


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
        The parameters that derivatives support, with their defaults; any other is for arrays of NumPy alone.
    masked : float or None
        The result where ``where`` is false; of a reduction, that of rows without elements.
    kernel : str
        The name of the kernels.
    float32_under_autocast : tuple of str
        The devices on which ``torch.autocast`` computes in float32, as for PyTorch's own function of that name.
    is_gradient : bool
        Whether the first array is the gradient of another function's result.
    like_index : int
        The index of the array ``like``.
    required : tuple of str
        The arrays that are not optional.
    results : int
        The number of results: 1, but for some functions that users write.
    is_custom : bool
        Whether a user has written the function, or one whose derivative this is.
    """

    results, is_custom = 1, False

    def __init__(
        self,
        name: str,
        kind: Kind,
        arrays: tuple[str, ...],
        like: str,
        *,
        optional: tuple[str, ...] = (),
        per_row: tuple[str, ...] = (),
        options: Mapping[str, Any] = _NO_OPTIONS,
        masked: float | None = None,
        kernel: str = "",
        float32_under_autocast: tuple[str, ...] = (),
    ) -> None:
        self.name, self.kind, self.arrays, self.like = name, kind, arrays, like
        self.optional, self.per_row, self.options, self.masked = optional, per_row, options, masked
        self.kernel, self.float32_under_autocast = kernel or name, float32_under_autocast
        self.is_gradient, self.like_index = arrays[0] == "grad_output", arrays.index(like)
        self.required = tuple(array for array in arrays if array not in optional)


def _elementwise(name: str, saved: str, autocast: tuple[str, ...] = ()) -> list[Operation]:
    """Describe a function of one argument and its gradient, which needs the argument or the result."""
    return [
        Operation(name, Kind.ELEMENTWISE, ("x",), "x", float32_under_autocast=autocast),
        Operation(f"{name}_backward", Kind.ELEMENTWISE, ("grad_output", saved), "grad_output"),
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
    *_elementwise("log", "x", ("cuda",)),
    *_elementwise("log2", "x", ("cuda",)),
    *_elementwise("log10", "x", ("cuda",)),
    *_elementwise("log1p", "x", ("cuda",)),
    *_elementwise("sinh", "x", ("cuda",)),
    *_elementwise("cosh", "x", ("cuda",)),
    *_elementwise("tanh", "x"),
    *_elementwise("log_sigmoid", "x"),
    *_elementwise("logit", "x"),
    *_softmax_like("softmax", 0.0),
    *_softmax_like("log_softmax", float("-inf")),
    Operation(
        "logsumexp",
        Kind.REDUCTION,
        ("a", "b"),
        "a",
        optional=("b",),
        options={"axis": None, "keepdims": False},
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
        "log_prob",
        Kind.SELECTION,
        ("logits", "index"),
        "logits",
        options={"axis": -1},
        float32_under_autocast=("cuda",),
    ),
    Operation(
        "log_prob_backward",
        Kind.SELECTION,
        ("grad_output", "logits", "index"),
        "logits",
        options={"axis": -1},
    ),
    Operation(
        "entropy",
        Kind.REDUCTION,
        ("logits",),
        "logits",
        options={"axis": -1, "keepdims": False},
        masked=0.0,
        float32_under_autocast=("cuda",),
    ),
    Operation(
        "entropy_backward",
        Kind.ROWS,
        ("grad_output", "logits"),
        "logits",
        per_row=("grad_output",),
        options={"axis": -1},
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
