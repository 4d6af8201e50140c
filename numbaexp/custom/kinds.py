"""Kinds of the values in a user's function, as far as they are known before there are types."""

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np


class Kind(enum.Enum):
    """Name the kinds of values that have no parts; the values describe them in messages."""

    # Depends on an argument.
    NUMBER = "a number"
    # The rest are the same for all elements, but for integers that a loop counts.
    FLOAT = "a constant"
    INTEGER = "an integer"
    BOOL = "a comparison"
    NOTHING = "None"
    TEXT = "a string"
    RANGE = "a range"


@dataclass(frozen=True)
class Literal:
    """An integer that stands in the function, or is the value of a name."""

    value: int


@dataclass(frozen=True)
class Iteration:
    """An iterator, and a step of one."""

    over: Any


class Known:
    """A Python object, and the names by which the function reaches it."""

    def __init__(self, value: Any, path: tuple[str, ...]) -> None:
        self.value, self.path, self.name = value, path, ".".join(path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and self.value is other.value and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)


_INT64 = range(-(2**63), 2**63)


def frozen(value: Any) -> Any:
    """Return a value that may stand in a function as Python's own number, or tuple of them; None if it may not."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if int(value) in _INT64 else None
    if isinstance(value, (float, np.float16, np.float32)):
        return float(value)
    if type(value) is tuple:
        items = tuple(map(frozen, value))
        return None if None in items else items
    return None


def kind_of(value: Any) -> Any:
    """Return the kind of a frozen value."""
    if isinstance(value, tuple):
        return tuple(map(kind_of, value))
    if isinstance(value, bool):
        return Kind.BOOL
    return Literal(value) if isinstance(value, int) else Kind.FLOAT


def variable(kind: Any) -> Any:
    """Return the kind of a variable that holds a value: no literal."""
    if isinstance(kind, tuple):
        return tuple(map(variable, kind))
    return Kind.INTEGER if isinstance(kind, Literal) else kind


def is_integer(kind: Any) -> bool:
    """Tell whether a value is an integer."""
    return kind is Kind.INTEGER or isinstance(kind, Literal)


def is_numeric(kind: Any) -> bool:
    """Tell whether a value is a number, or a constant that becomes one."""
    return kind in {Kind.NUMBER, Kind.FLOAT} or is_integer(kind)


def arithmetic(kinds: list[Any]) -> Any:
    """Return the kind of a sum of numeric values."""
    if Kind.NUMBER in kinds:
        return Kind.NUMBER
    return Kind.FLOAT if Kind.FLOAT in kinds else Kind.INTEGER


def joined(a: Any, b: Any) -> Any:
    """Return the kind of a value that is of one kind or the other; None if there is none."""
    if a == b:
        return a
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        items = tuple(map(joined, a, b))
        return None if None in items else items
    return arithmetic([a, b]) if is_numeric(a) and is_numeric(b) else None


def described(kind: Any) -> str:
    """Return the words for a kind in messages."""
    if isinstance(kind, tuple):
        return f"a tuple of {len(kind)}"
    if isinstance(kind, Known):
        return f"`{kind.name}`"
    return kind.value if isinstance(kind, Kind) else "an integer" if isinstance(kind, Literal) else "an iterator"
