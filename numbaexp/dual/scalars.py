"""The scalars by which functions of reals are computed; ``cpu`` and ``cuda`` give theirs."""

import functools
from collections.abc import Callable
from typing import Any

# The functions of two numbers.
OF_TWO = ("logaddexp", "logaddexp2")
_makers: dict[str, Callable[[str, str], Any]] = {}
_makers_of_two: dict[str, Callable[[str, str], Any]] = {}
_wide_makers: dict[str, Callable[[str], Any]] = {}


def register(target: str, make: Callable[[str, str], Any], make_wide: Callable[[str], Any] | None = None) -> None:
    """Have the scalars of a target, "cpu", "cuda" or "vectors", made by ``make(name, kind)``, of the kinds "float32"
    and "float64": a compiled function of a float, or of a vector of them; None where there is none.

    Those of the kind "wide" are made by ``make_wide(name)``, or are those of ``numbaexp.scalar.wide``.
    """
    _makers[target] = make
    _wide_makers[target] = make_wide or _wide


def register_of_two(target: str, make: Callable[[str, str], Any]) -> None:
    """Have the scalars of functions of two numbers made by ``make(name, kind)``, of all kinds, as ``register`` has."""
    _makers_of_two[target] = make


def _wide(name: str) -> Any:
    from numbaexp.scalar.wide import WIDE

    return WIDE[name]


@functools.cache
def scalar_of(name: str, kind: str, target: str) -> Any:
    """Return the scalar of a function for reals of a kind."""
    if name in OF_TWO:
        return _makers_of_two[target](name, kind)
    return _wide_makers[target](name) if kind == "wide" else _makers[target](name, kind)
