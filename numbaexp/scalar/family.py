"""The table of the family: where the scalars of each function are. A new function is a row here.

A kernel is made of the modules of its own function, so these are imported when they are asked for.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from numbaexp.operations import OPERATIONS, Kind, named

_ROOM = __name__.rpartition(".")[0]
# For each function the module of its scalars, where they have the function's name in capital letters.
_SCALARS = {
    "exp": "powers",
    "exp2": "powers",
    "exp10": "powers",
    "expm1": "expm1",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
}
# For those whose fast phase is made of pairs the module with ``make_`` and its name: ``make(powers)`` returns
# ``pair(x)``, which returns (high, low, size): the exact result is within ``powers.error`` times size of high + low.
_PAIRS = {"expm1": "tabled_expm1", "sigmoid": "tabled_sigmoid", "softplus": "tabled_softplus"}
# For each gradient what it saves of a call; ``numbaexp.scalar.gradients`` has them in each type.
SAVED = {name: OPERATIONS[name].arrays[1] for name in named(Kind.ELEMENTWISE) if OPERATIONS[name].is_gradient}


class _Family(Mapping[str, Any]):
    """The scalar of each function in each float type, by their names."""

    def __getitem__(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{_ROOM}.{_SCALARS[name]}"), name.upper())

    def __iter__(self) -> Iterator[str]:
        return iter(_SCALARS)

    def __len__(self) -> int:
        return len(_SCALARS)


FAMILY = _Family()


def arity(name: str) -> int:
    """Return the number of inputs of a function or a gradient."""
    return 2 if name in SAVED else 1


def has_pair(name: str) -> bool:
    """Tell whether the fast phase of a function is made of pairs."""
    return name in _PAIRS


def make_pair(name: str, powers: Any) -> Any:
    """Return the pair of a function, of certain powers."""
    return getattr(importlib.import_module(f"{_ROOM}.{_PAIRS[name]}"), f"make_{name}")(powers)


def modules_of(name: str) -> tuple[str, ...]:
    """Return the modules that are a function's own, or none of a gradient."""
    return tuple(f"{_ROOM}.{table[name]}" for table in (_SCALARS, _PAIRS) if name in table)
