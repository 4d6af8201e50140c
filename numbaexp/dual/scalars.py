"""The scalars by which functions of reals are computed; ``cpu`` and ``cuda`` give theirs."""

import functools
from collections.abc import Callable
from typing import Any

_makers: dict[str, Callable[[str, str], Any]] = {}


def register(target: str, make: Callable[[str, str], Any]) -> None:
    """Have the scalars of a target, "cpu", "cuda" or "vectors", made by ``make(name, kind)``, of the kinds "float32"
    and "float64", for "cpu" of "wide" too: a compiled function of a float, or of a vector of them."""
    _makers[target] = make


@functools.cache
def scalar_of(name: str, kind: str, target: str) -> Any:
    """Return the scalar of a function for reals of a kind."""
    if kind == "wide" and target != "cpu":
        from numbaexp.scalar.wide import WIDE

        return WIDE[name]
    return _makers[target](name, kind)
